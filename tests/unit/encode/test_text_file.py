"""A text file of the user's: what is read of it, what is measured, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from helpers.tiny_training import Case

from interlude.encode.check import check_encoded
from interlude.encode.read import read_encoded, read_header
from interlude.encode.text_file import encode_text_file
from interlude.errors import InputError
from interlude.training.data import load_texts, masked

LINES = [f"the {word} book number {number}" for number in range(30) for word in ("old", "red")]


@pytest.fixture
def encode(model: Path, tmp_path: Path) -> Any:
    """A function: the folder of the encoding of a text file with this content."""

    def make(content: str | bytes) -> Path:
        file, out = tmp_path / "news.txt", tmp_path / "encoded"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        encode_text_file(file, out, model, 16)
        return out

    return make


def test_each_line_is_a_text_and_one_of_20_is_measured(
    encode: Any, model: Path, tokenizer: Any
) -> None:
    folder = encode("\ufeff" + "\r\n".join([*LINES, "", "  ", LINES[3]]))
    train, validation = (read_encoded(folder / f"{part}.arrow") for part in ("train", "validation"))
    assert (train.num_rows, validation.num_rows) == (57, 3)
    check_encoded(folder, model)
    for table in (train, validation):
        for row in table.to_pylist():
            (ids,) = row["input_ids"]
            line = LINES[int(row["id"].removeprefix("line-")) - 1]
            assert ids == tokenizer(line)["input_ids"][:16]
            assert row["length"] == row["tokens"] == len(ids)
    ids = [*train["id"].to_pylist(), *validation["id"].to_pylist()]
    assert len({*ids}) == 60, "a text that comes again counts once"
    assert read_header(train).pad_id == tokenizer.pad_token_id


def test_it_is_encoded_to_the_same_bytes_and_long_texts_are_counted(encode: Any) -> None:
    content = "\n".join([*LINES, "a book " * 40])
    folder = encode(content)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {file.name: file.read_bytes() for file in encode(content).iterdir()} == before
    counts = json.loads(before["manifest.json"])["truncation"]
    assert counts["train"]["truncated"] + counts["validation"].get("truncated", 0) == 1


def test_its_texts_are_masked_beside_those_of_tasks(
    encode: Any, encoded: dict[str, Path], model: Path
) -> None:
    folder, settings = encode("\n".join(LINES)), tiny.settings(validation_examples=2)
    texts = load_texts(folder, settings, 40)
    assert (texts.train.num_rows, texts.validation.num_rows) == (40, 2)
    pair = Case("pair", settings).data(encoded["pair"])
    both = masked([pair, texts], model, pretrained=True)
    assert both.train.num_rows == pair.train.num_rows + 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found 0 different texts. Allowed: two or more, one a line"),
        ("\n \n\t\n", "found 0 different texts. Allowed: two or more, one a line"),
        ("one\none\n", "found 1 different texts. Allowed: two or more, one a line"),
        (
            b"a text\nna\xefve\n",
            "line 2: found the byte 0xef, which is no text in UTF-8. Allowed: a text file in UTF-8",
        ),
    ],
    ids=["empty", "blank", "one text", "latin-1"],
)
def test_a_bad_file_is_one_message(
    content: str | bytes, message: str, encode: Any, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"key texts: .*news.txt.*{re.escape(message)}"):
        encode(content)
    assert not (tmp_path / "encoded").exists()


def test_a_missing_file_is_one_message(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"key texts: .*old\.txt: No such file or directory\."):
        encode_text_file(tmp_path / "old.txt", tmp_path / "encoded", model, 16)
