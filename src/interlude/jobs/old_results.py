"""Results of an older release."""

from __future__ import annotations

from pathlib import Path

from interlude.errors import InputError


def refuse_old_results(study: Path) -> None:
    """Raise InputError for the folder of a study that an older release has made.

    Such a folder has records by role, source, task and restart, and one table of runs.
    """
    old = [study / name for name in ("runs", "encoders", "runs.parquet") if (study / name).exists()]
    if old:
        raise InputError(
            f"{old[0]}: found results of an older release, which are not read. Move {study} away, "
            "or give the study another name (key study), and run again: trainings are in "
            "results/trained now."
        )
