"""From a source row to the normalised columns of a form, with every check that a row needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from interlude.data.shape.values import (
    Row,
    RowError,
    listed,
    number_of,
    resolved,
    text_of,
    texts_of,
    value_of,
    whole_of,
)
from interlude.errors import did_you_mean
from interlude.plan.tasks import Task


def normalised(row: Row, task: Task) -> Row:
    """Return the normalised columns of one source row; RowError when it breaks the form."""
    return FORMS[task.form].normalise(row, task)


def arrow_schema(form: str) -> pa.Schema:
    """Return the columns of the normalised Parquet files of a form."""
    return pa.schema([("id", pa.string()), *FORMS[form].columns.items()])


def labels_of(row: Row, task: Task) -> list[Any]:
    """Return the labels of a source row as they stand there: one, or several (tags, spans)."""
    key = FORMS[task.form].label
    if key is None:
        return []
    value = value_of(row, task, key)
    if key == "tags":
        value = listed(value, key)
    return value if isinstance(value, list) else [value]


def _single(row: Row, task: Task) -> Row:
    return {"text": text_of(row, task, "text"), "label": _label(row, task)}


def _pair(row: Row, task: Task) -> Row:
    texts = {key: text_of(row, task, key) for key in ("text_a", "text_b")}
    return {**texts, "label": _label(row, task)}


def _answer_option(row: Row, task: Task) -> Row:
    return {**_pair(row, task), "question_id": str(value_of(row, task, "question_id"))}


def _candidate(row: Row, task: Task) -> Row:
    return {
        **_answer_option(row, task),
        "answer": text_of(row, task, "answer"),
        "answers": texts_of(row, task, "answers"),
    }


def _choice(row: Row, task: Task) -> Row:
    choices = _choices(row, task)
    right = _label(row, task) if task.labels else whole_of(row, task, "label")
    if not 0 <= right < len(choices):
        raise RowError(f"key label: found {right}. Allowed: 0 to {len(choices) - 1}.")
    return {"text": text_of(row, task, "text"), "choices": choices, "label": right}


def _span(row: Row, task: Task) -> Row:
    passage = text_of(row, task, "passage")
    answers = texts_of(row, task, "answers")
    start = whole_of(row, task, "start")
    end = whole_of(row, task, "end") if "end" in task.columns else start + len(answers[0])
    _check_bounds(start, end, passage, "start")
    if passage[start:end] not in answers:
        raise RowError(
            f"key start: the passage holds {passage[start:end]!r} from {start} to {end}, "
            f"the answers are {answers!r}."
        )
    texts = {"question": text_of(row, task, "question"), "passage": passage}
    return {**texts, "start": start, "end": end, "answers": answers}


def _tagging(row: Row, task: Task) -> Row:
    tokens = texts_of(row, task, "tokens")
    tags = labels_of(row, task)
    if len(tokens) != len(tags):
        raise RowError(f"key tags: found {len(tags)} tags for {len(tokens)} tokens.")
    return {"tokens": tokens, "tags": [_number(tag, task, "tags") for tag in tags]}


def _text_with_spans(row: Row, task: Task) -> Row:
    """Return the text and one or two spans; the second is null where the task has only one."""
    text = text_of(row, task, "text")
    first = _bounds(row, task, "span1", text)
    second = _bounds(row, task, "span2", text) if "span2" in task.columns else (None, None)
    places = ("span1_start", "span1_end", "span2_start", "span2_end")
    return {"text": text, **dict(zip(places, first + second, strict=True))}


def _span_pair(row: Row, task: Task) -> Row:
    return {**_text_with_spans(row, task), "label": _label(row, task)}


def _spans(row: Row, task: Task) -> Row:
    with_spans = _text_with_spans(row, task)
    labels = [_number(label, task, "labels") for label in labels_of(row, task)]
    text = with_spans["text"]
    return {
        **with_spans,
        "labels": labels,
        "group": str(value_of(row, task, "group")) if "group" in task.columns else text,
    }


def _regression(row: Row, task: Task) -> Row:
    texts = {key: text_of(row, task, key) for key in ("text_a", "text_b")}
    return {**texts, "value": number_of(row, task, "value")}


def _word_in_context(row: Row, task: Task) -> Row:
    columns: Row = {}
    for side in "ab":
        columns[f"text_{side}"] = text = text_of(row, task, f"text_{side}")
        start, end = (whole_of(row, task, f"{key}_{side}") for key in ("start", "end"))
        _check_bounds(start, end, text, f"start_{side}")
        columns |= {f"start_{side}": start, f"end_{side}": end}
    return {**columns, "label": _label(row, task)}


def _bounds(row: Row, task: Task, key: str, text: str) -> tuple[int, int]:
    """Return start and end of a span that a source column holds as two characters of the text."""
    value = value_of(row, task, key)
    if not isinstance(value, list) or [type(each) for each in value] != [int, int]:
        raise RowError(f"key {key}: found {value!r}. Allowed: a list of start and end.")
    start, end = value
    _check_bounds(start, end, text, key)
    return start, end


def _check_bounds(start: int, end: int, text: str, key: str) -> None:
    if not 0 <= start < end <= len(text):
        raise RowError(f"key {key}: found {start} to {end}. Allowed: within 0 to {len(text)}.")


def _label(row: Row, task: Task) -> int:
    return _number(value_of(row, task, "label"), task, "label")


def _number(value: Any, task: Task, key: str) -> int:
    """Return the number of a label: its place among the labels, or the value if that is it."""
    if _is_number_of_label(value, task.labels):
        return int(value)
    if str(value) not in task.labels:
        raise RowError(
            f"key {key}: unknown label {str(value)!r}.{did_you_mean(str(value), task.labels)} "
            f"Allowed: {', '.join(task.labels)}."
        )
    return task.labels.index(str(value))


def _is_number_of_label(value: Any, labels: list[str]) -> bool:
    """Tell whether a value is a label's number: an integer, where no label is a number itself."""
    is_number = type(value) is int and 0 <= value < len(labels)
    return is_number and not any(label.lstrip("-").isdigit() for label in labels)


