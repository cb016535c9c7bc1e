from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.jobs.arguments import JobFiles
from interlude.jobs.perform import perform
from interlude.plan.trainings import Training


@pytest.fixture
def carry_out(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Callable[..., JobFiles]:
    """A function: carry out a training in a new folder, under its id, and return its files."""

    def of(training: Training, **places: Any) -> JobFiles:
        folder = tmp_path / f"trained-{len(list(tmp_path.iterdir()))}" / training.id
        places = {"encoded": encoded[training.part.form], "model": model, "folder": folder} | places
        files = tiny.files(**places)
        perform(tiny.job(training, files), 1, lambda _: None)
        return files

    return of
