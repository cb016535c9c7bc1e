"""A second study, in another working folder, takes what the first one has made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import Project, copy_project

SHARED = Path("results/shared")
RECORDS = [Path(f"runs/intermediate/none/sarcasm/{restart}.json") for restart in (1, 2)]


@pytest.fixture
def elsewhere(finished: Project, tmp_path: Path) -> Project:
    """Another working folder that has only the data and the model."""
    other = copy_project(tmp_path / "elsewhere")
    for part in ("archives", "data", "models"):
        shutil.copytree(finished.root / "results" / part, other.root / "results" / part)
    return other


def test_another_study_elsewhere_encodes_and_trains_nothing_again(
    finished: Project, elsewhere: Project
) -> None:
    first = finished.root / "results/tiny"
    folder = json.dumps({"shared": str(finished.root / SHARED)})
    elsewhere.run("intermediate", "--config", "study=again", f"compute={folder}")
    again = elsewhere.root / "results/again"
    for path in RECORDS:
        record, known = (json.loads((study / path).read_text()) for study in (again, first))
        assert record["taken_from"].startswith(f"tiny, restart {record['restart']}, 20")
        assert record["score"] == known["score"]
        predictions = path.with_suffix(".parquet")
        assert (again / predictions).read_bytes() == (first / predictions).read_bytes()
    (log,) = (elsewhere.root / "results/logs/encode").rglob("sarcasm-*.log")
    assert "taken from there" in log.read_text()
    assert not (elsewhere.root / SHARED).exists()
