"""Samplers: how many examples of each task an epoch of a mixture has, and in which order.

A sampler is a module with a function of the same name, found by that name and loaded when it is
asked for. It gets the number of training examples of each task, int [tasks], and a generator,
and returns the number of the task of each example of one epoch, int [examples], in random order.
One that goes by scores gets, from the second epoch on, how far each task lags behind as well,
float [tasks], and its module has a function `shares` of sizes and lags.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

Sampler = Callable[..., np.ndarray]


def sampler_of(name: str) -> Sampler:
    """Return a sampler; ModuleNotFoundError for an unknown one."""
    sampler: Sampler = getattr(import_module(sampler_module(name)), name)
    return sampler


def shares_of(name: str) -> Callable[..., np.ndarray]:
    """Return how a sampler that goes by scores shares out an epoch."""
    shares: Callable[..., np.ndarray] = import_module(sampler_module(name)).shares
    return shares


def sampler_module(name: str) -> str:
    """Return the module of a sampler, by which `plan.digest` knows what is loaded."""
    return f"{__name__}.{name}"


def shuffled(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return so many examples of each task in random order: int [tasks] -> int [examples]."""
    return rng.permutation(np.repeat(np.arange(len(counts)), counts))
