"""The registry: one declarative file per task (see docs/contracts.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from interlude.errors import InputError, unknown
from interlude.forms import declaration_of, form_names
from interlude.metrics import metric_names
from interlude.plan.columns import columns_model
from interlude.plan.declared import (
    Declared,
    Different,
    HubId,
    Name,
    Omittable,
    Title,
    among,
    checked,
    refuse_unless_one,
)
from interlude.plan.evaluated import EVALUATE, Evaluated
from interlude.plan.generated import Generated
from interlude.plan.label_count import check_label_count
from interlude.plan.trainings import digest_of
from interlude.plan.transforms import fits
from interlude.plan.yaml_files import read_yaml

SplitName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z",
        description="name of a split, of letters, digits and underscores",
    ),
]
BySplit = dict[SplitName, str]


class HubData(Declared):
    """A data set on the hub."""

    id: HubId
    config: str = Field(
        "default", description="name of the config, which is the folder of its Parquet files"
    )
    revision: str = Field(
        "main", description="a commit, a tag or a branch, such as main or refs/convert/parquet"
    )
    files: BySplit = Field(
        {},
        description="patterns of file names by split, where they are not "
        "<config>/<split>-*.parquet or <config>/<split>/*.parquet",
    )


class OwnData(Declared):
    """A copy of the user's own."""

    obtain: str = Field(description="where a user gets the data, in words")
    folder: str | None = Field(
        None, description="name of the folder, below own_data; null for that of the task"
    )
    files: BySplit = Field(
        {},
        description="names of the files by split, below the folder, where they are not "
        "<split>.jsonl",
    )


class Source(Declared):
    """Where the rows of a task are."""

    archive: Omittable[Name] = Field(
        None, description="a key of config/archives.yaml; lower case, digits and hyphens"
    )
    members: Omittable[BySplit] = Field(
        None, description="members of the archive, by the name of the split"
    )
    files: Omittable[BySplit] = Field(
        None,
        description="your own files, by the name of the split; relative to the working directory",
    )
    hub: Omittable[HubData] = Field(
        None, description="a data set on the hub; of a script-only one, its Parquet conversion"
    )
    own: Omittable[OwnData] = Field(
        None,
        description="data that no hub has, or that is licensed: read from "
        "<own_data>/<task>/<split>.jsonl (or .parquet, .csv); own_data is a key of the config",
    )
    generated: Omittable[Generated] = Field(
        None, description="a task that a language model makes of real texts (docs/generate.md)"
    )
    mirror: str | None = Field(
        None, description="the data set in a mirror, where hub id and config do not name it"
    )
    inputs: list[str] | None = Field(
        None,
        description="names of the files to read, from a mirror, the hub or your own copy, where a "
        "reader makes other splits of them; null for the splits that are needed",
    )
    reader: str | None = Field(
        None, description="a reader of interlude.data.read; null: by the file ending"
    )
    options: dict[str, Any] = Field(
        {},
        description="options of the reader: encoding of text files, separator and quoting of CSV "
        "and TSV, names and comments of CoNLL; a reader of interlude.data.read names others",
    )

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        ways = {"archive": "members", "files": None, "hub": None, "own": None, "generated": None}
        refuse_unless_one(self, ways)
        return self

    def named_files(self) -> list[str]:
        """Return the files that are called by name or pattern: those of other origins have none."""
        place = self.hub or self.own
        return list((self.files or self.members or (place.files if place else {})).values())

    def with_defaults(self) -> dict[str, Any]:
        """Return the keys of the file, with the defaults of what it leaves out."""
        places = {"archive", "members", "files", "hub", "own", "generated"}
        return self.model_dump(exclude=places - self.model_fields_set)


class Splits(Declared):
    """What to train and to validate on."""

    train: str = Field(description="a slice, such as train or all[:70%]")
    validation: str = Field(description="a slice, such as validation or all[70%:]")

    def __getitem__(self, part: str) -> str:
        slices: dict[str, str] = vars(self)
        return slices[part]


class Published(Declared):
    """Official numbers of examples."""

    train: int | None = Field(None, ge=1, description="a number of examples, 1 or more")
    validation: int | None = Field(None, ge=1, description="a number of examples, 1 or more")