def _choices(row: Row, task: Task) -> list[str]:
    """Return the choices: of one list-valued column, or one of each of several columns."""
    declared = task.columns["choices"]
    if isinstance(declared, list):
        return [str(resolved(row, each, "choices")) for each in declared]
    return texts_of(row, task, "choices")


@dataclass(frozen=True)
class Layout:
    """How a form is normalised, its columns, and the key of its named labels, if it has such."""

    normalise: Callable[[Row, Task], Row]
    columns: dict[str, pa.DataType]
    label: str | None = "label"


_TEXT, _TEXTS, _INT = pa.string(), pa.list_(pa.string()), pa.int64()
_INTS, _FLOAT = pa.list_(_INT), pa.float64()
_PAIR = {"text_a": _TEXT, "text_b": _TEXT, "label": _INT}
_OPTION = {**_PAIR, "question_id": _TEXT}
_SPANS = {
    "text": _TEXT,
    "span1_start": _INT,
    "span1_end": _INT,
    "span2_start": _INT,
    "span2_end": _INT,
}

FORMS: dict[str, Layout] = {
    "single": Layout(_single, {"text": _TEXT, "label": _INT}),
    "pair": Layout(_pair, _PAIR),
    "answer-option": Layout(_answer_option, _OPTION),
    "candidate": Layout(_candidate, {**_OPTION, "answer": _TEXT, "answers": _TEXTS}),
    "choice": Layout(_choice, {"text": _TEXT, "choices": _TEXTS, "label": _INT}, label=None),
    "span": Layout(
        _span,
        {"question": _TEXT, "passage": _TEXT, "start": _INT, "end": _INT, "answers": _TEXTS},
        label=None,
    ),
    "tagging": Layout(_tagging, {"tokens": _TEXTS, "tags": _INTS}, label="tags"),
    "spans": Layout(_spans, {**_SPANS, "labels": _INTS, "group": _TEXT}, label="labels"),
    "span-pair": Layout(_span_pair, {**_SPANS, "label": _INT}),
    "regression": Layout(
        _regression, {"text_a": _TEXT, "text_b": _TEXT, "value": _FLOAT}, label=None
    ),
    "word-in-context": Layout(
        _word_in_context,
        {
            "text_a": _TEXT,
            "text_b": _TEXT,
            "start_a": _INT,
            "end_a": _INT,
            "start_b": _INT,
            "end_b": _INT,
            "label": _INT,
        },
    ),
}
