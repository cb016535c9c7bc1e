"""A choice among spans of a text: what a row may hold, the loss by hand, what is predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from helpers import tiny

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.forms import form_of, rows_of
from interlude.forms.examples import CUT, NO_CHOICE
from interlude.plan.tasks import load_task

Row = dict[str, Any]

TEXT = "Anna saw Eve when she ran."
ROW = {
    "t": TEXT,
    "she": [18, 21],
    "names": [[0, 4], [9, 12]],
    "a": "Anna",
    "a_at": 0,
    "b": "Eve",
    "b_at": 9,
    "b_end": 12,
    "is_a": False,
    "is_b": True,
    "which": 1,
    "both": [False, True],
    "who": "B",
}
COLUMNS: Row = {"text": "t", "span": "she", "choices": "names", "label": "which"}
IN_COLUMNS = [{"start": "a_at", "text": "a"}, {"start": "b_at", "end": "b_end"}]
WANTED = {
    "text": TEXT,
    "span_start": 18,
    "span_end": 21,
    "choice_starts": [0, 9],
    "choice_ends": [4, 12],
    "label": 1,
}


def normalised(folder: Path, row: Row, columns: Row, **changes: Any) -> Row:
    """Return the normalised row of a source row."""
    data = folder / "rows.jsonl"
    data.write_text(f"{json.dumps(row)}\n" * 2, encoding="utf8")
    declared = tiny.task_file("span-choice") | {
        "columns": columns,
        "splits": {"train": "all[:1]", "validation": "all[1:]"},
        "source": {"files": {"all": str(data)}},
    }
    task = load_task(tiny.write_yaml(folder / "tiny-span-choice.yaml", declared | changes))
    prepare(task, Places(folder / "archives.yaml"), folder / "data")
    (found,) = pq.read_table(folder / "data/train.parquet").to_pylist()
    return {name: value for name, value in found.items() if name != "id"}


@pytest.mark.parametrize(
    ("columns", "changes"),
    [
        (COLUMNS, {}),
        (COLUMNS | {"choices": IN_COLUMNS}, {}),
        (COLUMNS | {"choices": IN_COLUMNS, "label": ["is_a", "is_b"]}, {}),
        (COLUMNS | {"label": "both"}, {}),
        (COLUMNS | {"label": "who"}, {"labels": ["A", "B"]}),
    ],
)
def test_spans_and_the_right_one_are_told_in_several_ways(
    columns: Row, changes: Row, tmp_path: Path
) -> None:
    assert normalised(tmp_path, ROW, columns, **changes) == WANTED


def test_none_may_be_right_where_each_is_true_or_false(tmp_path: Path) -> None:
    for truths in ([False, False], ["FALSE", "False"], [0, 0], ["0", "0"]):
        found = normalised(tmp_path, ROW | {"both": truths}, COLUMNS | {"label": "both"})
        assert found == WANTED | {"label": NO_CHOICE}


def test_the_span_that_is_asked_about_may_be_left_out(tmp_path: Path) -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "span"}
    wanted = WANTED | {"span_start": None, "span_end": None}
    assert normalised(tmp_path, ROW, columns) == wanted


@pytest.mark.parametrize(
    ("change", "columns", "message"),
    [
        ({"which": -1}, {}, "key label: found -1. Allowed: 0 to 1"),
        ({"which": 2}, {}, "key label: found 2. Allowed: 0 to 1"),
        ({"both": [True, True]}, {"label": "both"}, "Allowed: at most one that is true"),
        ({"both": [True]}, {"label": "both"}, "Allowed: true or false for each of 2"),
        ({"both": [True, "no"]}, {"label": "both"}, "Allowed: true or false for each of 2"),
        ({"a": "Anne"}, {"choices": IN_COLUMNS}, "found 'Anne' at 0, where the text has 'Anna'"),
        (
            {"b_at": -4, "b_end": 0},
            {"choices": IN_COLUMNS},
            "key choices: found -4 to 0. Allowed: within 0",
        ),
        ({"names": [[0, 4], [0, 4]]}, {}, r"found the span \[0, 4\] twice"),
        ({"names": [[0, 4], [9, 99]]}, {}, "key choices: found 9 to 99. Allowed: within 0 to 26"),
        ({"names": [[0, 4, 5]]}, {}, r"found \[0, 4, 5\]. Allowed: a list of start and end"),
        ({"names": []}, {}, "Allowed: a list that is not empty"),
    ],
)
def test_a_row_that_is_no_choice_among_spans_is_named(
    change: Row, columns: Row, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"split 'all', line 1: .*{message}"):
        normalised(tmp_path, ROW | change, COLUMNS | columns)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"span": {"start": "she"}}, "key columns.span: .*exactly one of end and text"),
        ({"span": {"start": "she", "last": "b"}}, "key columns.span: unknown key 'last'"),
        ({"span": ["a", "b"]}, "key columns.span: "),
        ({"choices": [{"start": "a_at", "end": "b"}]}, "key columns.choices: .*2 or more"),
        ({"choices": ["a", {"text": "b"}]}, "key columns.choices.1: no key 'start'"),
    ],
)
def test_a_declaration_that_says_no_span_is_named(
    columns: Row, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        normalised(tmp_path, ROW, COLUMNS | columns)


# Head


def examples_of(rows: list[Row], tokenizer: Any, max_length: int = 32) -> list[Row]:
    return rows_of("span-choice").encode(rows, tokenizer, max_length)


def pooled(pooling: Any, states: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return one example's span vector: attention over its tokens, the last included."""
    weight, bias = (each.detach().numpy() for each in pooling.projection.parameters())
    tokens = states[first : last + 1] @ weight.T + bias
    scores = tokens @ pooling.score.weight.detach().numpy()[0]
    weights = np.exp(scores - scores.max())
    return np.asarray(weights @ tokens / weights.sum())


