"""The registry: one declarative file per task (see docs/contracts.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from interlude.errors import InputError, unknown
from interlude.plan.label_count import check_label_count
from interlude.plan.schema import load_validated
from interlude.plan.trainings import digest_of

# The metrics that fit the predictions of a form; the first is the usual one.
LABEL_METRICS = ("accuracy", "accuracy_f1", "f1_macro", "matthews")
METRICS_OF_FORM: dict[str, tuple[str, ...]] = {
    "single": LABEL_METRICS,
    "pair": LABEL_METRICS,
    "answer-option": ("multirc",),
    "candidate": ("record",),
    "choice": ("accuracy",),
    "span": ("qa_f1_em",),
    "tagging": ("entity_f1", "tag_accuracy"),
    "spans": ("micro_f1",),
    "span-pair": LABEL_METRICS,
    "regression": ("pearson_spearman",),
    "word-in-context": LABEL_METRICS,
}


@dataclass(frozen=True)
class Task:
    """A data set with an input form, a head and a metric, as its task file declares it."""

    name: str
    title: str
    description: str
    form: str
    source: dict[str, Any]
    split_by: str | None
    splits: dict[str, str]
    columns: dict[str, Any]
    labels: list[str]
    metric: str
    published: dict[str, int | None]
    stands_in_for: list[str]
    licence: str
    citation: str
    path: Path

    def data_declaration(self) -> str:
        """Return, as one line of JSON, what the task's normalised data depend on."""
        names = ("form", "source", "split_by", "splits", "columns", "labels")
        return json.dumps({name: getattr(self, name) for name in names}, sort_keys=True)

    @cached_property
    def digest(self) -> str:
        """The digest of what the task's normalised data depend on."""
        return digest_of(self.data_declaration())

    def inputs(self) -> list[str]:
        """Return the names of the files to read: those declared, or the splits that are needed."""
        return list(self.source["inputs"] or self._named_splits())

    def _named_splits(self) -> list[str]:
        """Return the splits that the slices name: of `all[:70%]` and `all[70%:]`, one."""
        parts = (part for each in self.splits.values() for part in each.split("+"))
        return list(dict.fromkeys(split_name(part) for part in parts))


def split_name(part: str) -> str:
    """Return the split of a slice: `all` of `all[:70%]`."""
    return part.partition("[")[0].strip()


def load_task(path: Path) -> Task:
    """Read one task file; InputError names the file and the key of a fault."""
    declared = load_validated(path, "task")
    if declared["name"] != path.stem:
        raise InputError(f"{path}: key name: found {declared['name']!r}. Allowed: {path.stem!r}.")
    allowed = METRICS_OF_FORM[declared["form"]]
    if declared["metric"] not in allowed:
        what = f"metric of the form {declared['form']}"
        raise unknown(f"{path}: key metric", what, declared["metric"], allowed)
    if "labels" in declared:
        check_label_count(declared["metric"], declared["labels"], str(path))
    return Task(path=path, **{"labels": []} | declared)
