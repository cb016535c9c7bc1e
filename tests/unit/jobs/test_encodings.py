"""An encoding that was made elsewhere is taken from there where all that made it is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.files import read_manifest
from interlude.jobs.encodings import Encoding

ROWS = tiny.rows("pair", 12)


def encoding(folder: Path, model: Path, train: int = 8, revision: str = "tiny 1.0") -> Encoding:
    """Write a task with so many training rows, and return how it is to be encoded."""
    parts = {"train": ROWS[:train], "validation": ROWS}
    data = tiny.write_task(folder, "pair", parts, revision)
    return Encoding(data, model, "pair", 32, made_from=None, code="code")


def test_an_encoding_is_taken_where_all_that_it_was_made_from_is_the_same(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same, other = (encoding(tmp_path / f"data-{n}", model, train=n) for n in (8, 9))

    def encode(how: Encoding, **changes: Any) -> tuple[bool, bytes]:
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        replace(how, **changes).take_or_make(out, tmp_path / "shared")
        taken = "copied from" in capsys.readouterr().err
        return taken, (out / "train.arrow").read_bytes()

    first = encode(same)
    assert not first[0]
    assert encode(same) == (True, first[1])
    assert not encode(other)[0]
    assert not encode(same, max_length=24)[0]
    assert not encode(same, code="other")[0]


def test_an_encoding_that_was_taken_tells_of_the_data_that_it_stands_for(
    model: Path, tmp_path: Path
) -> None:
    for name in ("of a hub", "of a mirror"):
        how = replace(encoding(tmp_path / name, model, revision=name), made_from=f"{name}, now")
        how.take_or_make(tmp_path / name / "out", tmp_path / "shared")
        manifest = read_manifest(tmp_path / name / "out")
        sizes = {part: manifest["truncation"][part]["examples"] for part in manifest["truncation"]}
        assert sizes == {"train": 8, "validation": 12}
        assert (manifest["data_revision"], manifest["made_from"]) == (name, f"{name}, now")
