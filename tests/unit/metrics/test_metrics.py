"""Metrics against hand-made cases, brute force and other libraries."""

from __future__ import annotations

import math
import string
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from interlude.errors import InputError
from interlude.metrics import metric_module, metric_names, metric_of
from interlude.metrics.accuracy import accuracy
from interlude.metrics.accuracy_f1 import accuracy_f1
from interlude.metrics.entity_f1 import entities, entity_f1
from interlude.metrics.f1_macro import f1_macro
from interlude.metrics.matthews import matthews
from interlude.metrics.micro_f1 import micro_f1
from interlude.metrics.multirc import multirc
from interlude.metrics.pearson_spearman import pearson_spearman
from interlude.metrics.qa_f1 import qa_f1
from interlude.metrics.qa_f1_em import qa_f1_em
from interlude.metrics.record import record
from interlude.metrics.spearman import spearman
from interlude.metrics.tag_accuracy import tag_accuracy
from interlude.metrics.tag_f1 import tag_f1

RNG = np.random.default_rng(4)
BINARY = [(RNG.integers(2, size=n), RNG.integers(2, size=n)) for n in (1, 2, 7, 50)]
CONSTANT = [([0, 0, 0], [0, 1, 0]), ([1, 1], [1, 1]), ([0], [0]), ([0, 0], [1, 1])]
BINARY_CASES = [*BINARY, *CONSTANT]
MANY_LABELS = [(RNG.integers(4, size=n), RNG.integers(4, size=n)) for n in (1, 5, 60)]


def counted(predicted: Sequence[int], gold: Sequence[int], label: int) -> tuple[int, int, int, int]:
    """Return true positives, false positives, false negatives and true negatives of a label."""
    pairs = [(int(p == label), int(g == label)) for p, g in zip(predicted, gold, strict=True)]
    return tuple(pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))  # type: ignore[return-value]


def f1_of(predicted: Sequence[int], gold: Sequence[int], label: int) -> float:
    hit, false_alarm, miss, _ = counted(predicted, gold, label)
    return 2 * hit / (2 * hit + false_alarm + miss) if hit else 0.0


@pytest.mark.parametrize(("predicted", "gold"), [*BINARY_CASES, *MANY_LABELS])
def test_accuracy(predicted: Sequence[int], gold: Sequence[int]) -> None:
    right = sum(int(p == g) for p, g in zip(predicted, gold, strict=True))
    assert accuracy(predicted, gold) == {"accuracy": pytest.approx(right / len(gold))}


@pytest.mark.parametrize(("predicted", "gold"), BINARY_CASES)
def test_accuracy_f1(predicted: Sequence[int], gold: Sequence[int]) -> None:
    right = sum(int(p == g) for p, g in zip(predicted, gold, strict=True)) / len(gold)
    f1 = f1_of(predicted, gold, 1)
    wanted = {"accuracy_f1": (right + f1) / 2, "accuracy": right, "f1": f1}
    assert accuracy_f1(predicted, gold) == pytest.approx(wanted)


@pytest.mark.parametrize(("predicted", "gold"), [*BINARY_CASES, *MANY_LABELS])
def test_f1_macro(predicted: Sequence[int], gold: Sequence[int]) -> None:
    labels = {*map(int, predicted), *map(int, gold)}
    wanted = sum(f1_of(predicted, gold, label) for label in labels) / len(labels)
    assert f1_macro(predicted, gold)["f1_macro"] == pytest.approx(wanted)


def test_accuracy_f1_of_constant_predictors() -> None:
    gold = [1, 1, 1, 0]
    wanted = {"accuracy_f1": (3 / 4 + 6 / 7) / 2, "accuracy": 3 / 4, "f1": 6 / 7}
    assert accuracy_f1([1] * 4, gold) == pytest.approx(wanted)
    assert accuracy_f1([0] * 4, gold) == {"accuracy_f1": 1 / 8, "accuracy": 1 / 4, "f1": 0}


