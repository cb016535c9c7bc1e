"""The number that each method gives each source of a target, from what was extracted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from interlude.errors import InputError
from interlude.files import MANIFEST, check_files, read_manifest
from interlude.jobs.collect import read_record
from interlude.plan.extractions import FEATURES, FISHER, TENSORS, VOCABULARY, Extraction
from interlude.plan.selection import NEEDS_OF, STEPS
from interlude.selection.estimators import Labelled, NotApplicableError, estimator_of
from interlude.selection.similarity import cosine, overlap, task_similarity
from interlude.words import SELECTION_SCORES

GONE = "an encoder that it needs is gone, and missing trainings are not repeated"
REASON = "reason"  # a column beside those of `SELECTION_SCORES`: why there is no value
# What a token costs that passes an encoder, of one that is trained on: two operations of six for
# each weight (Kaplan et al. 2020, table 1). The Fisher information needs gradients as well.
COST = {FEATURES: 1 / 3, FISHER: 1.0, VOCABULARY: 0.0}

Result = tuple[float, str | None]  # a value, or why there is none


@dataclass(frozen=True)
class Asked:
    """A source for a target: need -> folders of extractions, and how many pairs share each.

    The need `steps` has the folder of a training in their place.
    """

    target: str
    source: str
    needs: Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True)
class Extracted:
    """An extraction that was carried out: what it is, its tensors and its manifest."""

    extraction: Extraction
    tensors: dict[str, np.ndarray]
    manifest: dict[str, Any]

    def tensor(self, name: str) -> np.ndarray:
        """Return a tensor; NotApplicableError, with the reason, where there is none."""
        if name not in self.tensors:
            raise NotApplicableError(self.manifest["lacks"][name])
        return self.tensors[name]


def scores_of(pairs: Sequence[Asked], methods: Sequence[str]) -> pd.DataFrame:
    """Return a row for each method and each pair of one target.

    Columns: those of `words.SELECTION_SCORES`, and `reason`, why a value is missing. tokens: as
    many trained ones as cost the same. What several values rest on is divided among them, so that
    sums are what was spent. Raises InputError for an extraction that was changed, or another one
    than its folder says.
    """
    rows = [row for method in methods for row in _of_method(method, pairs)]
    return pd.DataFrame(rows, columns=[*SELECTION_SCORES, REASON]).astype(SELECTION_SCORES)


def _of_method(method: str, pairs: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    what = NEEDS_OF[method]
    if what == STEPS:
        yield from _few_shot(method, pairs)
        return
    own = [pair for pair in pairs if what in pair.needs]
    started = time.perf_counter()
    if what == FISHER:
        results = _by_fisher(own)
    else:
        results = [_result(method, pair.needs[what]) for pair in own]
    seconds = (time.perf_counter() - started) / max(1, len(own))
    for pair, (value, reason) in zip(own, results, strict=True):
        tokens, read_seconds = _cost(pair.needs[what])
        named = {"method": method, "target": pair.target, "source": pair.source}
        costs = {"tokens": round(tokens), "seconds": read_seconds + seconds}
        yield {**named, "value": value, **costs, REASON: reason}


def _result(method: str, of: Sequence[tuple[str, int]]) -> Result:
    """Return the result of a method for one pair by itself."""
    if not of:
        return np.nan, GONE
    try:
        return _value(method, [read_extraction(Path(folder)) for folder, _ in of]), None
    except NotApplicableError as error:
        return np.nan, str(error)


def _value(method: str, of: Sequence[Extracted]) -> float:
    if NEEDS_OF[method] == FEATURES:
        (only,) = of
        return estimator_of(method).of(labelled(only))
    if NEEDS_OF[method] == VOCABULARY:
        return overlap(*({*each.tensor("vocabulary").tolist()} for each in of))
    source, target = (each.tensor("text").astype(np.float64) for each in of)
    return cosine(source, target)


def labelled(of: Extracted) -> Labelled:
    """Return the rows that were read; NotApplicableError where there are none."""
    features = of.tensor("features").astype(np.float64)
    if not np.isfinite(features).all():
        raise NotApplicableError("the encoder gives numbers that are not finite")
    labels, groups = of.tensor("labels"), of.tensor("groups")
    return Labelled(features, labels, groups, of.manifest["kind"], of.tensors.get("predicted"))


def _few_shot(method: str, pairs: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    """Yield the score of each pair on validation after the steps that the method names."""
    steps = int(method.rpartition("-")[2])
    for pair in pairs:
        named = {"method": method, "target": pair.target, "source": pair.source}
        of = pair.needs.get(STEPS, ())
        if not of and STEPS in pair.needs:
            yield {**named, "value": np.nan, "tokens": 0, "seconds": 0.0, REASON: GONE}
        for folder, _ in of:
            yield named | _after(steps, pair.target, read_record(Path(folder) / "record.json"))


def _after(steps: int, target: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the score of a training on a target after some steps, and what it cost until then.

    Of its evaluations one alone is needed.
    """
    part = next(each for each in record["parts"] if each["task"] == target)
    scores = {each["step"]: each["score"] for each in part.get("curve") or []}
    if scores.get(steps) is None:
        why = f"its training has the status {record['status']} and no score after {steps} steps"
        return {"value": np.nan, "tokens": 0, "seconds": 0.0, REASON: why}
    share, evaluations = steps / record["steps"], len(scores)
    tokens = record["tokens"] * share + record["evaluation_tokens"] / evaluations * COST[FEATURES]
    seconds = record["train_seconds"] * share + record["evaluation_seconds"] / evaluations
    return {"value": scores[steps], "tokens": round(tokens), "seconds": seconds, REASON: None}


