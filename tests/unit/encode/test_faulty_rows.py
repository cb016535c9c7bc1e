"""A row that a form cannot take is named: its file, split, number and text, and what is wrong."""

from __future__ import annotations

import json
import math
import runpy
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers import tiny
from pyarrow import ipc

from interlude.encode.check import check_encoded
from interlude.encode.encoding import encode_task
from interlude.encode.faulty_rows import FaultyRowError, check_examples
from interlude.encode.read import read_encoded
from interlude.errors import InputError, RunError
from interlude.files import sha256_of

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "workflow/scripts"


@pytest.mark.parametrize(
    ("form", "change", "what"),
    [
        ("single", {"label": 2}, "key label: found 2. Allowed: 0 to 1."),
        ("single", {"label": None}, "key label: found nothing."),
        ("pair", {"label": -1}, "key label: found -1. Allowed: 0 to 1."),
        ("pair", {"text_b": None}, "form pair: "),
        ("choice", {"label": 7}, "key label: found 7. Allowed: 0 to "),
        ("span", {"end": 999}, "key start, end: found "),
        ("span-pair", {"span2_start": -3}, "key span2_start, span2_end: found -3 to "),
        ("word-in-context", {"end_b": 99}, "key start_b, end_b: found "),
        ("spans", {"labels": [0, 3]}, "key labels: found 3. Allowed: 0 to 2."),
        ("span-choice", {"label": -2}, "key right: found -2. Allowed: -1 to "),
        ("span-choice", {"label": 5}, "key right: found 5. Allowed: -1 to "),
        ("multi-label", {"labels": [0, 3]}, "key labels: found 3. Allowed: 0 to 2."),
        ("tagging", {"tags": [0, 4, 0]}, "key tags: found 4. Allowed: 0 to 3."),
        ("tagging", {"tags": [0]}, "key tags: found 1 for "),
        ("regression", {"value": math.nan}, "key value: found nan. Allowed: "),
        ("regression", {"value": math.inf}, "key value: found inf. Allowed: "),
    ],
)
def test_a_normalised_row_that_the_form_cannot_take_is_named(
    form: str, change: dict[str, Any], what: str, model: Path, tmp_path: Path
) -> None:
    content = tiny.rows(form, 30)
    content[16] |= change
    data = tiny.write_task(
        tmp_path / "data", form, {"train": tiny.rows(form, 20), "validation": content}
    )
    with pytest.raises(InputError) as caught:
        encode_task(data, tmp_path / "out", form, model, 32)
    message = str(caught.value)
    assert message.startswith(f"{data / 'validation.parquet'}: split 'validation', row 17 ('")
    assert what in message
    assert not (tmp_path / "out/validation.arrow").exists()
    assert not list((tmp_path / "out").glob(".*"))


def test_a_row_is_numbered_from_the_start_of_a_long_file(model: Path, tmp_path: Path) -> None:
    content = tiny.rows("single", 2010)
    content[2002] |= {"label": 5, "text": "a film " * 40}
    parts = {"train": content, "validation": tiny.rows("single", 8)}
    data = tiny.write_task(tmp_path / "data", "single", parts)
    with pytest.raises(InputError, match=r"split 'train', row 2003 \('(a film ){8}a f…'\): key"):
        encode_task(data, tmp_path / "out", "single", model, 32)


@pytest.mark.parametrize(
    ("column", "faulty", "what"),
    [
        ("input_ids", [[1, 2], [3, 9]], "key input_ids: found 9. Allowed: 0 to 8."),
        ("input_ids", [[1, 2], [3, None]], "key input_ids: found nothing."),
        ("input_ids", [[1, 2], None], "key input_ids: found nothing."),
        ("input_ids", None, "key input_ids: found nothing."),
        ("span_starts", [0, 2], "key span_starts: found 2. Allowed: -1 to 1."),
        ("label", 3, "key label: found 3. Allowed: 0 to 2."),
    ],
)
def test_a_faulty_example_is_found_in_a_table_of_several_chunks(
    column: str, faulty: Any, what: str
) -> None:
    good = {"input_ids": [[1, 2], [3, 4]], "span_starts": [0, -1], "label": 2,
            "n_choices": 3, "length": 2}  # fmt: skip
    chunks = [pa.Table.from_pylist([good] * 4)] * 3
    check_examples(pa.concat_tables(chunks), n_labels=5, vocabulary=9)
    bad = pa.Table.from_pylist([good, {**good, column: faulty}, good], chunks[0].schema)
    with pytest.raises(FaultyRowError) as caught:
        check_examples(pa.concat_tables([*chunks, bad, bad]), n_labels=5, vocabulary=9)
    assert (caught.value.place, caught.value.what) == (13, what)


def with_token(encoded: Path, folder: Path, row: int, token: int) -> Path:
    """Copy an encoded task with another token in a row of train, and a manifest that knows it."""
    folder.mkdir()
    for part in ("train", "validation"):
        table = read_encoded(encoded / f"{part}.arrow")
        rows = table["input_ids"].to_pylist()
        if part == "train":
            rows[row][0][1] = token
        place = table.schema.get_field_index("input_ids")
        changed = pa.array(rows, table.schema.field(place).type)
        table = table.set_column(place, table.schema.field(place), changed)
        with ipc.new_file(folder / f"{part}.arrow", table.schema) as writer:
            writer.write_table(table)
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    return folder


def test_a_token_beyond_the_vocabulary_fails_its_run_and_is_named_in_the_record(
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = with_token(encoded["single"], tmp_path / "encoded", row=11, token=40_000)
    files = tiny.files(model, broken, tmp_path / "run")
    told = tiny.arguments(tiny.job(tiny.training("single"), files))
    monkeypatch.setattr(sys, "argv", ["train.py", *told])
    with pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(SCRIPTS / "train.py"), run_name="__main__")
    said = capsys.readouterr().err
    (line,) = said.splitlines()
    where = f"{broken / 'train.arrow'}: split 'train', row 12"
    assert line.startswith(f"error: {where} ('song was good ")
    assert "key input_ids: found 40000. Allowed: 0 to " in line

    log = tmp_path / "run.log"
    log.write_text(said)
    ended = ["--exit-status", "1", "--retries-left", "0", "--log", str(log)]
    monkeypatch.setattr(sys, "argv", ["record_failure.py", *told, *ended])
    runpy.run_path(str(SCRIPTS / "record_failure.py"), run_name="__main__")
    record = tiny.read_record(files)
    assert (record["status"], record["reason"]) == ("failed", f"exit status 1: {line}")


@pytest.mark.parametrize("token", [-1, 40_000])
def test_tokens_outside_the_vocabulary_are_seen_before_a_training(
    token: int, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    broken = with_token(encoded["choice"], tmp_path / "encoded", row=0, token=token)
    with pytest.raises(RunError, match=rf"row 1 \('.+'\): key input_ids: found {token}\."):
        check_encoded(broken, model)


@pytest.mark.parametrize("form", tiny.FORMS)
def test_whole_examples_pass(form: str, model: Path, encoded: dict[str, Path]) -> None:
    check_encoded(encoded[form], model)


def test_examples_that_are_not_those_of_their_manifest_are_refused(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    broken = with_token(encoded["single"], tmp_path / "encoded", row=0, token=5)
    (broken / "manifest.json").write_bytes((encoded["single"] / "manifest.json").read_bytes())
    with pytest.raises(InputError, match=r"train\.arrow: broken or changed"):
        check_encoded(broken, model)
