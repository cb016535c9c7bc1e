"""Print how many of each task's rows the trainings of a role will use, and write it as CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from interlude.errors import command
from interlude.files import written_atomically
from interlude.plan.limits import aligned, duration, fills_no_batch, number

Row = dict[str, Any]
PARTS = ("train", "validation")


def with_rows(limits: Row) -> Row:
    """Return a task's limits with the rows that are there, and how many of them will be used."""
    rows = {part: encoded_rows(Path(limits["encoded"], f"{part}.arrow")) for part in PARTS}
    used = {part: min(rows[part], limits[f"{part}_examples"] or rows[part]) for part in PARTS}
    return {
        **{name: limits[name] for name in ("role", "task")},
        **{f"{part}_rows": rows[part] for part in PARTS},
        **{f"{part}_rows_used": used[part] for part in PARTS},
        **{name: limits[name] for name in ("epochs", "steps", "learning_rate", "max_length")},
    }


def encoded_rows(path: Path) -> int:
    """Return how many rows an encoded part has."""
    with pa.memory_map(str(path)) as source:
        rows: int = ipc.open_file(source).read_all().num_rows
    return rows


def shown(row: Row) -> list[str]:
    """Return a row as cells for people."""
    rows = [f"{row[f'{part}_rows_used']} of {row[f'{part}_rows']}" for part in PARTS]
    lasting, length = duration(row["epochs"], row["steps"]), str(row["max_length"])
    return [row["role"], row["task"], *rows, lasting, number(row["learning_rate"]), length]


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--limits", type=json.loads, required=True, help="limits and encoding of each task, as JSON"
    )
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    arguments = parser.parse_args()
    rows = [with_rows(limits) for limits in arguments.limits]
    with written_atomically(arguments.out) as path, path.open("w", encoding="utf8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    head = ["role", "task", "rows trained on", "rows validated on", "epochs", "rate", "length"]
    print("\n".join(aligned([head, *map(shown, rows)])))
    for limits, row in zip(arguments.limits, rows, strict=True):
        if warning := fills_no_batch(limits, row["train_rows_used"]):
            print(f"warning: {warning}.", file=sys.stderr)


if __name__ == "__main__":
    main()
