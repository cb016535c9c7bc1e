"""Estimators: one number for a source and a target. A module per method, found by its name.

A module is called like its method, with underscores for hyphens, and has `ESTIMATOR`: the paper,
what it is computed from, and the function. Every number is higher for a better source. None of them
reads a file or needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

CLASSES, CHOICES, NUMBERS = "classes", "choices", "numbers"  # kinds of labels


class NotApplicableError(Exception):
    """A method that cannot say anything here: the message says why, and there is no number."""


@dataclass(frozen=True)
class Labelled:
    """The examples of a target as an encoder shows them to a head, row by row.

    A row is an example; of tagging, a word; of a choice, one of its answers. features: what the
    head would read, float64 [rows, width]. kind: classes, labels are int [rows], from 0; choices,
    labels are 1 for the right answer and 0 for others; numbers, labels are float [rows]. groups:
    rows of the same number belong together (the words of an example, the answers to a question),
    int [rows]. predicted: what the head of the source makes of the rows, probabilities of the
    source's classes, float64 [rows, classes]; None where it has no classes for them.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    kind: str
    predicted: np.ndarray | None = None


@dataclass(frozen=True)
class Estimator:
    """What a method is.

    paper: where it is from. serves: kinds of a target's labels. value: (rows) -> the number;
    NotApplicableError where it has none.
    """

    paper: str
    serves: tuple[str, ...]
    value: Callable[[Labelled], float]

    def of(self, rows: Labelled) -> float:
        """Return the number for a source; NotApplicableError, with a reason, without one."""
        if rows.kind not in self.serves:
            raise NotApplicableError(f"it is for {' and '.join(self.serves)}, not {rows.kind}")
        if len(np.unique(rows.labels)) < 2:
            raise NotApplicableError("all rows have the same label")
        value = float(self.value(rows))
        if not np.isfinite(value):
            raise NotApplicableError(f"the number is {value}")
        return value


def estimator_of(method: str) -> Estimator:
    """Return the estimator of a method that reads labelled features."""
    found: Any = import_module(f"{__name__}.{method.replace('-', '_')}")
    estimator: Estimator = found.ESTIMATOR
    return estimator
