"""Tokenise a task once per model and length, into an Arrow file that training memory-maps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from interlude.errors import InputError
from interlude.files import written_atomically
from interlude.forms import FORMS
from interlude.forms.base import Form, Row
from interlude.tokenizer import load_tokenizer_for

PARTS = ("train", "validation")
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
    the form needs. InputError when max_length is more than the model has positions for.
    """
    tokenizer = load_tokenizer_for(model, max_length)
    label_names = json.loads((data / "manifest.json").read_text(encoding="utf8"))["label_names"]
    facts = Facts(label_names, tokenizer.pad_token_id)
    for part in PARTS:
        with pq.ParquetFile(data / f"{part}.parquet") as rows:
            chunks = _encoded_chunks(FORMS[form](label_names), rows, tokenizer, max_length)
            _write(chunks, facts, out / f"{part}.arrow")


def read_encoded(path: Path) -> pa.Table:
    """Memory-map an encoded split; InputError when the file is not a whole Arrow file."""
    try:
        return ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a readable Arrow file ({error}). Delete it.") from None


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


def _encoded_chunks(
    form: Form, rows: pq.ParquetFile, tokenizer: Any, max_length: int
) -> Iterator[pa.Table]:
    for batch in rows.iter_batches(batch_size=CHUNK):
        chunk = batch.to_pylist()
        examples = form.encode(chunk, tokenizer, max_length)
        yield _typed([_sized(example, row) for example, row in zip(examples, chunk, strict=True)])


def _sized(example: Row, row: Row) -> Row:
    lengths = [len(sequence) for sequence in example["input_ids"]]
    return {"id": row["id"], "length": max(lengths), "tokens": sum(lengths), **example}


def _typed(examples: list[Row]) -> pa.Table:
    columns = {
        name: pa.array([example[name] for example in examples], TYPES.get(name))
        for name in examples[0]
    }
    return pa.table(columns)
