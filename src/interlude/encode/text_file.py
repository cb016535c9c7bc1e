"""Tokenise a text file of the user's, one text a line, for masked language modelling."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from interlude.data.read.text_lines import read_lines
from interlude.encode.encoding import CHUNK, TYPES
from interlude.encode.read import PARTS
from interlude.encode.tokenizer import load_tokenizer_for
from interlude.encode.truncation import FLAGS, Counts, truncation_of
from interlude.errors import InputError
from interlude.files import MANIFEST, sha256_of, write_json, written_atomically
from interlude.forms.rows import per_example

MEASURED = 20  # one text of so many is measured, and the others are trained on
MOST_MEASURED = 2000

Text = tuple[int, str]  # the line, from 1, and what it says
Row = dict[str, Any]


def encode_text_file(path: Path, out: Path, model: Path, max_length: int) -> dict[str, Counts]:
    """Write the texts of a file as `encode_task` writes the rows of a task; return the counts.

    A text that comes again counts once; what is longer than max_length is cut off. One text of 20,
    drawn by chance and the same each time, is measured. InputError for a file that cannot be read,
    is not UTF-8, or holds fewer than two texts.
    """
    parts = _parts(_texts(path))
    tokenizer = load_tokenizer_for(model, max_length)
    counts: dict[str, Counts] = {part: Counter() for part in PARTS}
    for part, texts in parts.items():
        chunks = _encoded(texts, tokenizer, max_length, counts[part])
        _write(list(chunks), tokenizer.pad_token_id, out / f"{part}.arrow")
    contents = sha256_of(path)
    write_json(
        out / MANIFEST,
        {
            "files": {f"{part}.arrow": sha256_of(out / f"{part}.arrow") for part in PARTS},
            "data_revision": f"{path.name}, SHA-256 {contents[:12]}",
            "truncation": counts,
            "made_from": contents,
        },
    )
    return counts


def _texts(path: Path) -> list[Text]:
    """Return the different texts of a file, each with its line."""
    first: dict[str, int] = {}
    for number, line in enumerate(read_lines(path, "key texts"), start=1):
        if text := line.strip():
            first.setdefault(text, number)
    if len(first) < len(PARTS):
        raise InputError(
            f"key texts: {path}: found {len(first)} different texts. Allowed: two or more, one a "
            "line, to train on some and to measure on others."
        )
    return [(number, text) for text, number in first.items()]


def _parts(texts: Sequence[Text]) -> dict[str, list[Text]]:
    """Return the texts to train on and those to measure, both in the order of the file."""
    measured = min(MOST_MEASURED, max(1, len(texts) // MEASURED))
    is_measured = np.zeros(len(texts), dtype=bool)
    is_measured[np.random.default_rng(0).permutation(len(texts))[:measured]] = True
    train, validation = (
        [text for text, chosen in zip(texts, is_measured, strict=True) if chosen == wanted]
        for wanted in (False, True)
    )
    return dict(zip(PARTS, (train, validation), strict=True))


def _encoded(
    texts: Sequence[Text], tokenizer: Any, max_length: int, counts: Counts
) -> Iterator[pa.Table]:
    for start in range(0, len(texts), CHUNK):
        lines, chunk = zip(*texts[start : start + CHUNK], strict=True)
        encoding = tokenizer(list(chunk), truncation=True, max_length=max_length)
        rows = per_example(encoding)
        counts.update(truncation_of(rows))
        yield _table([_row(f"line-{line}", row) for line, row in zip(lines, rows, strict=True)])


def _row(id: str, row: Row) -> Row:
    (ids,) = row["input_ids"]
    kept = {name: value for name, value in row.items() if name not in FLAGS}
    return {"id": id, "length": len(ids), "tokens": len(ids), **kept}


def _table(rows: list[Row]) -> pa.Table:
    return pa.table({n: pa.array([row[n] for row in rows], TYPES.get(n)) for n in rows[0]})


def _write(chunks: list[pa.Table], pad_id: int, path: Path) -> None:
    header = {"label_names": json.dumps([]), "pad_id": str(pad_id)}
    schema = chunks[0].schema.with_metadata(header)
    with written_atomically(path) as temporary, ipc.new_file(temporary, schema) as writer:
        for chunk in chunks:
            writer.write_table(chunk)
