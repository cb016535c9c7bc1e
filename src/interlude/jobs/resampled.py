"""The score of one training on resamples of the validation examples, from its predictions.

Most metrics follow from sums over examples, so that a thousand resamples are one product of
matrices. Of any other metric the function itself is called for each resample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from interlude.metrics import metric_of
from interlude.metrics.entity_f1 import entities

RESAMPLES = 1_000
_AT_ONCE = 100  # resamples, which bounds the memory
_SEED = 0

Array = np.ndarray
Values = Sequence[Any]


def resampled_scores(
    metric: str, predictions: Values, gold: Values, groups: Sequence[Sequence[str]] | None = None
) -> Array | None:
    """Return the scores of 1,000 resamples: the same resamples for the same gold and groups.

    None where all examples belong together: no other could have been drawn.

    groups: of each example, names of what it shares with others; None: nothing. Examples of one
    question (key `question` of gold) or of one group are drawn together.
    """
    units = _units(gold)
    drawn = np.arange(units.max() + 1) if groups is None else _linked(units, groups)
    if drawn.max() == 0:
        return None
    draws = (times[:, drawn] for times in _times(drawn.max() + 1))
    return np.concatenate([_scores(metric, predictions, gold, units, each) for each in draws])


def weighted_scores(metric: str, predictions: Values, gold: Values, times: Array) -> Array:
    """Return the score of each resample; times: how often it has each unit, (resamples, units)."""
    return _scores(metric, predictions, gold, _units(gold), times)


def _units(gold: Values) -> Array:
    """Return the number of the unit that each example belongs to: its question, or itself."""
    names = [
        each["question"] if isinstance(each, dict) and "question" in each else place
        for place, each in enumerate(gold)
    ]
    return _numbered(names)


def _linked(units: Array, groups: Sequence[Sequence[str]]) -> Array:
    """Return for each unit the number of those that groups link it to, directly or by others."""
    links = [(u, name) for u, names in zip(units, groups, strict=True) for name in names]
    count = units.max() + 1
    ends = count + _numbered([name for _, name in links])
    size = count + len(links)
    graph = coo_matrix((np.ones(len(links)), ([u for u, _ in links], ends)), (size, size))
    return _numbered(connected_components(graph, directed=False)[1][:count])


def _numbered(names: Sequence[Any]) -> Array:
    """Return the number of each name, from 0 in the order of their first places."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], dtype=int)


def _times(units: int) -> Iterator[Array]:
    """Yield how often some resamples have each unit, shape (resamples, units)."""
    draws = np.random.default_rng(_SEED)
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = draws.integers(units, size=(_AT_ONCE, units))
        yield np.stack([np.bincount(each, minlength=units) for each in drawn]).astype(float)


def _scores(metric: str, predictions: Values, gold: Values, units: Array, times: Array) -> Array:
    if metric in _OF_SUMS:
        sums, score = _OF_SUMS[metric]
        return score(times @ _by_unit(sums(predictions, gold), units))
    if metric in _MEANS_OF_UNITS:
        return _mean(times @ _alone(metric, predictions, gold, units))
    if metric == "multirc":
        return _multirc(predictions, gold, units, times)
    function = metric_of(metric)
    rows = _rows(units)
    scores = []
    for each in times.astype(int):
        at = np.concatenate([np.tile(rows[unit], count) for unit, count in enumerate(each)])
        values = function([predictions[k] for k in at], [gold[k] for k in at])
        scores.append(next(iter(values.values())))
    return np.array(scores)


def _rows(units: Array) -> list[Array]:
    """Return the examples of each unit."""
    order = np.argsort(units, kind="stable")
    return np.split(order, np.cumsum(np.bincount(units))[:-1])


def _by_unit(sums: Array, units: Array) -> Array:
    """Return what the examples of each unit add up to."""
    total = np.zeros((units.max() + 1, sums.shape[1]))
    np.add.at(total, units, sums)
    return total


def _alone(metric: str, predictions: Values, gold: Values, units: Array) -> Array:
    """Return the score of each unit alone, and 1."""
    function = metric_of(metric)
    scores = [
        next(iter(function([predictions[k] for k in at], [gold[k] for k in at]).values()))
        for at in _rows(units)
    ]
    return np.stack([scores, np.ones(len(scores))], axis=1)


def _right(predictions: Values, gold: Values) -> Array:
    return np.array([[p == g, 1] for p, g in zip(predictions, gold, strict=True)], dtype=float)


def _right_words(predictions: Values, gold: Values) -> Array:
    sentences = zip(predictions, gold, strict=True)
    return np.array(
        [[sum(map(str.__eq__, tags, wanted)), len(wanted)] for tags, wanted in sentences], float
    )


