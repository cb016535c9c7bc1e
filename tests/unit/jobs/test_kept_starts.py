"""Which starts are there for another task, and why others are left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interlude.jobs.kept_starts import (
    BROKEN,
    GONE,
    OTHER_BASE,
    UNUSABLE,
    KeptStart,
    kept_starts,
    no_starts,
)
from interlude.plan.methods import FULL


def keep(trained: Path, id: str, task: str = "one", tokens: int = 5, **changes: Any) -> Path:
    """Leave a start with its record, as a training does."""
    folder = trained / id
    (folder / "start").mkdir(parents=True)
    for name in ("manifest.json", "encoder.safetensors"):
        (folder / "start" / name).touch()
    record = {
        "training": id,
        "start": None,
        "model": "mini",
        "status": "ok",
        "tokens": tokens,
        "hyperparameters": {"layers": None},
        "parts": [{"task": task}],
    }
    (folder / "record.json").write_text(json.dumps(record | changes))
    return folder


def test_of_each_task_the_start_with_most_tokens_and_others_with_their_reasons(
    tmp_path: Path,
) -> None:
    keep(tmp_path, "a1", tokens=5)
    keep(tmp_path, "a2", tokens=9)
    keep(tmp_path, "b1", task="two")
    keep(tmp_path, "c1", task="three", model="other")
    keep(tmp_path, "c2", task="three", hyperparameters={"layers": 2})
    keep(tmp_path, "c3", task="three", hyperparameters={"layers": None, "method": {"name": "lora"}})
    keep(tmp_path, "d1", task="four", start="a1")
    keep(tmp_path, "d2", task="four", status="diverged")
    keep(tmp_path, "d3", task="four", parts=[{"task": "one"}, {"task": "two"}])
    (keep(tmp_path, "e1", task="five") / "start/encoder.safetensors").unlink()
    (keep(tmp_path, "f1") / "record.json").write_text("{")
    found, left_out = kept_starts(tmp_path, "mini", None, FULL)
    assert found == {"one": KeptStart("one", "a2", 9), "two": KeptStart("two", "b1", 5)}
    assert left_out == {OTHER_BASE: 3, UNUSABLE: 3, GONE: 1, BROKEN: 1}


def test_where_none_is_there_one_line_says_what_is_needed(tmp_path: Path) -> None:
    keep(tmp_path, "c1", model="other")
    found, left_out = kept_starts(tmp_path, "mini", None, FULL)
    assert not found
    said = str(no_starts("my.yaml", "mini", left_out))
    assert said.startswith("my.yaml: key recommend.budget: found minutes, but results/trained has")
    assert "Left out: 1 of another encoder or method." in said
