"""The record of a run: written once, atomically, with all that its numbers depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.files import write_json, written_atomically
from interlude.plan.runspec import RunSpec
from interlude.versions import versions

SCHEMA_VERSION = 1
NOT_COLUMNS = ("settings", "layers")


def write_record(path: Path, spec: RunSpec, **facts: Any) -> None:
    """Write the record of a run: what it was told, and the facts it found."""
    told = {name: value for name, value in vars(spec).items() if name not in NOT_COLUMNS}
    record = {
        "schema_version": SCHEMA_VERSION,
        **told,
        "hyperparameters": {"layers": spec.layers, **vars(spec.settings)},
        "versions": versions(),
        **facts,
    }
    write_json(path, record)


def write_predictions(path: Path, ids: list[str], predictions: list[Any], gold: list[Any]) -> None:
    """Write one row per validation example; no rows when the run has no predictions."""
    if not predictions:
        ids, gold = [], []
    table = pa.table({"id": ids, "prediction": predictions, "gold": gold})
    with written_atomically(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def fingerprint(*files: Path) -> str:
    """Return 16 hex digits of the contents of files."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
