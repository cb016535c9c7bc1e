"""A recommendation: its intervals hold what was left out, and its sentence follows its numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.recommend import COLUMNS, Recommendation, recommend
from interlude.analysis.recommendation_page import as_document, as_page, as_text, basis_of
from interlude.analysis.results import joined
from interlude.analysis.transfer import transfer_table

ABOUT = pd.DataFrame(
    {"examples": [10.0], "words_per_pass": [50.0], "licence": ["MIT"]}, index=["CosmosQA"]
)


@pytest.fixture(scope="module")
def evidence() -> pd.DataFrame:
    runs = joined(*published_tables(load_published(ROOT / "reference"), "published"))
    options = Options()
    transfer = transfer_table(flag_degenerate(runs, options.degenerate), options, False)
    return transfer[transfer["role"] == "target"]


@pytest.fixture(scope="module")
def found(evidence: pd.DataFrame) -> Recommendation:
    return recommend(evidence, 0.05, ABOUT)


def test_intervals_hold_the_left_out_effects_that_they_say(
    found: Recommendation, evidence: pd.DataFrame
) -> None:
    """By a plain loop over left-out tasks, which scales each by what the other tasks need."""
    cells = evidence[evidence["source"] != evidence["task"]]
    needed: dict[tuple[str, str], float] = {}
    for task in cells["task"].unique():
        pooled = pooled_tables(cells[cells["task"] != task], 0.05)["pooled"].set_index("source")
        for _, cell in cells[cells["task"] == task].iterrows():
            own = pooled.loc[cell["source"]]
            low = cell["delta"] < own["mu"]
            half = own["mu"] - own["new_low"] if low else own["new_high"] - own["mu"]
            needed[task, cell["source"]] = abs(cell["delta"] - own["mu"]) / half
    held = []
    for (task, _), own in needed.items():
        others = sorted(value for (other, _), value in needed.items() if other != task)
        place = min(math.ceil((len(others) + 1) * 0.95), len(others))
        held.append(own <= others[place - 1])
    assert found.coverage == pytest.approx(np.mean(held))
    assert found.unscaled_coverage == pytest.approx(
        np.mean([value <= 1 for value in needed.values()])
    )
    assert 0.93 < found.coverage < 0.99


def test_starts_are_those_of_the_pooled_estimate(
    found: Recommendation, evidence: pd.DataFrame
) -> None:
    cells = evidence[evidence["source"] != evidence["task"]]
    pooled = pooled_tables(cells, 0.05)["pooled"]
    assert [*found.starts] == COLUMNS
    assert found.starts["gain"].tolist() == pooled["mu"].tolist()
    assert found.starts["p_gain"].tolist() == pooled["p_new"].tolist()
    assert (found.starts["low"].to_numpy() < pooled["new_low"].to_numpy()).all()
    assert found.starts["start"].iloc[0] == "CosmosQA"
    assert found.starts["licence"].iloc[0] == "MIT"
    alike = found.starts.loc[found.starts["told_apart_p"] >= 0.05, "start"]
    assert found.sentence.startswith("Start from CosmosQA, because its mean over tasks is above 0")
    assert f"does not tell it from {', '.join(alike)}." in found.sentence


def test_without_a_sure_gain_there_is_no_start(evidence: pd.DataFrame) -> None:
    worse = evidence.assign(delta=evidence["delta"] - 5)
    assert recommend(worse, 0.05, ABOUT).sentence.startswith("Do not bother, because no source")


def test_text_page_and_document_say_the_same(found: Recommendation) -> None:
    basis = basis_of(found, {"form": "pair", "rows": 1200, "labels": 3}, "roberta-large", 0.05)
    assert basis[0].startswith("The task: form pair, 1,200 training rows, 3 labels.")
    text, page = (make(found, "mine", basis) for make in (as_text, as_page))
    document = json.loads(json.dumps(as_document(found, "mine", basis), allow_nan=False))
    for start in document["starts"]:
        assert start["start"] in text
        assert start["start"] in page
    for line in (found.sentence, *basis):
        assert line in text
        assert line in page
    assert document["starts"][1]["licence"] is None
