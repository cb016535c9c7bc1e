"""A recommendation on the grid of a study, by hand: cost, order and intervals of each level."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT
from helpers.synthetic import record

from interlude.analysis.evidence import Evidence, load_evidence
from interlude.analysis.recommend import recommend
from interlude.analysis.results import split, write_results
from interlude.analysis.value_of_study import read_grid, value_of_study
from interlude.errors import InputError
from interlude.words import SELECTION_SCORES

SOURCES = ["disfl-qa", "commonsense-qa-dev", "sarcasm", "privacy-qa"]
TARGETS = ["sarcasm", "finance-ner", "rte"]
RESTARTS = (1, 2)
TOKENS = {"sarcasm": 1000, "finance-ner": 3000, "rte": 5000}
# Points by target and source, of both restarts.
SCORES = {
    "sarcasm": {
        "none": (50, 52),
        "disfl-qa": (60, 61),
        "commonsense-qa-dev": (55, 70),
        "privacy-qa": (58, 40),
    },
    "finance-ner": {
        "none": (70, 71),
        "disfl-qa": (72, 73),
        "commonsense-qa-dev": (69, 50),
        "sarcasm": (75, 74),
        "privacy-qa": (71, 72.5),
    },
    "rte": {
        "none": (60, 60.5),
        "disfl-qa": (59, 61),
        "commonsense-qa-dev": (66, 64),
        "sarcasm": (58, 63),
        "privacy-qa": (61, 62),
    },
}
READ = 30  # tokens of an extraction, as trained ones


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence(ROOT / "reference")


def leave(folder: Path, features: bool = True) -> Path:
    """Leave the tables of a study with a grid, and with numbers that rank sources as listed."""
    rows: list[dict[str, Any]] = [
        record("intermediate", "none", source, restart, 0.7)
        for source in SOURCES
        for restart in RESTARTS
    ]
    rows += [
        record("target", source, target, restart, score / 100, tokens=TOKENS[target] + restart)
        for target, of in SCORES.items()
        for source, scores in of.items()
        for restart, score in enumerate(scores, start=1)
    ]
    for row in rows:
        row.pop("start")
    scores, trainings = split(rows)
    folder.mkdir()
    write_results(scores, folder / "scores.parquet")
    write_results(trainings, folder / "trainings.parquet")
    numbers = [
        (method, target, source, value, READ, 1.0)
        for method in ("logme", "linear", "knn", "size")
        for target in TARGETS
        for value, source in enumerate(reversed([*SOURCES, "none"]))
        if source != target and (method, target) != ("knn", "finance-ner")
    ]
    table = pd.DataFrame(numbers, columns=[*SELECTION_SCORES]).astype(SELECTION_SCORES)
    if features:
        table.to_parquet(folder / "selection_scores.parquet")
    return folder


@pytest.fixture(scope="module")
def rows(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = leave(tmp_path_factory.mktemp("value") / "mine")
    return {row["level"]: row for row in value_of_study(folder, evidence)}


def means(target: str) -> dict[str, float]:
    return {name: float(np.mean(of)) for name, of in SCORES[target].items() if name != "none"}


def regret(target: str, tried: list[str]) -> float:
    reached = means(target)
    best = max(reached.values())
    return 100 * (best - max(reached[name] for name in tried)) / best


def expected(target: str, order: list[list[str]], k: int) -> tuple[float, float]:
    """Regret@k and chance of the best, by all orders in which groups of equals may stand."""
    best = max(means(target), key=means(target).__getitem__)
    orders = [[]]
    for group in order:
        orders = [[*before, *each] for before in orders for each in permutations(group)]
    tried = [each[:k] for each in orders]
    chance = 100 * np.mean([best in each for each in tried])
    return float(np.mean([regret(target, each) for each in tried])), float(chance)


def test_evidence_on_a_target_is_left_out_whatever_its_name(evidence: Evidence) -> None:
    assert evidence.without(["sarcasm"]) is evidence
    others = evidence.without(["commonsense-qa", "CSenseQA", "Multi-RC"])
    assert {*evidence.transfer["task"]} - {*others.transfer["task"]} == {"CSenseQA", "MultiRC"}
    assert {*evidence.elsewhere["task"]} - {*others.elsewhere["task"]} == {"multirc"}


def test_levels_are_those_of_recommend(rows: dict[str, dict[str, Any]]) -> None:
    assert [*rows] == ["seconds", "minutes", "hours", "hours, first 2"]
    assert {row["truth"] for row in rows.values()} == {"mine"}
    assert {row["targets"] for row in rows.values()} == {3}


def test_seconds_take_the_one_source_that_the_evidence_has_by_its_gain(
    rows: dict[str, dict[str, Any]], evidence: Evidence
) -> None:
    about = pd.DataFrame(columns=["examples", "words_per_pass", "licence"])
    covered, regrets, best = [], [], []
    for target in TARGETS:
        known = evidence
        if target == "rte":
            known = Evidence(
                evidence.transfer[evidence.transfer["task"] != "RTE"],
                evidence.encoder,
                evidence.elsewhere[evidence.elsewhere["task"] != "rte"],
            )
        starts = recommend(known, 0.05, about, "minilm-l6").starts.set_index("start")
        low, high = starts.loc["CSenseQA", ["low", "high"]]
        effects = [known.transfer["delta"].to_numpy(), known.elsewhere["delta"].to_numpy()]
        others_low = min(np.quantile(each, 0.025) for each in effects)
        others_high = max(np.quantile(each, 0.975) for each in effects)
        alone = np.mean(SCORES[target]["none"])
        covered.append(
            np.mean(
                [
                    low <= reached - alone <= high
                    if source == "commonsense-qa-dev"
                    else others_low <= reached - alone <= others_high
                    for source, reached in means(target).items()
                ]
            )
        )
        unseen = np.mean([np.median(each) for each in effects])
        others = [name for name in means(target) if name != "commonsense-qa-dev"]
        assert starts.loc["CSenseQA", "gain"] > unseen
        order = [["commonsense-qa-dev"], others]
        regrets.append(expected(target, order, 1)[0])
        best.append(expected(target, order, 3)[1])
    row = rows["seconds"]
    assert row["share"] == 0
    assert row["coverage"] == pytest.approx(100 * np.mean(covered))
    assert row["regret_1"] == pytest.approx(np.mean(regrets))
    assert row["best_in_3"] == pytest.approx(np.mean(best))


def test_minutes_rank_by_features_and_cost_one_reading_of_each_source(
    rows: dict[str, dict[str, Any]],
) -> None:
    """Features put sources in their order; a method without a number of a task is left out."""
    row = rows["minutes"]
    shares, regrets = [], []
    for target in TARGETS:
        sources = [*means(target)]
        read = READ * (len(sources) + 1)  # by the pretrained encoder as well
        shares.append(100 * read / (len(sources) * (2 * TOKENS[target] + 3)))
        ranks = {name: place for place, name in enumerate(n for n in SOURCES if n in sources)}
        methods = 2 if target == "finance-ner" else 3
        # The one source that the evidence has comes first by it, the others share the other places.
        middle = 1 + len(sources) / 2
        fused = {
            name: methods / (61 + ranks[name])
            + 1 / (60 + (1 if name == "commonsense-qa-dev" else middle))
            for name in sources
        }
        regrets.append(regret(target, [max(fused, key=fused.__getitem__)]))
    assert row["share"] == pytest.approx(np.mean(shares))
    assert row["regret_1"] == pytest.approx(np.mean(regrets))
    assert row["coverage"] == rows["seconds"]["coverage"]


def halved(target: str, begin: list[str], restarts: tuple[int, int]) -> tuple[float, float]:
    """Share of the tokens and regret of two rounds: all once, then the better half twice."""
    first, second = ({name: SCORES[target][name][n] for name in begin} for n in restarts)
    kept = sorted(begin, key=lambda name: -first[name])[: math.ceil(len(begin) / 2)]
    chosen = max(kept, key=lambda name: first[name] + second[name])
    cost = [TOKENS[target] + n + 1 for n in restarts]
    spent = len(begin) * cost[0] + len(kept) * cost[1]
    return 100 * spent / (len(means(target)) * sum(cost)), regret(target, [chosen])


@pytest.mark.parametrize(("level", "most"), [("hours", 4), ("hours, first 2", 2)])
def test_hours_halve_the_sources_in_both_orders_of_the_restarts(
    rows: dict[str, dict[str, Any]], level: str, most: int
) -> None:
    outcomes = []
    for target in TARGETS:
        known_first = sorted(means(target), key="commonsense-qa-dev".__ne__)
        begin = known_first[:most]
        outcomes += [np.mean([halved(target, begin, order) for order in ((0, 1), (1, 0))], axis=0)]
    share, first = np.mean(outcomes, axis=0)
    assert rows[level]["share"] == pytest.approx(share)
    assert rows[level]["regret_1"] == pytest.approx(first)
    assert math.isnan(rows[level]["coverage"])


def test_features_are_those_of_all_methods_of_minutes_or_none(
    evidence: Evidence, tmp_path: Path
) -> None:
    folder = leave(tmp_path / "whole")
    assert set(read_grid(folder, evidence).features["method"]) == {"logme", "linear", "knn"}
    numbers = pd.read_parquet(folder / "selection_scores.parquet")
    few = numbers[numbers["method"] != "linear"]
    few.to_parquet(folder / "selection_scores.parquet", index=False)
    assert read_grid(folder, evidence).features.empty
    assert read_grid(leave(tmp_path / "plain", features=False), evidence).features.empty


def test_a_study_without_a_grid_is_refused(evidence: Evidence, tmp_path: Path) -> None:
    folder = leave(tmp_path / "few")
    scores = pd.read_parquet(folder / "scores.parquet")
    few = scores[scores["source"].isin(["none", "sarcasm"])]
    write_results(few, folder / "scores.parquet")
    with pytest.raises(InputError, match=r"scores\.parquet: found no target .* two sources"):
        next(value_of_study(folder, evidence))
