"""Metrics: functions of predictions and references, one of each per example.

A metric is a module with a function of the same name, found by that name and loaded when it is
asked for. Formulas are scikit-learn's where it has them. Scores lie in 0..1, correlations in -1..1.
The first number of a metric is the score that tables show; the rest is recorded beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from interlude.errors import unknown

Scores = dict[str, float]
Reference = dict[str, Any]
Metric = Callable[[Sequence[Any], Sequence[Any]], Scores]


def metric_names() -> list[str]:
    """Return the names of all metrics, sorted."""
    modules = Path(__file__).parent.glob("*.py")
    return sorted(module.stem for module in modules if module.name != "__init__.py")


def metric_of(name: str) -> Metric:
    """Return a metric; InputError for an unknown one."""
    known = metric_names()
    if name not in known:
        raise unknown(str(Path(__file__).parent), "metric", name, known)
    metric: Metric = getattr(import_module(metric_module(name)), name)
    return metric


def metric_module(name: str) -> str:
    """Return the module of a metric, by which `plan.digest` knows what is loaded."""
    return f"{__name__}.{name}"
