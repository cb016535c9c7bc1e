"""Warnings on normalised data: on what is no error, but what a user should know.

No digest of code covers this module, so that data are not made anew when its words change.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator

from interlude.data.shape.classes import are_sorted
from interlude.data.shape.normalise import PARTS, Normalised, Splits
from interlude.data.shape.splits import cut, groups, has_group
from interlude.errors import few
from interlude.forms import numbers
from interlude.forms.columns import REAL
from interlude.forms.examples import Row
from interlude.forms.names import same_name, whole_number
from interlude.plan.tasks import Task

FAR = 0.2  # of the rows that a slice asks for: a warning where groups change it by more
SHOWN = 3  # pairs of labels


def warnings_of(task: Task, splits: Splits, made: Normalised) -> list[str]:
    """Return plain sentences on what may be wrong with the data of a task.

    splits: source rows by split; made: what became of them.
    """
    return [
        *_dropped(made),
        *_alike(made),
        *_hidden(made),
        *_from_1(task, made),
        *_alone(made),
        *_numbers(made),
        *_on_one_side(task, made),
        *_without_group(task, splits),
        *_swallowed(task, splits, made),
    ]


def _dropped(made: Normalised) -> Iterator[str]:
    for reason, count in made.dropped.items():
        yield f"rows that missing: drop left out: {count}, with {reason}"


def _alike(made: Normalised) -> Iterator[str]:
    """Yield warnings on labels in several spellings: some count as one, others perhaps should."""
    spelt = ((name, same_name(name)) for name in made.names)
    one = [name for name, whole in spelt if name != whole and whole in made.names]
    if one:
        yield f"labels that count as the same whole number: {few(one)}"
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in made.labels:
        alike[_bare(label)].append(repr(label))
    several = [" and ".join(labels) for labels in alike.values() if len(labels) > 1]
    if several:
        more = f", and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
        yield f"labels that may be one, but count as several: {', '.join(several[:SHOWN])}{more}"


def _bare(label: str) -> str:
    """Return a label without case, blanks, form of its characters and spelling of its number."""
    seen = re.findall(r"[^\s\u200b]", unicodedata.normalize("NFKC", label).casefold())
    name = {"true": "1", "false": "0"}.get("".join(seen), "".join(seen))
    return str(float(name)) if re.fullmatch(r"[-+]?\d+(\.\d+)?", name) else name


def _hidden(made: Normalised) -> Iterator[str]:
    """Yield a warning on -1 among other numbers from 0."""
    numbers = [whole_number(name) for name in made.names]
    if -1 in numbers and 0 in numbers:
        count = sum(made.label_counts(part).get("-1", 0) for part in PARTS)
        yield (
            f"the label -1 ({count} rows) is one of the labels; where it marks rows without one, "
            'say missing_values: ["-1"] and missing: drop'
        )


def _from_1(task: Task, made: Normalised) -> Iterator[str]:
    """Yield a warning on numbers of right choices among which there is no 0."""
    numbers = {number for rows in made.parts.values() for row in rows for number in _of(made, row)}
    is_open = _is_choice(made) and not made.labels and task.labels_from is None
    if is_open and 0 not in numbers and len(numbers) > 1:
        yield (
            "the first choice is never the right one: numbers that count from 1 need "
            "labels_from: 1, and labels_from: 0 says that these do not"
        )


def _is_choice(made: Normalised) -> bool:
    return made.columns.label == "label" and not made.columns.has_classes


def _of(made: Normalised, row: Row) -> list[int]:
    return made.columns.numbers_of(row)


def _alone(made: Normalised) -> Iterator[str]:
    """Yield warnings on parts in which every row has the same one label, or tag."""
    effects = {"validation": "a model that always predicts it is always right"}
    if not _is_choice(made):
        effects["train"] = "there is nothing to learn"
    for part, effect in effects.items():
        rows = made.parts[part]
        labels_of_rows = {tuple(set(_of(made, row))) for row in rows}
        if len(labels_of_rows) > 1 or len(labels := labels_of_rows.pop()) != 1:
            continue
        name = repr(made.labels[labels[0]]) if made.labels else f"number {labels[0]}"
        yield f"all {len(rows)} rows of {part} have the label {name}: {effect}"


def _numbers(made: Normalised) -> Iterator[str]:
    """Yield warnings on columns of numbers to learn."""
    for name, kind in made.columns.types.items():
        if kind == REAL:
            yield from numbers.warnings_of([row[name] for row in made.parts["train"]])


def _on_one_side(task: Task, made: Normalised) -> Iterator[str]:
    """Yield warnings on labels that only one part has."""
    if _is_choice(made):
        return
    train, validation = (made.label_counts(part) for part in PARTS)
    ways = (
        ("train", train, validation, "validation does not test them"),
        ("validation", validation, train, "they cannot be learnt"),
    )
    for part, here, there, effect in ways:
        if there and (alone := [name for name in here if name not in there]):
            count = sum(here[name] for name in alone)
            is_sorted = made.columns.has_classes and are_sorted(task, made.classes(), part)
            why = "; the rows are sorted by label, shuffle: true cuts them otherwise" * is_sorted
            yield (
                f"labels that only {part} has: {few(alone)} ({count} of {sum(here.values())}); "
                f"{effect}{why}"
            )


def _without_group(task: Task, splits: Splits) -> Iterator[str]:
    """Yield warnings on rows without a value in the column by which rows are cut."""
    for name, rows in splits.items():
        column = task.split_by
        count = sum(not has_group(row, column) for row in rows) if column else 0
        if count:
            yield (
                f"rows of {name!r} without {column!r} (split_by): {count} of {len(rows)}; each is "
                "a group of its own"
            )


def _swallowed(task: Task, splits: Splits, made: Normalised) -> Iterator[str]:
    """Yield warnings on parts that are far from the size asked for, since groups stay whole."""
    if not task.split_by:
        return
    key = str(task.path)
    for part in PARTS:
        asked = len(cut(splits, task.splits[part], None, key))
        actual = len(cut(splits, task.splits[part], task.split_by, key))
        if abs(actual - asked) > FAR * asked:
            names = {split for split, _ in made.selected[part]}
            of_each = (Counter(groups(splits[each], task.split_by, key)) for each in names)
            sizes = [size for counts in of_each for size in counts.values()]
            yield (
                f"{part} has {actual} rows where {task.splits[part]} asks for {asked}: groups stay "
                f"whole (split_by), and the largest of {len(sizes)} has {max(sizes)} rows"
            )
