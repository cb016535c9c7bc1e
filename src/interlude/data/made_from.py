"""What a normalised task or a prepared model is made from, as one string.

It is the same where everything is the same that decides the content, whoever made it, and when. The
manifest of what was made holds it; a study compares it with the one of today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from typing_extensions import override

from interlude.data.fetch.origin import Origin
from interlude.data.read import ending_of, reader_by_ending, reader_module
from interlude.forms import declaration_of
from interlude.plan.digest import reading_code
from interlude.plan.evaluated import Evaluated
from interlude.plan.models import Model
from interlude.plan.tasks import Task

# The keys of a model's file that decide its content; its folder counts by the files in it.
OF_MODEL = {"archives", "hub", "weights_sha256", "revision"}


@dataclass(frozen=True)
class MadeFrom:
    """kind: of the origin. declared, contents, code: digests of the declaration in the file of the
    task or model, of what is at the origin, and of the code that reads and shapes (not of models).
    """

    kind: str
    declared: str
    contents: str
    code: str = ""

    @override
    def __str__(self) -> str:
        return "-".join(filter(None, astuple(self)))

    @classmethod
    def from_text(cls, text: Any) -> MadeFrom | None:
        """Read it back; None for anything else."""
        parts = text.split("-") if isinstance(text, str) else []
        return cls(*parts) if len(parts) in (3, 4) else None


def data_made_from(task: Task, origin: Origin, hashes: Mapping[str, str], code: str) -> MadeFrom:
    """Return what a task's normalised data are made from.

    task: as declared. hashes: SHA-256 of the origin's local files, by split.
    """
    return MadeFrom(origin.kind, declared_of_task(task), contents_of(origin, hashes), code)


def generated_made_from(task: Task, corpus: str, generator: str) -> MadeFrom:
    """Return what a generated task is made from.

    corpus, generator: what these are made from. Neither the code that reads a corpus counts nor the
    code that generates: rows that took hours stay while what they are made from is the same.
    """
    read = MadeFrom.from_text(corpus)
    corpus_without_code = corpus if read is None else str(replace(read, code=""))
    return MadeFrom("generated", declared_of_task(task), _digest([corpus_without_code, generator]))


def model_made_from(model: Model, origin: Origin, hashes: Mapping[str, str]) -> MadeFrom:
    """Return what a prepared model is made from.

    hashes: SHA-256 of the origin's local files, by name.
    """
    return MadeFrom(origin.kind, declared_of_model(model), contents_of(origin, hashes))


def metric_made_from(metric: Evaluated, origin: Origin, hashes: Mapping[str, str]) -> MadeFrom:
    """Return what a prepared metric is made from.

    hashes: SHA-256 of its files, by name; of the hub they follow from the commit.
    """
    return MadeFrom(origin.kind, _digest(metric.origin), contents_of(origin, hashes))


def declared_of_task(task: Task) -> str:
    """Return a digest of the declaration of the data in a task's file."""
    declared = task.data_declaration()
    shaped = declaration_of(task.form).metric_shapes_rows
    return _digest([declared, task.metric] if shaped else declared)


def code_of(task: Task) -> str:
    """Return the digest of the code that reads and shapes the data of a task."""
    source = task.source
    reader = source.reader or reader_by_ending(source.named_files())
    return reading_code(reader_module(reader), task.form)


def declared_of_model(model: Model) -> str:
    """Return a digest of the declaration of the content in a model's file."""
    return _digest(model.model_dump(include=OF_MODEL))


def contents_of(origin: Origin, hashes: Mapping[str, str]) -> str:
    """Return a digest of what is at an origin; the endings of files count: they choose readers."""
    files = {name: [ending_of(path.name), hashes[name]] for name, path in origin.files.items()}
    return _digest([origin.stands_for, files])


def _digest(document: Any) -> str:
    """Return 16 hex digits of the SHA-256 of a document that fits into JSON."""
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
