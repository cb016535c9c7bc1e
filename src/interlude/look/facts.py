"""What is worth seeing of a task before training: gathered, not yet set as text or page.

It reads what trainings read, the encodings and the manifests of a study, and makes nothing anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from interlude.encode.read import PARTS, read_encoded, read_header
from interlude.encode.tokenizer import load_tokenizer
from interlude.encode.truncation_report import percent, warnings_of
from interlude.files import read_manifest
from interlude.look.examples import Example, examples_of

LABELS_SHOWN = 20  # of more, the most frequent ones
BINS = 40  # of the lengths of training examples

_TRUNCATION = {  # what is counted -> what it is of, the words for it
    "truncated": ("examples", "examples cut off"),
    "empty": ("examples", "with a text that gives no token"),
    "lost": ("examples", "with an answer, a span or all words lost"),
    "words": ("words", "words"),
    "words_truncated": ("words", "words cut off"),
    "words_empty": ("words", "words that give no token"),
}


@dataclass(frozen=True)
class Cell:
    """What a table shows of one part. share: of the part, 0 to 1, where it is one."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Group:
    """Rows of a table: name -> a cell for each part.

    bins: of a histogram of tokens from 0 to `most`, as shares of the highest.
    """

    title: str
    rows: Mapping[str, Sequence[Cell]]
    bins: Sequence[float] = ()
    most: int = 0


@dataclass(frozen=True)
class Look:
    """A task as its trainings will see it. about: name, title, description and the like."""

    about: Mapping[str, str]
    groups: list[Group]
    notes: list[str]
    examples: list[Example]
    warnings: list[str]


def look_at(about: Mapping[str, str], data: Path, encodings: Sequence[Path], model: Path) -> Look:
    """Gather what is known of a task.

    data: folder of its normalised rows; encodings: those that a study trains on, each in a folder
    called like its max_length; model: the folder whose tokenizer made them.
    """
    manifest = read_manifest(data)
    tables = {path: [read_encoded(path / f"{part}.arrow") for part in PARTS] for path in encodings}
    first = next(iter(tables.values()))[0]
    labels = read_header(first).label_names
    return Look(
        about={**about, "revision": manifest.get("revision") or "–"},
        groups=[
            _rows(manifest),
            *_labels(manifest["labels"]),
            *_values(next(iter(tables.values()))),
            *(_tokens(path, parts) for path, parts in tables.items()),
        ],
        notes=[f"{count:,} rows dropped: {why}" for why, count in manifest["dropped"].items()],
        examples=examples_of(first, labels, load_tokenizer(model)),
        warnings=[*_overlap(manifest), *manifest.get("warnings", []), *_truncated(encodings)],
    )


def _rows(manifest: Mapping[str, Any]) -> Group:
    return Group("", {"rows": [Cell(f"{manifest['sizes'][part]:,}") for part in PARTS]})


def _labels(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Group]:
    """Yield the labels with their counts, in their order, or the most frequent ones of many."""
    both = sum((Counter(counts[part]) for part in PARTS), Counter())
    if not both:
        return
    names = list(both)
    if len(names) > LABELS_SHOWN:
        names = [name for name, _ in both.most_common(LABELS_SHOWN)]
    rows = {name: [_share(counts[part], [name]) for part in PARTS] for name in names}
    if rest := [name for name in both if name not in rows]:
        rows[f"({len(rest):,} more)"] = [_share(counts[part], rest) for part in PARTS]
    yield Group(f"labels ({len(both):,})", rows)


def _share(counts: Mapping[str, int], names: Sequence[str]) -> Cell:
    some, whole = sum(counts.get(name, 0) for name in names), sum(counts.values())
    return _counted(some, whole)


def _counted(some: int, whole: int) -> Cell:
    share = some / whole if whole else 0.0
    return Cell(f"{some:,} ({percent(some, whole)})" if some else "0", share)


def _values(parts: Sequence[pa.Table]) -> Iterator[Group]:
    """Yield how the values of a regression lie."""
    if "value" not in parts[0].column_names:
        return
    values = [part["value"].to_numpy() for part in parts]
    rows = {
        "smallest": [each.min() for each in values],
        "mean": [each.mean() for each in values],
        "standard deviation": [each.std() for each in values],
        "largest": [each.max() for each in values],
    }
    yield Group("values", {name: [Cell(f"{n:.4g}") for n in each] for name, each in rows.items()})


def _tokens(encoding: Path, parts: Sequence[pa.Table]) -> Group:
    """Return how long the examples are, in tokens, and what is missing of them."""
    lengths = [part["length"].to_numpy() for part in parts]
    shares = {"shortest": 0.0, "median": 0.5, "90 % have at most": 0.9, "longest": 1.0}
    rows = {
        name: [Cell(f"{np.quantile(each, share, method='higher')}") for each in lengths]
        for name, share in shares.items()
    }
    most = int(encoding.name)
    bins, _ = np.histogram(lengths[0], bins=BINS, range=(0, most))
    title = f"tokens of an example, at most {most}"
    return Group(title, rows | _taken(encoding), [float(each) for each in bins / bins.max()], most)


def _taken(encoding: Path) -> dict[str, list[Cell]]:
    """Return what truncation and the tokenizer took."""
    counts = _truncation(encoding)
    return {
        words: [
            Cell(f"{counts[part][name]:,}")
            if name == whole
            else _counted(counts[part][name], counts[part][whole])
            for part in PARTS
        ]
        for name, (whole, words) in _TRUNCATION.items()
        if name in counts.get("train", {})
    }


def _truncation(encoding: Path) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = read_manifest(encoding).get("truncation") or {}
    return counts


def _overlap(manifest: Mapping[str, Any]) -> Iterator[str]:
    if some := manifest["overlap"]:
        whole = manifest["sizes"]["validation"]
        share = percent(some, whole)
        yield f"{some:,} of {whole:,} validation inputs ({share}) are in train as well"


def _truncated(encodings: Sequence[Path]) -> Iterator[str]:
    for encoding in encodings:
        yield from warnings_of(_truncation(encoding), int(encoding.name))
