"""Records of trainings that were done here, for what they say of those to come; nothing slow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_RECORDS = 200  # that are read, the newest

Record = dict[str, Any]


def measured(folder: Path, model: str, on_gpu: bool) -> Iterator[Record]:
    """Yield the newest records of trainings of a model that were done here, and ended well.

    folder: results/trained.
    """
    paths = sorted(folder.glob("*/record.json"), key=_changed, reverse=True)
    for path in paths[:MOST_RECORDS]:
        try:
            record = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue  # whoever needs it says that it is broken
        if _is_comparable(record, model, on_gpu):
            yield record


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_comparable(record: Any, model: str, on_gpu: bool) -> bool:
    if not isinstance(record, dict) or record.get("status") != "ok":
        return False
    was_on_gpu = not str(record.get("device")).startswith("cpu")
    here = (record.get("model"), was_on_gpu) == (model, on_gpu)
    return here and "taken_from" not in record and bool(record.get("steps"))