@pytest.mark.parametrize("asked", [True, False])
def test_a_span_is_scored_with_what_is_asked_about_and_none_is_0(
    asked: bool, tokenizer: Any
) -> None:
    rows = tiny.rows("span-choice", 9)
    if not asked:
        rows = [row | {"span_start": None, "span_end": None} for row in rows]
    examples = examples_of(rows, tokenizer)
    form: Any = form_of("span-choice")([])
    torch.manual_seed(2)
    head: Any = form.head(16, dropout=0.0).eval()
    longest = max(len(example["input_ids"][0]) for example in examples)
    hidden = torch.randn(len(examples), longest, 16)
    outputs = head(hidden, form.targets(examples))
    assert outputs.logits.shape == (9, 4)
    losses = []
    for i, (example, row) in enumerate(zip(examples, rows, strict=True)):
        states = hidden[i].numpy()
        spans = list(zip(example["span_starts"], example["span_ends"], strict=True))
        about = pooled(head.asked, states, *(spans.pop(0) if asked else (0, 0)))
        vectors = [pooled(head.choice, states, *span) for span in spans]
        pairs = [np.concatenate([about, each, about * each]) for each in vectors]
        scores = [head.scorer(torch.tensor(pair).float()).item() for pair in pairs]
        found = outputs.logits[i].detach().numpy()
        np.testing.assert_allclose(found[: len(scores)], scores, atol=1e-4)
        assert np.isneginf(found[len(scores) : -1]).all()
        assert found[-1] == 0
        every = np.array([*scores, 0.0])
        losses.append(np.log(np.exp(every).sum()) - every[row["label"]])
    assert outputs.loss.item() == pytest.approx(np.mean(losses), abs=1e-5)


def test_the_best_span_is_predicted_or_none() -> None:
    far = float("-inf")
    logits = torch.tensor([[1.0, 2.0, far, 0.0], [-1.0, -2.0, -3.0, 0.0], [3.0, 1.0, 2.0, 0.0]])
    assert form_of("span-choice")([]).decode(logits, []) == [1, NO_CHOICE, 0]


def test_none_is_guessed_only_where_it_occurs() -> None:
    examples = [{"n_choices": 2, "right": right} for right in (0, 1)] * 100
    form = form_of("span-choice")([])
    assert {*form.guesses(examples, np.random.default_rng(1))} == {0, 1}
    with_none = [*examples, {"n_choices": 2, "right": NO_CHOICE}]
    assert {*form.guesses(with_none, np.random.default_rng(1))} == {-1, 0, 1}
    assert [each[0] for each in form.constants(with_none)] == [-1, 0, 1]


def test_an_example_that_lost_a_span_is_not_trained_on(tokenizer: Any) -> None:
    rows = tiny.rows("span-choice", 2)
    far = rows[0] | {"text": rows[0]["text"] + " ." * 40 + " old"}
    end = len(far["text"])
    far |= {"choice_starts": [0, end - 3], "choice_ends": [4, end]}
    examples = examples_of([rows[0], far], tokenizer, max_length=20)
    assert CUT in examples[1]["span_starts"]
    form = form_of("span-choice")([])
    assert form.trainable(pa.Table.from_pylist(examples)).tolist() == [True, False]
    assert form.targets(examples)["choices"][1].tolist()[1] == [0, 0]