def _hits(predictions: Values, gold: Values) -> Array:
    """For each label: predicted rightly, predicted, wanted; shape (examples, 3 × labels)."""
    predicted, wanted = np.array(predictions), np.array(gold)
    columns = []
    for label in sorted({*predictions, *gold}):
        p, g = predicted == label, wanted == label
        columns += [p & g, p, g]
    return np.stack(columns, axis=1).astype(float)


def _hits_of_words(predictions: Values, gold: Values) -> Array:
    """As `_hits`, of the words of each example."""
    labels = sorted({tag for tags in (*predictions, *gold) for tag in tags})
    sentences = [(np.array(p), np.array(g)) for p, g in zip(predictions, gold, strict=True)]
    counts = [
        [[(p == tag) & (g == tag), p == tag, g == tag] for tag in labels] for p, g in sentences
    ]
    return np.array([[each.sum() for of_tag in row for each in of_tag] for row in counts], float)


def _hits_of_one(predictions: Values, gold: Values) -> Array:
    """As `_hits` of label 1, after rightly predicted and 1."""
    p, g = np.array(predictions) == 1, np.array(gold) == 1
    return np.column_stack([_right(predictions, gold), p & g, p, g])


def _shared(predictions: Values, gold: Values) -> Array:
    pairs = [(set(p), set(g)) for p, g in zip(predictions, gold, strict=True)]
    return np.array([[len(p & g), len(p), len(g)] for p, g in pairs], dtype=float)


def _shared_entities(predictions: Values, gold: Values) -> Array:
    return _shared([entities(tags) for tags in predictions], [entities(tags) for tags in gold])


def _mean(sums: Array) -> Array:
    return np.asarray(sums[:, 0] / sums[:, 1])


def _f1(sums: Array) -> Array:
    """F1 of rightly predicted, predicted and wanted; 0 without any."""
    hits, predicted, wanted = sums.T
    return np.asarray(2 * hits / np.maximum(predicted + wanted, 1))


def _accuracy_f1(sums: Array) -> Array:
    return np.asarray((_mean(sums[:, :2]) + _f1(sums[:, 2:])) / 2)


def _f1_macro(sums: Array) -> Array:
    """Over the labels that occur in a resample."""
    of_label = np.split(sums, sums.shape[1] // 3, axis=1)
    occurs = np.stack([part[:, 1:].any(axis=1) for part in of_label])
    return np.asarray((np.stack([_f1(part) for part in of_label]) * occurs).sum(0) / occurs.sum(0))


def _f1_weighted(sums: Array) -> Array:
    """Each label as often as it is wanted."""
    of_label = np.split(sums, sums.shape[1] // 3, axis=1)
    wanted = sums[:, 2::3]
    return np.asarray(
        (np.stack([_f1(part) for part in of_label]).T * wanted).sum(1) / wanted.sum(1)
    )


def _matthews(sums: Array) -> Array:
    """Gorodkin 2004, as in scikit-learn; 0 where predictions or references are constant."""
    hits, predicted, wanted = (sums[:, part::3] for part in range(3))
    n = wanted.sum(axis=1)
    covariance = hits.sum(axis=1) * n - (predicted * wanted).sum(axis=1)
    spread = (n**2 - (predicted**2).sum(axis=1)) * (n**2 - (wanted**2).sum(axis=1))
    return np.asarray(covariance / np.sqrt(np.where(spread > 0, spread, np.inf)))


def _multirc(predictions: Values, gold: Values, units: Array, times: Array) -> Array:
    labels = [option["label"] for option in gold]
    of_unit = _by_unit(_hits_of_one(predictions, labels), units)
    exact = of_unit[:, 0] == of_unit[:, 1]
    f1 = _f1(times @ of_unit[:, 2:])
    return np.asarray((f1 + times @ exact / times.sum(axis=1)) / 2)


_OF_SUMS: dict[str, tuple[Callable[[Values, Values], Array], Callable[[Array], Array]]] = {
    "accuracy": (_right, _mean),
    "accuracy_f1": (_hits_of_one, _accuracy_f1),
    "entity_f1": (_shared_entities, _f1),
    "f1_macro": (_hits, _f1_macro),
    "matthews": (_hits, _matthews),
    "micro_f1": (_shared, _f1),
    "tag_accuracy": (_right_words, _mean),
    "tag_f1": (_hits_of_words, _f1_weighted),
}
_MEANS_OF_UNITS = ("qa_f1", "qa_f1_em", "record")
