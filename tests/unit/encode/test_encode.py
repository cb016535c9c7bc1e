"""Encoded Arrow files: what is in them, and what happens when they are broken."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers import tiny

from interlude.encode.encoding import CHUNK, encode_task
from interlude.encode.read import Header, read_encoded, read_header
from interlude.encode.tokenizer import load_tokenizer
from interlude.encode.truncation import FLAGS
from interlude.errors import InputError
from interlude.files import read_manifest
from interlude.forms import rows_of

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def encode(
    folder: Path, form: str, rows: list[dict[str, Any]], model: Path, length: int = 32
) -> Any:
    """Return the rows of the Arrow file of normalised rows."""
    data = tiny.write_task(folder / "data", form, {"train": rows, "validation": rows[:1]})
    encode_task(data, folder, form, model, length)
    return read_encoded(folder / "train.arrow").to_pylist()


@pytest.mark.parametrize("form", tiny.FORMS)
def test_file_holds_what_the_form_gives_with_ids_and_sizes(
    form: str, model: Path, tokenizer: Any, tmp_path: Path
) -> None:
    rows = tiny.rows(form, 9)
    found = encode(tmp_path, form, rows, model)
    wanted = rows_of(form).encode(rows, tokenizer, 32)
    for row, example, with_flags in zip(rows, found, wanted, strict=True):
        from_form = {name: value for name, value in with_flags.items() if name not in FLAGS}
        lengths = [len(ids) for ids in from_form["input_ids"]]
        sizes = {"length": max(lengths), "tokens": sum(lengths)}
        assert example == {"id": row["id"], **sizes, **from_form}


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_split_of_one_row_is_encoded(form: str, model: Path, tmp_path: Path) -> None:
    assert len(encode(tmp_path, form, tiny.rows(form, 1), model)) == 1


@pytest.mark.parametrize("form", tiny.FORMS)
def test_encoding_twice_gives_the_same_bytes(form: str, model: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        encode(tmp_path / name, form, tiny.rows(form, 9), model)
        contents.append((tmp_path / name / "train.arrow").read_bytes())
    assert contents[0] == contents[1]


def test_rows_of_several_chunks_stay_in_order(model: Path, tmp_path: Path) -> None:
    rows = tiny.rows("tagging", CHUNK + 3)
    found = encode(tmp_path, "tagging", rows, model, length=8)
    assert [example["id"] for example in found] == [row["id"] for row in rows]
    assert [example["tags"] for example in found] == [row["tags"] for row in rows]


def test_types_do_not_depend_on_what_the_first_chunk_holds(model: Path, tmp_path: Path) -> None:
    rows = tiny.rows("spans", CHUNK + 1)
    for row in rows[:CHUNK]:
        row["labels"] = []
    found = encode(tmp_path, "spans", rows, model)
    assert [example["labels"] for example in found] == [*[[]] * CHUNK, sorted(rows[-1]["labels"])]


@pytest.mark.parametrize(("form", "column"), [("tagging", "tags"), ("spans", "labels")])
@pytest.mark.parametrize(("count", "kind"), [(32_768, "int16"), (32_769, "int32")])
def test_more_labels_than_two_bytes_can_number_are_encoded(
    form: str,
    column: str,
    count: int,
    kind: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(tiny.LABELS, form, [f"L{number}" for number in range(count)])
    rows = tiny.rows(form, 3)
    rows[2][column] = [count - 1] * len(rows[2][column])
    assert encode(tmp_path, form, rows, model)[2][column] == sorted(set(rows[2][column]))[:1] * (
        len(rows[2][column]) if form == "tagging" else 1
    )
    types = read_encoded(tmp_path / "train.arrow").schema
    assert str(types.field(column).type.value_type) == kind


def test_a_length_beyond_the_model_is_refused(model: Path, tmp_path: Path) -> None:
    message = r"config: key max_length: found 65\. Allowed: at most 64, the longest of"
    with pytest.raises(InputError, match=message):
        encode(tmp_path, "single", tiny.rows("single", 2), model, 65)
    assert not (tmp_path / "train.arrow").exists()


def test_a_file_tells_the_labels_and_what_pads(model: Path, tmp_path: Path) -> None:
    encode(tmp_path, "tagging", tiny.rows("tagging", 2), model)
    pad_id = json.loads((model / "config.json").read_text())["pad_token_id"]
    for part in ("train", "validation"):
        header = read_header(read_encoded(tmp_path / f"{part}.arrow"))
        assert header == Header(tiny.LABELS["tagging"], pad_id)


@pytest.mark.parametrize("kept", [0, 6, 200, -10])
def test_a_broken_arrow_file_is_named(kept: int, encoded: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "train.arrow"
    broken.write_bytes((encoded["single"] / "train.arrow").read_bytes()[:kept])
    with pytest.raises(InputError, match=r"train\.arrow: not a readable Arrow file"):
        read_encoded(broken)


def test_the_file_is_mapped_and_not_read(encoded: dict[str, Path]) -> None:
    before = pa.total_allocated_bytes()
    table = read_encoded(encoded["span"] / "train.arrow")
    assert table.num_rows == 24
    assert pa.total_allocated_bytes() - before < 1000


def test_a_slow_tokenizer_is_refused(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    shutil.copytree(model, folder)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps({"a": 0}), encoding="utf8")
    config = {"tokenizer_class": "CanineTokenizer"}  # one that has no fast version
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf8")
    with pytest.raises(InputError, match=r"slow: the tokenizer has no fast version"):
        load_tokenizer(folder)


@pytest.mark.parametrize("made_from", [None, "0123456789abcdef"])
def test_the_script_encodes_both_splits_and_says_from_what(
    made_from: str | None, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("pair", 3))
    tiny.write_task(tmp_path / "data", "pair", parts)
    options = ["--data", f"{tmp_path}/data", "--model", str(model), "--form", "pair"]
    arguments = [*options, "--max-length", "16", "--out", f"{tmp_path}/out"]
    told = [] if made_from is None else ["--made-from", made_from]
    monkeypatch.setattr(sys, "argv", ["encode.py", *arguments, *told])
    runpy.run_path(str(SCRIPTS / "encode.py"), run_name="__main__")
    arrows = ["train.arrow", "validation.arrow"]
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == ["manifest.json", *arrows]
    manifest = read_manifest(tmp_path / "out")
    assert manifest.pop("files").keys() == set(arrows)
    assert manifest.pop("truncation").keys() == {"train", "validation"}
    assert manifest == {"data_revision": "tiny 1.0", "made_from": made_from}


def test_an_unknown_form_is_refused(model: Path, tmp_path: Path) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("pair", 3))
    data = tiny.write_task(tmp_path / "data", "pair", parts)
    with pytest.raises(InputError, match=r"unknown form 'pairs'\. Did you mean 'pair'"):
        encode_task(data, tmp_path / "out", "pairs", model, 16)
    assert not (tmp_path / "out").exists()
