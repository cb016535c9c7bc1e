"""Edge probing, span pairs, words in context, regression: heads and losses by hand, cut spans."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from torch import Tensor

from interlude.encode.encoding import encode_task
from interlude.encode.read import read_encoded
from interlude.errors import InputError
from interlude.forms import form_of, rows_of
from interlude.forms.examples import CUT
from interlude.forms.head import Outputs
from interlude.forms.span_heads import SpanPooling
from interlude.metrics import metric_of

Row = dict[str, Any]
Numbers = np.ndarray[Any, np.dtype[np.float64]]

HIDDEN = 32
WITH_SPANS = ("spans", "span-pair", "word-in-context")


def encode(name: str, rows: list[Row], tokenizer: Any, max_length: int = 32) -> list[Row]:
    return rows_of(name).encode(rows, tokenizer, max_length)


def run_head(name: str, examples: list[Row]) -> tuple[Any, Tensor, Outputs]:
    """Return a fresh head, random hidden states and what the head gives for them."""
    form = form_of(name)(tiny.LABELS[name])
    torch.manual_seed(0)
    head: Any = form.head(HIDDEN, dropout=0.0).eval()
    longest = max(len(example["input_ids"][0]) for example in examples)
    hidden = torch.randn(len(examples), longest, HIDDEN)
    return head, hidden, head(hidden, form.targets(examples))


def numbers(tensor: Tensor) -> Numbers:
    return tensor.detach().double().numpy()


def linear(layer: Any, values: Numbers) -> Numbers:
    return values @ numbers(layer.weight).T + numbers(layer.bias)


def pooled(pooling: Any, states: Numbers, first: int, last: int) -> Numbers:
    """Return one example's span vector: attention over its tokens, the last included."""
    tokens = linear(pooling.projection, states[first : last + 1])
    scores = tokens @ numbers(pooling.score.weight)[0]
    weights = np.exp(scores) / np.exp(scores).sum()
    return np.asarray(sum(weight * token for weight, token in zip(weights, tokens, strict=True)))


def surprise(scores: Numbers, right: int) -> float:
    return float(np.log(np.exp(scores).sum()) - scores[right])


def one_span(row: Row) -> Row:
    return row | {"span2_start": None, "span2_end": None}


# Heads


def test_pooling_weighs_the_tokens_of_a_span_and_no_others() -> None:
    torch.manual_seed(1)
    pooling = SpanPooling(HIDDEN, 7)
    hidden = torch.randn(3, 6, HIDDEN)
    spans = torch.tensor([[0, 0], [2, 5], [1, 2]])
    found = numbers(pooling(hidden, spans))
    wanted = [
        pooled(pooling, numbers(states), *span)
        for states, span in zip(hidden, spans.tolist(), strict=True)
    ]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    hidden[2, 3:] = 1e6
    np.testing.assert_array_equal(numbers(pooling(hidden, spans))[2], found[2])


@pytest.mark.parametrize("n_spans", [1, 2])
def test_edge_probing_is_a_hidden_layer_on_the_span_vectors(n_spans: int, tokenizer: Any) -> None:
    rows = tiny.rows("spans", 8)
    examples = encode("spans", rows if n_spans == 2 else list(map(one_span, rows)), tokenizer)
    head, hidden, outputs = run_head("spans", examples)
    first, _, norm, _, last = head.classifier
    logits, losses = [], []
    for states, example in zip(numbers(hidden), examples, strict=True):
        places = list(zip(example["span_starts"], example["span_ends"], strict=True))
        assert len(places) == n_spans
        vectors = [pooled(head.poolings[k], states, *place) for k, place in enumerate(places)]
        vector = np.concatenate([*vectors, np.zeros(256 * (2 - n_spans))])
        layer = np.tanh(linear(first, vector))
        scaled = (layer - layer.mean()) / np.sqrt(layer.var() + norm.eps)
        own = linear(last, scaled * numbers(norm.weight) + numbers(norm.bias))
        logits.append(own)
        for label, logit in enumerate(own):
            chance = 1 / (1 + np.exp(-logit))
            losses.append(-np.log(chance if label in example["labels"] else 1 - chance))
    np.testing.assert_allclose(numbers(outputs.logits), logits, atol=1e-4)
    assert outputs.loss.item() == pytest.approx(np.mean(losses), abs=1e-5)