def _by_fisher(pairs: Sequence[Asked]) -> list[Result]:
    """Return the results of task embeddings for each pair, ranked among sources that have one."""
    results: dict[int, Result] = {}
    embedded: dict[int, dict[str, np.ndarray]] = {}
    target: dict[str, np.ndarray] = {}
    for place, pair in enumerate(pairs):
        try:
            if not pair.needs[FISHER]:
                raise NotApplicableError(GONE)
            embedded[place], target = (_embedding(folder) for folder, _ in pair.needs[FISHER])
        except NotApplicableError as error:
            results[place] = (np.nan, str(error))
    values = task_similarity([*embedded.values()], target) if embedded else []
    results |= {place: (value, None) for place, value in zip(embedded, values, strict=True)}
    return [results[place] for place in range(len(pairs))]


def _embedding(folder: str) -> dict[str, np.ndarray]:
    of = read_extraction(Path(folder))
    if "fisher" in of.manifest["lacks"]:
        raise NotApplicableError(of.manifest["lacks"]["fisher"])
    return {name: each.astype(np.float64) for name, each in of.tensors.items()}


def _cost(of: Sequence[tuple[str, int]]) -> tuple[float, float]:
    """Return the tokens and seconds of extractions that are this pair's own."""
    tokens = seconds = 0.0
    for folder, uses in of:
        each = read_extraction(Path(folder))
        tokens += each.manifest["tokens"] * COST[each.extraction.kind] / uses
        seconds += each.manifest["seconds"] / uses
    return tokens, seconds


@cache
def read_extraction(folder: Path) -> Extracted:
    """Return an extraction by its folder; InputError where it was changed, or is another one's."""
    check_files(folder)
    manifest = read_manifest(folder)
    extraction = Extraction.from_json(manifest["extraction"])
    if extraction.id != folder.name:
        raise InputError(
            f"{folder / MANIFEST}: key extraction: found {extraction.name}, {extraction.id}. "
            f"Allowed: {folder.name}. Delete {folder} and run again."
        )
    return Extracted(extraction, load_file(folder / TENSORS), manifest)
