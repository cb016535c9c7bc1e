"""Some metrics are defined for two labels: the second is what is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from interlude.errors import InputError, few

TWO_LABELS = ("accuracy_f1", "multirc", "record")


def check_label_count(metric: str, labels: Sequence[str], where: str) -> None:
    """Raise InputError when a task's labels are not as many as its metric is defined for."""
    if metric in TWO_LABELS and len(labels) != 2:
        raise InputError(
            f"{where}: key labels: found {len(labels)} ({few(labels)}). "
            f"Allowed: two, with the metric {metric}."
        )