def test_edge_probing_has_the_sizes_and_the_dropout_of_the_study() -> None:
    head: Any = form_of("spans")(["a", "b", "c"]).head(1024, dropout=0.1)
    first, _, _, dropout, last = head.classifier
    assert [tuple(p.projection.weight.shape) for p in head.poolings] == [(256, 1024)] * 2
    assert tuple(first.weight.shape) == (256, 512)
    assert (dropout.p, head.dropout.p) == (0.3, 0.1)
    assert tuple(last.weight.shape) == (3, 256)


def test_span_pair_is_a_linear_layer_on_two_span_vectors(tokenizer: Any) -> None:
    examples = encode("span-pair", tiny.rows("span-pair", 7), tokenizer)
    head, hidden, outputs = run_head("span-pair", examples)
    logits = []
    for states, example in zip(numbers(hidden), examples, strict=True):
        places = zip(example["span_starts"], example["span_ends"], strict=True)
        vectors = [pooled(head.poolings[k], states, *place) for k, place in enumerate(places)]
        logits.append(linear(head.linear, np.concatenate(vectors)))
    wanted = [surprise(own, row["label"]) for own, row in zip(logits, examples, strict=True)]
    np.testing.assert_allclose(numbers(outputs.logits), logits, atol=1e-4)
    assert outputs.loss.item() == pytest.approx(np.mean(wanted), abs=1e-5)


def test_words_in_context_are_the_mean_of_their_tokens_beside_the_first_token(
    tokenizer: Any,
) -> None:
    rows = tiny.rows("word-in-context", 6)
    rows.append({**rows[0], "text_a": "unbelievable play", "start_a": 0, "end_a": 12})
    examples = encode("word-in-context", rows, tokenizer)
    assert examples[-1]["span_ends"][0] == examples[-1]["span_starts"][0] + 2  # un ##believ ##able
    head, hidden, outputs = run_head("word-in-context", examples)
    logits = []
    for states, example in zip(numbers(hidden), examples, strict=True):
        places = zip(example["span_starts"], example["span_ends"], strict=True)
        words = [states[first : last + 1].mean(0) for first, last in places]
        logits.append(linear(head.linear, np.concatenate([states[0], *words])))
    wanted = [surprise(own, row["label"]) for own, row in zip(logits, examples, strict=True)]
    np.testing.assert_allclose(numbers(outputs.logits), logits, atol=1e-4)
    assert outputs.loss.item() == pytest.approx(np.mean(wanted), abs=1e-5)


def test_loss_of_regression_is_the_mean_squared_error(tokenizer: Any) -> None:
    examples = encode("regression", tiny.rows("regression", 9), tokenizer)
    head, hidden, outputs = run_head("regression", examples)
    found = linear(head.linear, numbers(hidden)[:, 0])[:, 0]
    values = np.array([row["value"] for row in tiny.rows("regression", 9)])
    np.testing.assert_allclose(numbers(outputs.logits), found, atol=1e-5)
    assert outputs.loss.item() == pytest.approx(((found - values) ** 2).mean(), abs=1e-5)
    form = form_of("regression")([])
    assert form.decode(outputs.logits, examples) == pytest.approx(found, abs=1e-5)


# Predictions and references of edge probing


def test_a_label_is_predicted_when_its_probability_is_above_one_half() -> None:
    logits = torch.tensor([[-1.0, 0.0, 1e-3], [2.0, -2.0, 5.0], [-1.0, -9.0, 0.0]])
    assert form_of("spans")(["a", "b", "c"]).decode(logits, []) == [[2], [0, 2], []]


def test_labels_are_sorted_and_there_may_be_none(tokenizer: Any) -> None:
    rows = [{**tiny.rows("spans", 1)[0], "labels": labels} for labels in ([2, 0, 2], [], [1])]
    examples = encode("spans", rows, tokenizer)
    form = form_of("spans")(tiny.LABELS["spans"])
    assert form.gold(examples) == [[0, 2], [], [1]]
    assert form.targets(examples)["labels"].tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("seed", range(20))
