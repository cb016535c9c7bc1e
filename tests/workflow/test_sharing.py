"""A second study, in another working folder, takes what the first one has made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers.project import Project, copy_prepared

SHARED = Path("results/shared")


@pytest.fixture
def elsewhere(finished: Project, tmp_path: Path) -> Project:
    """Another working folder that has only the data and the model."""
    other = copy_prepared(finished, tmp_path / "elsewhere", own_sources=True)
    shutil.rmtree(other.root / "results/encoded")
    return other


def test_another_study_elsewhere_encodes_and_trains_nothing_again(
    finished: Project, elsewhere: Project
) -> None:
    folder = json.dumps({"shared": str(finished.root / SHARED)})
    sharing = ("--config", "study=again", f"compute={folder}")
    elsewhere.run("targets", *sharing)
    cells = elsewhere.cells("again", role="intermediate") + elsewhere.cells("again", role="target")
    assert len(cells) == len(elsewhere.trained_at()) == 10
    for cell in cells:
        training = Path("results/trained", cell.training)
        record, known = (each.record_in(training) for each in (elsewhere, finished))
        assert record.pop("taken_from").startswith(f"{cell.name}, 20")
        assert record == known
        predictions = training / "predictions.parquet"
        assert (elsewhere.root / predictions).read_bytes() == (
            finished.root / predictions
        ).read_bytes()
        assert "copied from" in elsewhere.log(training)
        assert "step" not in elsewhere.log(training)
    logs = list((elsewhere.root / "results/logs/encode").rglob("*.log"))
    assert len(logs) == 3
    assert all("copied from" in log.read_text() for log in logs)
    assert not (elsewhere.root / SHARED).exists()

    with elsewhere.edited(
        "src/interlude/training/optimizer.py", "weight.ndim > 1", "weight.ndim > 2"
    ):
        training = elsewhere.trained("again", source="none", task="privacy-qa", restart=1)
        elsewhere.run(f"{training}/record.json", *sharing)
    assert "taken_from" not in elsewhere.record_in(training)
    assert "step" in elsewhere.log(training)
