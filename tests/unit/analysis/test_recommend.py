"""A recommendation: its intervals cover what was left out, and its sentence follows its numbers."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT
from scipy import stats

from interlude.analysis.evidence import Evidence, hub_spread, hub_truth, load_evidence
from interlude.analysis.expected import expected_of_unseen, needed
from interlude.analysis.known_as import KNOWN_AS, PUBLISHED_SOURCES
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.recommend import COLUMNS, Recommendation, recommend
from interlude.analysis.recommendation_page import (
    about_task,
    as_document,
    as_page,
    as_text,
    how_to_start,
)
from interlude.errors import InputError

SHARED = ROOT.parent / "shared/reference"
SAME, OTHER = "roberta-large", "minilm-l6"
ABOUT = pd.DataFrame(
    {"examples": [10.0], "words_per_pass": [50.0], "licence": ["MIT"]}, index=["CosmosQA"]
)
# Sources of TaskWeb that the evidence has as well.
OF_TASKWEB = {
    "cosmosqa": "CosmosQA",
    "hellaswag": "HellaSwag",
    "qqp": "QQP",
    "scitail": "SciTail",
    "socialiqa": "SocialIQA",
}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence(ROOT / "reference")


@pytest.fixture(scope="module")
def advice(evidence: Evidence) -> Recommendation:
    return recommend(evidence, 0.05, ABOUT, SAME)


@pytest.fixture(scope="module")
def elsewhere(evidence: Evidence) -> Recommendation:
    return recommend(evidence, 0.05, ABOUT, OTHER)


def outside(cell: pd.Series, pooled: pd.DataFrame) -> float:
    """Return by how many points an effect lies outside the interval of its source."""
    own = pooled.set_index("source").loc[cell["source"]]
    return max(own["new_low"] - cell["delta"], cell["delta"] - own["new_high"])


def place_of(points: list[float]) -> float:
    return sorted(points)[min(math.ceil((len(points) + 1) * 0.95), len(points)) - 1]


@pytest.fixture(scope="module")
def within(evidence: Evidence) -> dict[tuple[str, str], float]:
    """Return what the effect of each pair needs, by intervals from the other tasks."""
    cells, points = evidence.transfer, {}
    for task in cells["task"].unique():
        pooled = pooled_tables(cells[cells["task"] != task], 0.05)["pooled"]
        for _, cell in cells[cells["task"] == task].iterrows():
            points[task, cell["source"]] = outside(cell, pooled)
    return points


def test_intervals_hold_the_left_out_effects_that_they_say(
    advice: Recommendation, within: dict[tuple[str, str], float]
) -> None:
    """By a plain loop over left-out tasks, which widens each by what the other tasks need."""
    points = within
    covered = [
        own <= place_of([value for (other, _), value in points.items() if other != task])
        for (task, _), own in points.items()
    ]
    assert advice.measured["coverage"] == pytest.approx(np.mean(covered))
    estimated = np.mean([value <= 0 for value in points.values()])
    assert advice.measured["coverage_as_estimated"] == pytest.approx(estimated)
    assert 0.93 < advice.measured["coverage"] < 0.99


def test_for_another_encoder_coverage_is_measured_with_a_whole_truth_left_out(
    elsewhere: Recommendation, evidence: Evidence, within: dict[tuple[str, str], float]
) -> None:
    pooled = pooled_tables(evidence.transfer, 0.05)["pooled"]
    here = [*within.values()]
    beyond = [outside(cell, pooled) for _, cell in evidence.of_same_sources.iterrows()]
    shares = elsewhere.measured["coverage_left_out"]
    assert shares == pytest.approx(
        {
            "roberta-large": np.mean([value <= place_of(beyond) for value in here]),
            "roberta-base": np.mean([value <= place_of(here) for value in beyond]),
        }
    )
    assert elsewhere.measured["coverage"] == min(shares.values())
    wide = pooled["new_high"] - pooled["new_low"] + 2 * max(place_of(here), place_of(beyond))
    starts = elsewhere.starts
    assert (starts["high"] - starts["low"]).to_numpy() == pytest.approx(wide.to_numpy())
    assert "90 % of roberta-base" in elsewhere.basis[1]


def test_a_gain_is_as_probable_as_the_interval_says(elsewhere: Recommendation) -> None:
    first = elsewhere.starts.iloc[0]
    spread = (first["high"] - first["low"]) / (2 * stats.norm.ppf(0.975))
    assert first["p_gain"] == pytest.approx(stats.norm.sf(0, first["gain"], spread))


def test_intervals_for_another_encoder_hold_on_a_truth_that_nothing_was_fitted_to(
    elsewhere: Recommendation,
) -> None:
    """TaskWeb: six set-ups whose baselines are known, of T5 and GPT-2; the docs say the numbers."""
    if not (SHARED / "taskweb_runs.csv").exists():
        pytest.skip("the published runs are not beside the checkout")
    runs = pd.read_csv(SHARED / "taskweb_runs.csv")
    setup = ["model", "adaptation"]
    means = runs.groupby([*setup, "source", "target"], as_index=False)["score_x100"].mean()
    means = means.merge(pd.read_csv(SHARED / "taskweb_implied_baselines.csv"))
    means = means[means["source"].isin(OF_TASKWEB) & (means["source"] != means["target"])]
    delta = means["score_x100"] - means["implied_baseline_x100"]
    starts = elsewhere.starts.set_index("start")
    own = starts.loc[means["source"].map(OF_TASKWEB)]
    covered = (own["low"].to_numpy() <= delta) & (delta <= own["high"].to_numpy())
    by_setup = covered.groupby([means[name] for name in setup]).mean()
    assert len(by_setup) == 6
    assert (covered.mean(), by_setup.min()) == pytest.approx((0.977, 0.94), abs=0.005)


def test_a_source_that_is_in_no_evidence_has_the_range_of_all(evidence: Evidence) -> None:
    expected, coverage = expected_of_unseen(evidence, 0.05)
    here, there = (each["delta"].to_numpy() for each in (evidence.transfer, evidence.elsewhere))
    assert expected["low"] == np.quantile(here, 0.025)
    assert expected["high"] == np.quantile(here, 0.975)
    low, high = np.quantile(there, [0.025, 0.975])
    assert coverage["roberta-large"] == np.mean((low <= here) & (here <= high))
    assert coverage["roberta-base"] == np.mean(
        (expected["low"] <= there) & (there <= expected["high"])
    )
    assert 0.4 < expected["p_gain"] < 0.5


def test_starts_are_those_of_the_pooled_estimate(
    advice: Recommendation, evidence: Evidence
) -> None:
    pooled = pooled_tables(evidence.transfer, 0.05)["pooled"]
    assert [*advice.starts] == COLUMNS
    assert advice.starts["gain"].tolist() == pooled["mu"].tolist()
    assert (advice.starts["low"].to_numpy() < pooled["new_low"].to_numpy()).all()
    assert advice.starts["start"].iloc[0] == "CosmosQA"
    assert advice.starts["licence"].iloc[0] == "MIT"
    alike = advice.starts.loc[advice.starts["told_apart_p"] >= 0.05, "start"]
    assert advice.sentence.startswith(
        "Start from CosmosQA, because its mean over tasks is above 0:"
    )
    assert f"does not differ significantly from {', '.join(alike)}." in advice.sentence


def test_with_another_encoder_the_sentence_says_with_which_the_mean_is_known(
    elsewhere: Recommendation,
) -> None:
    assert "because its mean over tasks is above 0 with roberta-large:" in elsewhere.sentence


def test_without_a_sure_gain_there_is_no_start(evidence: Evidence) -> None:
    worse = replace(
        evidence, transfer=evidence.transfer.assign(delta=evidence.transfer["delta"] - 5)
    )
    sentence = recommend(worse, 0.05, ABOUT, SAME).sentence
    assert sentence.startswith("Do not bother, because no source")


def test_a_start_is_not_judged_on_its_own_task(evidence: Evidence) -> None:
    own = evidence.elsewhere
    assert own[(own["source"] == "MNLI") & (own["task"] == "mnli")].empty
    assert own["start"].nunique() == 319
    assert len(own) == 319 * 36 - evidence.of_same_sources["start"].nunique()
    assert needed(own.iloc[:0], pooled_tables(evidence.transfer, 0.05)["pooled"]).empty


def test_shipped_scores_of_hub_models_are_those_released() -> None:
    if not (SHARED / "model_recycling_hub_models.csv").exists():
        pytest.skip("the published runs are not beside the checkout")
    released = pd.read_csv(SHARED / "model_recycling_hub_models.csv")
    scores = released.replace({"model": {"roberta-base": "none"}}).set_index(["model", "target"])
    shipped = hub_truth(ROOT / "reference").runs.set_index(["source", "target"])["score"]
    assert len(shipped) == len(scores) == 320 * 36
    assert (shipped - scores["score_x100"].reindex(shipped.index)).abs().max() < 0.0051
    runs = pd.read_csv(SHARED / "model_recycling_pretrained_runs.csv")
    plain = runs[runs["base_model"] == "roberta_base"]
    values = 100 * plain["accuracy"].fillna(plain["spearmanr"])
    spread = values.groupby(plain["target"]).std()
    assert (spread - hub_spread(ROOT / "reference")).abs().max() < 0.001


def test_a_broken_file_of_the_evidence_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model_recycling_scores\.csv: no such file"):
        hub_truth(tmp_path)
    (tmp_path / "model_recycling_scores.csv").write_text("model,cb,source\nroberta-base,1,x\n")
    with pytest.raises(InputError, match="column 'trained_on' is missing"):
        hub_truth(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("roberta-base,,,50\nmine,,,\n", "row 2, column cb: found ''. Allowed: a number"),
        ("mine,,,50\n", "column model: found no roberta-base, the baseline of all others"),
    ],
)
def test_evidence_with_a_missing_cell_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "model_recycling_scores.csv").write_text(f"model,trained_on,source,cb\n{rows}")
    with pytest.raises(InputError, match=rf"model_recycling_scores\.csv: {message}"):
        hub_truth(tmp_path)


def test_counts_are_whole_numbers_in_text_and_page(advice: Recommendation) -> None:
    shown = as_text(advice, "mine")
    (line,) = [line for line in shown.splitlines() if line.strip().startswith("CosmosQA ")]
    assert line.split()[-3:] == ["10", "50", "MIT"]
    assert "50.0" not in as_page(advice, "mine")


def test_it_says_what_to_write_into_a_config(advice: Recommendation) -> None:
    assert how_to_start(advice, "mine") == (
        "To start from CosmosQA: a study with intermediate: [cosmos-qa] and target: [mine]."
    )
    tasks = {path.stem for path in (ROOT / "config/tasks").glob("*.yaml")}
    assert {*KNOWN_AS} <= tasks
    assert {*PUBLISHED_SOURCES} == {*advice.starts["start"]} == {*KNOWN_AS.values()}


def test_text_page_and_document_say_the_same(advice: Recommendation) -> None:
    about = about_task({"form": "pair", "rows": 1200, "labels": 3})
    assert about.startswith("The task: form pair, 1,200 training rows, 3 labels.")
    whole = replace(advice, basis=[about, *advice.basis])
    text, page = (make(whole, "mine") for make in (as_text, as_page))
    document = json.loads(json.dumps(as_document(whole, "mine"), allow_nan=False))
    for start in document["starts"]:
        assert start["start"] in text
        assert start["start"] in page
    for line in (whole.sentence, *whole.basis):
        assert line in text
        assert line in page
    assert document["starts"][1]["licence"] is None
