"""A metric of evaluate on the hub: at its commit, its Python files alone, none of them run."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.hub_server import Hub
from helpers.own_metric import write_metric

from interlude.data.fetch.metrics import prepare_metric
from interlude.errors import InputError
from interlude.files import check_files, read_manifest
from interlude.plan.evaluated import Evaluated, HubMetric

SPACE = "lab/balanced"
TASK = Path("mine.yaml")


@pytest.fixture
def commit(hub: Hub, tmp_path: Path) -> str:
    """The commit of a metric; main has moved on since."""
    script = (write_metric(tmp_path / "balanced") / "balanced.py").read_bytes()
    files = {"balanced.py": script, "rows.py": b"raise RuntimeError('run')\n"}
    repository = hub.repositories[f"spaces/{SPACE}"]
    first = repository.commit({**files, "README.md": b"A metric.", "tests/test.py": b""}, "v1")
    repository.commit({"balanced.py": b"other"})
    return first


def metric(commit: str) -> Evaluated:
    return Evaluated(hub=HubMetric(id=SPACE, revision=commit), score="balanced")


def test_its_python_files_are_those_of_the_commit(hub: Hub, commit: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = prepare_metric(metric(commit), TASK, out)
    assert {path.name for path in out.iterdir()} == {"balanced.py", "rows.py", "manifest.json"}
    assert (out / "balanced.py").read_bytes() == (tmp_path / "balanced/balanced.py").read_bytes()
    assert manifest["source"]["hub"]["commit"] == commit
    assert manifest == read_manifest(out)
    check_files(out)


def test_a_commit_that_is_not_there_is_named(hub: Hub, commit: str, tmp_path: Path) -> None:
    missing = "0" * 40
    message = rf"^mine.yaml: key evaluate.hub: {SPACE} at {missing}: no such revision"
    with pytest.raises(InputError, match=message):
        prepare_metric(metric(missing), TASK, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_space_that_is_no_metric_is_named(hub: Hub, tmp_path: Path) -> None:
    commit = hub.repositories[f"spaces/{SPACE}"].commit({"app.py": b""})
    with pytest.raises(InputError, match=r"no file balanced\.py, .* Found: app\.py\."):
        prepare_metric(metric(commit), TASK, tmp_path / "out")