@pytest.mark.parametrize(
    ("predicted", "gold", "of_labels"),
    [
        ([0, 0, 1, 1], [0, 2, 1, 1], [2 / 3, 1, 0]),  # a class that is never predicted
        ([0, 2, 1, 1], [0, 0, 1, 1], [2 / 3, 1, 0]),  # a class that is not in gold
        ([0, 0, 2], [0, 0, 2], [1, 1]),  # a class that is nowhere does not count
        ([1, 1, 1], [0, 1, 2], [0, 1 / 2, 0]),  # a constant predictor
    ],
)
def test_f1_macro_with_an_absent_class(
    predicted: list[int], gold: list[int], of_labels: list[float]
) -> None:
    assert f1_macro(predicted, gold)["f1_macro"] == pytest.approx(np.mean(of_labels))


@pytest.mark.parametrize(("predicted", "gold"), MANY_LABELS)
def test_matthews_of_many_labels_is_a_correlation_of_indicators(
    predicted: Sequence[int], gold: Sequence[int]
) -> None:
    guessed, right = (np.eye(4)[list(labels)] for labels in (predicted, gold))
    guessed, right = guessed - guessed.mean(0), right - right.mean(0)
    under = math.sqrt((guessed**2).sum() * (right**2).sum())
    correlation = (guessed * right).sum() / under if under else 0.0
    assert matthews(predicted, gold)["matthews"] == pytest.approx(correlation)


@pytest.mark.parametrize(("predicted", "gold"), BINARY_CASES)
def test_matthews(predicted: Sequence[int], gold: Sequence[int]) -> None:
    tp, fp, fn, tn = counted(predicted, gold, 1)
    under = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    wanted = (tp * tn - fp * fn) / under if under else 0.0
    assert matthews(predicted, gold)["matthews"] == pytest.approx(wanted)


def test_matthews_reaches_from_minus_1_to_1() -> None:
    assert matthews([0, 1, 0, 1], [1, 0, 1, 0])["matthews"] == pytest.approx(-1)
    assert matthews([1, 0, 1, 0], [1, 0, 1, 0])["matthews"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("predicted", "answers", "f1", "exact"),
    [
        ("red", ["red"], 1, 1),
        ("The red!", ["red"], 1, 1),
        ("a  Red\n door", ["red door"], 1, 1),
        ("red door", ["door red"], 1, 0),
        ("red red door", ["red door"], 4 / 5, 0),  # 2 shared of 3 and 2
        ("the old red door", ["red door of Oslo"], 2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4), 0),
        ("blue", ["red"], 0, 0),
        ("red", ["blue", "a red door", "red."], 1, 1),
        ("red", ["blue", "red door"], 2 / 3, 0),
        ("", ["red"], 0, 0),
        ("rock 'n' roll", ["rock n roll"], 1, 1),  # punctuation goes, nothing takes its place
        ("well-known", ["wellknown"], 1, 1),
        ("well known", ["well-known"], 0, 0),
        ("theatre", ["atre"], 0, 0),  # articles are whole words
        ("Café", ["café"], 1, 1),
        ("cafe", ["café"], 0, 0),
        ("1,000", ["1000"], 1, 1),
    ],
)
def test_qa_f1_em_of_one_answer(
    predicted: str, answers: list[str], f1: float, exact: float
) -> None:
    wanted = {"qa_f1_em": (f1 + exact) / 2, "f1": f1, "exact_match": exact}
    assert qa_f1_em([predicted], [answers]) == pytest.approx(wanted)


