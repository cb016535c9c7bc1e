"""Rounds of trainings: who goes on, when they end, and what is said of those trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT
from scipy import stats

from interlude.analysis.decisions import Decision, read_decision, write_decision
from interlude.analysis.evidence import Evidence, load_evidence
from interlude.analysis.recommend_starts import by_evidence, by_features, by_trainings
from interlude.analysis.rounds import (
    ALL_DONE,
    SEPARATED,
    decide,
    estimates,
    in_order,
    rounds_of,
    spread_of,
)
from interlude.errors import InputError

SOURCES = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence(ROOT / "reference")


def scores(**of: list[float]) -> pd.DataFrame:
    """Return the runs of sources, restart by restart."""
    rows = [
        (source, restart, score)
        for source, each in of.items()
        for restart, score in enumerate(each, start=1)
    ]
    return pd.DataFrame(rows, columns=["source", "restart", "score"])


def test_half_go_on_with_twice_the_restarts_and_those_without_a_score_are_out() -> None:
    runs = scores(a=[1], b=[5], c=[3], d=[4], none=[9])
    assert decide(runs, SOURCES, 1, 4, 0.05) == Decision(["b", "d"], 2)
    assert decide(runs, ["a", "b"], 1, 4, 0.05) == Decision(["b"], 4)  # alone: all it is to have
    assert decide(runs, ["e"], 1, 4, 0.05) == Decision([], 1, ALL_DONE)
    assert [rounds_of(most) for most in (2, 3, 4, 5)] == [
        [1, 2],
        [1, 2, 3],
        [1, 2, 4],
        [1, 2, 4, 5],
    ]


def test_rounds_end_where_the_best_differs_from_all_others() -> None:
    apart = scores(a=[50.0, 50.1], b=[60.0, 60.1], c=[50.2, 50.3])
    assert decide(apart, ["a", "b", "c"], 2, 5, 0.05).ends == SEPARATED
    alike = scores(a=[50.0, 55.0], b=[51.0, 57.0], c=[50.2, 54.0])
    assert not decide(alike, ["a", "b", "c"], 2, 5, 0.05).ends
    assert decide(alike, ["a", "b", "c"], 5, 5, 0.05).ends == ALL_DONE
    one = scores(a=[50.0], b=[90.0])  # one run of each tells no spread
    assert not decide(one, ["a", "b"], 1, 5, 0.05).ends


def test_estimates_are_drawn_together_and_as_wide_as_the_pooled_spread() -> None:
    runs = scores(a=[60, 62, 61], b=[58, 59], c=[50], none=[55, 56, 57])
    estimated = estimates(runs, ["a", "b", "c"], 0.05)
    deviation, freedom = spread_of(runs)
    squares = [
        np.var(each, ddof=1) * (len(each) - 1) for each in ([60, 62, 61], [58, 59], [55, 56, 57])
    ]
    assert (deviation, freedom) == (pytest.approx(np.sqrt(sum(squares) / 5)), 5)
    plain = estimated["score"] - 56
    assert (np.abs(estimated["gain"]) <= np.abs(plain) + 0.5).all()
    assert estimated["gain"][0] < plain[0]
    assert estimated["gain"][2] > plain[2]
    error = (estimated["high"] - estimated["low"]) / 2 / stats.t.isf(0.025, freedom)
    assert (error >= deviation / np.sqrt(3)).all()
    assert estimated["p_gain"].to_numpy() == pytest.approx(
        stats.t.cdf(estimated["gain"] / error, freedom)
    )
    p = 2 * stats.t.sf((61 - 58.5) / (deviation * np.sqrt(1 / 3 + 1 / 2)), freedom)
    assert estimated["told_apart_p"][1] == pytest.approx(p)


def test_without_a_spread_there_is_no_interval() -> None:
    estimated = estimates(scores(a=[60, 60], b=[58], none=[55, 55]), ["a", "b"], 0.05)
    assert estimated["gain"].tolist() == [5, 3]
    assert estimated[["low", "high", "p_gain"]].isna().all(axis=None)


def test_those_of_later_rounds_come_first() -> None:
    runs = scores(a=[1, 1], b=[3, 0], c=[9])
    assert in_order([["a", "b", "c"], ["b", "a"]], runs) == ["b", "a", "c"]


def test_a_decision_is_read_as_it_was_written_and_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.csv"
    write_decision(Decision(["x", "y"], 2, SEPARATED), path)
    assert read_decision(path) == Decision(["x", "y"], 2, SEPARATED)
    for text in ("", "source,restarts,ends\n", "source,restarts,ends\nx\n", "source\nx\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"1\.csv: not a whole decision. Delete it"):
            read_decision(path)


def test_a_source_that_the_evidence_does_not_have_is_marked(evidence: Evidence) -> None:
    expected = by_evidence(evidence, 0.05, "minilm-l6", ["mine", "qqp"], {"qqp": "QQP"})
    assert expected["known_as"].tolist() == ["a source that the evidence does not have", "QQP"]
    assert expected["gain"][1] < expected["gain"][0] < 0


def values(**of: dict[str, float]) -> pd.DataFrame:
    """Return numbers of methods, by method and source; NaN has a reason."""
    rows = [
        (m, s, v, None if np.isfinite(v) else "all rows have the same label")
        for m, each in of.items()
        for s, v in each.items()
    ]
    return pd.DataFrame(rows, columns=["method", "source", "value", "reason"])


FACTS = {
    "encoder": "minilm-l6",
    "starts": {"cosmos-qa": "11", "mine": "22", "qqp": "33"},
    "left_out": {"of another encoder or method": 4},
    "missing": ["squad"],
}
PUBLISHED = {"cosmos-qa": "CosmosQA", "qqp": "QQP"}


def test_features_and_evidence_rank_together_and_what_is_left_out_is_named(
    evidence: Evidence,
) -> None:
    numbers = values(
        logme={"cosmos-qa": 1.0, "mine": 3.0, "qqp": 2.0, "none": 1.5},
        knn={"cosmos-qa": 0.5, "mine": 0.9, "qqp": 0.7, "none": 0.95},
    )
    advice = by_features(evidence, 0.05, FACTS, PUBLISHED, numbers)
    ranks = {"cosmos-qa": (1, 3, 3), "mine": (2, 1, 1), "qqp": (3, 2, 2)}
    fused = {name: sum(1 / (60 + rank) for rank in each) for name, each in ranks.items()}
    assert advice.starts["start"].tolist() == sorted(fused, key=lambda name: -fused[name])
    assert advice.starts["training"][0] == "22"
    assert advice.sentence.startswith("Do not bother, because no evidence says that the first")
    assert "By 1 of 2 methods" in advice.sentence
    basis = " ".join(advice.basis)
    for words in (
        "not calibrated",
        "Starts left out: 4 of another",
        "No start is there of: squad",
    ):
        assert words in basis


def test_without_numbers_of_features_the_evidence_alone_ranks_with_the_reason(
    evidence: Evidence,
) -> None:
    nothing = dict.fromkeys(("cosmos-qa", "mine", "qqp", "none"), float("nan"))
    advice = by_features(evidence, 0.05, FACTS, PUBLISHED, values(logme=nothing))
    assert advice.starts["start"].tolist() == ["cosmos-qa", "mine", "qqp"]
    assert advice.sentence.startswith(
        "Start from cosmos-qa, because the mean over tasks of CosmosQA"
    )
    assert "the evidence alone ranks" in advice.sentence
    assert "all rows have the same label" in advice.starts["note"][0]
    assert any("logme has no number of" in each for each in advice.basis)


def test_trainings_give_their_result_and_their_number(evidence: Evidence) -> None:
    runs = scores(mine=[70, 71, 70.5], qqp=[60, 61], none=[60, 60.5, 61]).assign(degenerate=False)
    facts = {"encoder": "minilm-l6", "trainings": 17, "grid": 27}
    rounds = [["mine", "qqp", "lost"], ["mine", "qqp"], ["mine"]]
    advice = by_trainings(evidence, 0.05, facts, PUBLISHED, rounds, ALL_DONE, runs)
    assert advice.sentence.startswith("Start from mine, because it gains here: +")
    assert advice.starts["round"].tolist() == [3, 2]
    assert advice.basis[0].startswith("17 trainings of the 27 of the grid (63 %)")
    assert "No score from: lost." in advice.basis
    worse = runs.assign(score=runs["score"].where(runs["source"] != "mine", 55), degenerate=True)
    advice = by_trainings(evidence, 0.05, facts, PUBLISHED, rounds, ALL_DONE, worse)
    assert advice.sentence.startswith("Do not bother, because no source is sure to gain here.")
    assert any(each.startswith("8 of 8 runs are degenerate") for each in advice.basis)
    still = runs.assign(score=60.0)
    advice = by_trainings(evidence, 0.05, facts, PUBLISHED, rounds, ALL_DONE, still)
    assert advice.sentence.startswith("Do not bother, because restarts do not differ")
