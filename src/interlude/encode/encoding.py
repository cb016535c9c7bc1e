"""Tokenise a task once per model and length, into an Arrow file that training memory-maps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from interlude.encode.faulty_rows import (
    FaultyRowError,
    check_examples,
    check_spans,
    text_of,
)
from interlude.encode.read import PARTS, Header
from interlude.encode.tokenizer import load_tokenizer_for
from interlude.encode.truncation import FLAGS, Counts, truncation_of
from interlude.errors import InputError
from interlude.files import (
    MANIFEST,
    WEIGHTS,
    check_files,
    read_manifest,
    sha256_of,
    write_json,
    written_atomically,
)
from interlude.forms import rows_of
from interlude.forms.examples import Row

NOT_TOKENIZER = {WEIGHTS, MANIFEST}  # in a model's folder
CHUNK = 1000  # rows tokenised at a time
NUMBERS = pa.list_(pa.int16())  # of labels
MOST_IN_TWO_BYTES = 2**15

# Of the columns that all forms have, as the `types` of a form.
TYPES: dict[str, pa.DataType] = {
    "input_ids": pa.list_(pa.list_(pa.int32())),
    "token_type_ids": pa.list_(pa.list_(pa.int8())),
    "length": pa.int32(),
    "tokens": pa.int32(),
}


def encode_task(
    data: Path, out: Path, form: str, model: Path, max_length: int, made_from: str | None = None
) -> dict[str, Counts]:
    """Tokenise both parts of a normalised task: a folder of Parquet in, one of Arrow out.

    Adds `id`, `length` (tokens of the longest sequence) and `tokens` (of all sequences) to what
    the form needs. The manifest, written last, holds the SHA-256 of both files, which data they
    are, the counts of both parts, and `made_from` as it was passed. Returns the counts: see
    `truncation_of`. InputError when max_length is more than the model has
    positions for, when a file is not what its manifest says, and for a row that the form cannot
    take.
    """
    check_files(data)
    check_files(model, but=NOT_TOKENIZER)
    label_names = list(read_manifest(data)["label_names"])
    tokenizer = load_tokenizer_for(model, max_length)
    examples = _Examples(form, len(label_names), tokenizer, max_length)
    header = Header(label_names, tokenizer.pad_token_id)
    counts: dict[str, Counts] = {part: Counter() for part in PARTS}
    for part in PARTS:
        chunks = examples.of_file(data / f"{part}.parquet", counts[part])
        _write(chunks, header, out / f"{part}.arrow")
    write_manifest(data, out, counts, made_from)
    return counts


def write_manifest(
    data: Path, out: Path, counts: Mapping[str, Counts], made_from: str | None
) -> None:
    """Write the manifest of an encoding whose files are in place; `data`: the normalised task."""
    files = {f"{part}.arrow": sha256_of(out / f"{part}.arrow") for part in PARTS}
    revision = read_manifest(data).get("revision")
    write_json(
        out / MANIFEST,
        {"files": files, "data_revision": revision, "truncation": counts, "made_from": made_from},
    )


def _write(chunks: Iterator[pa.Table], header: Header, path: Path) -> None:
    first = next(chunks)
    metadata = {"label_names": json.dumps(header.label_names), "pad_id": str(header.pad_id)}
    schema = first.schema.with_metadata(metadata)
    with written_atomically(path) as temporary, ipc.new_file(temporary, schema) as writer:
        for chunk in chain([first], chunks):
            writer.write_table(chunk)


@dataclass(frozen=True)
class _Examples:
    """Makes the encoded examples of a task."""

    form: str
    n_labels: int
    tokenizer: Any
    max_length: int

    def of_file(self, path: Path, counts: Counts) -> Iterator[pa.Table]:
        """Yield the examples of a file of normalised rows, and count what is not in them.

        InputError names a row at fault.
        """
        with pq.ParquetFile(path) as rows:
            for number, batch in enumerate(rows.iter_batches(batch_size=CHUNK)):
                chunk = batch.to_pylist()
                try:
                    yield self._of_rows(chunk, counts)
                except FaultyRowError as fault:
                    text = text_of(chunk[fault.place])
                    fault.place += CHUNK * number
                    raise InputError(fault.described(path, text)) from None

    def _of_rows(self, chunk: list[Row], counts: Counts) -> pa.Table:
        """Tokenise normalised rows; FaultyRowError for the first that the form cannot take."""
        try:
            examples = self._tokenised(chunk)
        except (TypeError, ValueError, LookupError) as error:
            raise self._first_refused(chunk) or error from None
        sized = [_sized(*pair) for pair in zip(examples, chunk, strict=True)]
        encoded = _typed(sized, self._types)
        check_examples(encoded, self.n_labels, len(self.tokenizer))
        counts.update(truncation_of(examples))
        return encoded

    @cached_property
    def _types(self) -> dict[str, pa.DataType]:
        """The types of columns; numbers of labels take two bytes where those can hold them all."""
        types = {**TYPES, **rows_of(self.form).types}
        if self.n_labels > MOST_IN_TWO_BYTES:
            types |= {name: pa.list_(pa.int32()) for name, kind in types.items() if kind == NUMBERS}
        return types

    def _tokenised(self, rows: list[Row]) -> list[Row]:
        check_spans(rows)
        return rows_of(self.form).encode(rows, self.tokenizer, self.max_length)

    def _first_refused(self, chunk: list[Row]) -> FaultyRowError | None:
        """Return the first row that cannot be tokenised on its own either."""
        for place, row in enumerate(chunk):
            try:
                self._tokenised([row])
            except (TypeError, ValueError, LookupError) as error:
                return FaultyRowError(place, f"form {self.form}: {error}")
        return None


def _sized(example: Row, row: Row) -> Row:
    lengths = [len(sequence) for sequence in example["input_ids"]]
    kept = {name: value for name, value in example.items() if name not in FLAGS}
    return {"id": row["id"], "length": max(lengths), "tokens": sum(lengths), **kept}


def _typed(examples: list[Row], types: dict[str, pa.DataType]) -> pa.Table:
    columns = {
        name: pa.array([example[name] for example in examples], types.get(name))
        for name in examples[0]
    }
    return pa.table(columns)