def test_qa_f1_em_is_a_mean_over_examples() -> None:
    scores = qa_f1_em(["red", "red door", "x"], [["red"], ["door"], ["y"]])
    assert scores["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores["exact_match"] == pytest.approx(1 / 3)


def squad_words(text: str) -> list[str]:
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return [word for word in bare.split() if word not in ("a", "an", "the")]


def squad_f1(text: str, answer: str) -> float:
    """F1 of two bags of words, by crossing out each shared word once."""
    predicted, rest = squad_words(text), squad_words(answer)
    shared = 0
    for word in predicted:
        if word in rest:
            rest.remove(word)
            shared += 1
    total = len(predicted) + len(squad_words(answer))
    return 2 * shared / total if total else 1.0


def squad_exact(text: str, answer: str) -> float:
    return float(squad_words(text) == squad_words(answer))


def random_text(rng: np.random.Generator, shortest: int = 0) -> str:
    words = ["the", "red", "Red", "door", "door.", "dog", "'s", "a", "blue-ish"]
    return " ".join(rng.choice(words, size=rng.integers(shortest, 5)))


def test_qa_f1_em_of_random_texts_and_several_answers() -> None:
    rng = np.random.default_rng(3)
    predicted = [random_text(rng) for _ in range(300)]
    gold = [[random_text(rng) for _ in range(rng.integers(1, 4))] for _ in predicted]
    pairs = list(zip(predicted, gold, strict=True))
    f1 = float(np.mean([max(squad_f1(text, a) for a in answers) for text, answers in pairs]))
    exact = float(np.mean([max(squad_exact(text, a) for a in answers) for text, answers in pairs]))
    assert 0 < exact < f1 < 1
    wanted = {"qa_f1_em": (f1 + exact) / 2, "f1": f1, "exact_match": exact}
    assert qa_f1_em(predicted, gold) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("predicted", "answers", "score"),
    [("", [""], 1), ("the", [""], 1), ("red", [""], 0), ("", ["", "red"], 1), ("?", ["red"], 0)],
)
def test_qa_f1_em_with_an_answer_of_no_words(
    predicted: str, answers: list[str], score: float
) -> None:
    wanted = {"qa_f1_em": score, "f1": score, "exact_match": score}
    assert qa_f1_em([predicted], [answers]) == wanted


