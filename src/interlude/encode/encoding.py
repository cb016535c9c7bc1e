"""Tokenise a task once per model and length, into an Arrow file that training memory-maps."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from interlude.encode.faulty_rows import FaultyRowError, check_examples, check_spans, text_of
from interlude.encode.tokenizer import load_tokenizer_for
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
from interlude.forms import FORMS
from interlude.forms.base import Form, Row
from interlude.jobs.shared import identity_of, put, take
from interlude.versions import versions

PARTS = ("train", "validation")
NOT_TOKENIZER = {WEIGHTS, MANIFEST}  # in a model's folder
CHUNK = 1000  # rows tokenised at a time

# Types where the one that Arrow infers from Python values is wider than needed, or depends on them.
TYPES: dict[str, pa.DataType] = {
    "input_ids": pa.list_(pa.list_(pa.int32())),
    "token_type_ids": pa.list_(pa.list_(pa.int8())),
    "positions": pa.list_(pa.int32()),
    "tags": pa.list_(pa.int16()),
    "token_starts": pa.list_(pa.int32()),
    "token_ends": pa.list_(pa.int32()),
    "answers": pa.list_(pa.string()),
    "span_starts": pa.list_(pa.int32()),
    "span_ends": pa.list_(pa.int32()),
    "labels": pa.list_(pa.int16()),
    "n_choices": pa.int32(),
    "length": pa.int32(),
    "tokens": pa.int32(),
}


@dataclass(frozen=True)
class Facts:
    """What a run has to know beside the examples: its task's labels, and what pads a batch."""

    label_names: list[str]
    pad_id: int


def encode_task(data: Path, out: Path, form: str, model: Path, max_length: int) -> None:
    """Tokenise both parts of a normalised task: a folder of Parquet in, one of Arrow out.

    Adds `id`, `length` (tokens of the longest sequence) and `tokens` (of all sequences) to what
    the form needs. The manifest, written last, holds the SHA-256 of both files, and which data they
    are. InputError when max_length is more than the model has positions for, when a file is not
    what its manifest says, and for a row that the form cannot take.
    """
    check_files(data)
    check_files(model, but=NOT_TOKENIZER)
    tokenizer = load_tokenizer_for(model, max_length)
    label_names = _label_names(data)
    facts = Facts(label_names, tokenizer.pad_token_id)
    for part in PARTS:
        path = data / f"{part}.parquet"
        chunks = _encoded_chunks(FORMS[form](label_names), path, tokenizer, max_length)
        _write(chunks, facts, out / f"{part}.arrow")
    _write_manifest(data, out)


def encode_task_once(
    data: Path, out: Path, form: str, model: Path, max_length: int, *, shared: Path, code: str
) -> None:
    """Do as `encode_task`, unless the shared folder has it; and leave it there.

    `code` is the digest of what encodes.
    """
    rows = [data / f"{part}.parquet" for part in PARTS]
    tokenizer = [path for path in sorted(model.iterdir()) if path.name not in NOT_TOKENIZER]
    told = [form, max_length, _label_names(data), code, versions()]
    identity = identity_of(*told, *rows, *tokenizer)
    files = {part: out / f"{part}.arrow" for part in PARTS}
    if take(shared, identity, files, _say) is None:
        encode_task(data, out, form, model, max_length)
        put(shared, identity, files, {}, _say)
    else:
        _write_manifest(data, out)  # of these data: others may have the same rows


def _write_manifest(data: Path, out: Path) -> None:
    files = {f"{part}.arrow": sha256_of(out / f"{part}.arrow") for part in PARTS}
    revision = read_manifest(data).get("revision")
    write_json(out / MANIFEST, {"files": files, "data_revision": revision})


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _label_names(data: Path) -> list[str]:
    return list(read_manifest(data)["label_names"])


def read_encoded(path: Path) -> pa.Table:
    """Memory-map an encoded split; InputError when the file is not a whole Arrow file."""
    try:
        return ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: not a readable Arrow file ({error}). Delete it and run again."
        ) from None


def read_encoding_facts(examples: pa.Table) -> Facts:
    """Return the facts that an encoded split carries."""
    kept = examples.schema.metadata
    return Facts(json.loads(kept[b"label_names"]), int(kept[b"pad_id"]))


def _write(chunks: Iterator[pa.Table], facts: Facts, path: Path) -> None:
    first = next(chunks)
    metadata = {"label_names": json.dumps(facts.label_names), "pad_id": str(facts.pad_id)}
    schema = first.schema.with_metadata(metadata)
    with written_atomically(path) as temporary, ipc.new_file(temporary, schema) as writer:
        for chunk in chain([first], chunks):
            writer.write_table(chunk)


def _encoded_chunks(form: Form, path: Path, tokenizer: Any, max_length: int) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as rows:
        for number, batch in enumerate(rows.iter_batches(batch_size=CHUNK)):
            chunk = batch.to_pylist()
            try:
                yield _encoded(form, chunk, tokenizer, max_length)
            except FaultyRowError as fault:
                text = text_of(chunk[fault.place])
                fault.place += CHUNK * number
                raise InputError(fault.described(path, text)) from None


def _encoded(form: Form, chunk: list[Row], tokenizer: Any, max_length: int) -> pa.Table:
    """Tokenise normalised rows; FaultyRowError for the first that the form cannot take."""
    try:
        check_spans(chunk)
        examples = form.encode(chunk, tokenizer, max_length)
    except (TypeError, ValueError, LookupError) as error:
        raise _first_refused(form, chunk, tokenizer, max_length) or error from None
    encoded = _typed([_sized(*pair) for pair in zip(examples, chunk, strict=True)])
    check_examples(encoded, len(form.labels), len(tokenizer))
    return encoded


def _first_refused(
    form: Form, chunk: list[Row], tokenizer: Any, max_length: int
) -> FaultyRowError | None:
    """Return the first row that cannot be tokenised on its own either."""
    for place, row in enumerate(chunk):
        try:
            check_spans([row])
            form.encode([row], tokenizer, max_length)
        except (TypeError, ValueError, LookupError) as error:
            return FaultyRowError(place, f"form {type(form).__name__}: {error}")
    return None


def _sized(example: Row, row: Row) -> Row:
    lengths = [len(sequence) for sequence in example["input_ids"]]
    return {"id": row["id"], "length": max(lengths), "tokens": sum(lengths), **example}


def _typed(examples: list[Row]) -> pa.Table:
    columns = {
        name: pa.array([example[name] for example in examples], TYPES.get(name))
        for name in examples[0]
    }
    return pa.table(columns)
