"""The trainings of first light beside one on one task: mixtures, masked texts, adapters, heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.light.material import MINILM, TINY, Bag
from bench.light.runs import Run
from bench.material import BENCH, Material
from interlude.plan.methods import method_of
from interlude.plan.settings import Settings
from interlude.plan.trainings import MLM, Part

# As small as the tiny encoder, whose hidden states are 32 wide.
METHODS: tuple[dict[str, Any], ...] = (
    {"name": "lora", "r": 4, "dropout": 0.1},
    {"name": "lora", "r": 4, "dora": True},
    {"name": "loha", "r": 4},
    {"name": "lokr", "r": 4},
    {"name": "hra", "r": 4},
    {"name": "ia3"},
    {"name": "bottleneck", "reduction": 4},
)
SECOND = 16  # examples of a mixture's second task: fewer than of the first
REFERENCES = (0.9, 0.6)


def mixtures(bag: Bag, settings: Settings) -> list[Run]:
    """Return mixtures of tiny tasks, with masked language modelling beside a task among them."""

    def tasks(*forms: str) -> list[Material]:
        first, *rest = (bag.task(TINY, form) for form in forms)
        return [first, *(each.cut(SECOND) for each in rest)]

    pair = tasks("pair")
    return [
        _mixture(tasks("pair", "tagging"), settings, "size", "mixed"),
        _mixture(tasks("choice", "span"), settings, "uniform", "alternating"),
        _mixture(tasks("single", "pair"), settings, "temperature", "mixed", heads="by-labels"),
        _mixture(tasks("pair", "regression"), settings, "proportional", "mixed"),
        _mixture(pair, settings, "size", "mixed", parts=_with_masked(pair)),
        _mixture(pair, settings, "uniform", "alternating", parts=_with_masked(pair)),
    ]


def standardised(bag: Bag, settings: Settings) -> Run:
    """Return a task whose targets, numbers, are standardised; its loss is told in their unit."""
    task = _with(bag.task(TINY, "regression"), standardise=True)
    return Run("regression, standardised", (task,), settings)


def by_scores(bag: Bag, settings: Settings) -> Run:
    """Return a mixture whose sampler goes by the scores of examples held aside."""
    tasks = [_with(bag.task(TINY, form), held_aside=True) for form in ("pair", "single")]
    return replace(_mixture(tasks, settings, "dynamic", "mixed"), references=REFERENCES)


def adapters(bag: Bag, settings: Settings) -> list[Run]:
    """Return a tiny task with each adapter, and with heads alone on a frozen encoder."""
    task = bag.task(TINY, "pair")
    frozen = Run("pair, frozen encoder", (task,), settings, {"frozen": True})
    return [*(_adapted(task, settings, each) for each in METHODS), frozen]


def mixtures_in_minilm(bag: Bag, settings: Settings, examples: int) -> list[Run]:
    """Return a mixture, and a task with masked texts, at MiniLM's shape.

    examples: of each task.
    """
    tasks = [bag.task(MINILM, name).cut(examples) for name in ("privacy-qa-128", "sarcasm-128")]
    return [
        _mixture(tasks, settings, "size", "mixed"),
        _mixture(tasks[:1], settings, "size", "mixed", parts=_with_masked(tasks[:1])),
    ]


def adapters_in_minilm(bag: Bag, settings: Settings, examples: int) -> list[Run]:
    """Return a task with the two best-known adapters at MiniLM's shape."""
    task = bag.task(MINILM, "privacy-qa-128").cut(examples)
    return [_adapted(task, settings, {"name": name}) for name in ("lora", "bottleneck")]


def _mixture(
    tasks: Sequence[Material], settings: Settings, sampler: str, mixing: str, **ways: Any
) -> Run:
    named = [part.task for part in ways.get("parts", [task.part for task in tasks])]
    heads = [f"heads {ways['heads']}"] if "heads" in ways else []
    name = ", ".join([" + ".join(named), sampler, mixing, *heads, *_shape(tasks[0])])
    given = {"sampler": sampler, "mixing": mixing, "kept": "per-task", **ways}
    return Run(name, tuple(tasks), settings, given)


def _adapted(task: Material, settings: Settings, method: dict[str, Any]) -> Run:
    called = "dora" if method.get("dora") else method["name"]
    name = ", ".join([task.part.task, called, *_shape(task)])
    return Run(name, (task,), settings, {"method": method_of(method)})


def _shape(task: Material) -> list[str]:
    return ["MiniLM's shape"] if task.model.name == MINILM else []


def _with_masked(tasks: Sequence[Material]) -> tuple[Part, ...]:
    """Return the parts of a training that masks the texts of its tasks as well."""
    parts = tuple(task.part for task in tasks)
    return *parts, Part(MLM, MLM, "masked_accuracy", BENCH, texts=parts)


def _with(task: Material, **changes: Any) -> Material:
    return replace(task, part=replace(task.part, **changes))