class TaskFile(Declared):
    """The file of a task."""

    name: Name = Field(
        description="name of the task, equal to the file name; lower case, digits and hyphens, not "
        "none"
    )
    title: Title
    description: str = Field(description="what is asked, in one sentence")
    of: Name | None = Field(
        None,
        description="another task, whose file in the same folder has the keys that this one "
        "leaves out, except for name, title, description, published and stands_in_for",
    )
    transform: Literal["endings-only", "shuffled-words", "shuffled-labels"] | None = Field(
        None,
        description="what is made of the rows: endings-only (choices without their text), "
        "shuffled-words (of each text), shuffled-labels (of the rows of train; those of validation "
        "stay); null for nothing",
    )
    form: Annotated[str, among(form_names)] = Field(
        description="layout of the input, which fixes the head"
    )
    source: Source = Field(
        description="where the rows are; exactly one of archive, files, hub, own and generated"
    )
    split_by: str | None = Field(
        None,
        description="column whose equal values stay on one side of a cut; its groups are cut in "
        "the order of a hash of their value. null cuts by the position of the row",
    )
    shuffle: bool = Field(
        False,
        description="true cuts rows in an order that is random, and the same each time; with "
        "split_by, groups are in such an order already",
    )
    splits: Splits = Field(
        description="what to train and to validate on, in the slicing syntax of datasets"
    )
    columns: dict[str, Any] = Field(
        description="for each normalised column of the form, the source column or a template such "
        'as "Q: {stem}"'
    )
    labels: Different[str] = Field(
        [],
        min_length=2,
        description="two or more names of labels in the order of their number; the label column "
        "holds the name, or the number. Left out, they are the values found in the data, sorted. "
        'In quotes where YAML would read a number, or true and false: "0", "no"',
    )
    labels_from: Literal[0, 1, "choices"] | None = Field(
        None,
        description="what a number in the label column counts from, 0 or 1, or choices: the label "
        "of a choice is its text. null for from 0, or for the text where that alone fits",
    )
    missing: Literal["refuse", "drop"] = Field(
        "refuse",
        description="refuse names the first row without a text, label or other value that its form "
        "needs; drop leaves out such rows, after the cut, and counts them",
    )
    missing_values: Different[str] = Field(
        [],
        description="texts that stand for nothing, beside null, NaN and an empty field, in the "
        'columns of labels, tags, numbers, groups and questions, such as "-1" or "?"',
    )
    metric: Annotated[str, among(metric_names)] = Field(
        description="the score of the task; evaluate for what the key of that name says"
    )
    evaluate: Omittable[Evaluated] = Field(
        None, description="a metric of the library evaluate, where metric is evaluate"
    )
    published: Published = Field(
        Published(), description="official numbers of examples, where there are any"
    )
    stands_in_for: list[Name] = Field(
        [],
        description="tasks of a published study that this one takes the place of, as a free "
        "stand-in",
    )
    licence: str = Field(description="licence of the data, and whether it is confirmed")
    citation: str = Field(description="the paper to cite")


class Task(TaskFile):
    """A data set with an input form, a head and a metric, as its task file declares it."""

    path: Path

    def data_declaration(self) -> str:
        """Return, as one line of JSON, what the task's normalised data depend on."""
        names = ("form", "split_by", "columns", "labels")
        later = (
            "shuffle",
            "labels_from",
            "missing",
            "missing_values",
            "transform",
        )  # left out where they have their default
        declared = {name: getattr(self, name) for name in names}
        declared |= self.model_dump(include=set(later), exclude_defaults=True)
        declared |= {"source": self.source.with_defaults(), "splits": vars(self.splits)}
        return json.dumps(declared, sort_keys=True)

    @property
    def score_called(self) -> str:
        """What tables call the score."""
        return self.metric if self.evaluate is None else self.evaluate.called

    @property
    def digest(self) -> str:
        """The digest of what the task's normalised data depend on."""
        return digest_of(self.data_declaration())

    def inputs(self) -> list[str]:
        """Return the names of the files to read: those declared, or the splits that are needed."""
        return list(self.source.inputs or self._named_splits())

    def _named_splits(self) -> list[str]:
        """Return the splits that the slices name: of `all[:70%]` and `all[70%:]`, one."""
        parts = (part for each in vars(self.splits).values() for part in each.split("+"))
        return list(dict.fromkeys(split_name(part) for part in parts))


