"""The file of an intermediate encoder: its weights, and how its run ended.

A run without a result leaves a file without weights, so that the runs that wait for it can say
why they were not trained.
"""

from __future__ import annotations

from pathlib import Path

from interlude.training.tensor_file import Facts, Tensors, broken, read_tensors, save_tensors
from interlude.training.tensor_file import read_facts as read_any_facts

Weights = Tensors

STATUSES = ("ok", "diverged", "failed")


def save_encoder(path: Path, weights: Weights, facts: Facts) -> None:
    """Write weights with facts about them: `status`, one of STATUSES, and more.

    Raises InputError when the place cannot be written.
    """
    save_tensors(path, weights, facts)


def read_facts(path: Path) -> Facts:
    """Return the facts kept with an encoder; InputError when the file is broken."""
    facts = read_any_facts(path)
    status = facts.get("status")
    if status not in STATUSES:
        raise broken(path, f"its status is {status!r}")
    return facts


def read_weights(path: Path) -> Weights:
    """Return the weights of an encoder; InputError when the file is broken."""
    weights, _ = read_tensors(path)
    return weights