def test_no_set_of_labels_for_all_has_a_better_micro_f1_than_the_constants(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.random(5) ** 3
    examples = [
        {"labels": np.flatnonzero(row).tolist()} for row in rng.random((30, 5)) < shares[None]
    ]
    form = form_of("spans")(list("abcde"))
    gold = form.gold(examples)

    def score(predicted: list[Any]) -> float:
        return metric_of("micro_f1")(predicted, gold)["micro_f1"]

    sets = chain.from_iterable(combinations(range(5), size) for size in range(6))
    best = max(score([list(labels)] * 30) for labels in sets)
    assert max(map(score, form.constants(examples))) == pytest.approx(best)


def test_constants_of_examples_without_labels_are_empty() -> None:
    assert form_of("spans")(["a", "b"]).constants([{"labels": []}]) == [[[]], [[]]]


# Texts that rows share, and spans that truncation cuts off


def test_rows_that_share_a_text_are_encoded_as_if_alone(tokenizer: Any) -> None:
    rows = [{**row, "text": text} for text in ("the red dog sat", "a dog") for row in WORDS]
    rows = [rows[i] for i in (0, 3, 1, 4, 2, 5)]
    together = encode("spans", rows, tokenizer)
    assert together == [encode("spans", [row], tokenizer)[0] for row in rows]


WORDS = [
    {"span1_start": start, "span1_end": end, "span2_start": None, "span2_end": None, "labels": [0]}
    for start, end in ((0, 1), (2, 5), (0, 5))
]


def long_rows(name: str) -> list[Row]:
    """Return four rows; in the second and the last, a sequence of 12 does not reach a span."""
    texts = ["red " + "a " * n + "door" for n in (0, 30, 1, 31)]
    ends = [text.index("door") for text in texts]
    if name == "word-in-context":
        return [
            {"text_a": "red", "start_a": 0, "end_a": 3, "text_b": text, "start_b": end,
             "end_b": end + 4, "label": 0}
            for text, end in zip(texts, ends, strict=True)
        ]  # fmt: skip
    return [
        {"text": text, "span1_start": 0, "span1_end": 3, "span2_start": end,
         "span2_end": end + 4, "labels": [0], "label": 0}
        for text, end in zip(texts, ends, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("name", WITH_SPANS)
def test_examples_that_lost_a_span_are_not_trained_on(name: str, tokenizer: Any) -> None:
    examples = encode(name, long_rows(name), tokenizer, max_length=12)
    assert [CUT in example["span_starts"] for example in examples] == [False, True, False, True]
    trainable = form_of(name)(tiny.LABELS[name]).trainable(pa.Table.from_pylist(examples))
    assert trainable.tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", WITH_SPANS)
def test_a_lost_span_is_read_as_the_first_token(name: str, tokenizer: Any) -> None:
    examples = encode(name, long_rows(name), tokenizer, max_length=12)
    at_first_token = [
        {**example, "span_starts": [start, max(0, other)], "span_ends": [end, max(0, last)]}
        for example in examples
        for (start, other), (end, last) in [(example["span_starts"], example["span_ends"])]
    ]
    logits = [run_head(name, each)[2].logits for each in (examples, at_first_token)]
    assert torch.equal(*logits)
    predicted = form_of(name)(tiny.LABELS[name]).decode(logits[0], examples)
    assert len(predicted) == 4


# Trainings


@pytest.mark.parametrize("labels", [[[0], [1], [2], [0, 1]], [[], [], [], []]])
def test_a_task_with_one_span_and_with_no_label_at_all_can_be_trained(
    labels: list[list[int]], model: Path, tmp_path: Path
) -> None:
    rows = [
        {**one_span(row), "labels": labels[i % 4]} for i, row in enumerate(tiny.rows("spans", 16))
    ]
    data = tiny.write_task(tmp_path / "data", "spans", {"train": rows, "validation": rows})
    encode_task(data, tmp_path / "encoded", "spans", model, 32)
    result = Case("spans").trained(model, tmp_path / "encoded")
    assert not result.diverged
    assert len(result.part.predictions) == 16


def test_two_spans_and_several_labels_are_learnt(model: Path, encoded: dict[str, Path]) -> None:
    result = Case("spans", tiny.settings(epochs=30)).trained(model, encoded["spans"])
    assert result.part.scores["micro_f1"] > 0.9


@pytest.mark.parametrize("name", WITH_SPANS)
def test_a_task_that_keeps_no_span_is_refused(name: str, model: Path, tmp_path: Path) -> None:
    rows = [{"id": str(i), "group": "", **row} for i, row in enumerate(long_rows(name)) if i % 2]
    columns = tiny.rows(name, 1)[0]
    rows = [{column: row[column] for column in columns} for row in rows]
    parts = {"train": rows, "validation": rows}
    encode_task(tiny.write_task(tmp_path / "data", name, parts), tmp_path, name, model, 12)
    assert read_encoded(tmp_path / "train.arrow").num_rows == 2
    with pytest.raises(InputError, match=r"no training example keeps its answer"):
        Case(name).data(tmp_path)