def test_metrics_refuse_predictions_and_gold_of_different_number() -> None:
    option = {"question": "q", "label": 1, "answer": "a", "answers": ["a"]}
    cases: list[tuple[Any, list[Any], list[Any]]] = [
        (qa_f1_em, ["a"], []),
        (accuracy, [1], [1, 0]),
        (entity_f1, [["O"]], [["O"], ["O"]]),
        (tag_accuracy, [["O"]], [["O"], ["O"]]),
        (tag_accuracy, [["O"]], [["O", "O"]]),
        (tag_f1, [["O"]], [["O", "O"]]),
        (micro_f1, [[1]], [[1], [1]]),
        (pearson_spearman, [1.0, 2.0], [1.0, 2.0, 4.0]),
        (multirc, [1], [option, option]),
        (record, [1.0], [option, option]),
    ]
    for metric, predicted, gold in cases:
        with pytest.raises(ValueError):  # noqa: PT011  words of zip and of libraries
            metric(predicted, gold)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O", []),
        ("B-PER", [("PER", 0, 1)]),
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("I-PER I-PER", [("PER", 0, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)]),
        ("O I-PER", [("PER", 1, 2)]),
        ("B-A-B I-A-B", [("A-B", 0, 2)]),
        ("", []),
    ],
)
def test_entities(tags: str, spans: list[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == spans


def conll_entities(tags: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """The rules of the CoNLL evaluation, for each pair of neighbours: does an entity end, start?"""
    start = 0
    bounded = ["O", *tags, "O"]
    for place, (before, tag) in enumerate(pairwise(bounded)):
        changed = before[2:] != tag[2:]
        if before != "O" and (tag == "O" or tag.startswith("B") or changed):
            yield before[2:], start, place
        if tag != "O" and (before == "O" or tag.startswith("B") or changed):
            start = place


def test_entities_of_every_sequence_of_four_tags() -> None:
    for tags in product(["O", "B-X", "I-X", "B-Y", "I-Y"], repeat=4):
        assert entities(tags) == list(conll_entities(tags)), tags


def test_entity_f1_counts_whole_entities_of_all_sentences_together() -> None:
    gold = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-PER"], ["O"]]
    predicted = [["B-PER", "O", "O"], ["B-LOC", "O", "B-LOC"], ["B-PER"]]
    # 1 of 4 predicted and 1 of 3 wanted entities are right; a cut entity and another type are not.
    scores = entity_f1(predicted, gold)
    assert scores == pytest.approx({"entity_f1": 2 / 7, "precision": 1 / 4, "recall": 1 / 3})


def test_entity_f1_does_not_mix_up_sentences() -> None:
    assert entity_f1([["B-PER"], ["O"]], [["O"], ["B-PER"]])["entity_f1"] == 0


def test_entity_f1_of_random_tags() -> None:
    rng = np.random.default_rng(1)
    names = ["O", "B-X", "I-X", "I-Y"]
    predicted, gold = (
        [[names[t] for t in rng.integers(4, size=6)] for _ in "x" * 40] for _ in "pg"
    )
    sets = [
        {(i, *e) for i, s in enumerate(tags) for e in conll_entities(s)}
        for tags in (predicted, gold)
    ]
    right, precision, recall = len(sets[0] & sets[1]), len(sets[0]), len(sets[1])
    wanted = 2 * (right / precision) * (right / recall) / (right / precision + right / recall)
    assert 0 < wanted < 1
    assert entity_f1(predicted, gold)["entity_f1"] == pytest.approx(wanted)


def test_entity_f1_without_any_entity_is_0() -> None:
    assert entity_f1([["O"]], [["O"]])["entity_f1"] == 0
    assert entity_f1([["O"]], [["B-PER"]])["entity_f1"] == 0
    assert entity_f1([["B-PER"]], [["O"]])["entity_f1"] == 0


# Tags


def test_tag_accuracy_is_over_words_and_not_over_sentences() -> None:
    gold = [["DT", "NN", "VB", "."], ["NN"], []]
    assert tag_accuracy([["DT", "NN", "NN", "."], ["VB"], []], gold) == {"tag_accuracy": 3 / 5}


def test_tag_accuracy_of_a_word_without_a_prediction_is_0() -> None:
    assert tag_accuracy([["NN", ""]], [["NN", "NN"]]) == {"tag_accuracy": 1 / 2}


def test_tag_f1_weighs_each_tag_by_its_words() -> None:
    gold = [["N", "N", "N"], ["V"], ["D", "D"]]
    predicted = [["N", "N", "V"], ["V"], ["", "N"]]
    # N: 2 of 3 predicted, 2 of 3 wanted; V: 1 of 2 and 1 of 1; D: never predicted; X in neither.
    of_each = {"N": 2 * 2 / (3 + 3), "V": 2 * 1 / (2 + 1), "D": 0.0}
    f1 = (3 * of_each["N"] + 1 * of_each["V"] + 2 * of_each["D"]) / 6
    assert tag_f1(predicted, gold) == pytest.approx({"tag_f1": f1, "tag_accuracy": 3 / 6})


def test_tag_f1_of_constant_and_of_lost_tags() -> None:
    assert tag_f1([["N", "N"]], [["N", "V"]])["tag_f1"] == pytest.approx((2 * 1 / 3 + 0) / 2)
    assert tag_f1([["", ""]], [["N", "V"]]) == {"tag_f1": 0.0, "tag_accuracy": 0.0}


def test_qa_f1_is_the_f1_of_qa_f1_em() -> None:
    predicted, gold = ["the red door", "x", "blue"], [["red door", "a"], ["y"], ["blue sky"]]
    f1 = np.mean([squad_f1("the red door", "red door"), 0, squad_f1("blue", "blue sky")])
    assert qa_f1(predicted, gold) == pytest.approx({"qa_f1": f1, "exact_match": 1 / 3})


def test_tag_accuracy_of_random_tags() -> None:
    rng = np.random.default_rng(6)
    lengths = rng.integers(1, 9, size=50)
    guessed, wanted = (rng.choice(["N", "V", "D"], size=lengths.sum()) for _ in "pg")
    predicted, gold = (
        [part.tolist() for part in np.split(tags, np.cumsum(lengths)[:-1])]
        for tags in (guessed, wanted)
    )
    right = float((guessed == wanted).mean())
    assert 0.2 < right < 0.5
    assert tag_accuracy(predicted, gold)["tag_accuracy"] == pytest.approx(right)


# Sets of labels


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_micro_f1_is_that_of_scikit_learn_for_indicators(share: float) -> None:
    rng = np.random.default_rng(2)
    guessed, wanted = (rng.random((60, 5)) < p for p in (share, 0.3))
    wanted[:, 4] = False  # a label that no example has
    predicted, gold = ([np.flatnonzero(row).tolist() for row in rows] for rows in (guessed, wanted))
    assert [] in gold
    score = f1_score(wanted, guessed, average="micro", zero_division=0)
    assert micro_f1(predicted, gold)["micro_f1"] == pytest.approx(score)


def test_micro_f1_counts_pairs_of_example_and_label() -> None:
    # 2 of 4 predicted and 2 of 3 wanted pairs are right; example 3 has nothing, rightly.
    scores = micro_f1([[0, 1], [2], [1], []], [[0], [2, 1], [], []])
    assert scores == pytest.approx({"micro_f1": 4 / 7, "precision": 2 / 4, "recall": 2 / 3})


def test_micro_f1_does_not_mix_up_examples() -> None:
    assert micro_f1([[1], [0]], [[0], [1]])["micro_f1"] == 0


def test_micro_f1_without_any_label_is_0() -> None:
    for predicted, gold in (([[]], [[]]), ([[1]], [[]]), ([[]], [[1]])):
        assert micro_f1(predicted, gold)["micro_f1"] == 0


# Correlation


@pytest.mark.parametrize("seed", range(4))
def test_pearson_spearman_is_the_mean_of_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 6, size=80)  # ties
    predicted = np.round(gold + rng.normal(scale=2, size=80), seed).tolist()  # ties for seed 0
    pearson = stats.pearsonr(predicted, gold).statistic
    spearman = stats.spearmanr(predicted, gold).statistic
    wanted = {"pearson": pearson, "spearman": spearman}
    scores = pearson_spearman(predicted, gold.tolist())
    assert scores == pytest.approx({"pearson_spearman": (pearson + spearman) / 2, **wanted})


def test_pearson_spearman_of_hand_made_numbers() -> None:
    # Ranks with ties: 1, 2.5, 2.5, 4 against 1, 2, 3, 4; products of deviations by hand.
    scores = pearson_spearman([1.0, 2.0, 2.0, 9.0], [0.0, 1.0, 2.0, 3.0])
    assert scores["spearman"] == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert scores["pearson"] == pytest.approx(12 / math.sqrt(41 * 5))


def test_pearson_spearman_reaches_from_minus_1_to_1() -> None:
    assert pearson_spearman([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])["pearson_spearman"] == pytest.approx(
        -1
    )
    curved = pearson_spearman([1.0, 8.0, 27.0, 64.0], [1.0, 2.0, 3.0, 4.0])
    assert curved["spearman"] == pytest.approx(1)
    assert curved["pearson"] < 0.99


@pytest.mark.parametrize(
    ("predicted", "gold"),
    [([0.1] * 3, [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], [0.1] * 3), ([1.0], [2.0])],
)
def test_pearson_spearman_of_constants_is_0(predicted: list[float], gold: list[float]) -> None:
    assert set(pearson_spearman(predicted, gold).values()) == {0.0}


@pytest.mark.parametrize("seed", range(3))
def test_spearman_is_the_score_where_it_is_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 6, size=40).astype(float)
    predicted = np.round(gold + rng.normal(scale=2, size=40)).tolist()
    name, score = next(iter(spearman(predicted, gold.tolist()).items()))
    assert (name, score) == ("spearman", pytest.approx(stats.spearmanr(predicted, gold).statistic))
    assert spearman([1.0] * 40, gold.tolist())["spearman"] == 0


# Scores per question


def options(questions: str, labels: Sequence[int]) -> list[dict[str, Any]]:
    pairs = zip(questions, labels, strict=True)
    return [{"question": question, "label": int(label)} for question, label in pairs]


def multirc_by_question(predicted: Sequence[int], gold: list[dict[str, Any]]) -> dict[str, float]:
    """F1 from counts over all options; questions one after the other."""
    labels = [option["label"] for option in gold]
    names = {option["question"] for option in gold}
    right = [
        all(p == g["label"] for p, g in zip(predicted, gold, strict=True) if g["question"] == name)
        for name in names
    ]
    f1, exact = f1_of(predicted, labels, 1), sum(right) / len(right)
    return {"multirc": (f1 + exact) / 2, "f1a": f1, "exact_match": exact}


@pytest.mark.parametrize(
    ("questions", "predicted", "labels", "f1", "exact"),
    [
        ("aabb", [1, 0, 1, 1], [1, 0, 1, 0], 4 / 5, 1 / 2),
        ("abab", [1, 0, 1, 1], [1, 0, 1, 0], 4 / 5, 1 / 2),  # questions need not be in a row
        ("aaa", [1, 1, 0], [1, 1, 0], 1, 1),  # one question
        ("aaa", [1, 1, 1], [1, 1, 0], 4 / 5, 0),
        ("aab", [0, 0, 0], [0, 0, 1], 0, 1 / 2),  # no option predicted right
        ("ab", [0, 0], [0, 0], 0, 1),  # no option right
        ("aabbb", [1] * 5, [1, 1, 0, 1, 0], 6 / 8, 1 / 2),  # constant
    ],
)
def test_multirc(
    questions: str, predicted: list[int], labels: list[int], f1: float, exact: float
) -> None:
    gold = options(questions, labels)
    wanted = {"multirc": (f1 + exact) / 2, "f1a": f1, "exact_match": exact}
    assert multirc(predicted, gold) == pytest.approx(wanted)
    assert multirc_by_question(predicted, gold) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_multirc_of_random_options(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=200)
    predicted = [int(p) for p in np.where(rng.random(200) < 0.8, labels, 1 - labels)]
    gold = options("".join(rng.choice([*string.ascii_letters], size=200)), labels)
    wanted = multirc_by_question(predicted, gold)
    assert 0 < wanted["exact_match"] < wanted["f1a"] < 1
    assert multirc(predicted, gold) == pytest.approx(wanted)


def candidates(question: str, texts: Sequence[str], answers: list[str]) -> list[dict[str, Any]]:
    return [{"question": question, "answer": text, "answers": answers} for text in texts]


@pytest.mark.parametrize(
    ("scores", "answers", "f1", "exact"),
    [
        ([0.1, 0.9, 0.2], ["Anna Berg"], 1, 1),
        ([0.9, 0.1, 0.2], ["Anna Berg"], 2 / 3, 0),
        ([0.1, 0.2, 0.9], ["Anna Berg"], 0, 0),
        ([-9.0, -8.0, -7.0], ["the Tom!", "Anna"], 1, 1),  # normalised; the nearest answer
        ([0.9, 0.1, 0.2], ["Anna Berg", "Anna Berg", "Berg"], 2 / 3, 0),  # an answer twice
        ([0.5, 0.5, 0.5], ["Anna"], 1, 1),  # all the same: the first wins
        ([0.1, 0.5, 0.5], ["Tom"], 0, 0),
    ],
)
def test_record_of_one_question(
    scores: list[float], answers: list[str], f1: float, exact: float
) -> None:
    gold = candidates("q", ["Anna", "Anna Berg", "Tom"], answers)
    wanted = {"record": (f1 + exact) / 2, "f1": f1, "exact_match": exact}
    assert record(scores, gold) == pytest.approx(wanted)


def test_record_is_a_mean_over_questions_whose_rows_may_be_mixed() -> None:
    first = candidates("1", ["Oslo", "Rome"], ["Rome"])
    second = candidates("2", ["Oslo", "Rome", "Bonn"], ["Bonn"])
    gold = [first[0], second[0], first[1], second[1], second[2]]
    assert record([0.1, 0.9, 0.2, 0.3, 0.4], gold)["record"] == 1 / 2
    assert record([0.1, 0.3, 0.2, 0.3, 0.4], gold)["record"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_record_of_random_candidates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = [
        candidate
        for question in map(str, range(60))
        for candidate in candidates(
            question,
            [random_text(rng, 1) for _ in range(rng.integers(1, 7))],
            [random_text(rng, 1) for _ in range(rng.integers(1, 3))],
        )
    ]
    scores = rng.integers(4, size=len(gold)).tolist()  # ties
    f1s, exacts = [], []
    scored = zip(scores, gold, strict=True)
    for _, rows in groupby(scored, key=lambda pair: pair[1]["question"]):
        _, chosen = sorted(rows, key=lambda pair: -pair[0])[0]  # sorting keeps the order of ties
        f1s.append(max(squad_f1(chosen["answer"], a) for a in chosen["answers"]))
        exacts.append(max(squad_exact(chosen["answer"], a) for a in chosen["answers"]))
    f1, exact = float(np.mean(f1s)), float(np.mean(exacts))
    assert 0 < exact < f1 < 1
    wanted = {"record": (f1 + exact) / 2, "f1": f1, "exact_match": exact}
    assert record(scores, gold) == pytest.approx(wanted)


def test_the_score_is_the_first_number_and_has_the_name_of_its_metric() -> None:
    examples: dict[str, tuple[list[Any], list[Any]]] = {
        "qa_f1": (["a"], [["a"]]),
        "qa_f1_em": (["a"], [["a"]]),
        "entity_f1": ([["B-X"]], [["B-X"]]),
        "tag_accuracy": ([["X", "Y"]], [["X", "Y"]]),
        "tag_f1": ([["X", "Y"]], [["X", "Y"]]),
        "micro_f1": ([[0, 2], []], [[0, 2], []]),
        "multirc": ([0, 1], options("ab", [0, 1])),
        "record": ([0, 1], candidates("q", ["a dog", "cat"], ["cat"])),
        "masked_accuracy": ([{"tokens": [7], "surprisals": []}], [[7]]),
    }
    own = sorted({*metric_names()} - {"evaluate"})  # whose score is what a task file says
    for name in own:
        predicted, gold = examples.get(name, ([0, 1], [0, 1]))
        assert next(iter(metric_of(name)(predicted, gold).items())) == (name, pytest.approx(1.0))


def test_every_metric_is_found_by_its_name_and_nothing_else_is() -> None:
    for name in metric_names():
        assert (metric_of(name).__name__, metric_of(name).__module__) == (name, metric_module(name))
    for name in ("acuracy", "formulas", "__init__", "formulas.answers", ""):
        with pytest.raises(InputError, match=f"unknown metric {name!r}.*Allowed: accuracy, acc"):
            metric_of(name)


def test_only_a_metric_that_is_asked_for_is_loaded() -> None:
    program = (
        "import sys\nfrom interlude.metrics import metric_names, metric_of\n"
        "metric_names(), metric_of('accuracy'), metric_of('qa_f1_em')\n"
        "print([name for name in ('sklearn', 'scipy', 'numpy') if name in sys.modules])"
    )
    sources = Path(__file__).parents[3] / "src"
    environment = {"PYTHONPATH": str(sources), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
