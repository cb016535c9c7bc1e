"""The starts in `results/trained` that another task could begin with: of one encoder, each once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlude.errors import InputError
from interlude.files import MANIFEST
from interlude.plan.methods import Method

OTHER_BASE = "of another encoder or method"
UNUSABLE = "of several tasks, begun with another start, or without a result"
BROKEN = "with a broken record"
GONE = "without its encoder, while its record is there"


@dataclass(frozen=True)
class KeptStart:
    """The start of a training on one task: the id of the training, and its trained tokens."""

    task: str
    training: str
    tokens: int


def kept_starts(
    trained: Path, model: str, layers: int | None, method: Method
) -> tuple[dict[str, KeptStart], dict[str, int]]:
    """Return task -> the start of an encoder by it, and reason -> how many starts are left out.

    Of several starts by a task, the one that was trained on the most tokens. trained: the folder of
    all trainings.
    """
    starts: dict[str, KeptStart] = {}
    excluded: Counter[str] = Counter()
    for record, kept in _records(trained):
        if not record:
            excluded[BROKEN] += 1
        elif not kept:
            excluded[GONE] += _is_usable(record)
        elif not _is_of(record, model, layers, method):
            excluded[OTHER_BASE] += 1
        elif not _is_usable(record):
            excluded[UNUSABLE] += 1
        else:
            start = KeptStart(record["parts"][0]["task"], record["training"], record["tokens"])
            known = starts.get(start.task)
            if known is None or start.tokens > known.tokens:
                starts[start.task] = start
    return starts, {reason: count for reason, count in excluded.items() if count}


def _records(trained: Path) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the records of trainings with a start, and whether its files are still there."""
    for folder in sorted(trained.glob("*/start")):
        record = folder.parent / "record.json"
        if record.exists():
            whole = all((folder / name).exists() for name in (MANIFEST, "encoder.safetensors"))
            yield _read(record), whole


def _read(record: Path) -> dict[str, Any]:
    """Return a record; an empty one where it is broken, which is reported where it is needed."""
    try:
        document = json.loads(record.read_text(encoding="utf8"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_of(record: dict[str, Any], model: str, layers: int | None, method: Method) -> bool:
    settings = record.get("hyperparameters") or {}
    own = settings.get("method", {"name": "full"})
    wanted = {"name": "full"} if method.is_full else method.to_dict()
    return (record.get("model"), settings.get("layers"), own) == (model, layers, wanted)


def _is_usable(record: dict[str, Any]) -> bool:
    """Return whether it is of one task, from the pretrained encoder, with a result."""
    one = len(record.get("parts") or []) == 1 and record.get("start") is None
    frozen = (record.get("hyperparameters") or {}).get("frozen", False)
    return one and record.get("status") == "ok" and not frozen


def no_starts(where: str, model: str, left_out: Mapping[str, int]) -> InputError:
    """Return the error where there is no start to choose from."""
    reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
    others = f" Left out: {reasons}." if reasons else ""
    return InputError(
        f"{where}: key recommend.budget: found minutes, but results/trained has no start of "
        f"{model} by one task.{others} Allowed: with one or more, which any study with "
        "intermediate tasks makes; seconds needs none, and hours trains them."
    )
