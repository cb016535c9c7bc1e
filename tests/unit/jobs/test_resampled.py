"""Scores of resamples: for every metric what the metric itself says of the resampled examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interlude.forms import declaration_of, form_names, form_of
from interlude.jobs.resampled import RESAMPLES, resampled_scores, weighted_scores
from interlude.metrics import metric_names, metric_of

DRAWS = np.random.default_rng(5)
N = 24
ANSWERS = ["the red house", "a house", "red", "", "in 1990"]
TAGS = ["O", "B-PER", "I-PER", "B-ORG", ""]  # the last: of a word that was cut off
Case = tuple[list[Any], list[Any]]


def labels(kinds: int) -> list[int]:
    return [int(label) for label in DRAWS.integers(kinds, size=N)]


def sets() -> list[list[int]]:
    return [sorted({int(k) for k in DRAWS.integers(4, size=DRAWS.integers(3))}) for _ in range(N)]


def chosen(words: list[str]) -> list[str]:
    return [words[k] for k in DRAWS.integers(len(words), size=N)]


def tags(kinds: int) -> list[list[str]]:
    return [[TAGS[k] for k in DRAWS.integers(kinds, size=5)] for _ in range(N)]


def tokens(kinds: int) -> list[list[int]]:
    return [[k % kinds for k in range(place, place + 3)] for place in labels(kinds)]


def questions(**more: list[Any]) -> list[dict[str, Any]]:
    """References of 8 questions, whose examples do not all stand together."""
    return [
        {"question": f"q{place % 8}", **{name: each[place] for name, each in more.items()}}
        for place in range(N)
    ]


NUMBERS: Case = (list(DRAWS.normal(size=N)), list(DRAWS.normal(size=N).round(1)))
CASES: dict[str, Case] = {
    "accuracy": (labels(3), labels(3)),
    "accuracy_f1": (labels(2), labels(2)),
    "entity_f1": (tags(5), tags(4)),
    "f1_macro": (labels(5), labels(5)),
    "masked_accuracy": (
        [{"tokens": each, "surprisals": []} for each in tokens(3)],
        tokens(3),
    ),
    "matthews": (labels(3), labels(3)),
    "micro_f1": (sets(), sets()),
    "multirc": (labels(2), questions(label=labels(2))),
    "pearson_spearman": NUMBERS,
    "qa_f1_em": (chosen(ANSWERS), [[one, "red"] for one in chosen(ANSWERS)]),
    "qa_f1": (chosen(ANSWERS), [[one, "red"] for one in chosen(ANSWERS)]),
    "record": (
        list(DRAWS.normal(size=N)),
        questions(answer=chosen(ANSWERS), answers=[[one] for one in chosen(ANSWERS)]),
    ),
    "spearman": NUMBERS,
    "tag_accuracy": (tags(5), tags(4)),
    "tag_f1": (tags(5), tags(4)),
}


def of_copies(metric: str, predictions: list[Any], gold: list[Any], times: np.ndarray) -> float:
    """The metric of a resample written out, each copy of a question as a question of its own."""
    units: dict[Any, list[int]] = {}
    for place, each in enumerate(gold):
        units.setdefault(each["question"] if isinstance(each, dict) else place, []).append(place)
    rows, references = [], []
    for members, count in zip(units.values(), times, strict=True):
        for copy in range(int(count)):
            rows += [predictions[k] for k in members]
            references += [
                {**gold[k], "question": (gold[k]["question"], copy)}
                if isinstance(gold[k], dict)
                else gold[k]
                for k in members
            ]
    return next(iter(metric_of(metric)(rows, references).values()))


@pytest.mark.parametrize("metric", sorted({*metric_names()} - {"evaluate"}))
def test_a_resample_has_the_score_of_its_examples_written_out(metric: str) -> None:
    predictions, gold = CASES[metric]
    units = 8 if isinstance(gold[0], dict) else N
    drawn = DRAWS.integers(units, size=(20, units))
    times = np.stack([np.bincount(each, minlength=units) for each in drawn]).astype(float)
    scores = weighted_scores(metric, predictions, gold, times)
    expected = [of_copies(metric, predictions, gold, each) for each in times]
    assert scores == pytest.approx(expected)
    whole = weighted_scores(metric, predictions, gold, np.ones((1, units)))
    assert whole == pytest.approx(next(iter(metric_of(metric)(predictions, gold).values())))


@pytest.mark.parametrize("metric", ["accuracy", "accuracy_f1", "f1_macro", "matthews"])
@pytest.mark.parametrize("case", [([0] * 4, [1, 0, 1, 0]), ([0] * 4, [0] * 4), ([1], [0])])
def test_constant_predictions_and_labels_that_do_not_occur(metric: str, case: Case) -> None:
    scores = weighted_scores(metric, *case, np.ones((1, len(case[1]))))
    assert scores == pytest.approx(next(iter(metric_of(metric)(*case).values())))


@pytest.mark.parametrize("name", form_names())
def test_what_a_cap_keeps_together_is_what_references_name_and_resamples_draw(name: str) -> None:
    form = form_of(name)
    if form.kept_together is None:
        return
    columns: dict[str, Any] = {"label": 1, "answer": "a", "answers": ["a"]}
    examples = [{**columns, form.kept_together: question} for question in "aabca"]
    gold = form([]).gold(examples)
    assert [each["question"] for each in gold] == list("aabca")
    drawn = weighted_scores(declaration_of(name).metrics[0], [1] * 5, gold, np.ones((1, 3)))
    assert drawn.shape == (1,)  # three units of five examples


def test_the_variance_of_an_accuracy_is_the_binomial_one() -> None:
    right = [1] * 150 + [0] * 50
    scores = resampled_scores("accuracy", right, [1] * 200)
    assert scores is not None
    assert len(scores) == RESAMPLES
    assert scores.var() == pytest.approx(0.75 * 0.25 / 200, rel=0.1)


def test_resamples_are_joint_and_repeat() -> None:
    gold = labels(2)
    right = (gold[:k] + [9] * (N - k) for k in (20, 19, N))
    one, other, all_right = (np.array(resampled_scores("accuracy", each, gold)) for each in right)
    assert (one >= other).all()
    assert (all_right == 1).all()


def test_groups_above_questions_are_drawn_whole() -> None:
    predictions, gold = CASES["multirc"]
    groups = [[f"passage {int(each['question'][1:]) // 2}"] for each in gold]  # of two questions
    scores = resampled_scores("multirc", predictions, gold, groups)
    draws = np.random.default_rng(0).integers(4, size=(100, 4))
    times = np.stack([np.bincount(each, minlength=4) for each in draws])[
        :, [0, 0, 1, 1, 2, 2, 3, 3]
    ]
    expected = [of_copies("multirc", predictions, gold, each) for each in times]
    assert scores is not None
    assert scores[:100] == pytest.approx(expected)
