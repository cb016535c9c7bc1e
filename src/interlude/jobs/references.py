"""The trainings on one task alone that a sampler compares the tasks of a mixture with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interlude.errors import InputError
from interlude.jobs.collect import read_record
from interlude.plan.trainings import Part
from interlude.training.data import TaskData
from interlude.training.reference import reference_scores

ROUNDING = 1e-6  # of a score


def lost_reference(records: Sequence[Path]) -> tuple[str, str] | None:
    """Return status and reason of a training that has a reference without result, else None."""
    for path in records:
        record = read_record(path)
        if record["status"] != "ok":
            tasks = " + ".join(part["task"] for part in record["parts"])
            return record["status"], f"{tasks} alone, to compare with: {record['status']}"
    return None


def scores_of(records: Sequence[Path]) -> tuple[float, ...]:
    """Return the scores of references on the examples held aside; InputError if one has none."""
    return tuple(_score(path) for path in records)


def _score(path: Path) -> float:
    (part,) = read_record(path)["parts"]
    score = (part.get("held_aside") or {}).get("score")
    if score is None:
        raise InputError(f"{path}: no score on examples held aside. Delete it and run again.")
    return float(score)


def check_comparable(part: Part, data: TaskData) -> None:
    """Refuse a metric whose scores do not lie in 0..1 or -1..1, where they are to be compared.

    As far as it can be seen before training: by constant predictions and guesses.
    """
    for score in reference_scores(data.on_held_aside()):
        if not abs(score) <= 1 + ROUNDING:
            raise InputError(
                f"task {part.task}: key metric: {part.metric} gives {score:.4g} for guesses. "
                "Allowed in a study with the sampler dynamic, which compares the scores of tasks: "
                "a metric of 0 to 1, or of -1 to 1."
            )