def split_name(part: str) -> str:
    """Return the split of a slice: `all` of `all[:70%]`."""
    return part.partition("[")[0].strip()


def load_task(path: Path) -> Task:
    """Read one task file; InputError names the file and the key of a fault."""
    document = _with_what_it_is_of(read_yaml(path), path)
    file = checked(TaskFile, document, str(path), elsewhere=_places_of_columns)
    checked(columns_model(file.form), file.columns, str(path), "columns", elsewhere=_places_of_keys)
    if file.name != path.stem:
        raise InputError(f"{path}: key name: found {file.name!r}. Allowed: {path.stem!r}.")
    allowed = declaration_of(file.form).metrics
    if file.metric not in allowed:
        what = f"metric of the form {file.form}"
        raise unknown(f"{path}: key metric", what, file.metric, allowed)
    _check_evaluate(file, str(path))
    if file.labels:
        check_label_count(file.metric, file.labels, str(path))
    _check_labels_from(file, str(path))
    _check_transform(file, str(path))
    return Task.model_construct(file.model_fields_set, path=path, **vars(file))


_OF_ITS_OWN = ("name", "title", "description", "published", "stands_in_for")


def _with_what_it_is_of(document: Any, path: Path) -> Any:
    """Return a task file, with the keys that it leaves out from the file of the task it is `of`."""
    if not isinstance(document, dict) or not isinstance(document.get("of"), str):
        return document
    name, where = document["of"], f"{path}: key of"
    files = {file.stem: file for file in path.parent.glob("*.yaml") if file != path}
    if name not in files:
        raise unknown(where, "task in the same folder", name, sorted(files))
    other = read_yaml(files[name])
    if isinstance(other, dict) and ("of" in other or "generated" in (other.get("source") or {})):
        raise InputError(
            f"{where}: found {name}, whose rows are made themselves. Allowed: a task of rows that "
            "are fetched or read."
        )
    load_task(files[name])  # a fault there is its own
    kept = {key: value for key, value in other.items() if key not in _OF_ITS_OWN}
    if "own" in kept["source"]:
        kept["source"]["own"] = {"folder": name, **kept["source"]["own"]}
    return kept | document


def _check_evaluate(file: TaskFile, where: str) -> None:
    """Raise InputError for one of metric: evaluate and the key of that name without the other."""
    if (file.metric == EVALUATE) != (file.evaluate is not None):
        value = "no key evaluate" if file.evaluate is None else f"metric: {file.metric}"
        raise InputError(
            f"{where}: key {EVALUATE}: found {value}. Needed: metric: evaluate, and evaluate: with "
            "folder or hub, and score (docs/add-a-task.md)."
        )


def _check_transform(file: TaskFile, where: str) -> None:
    """Raise InputError where the rows of the form cannot be transformed so."""
    if file.transform and not fits(file.transform, declaration_of(file.form).columns):
        forms = [
            name for name in form_names() if fits(file.transform, declaration_of(name).columns)
        ]
        raise InputError(
            f"{where}: key transform: found {file.transform} with the form {file.form}. Allowed: "
            f"with {', '.join(forms)}."
        )


def _check_labels_from(file: TaskFile, where: str) -> None:
    """Raise InputError where there is nothing that a number could count."""
    has_choices = "choices" in file.columns
    fault = f"{where}: key labels_from: found {file.labels_from!r}"
    if file.labels_from == "choices" and (file.labels or not has_choices):
        raise InputError(f"{fault}. Allowed: 0 or 1; choices only with choices and without labels.")
    if file.labels_from in (0, 1) and not (file.labels or has_choices):
        raise InputError(f"{fault}, and no labels. Needed: labels, in the order of their numbers.")


def _places_of_columns() -> dict[str, str]:
    """Return where keys belong that somebody writes beside `columns`."""
    return {name: "columns" for form in form_names() for name in declaration_of(form).columns}


def _places_of_keys() -> dict[str, str]:
    """Return where keys belong that somebody writes into `columns`."""
    return dict.fromkeys(TaskFile.model_fields, "")
