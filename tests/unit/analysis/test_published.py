"""The published runs become scores and trainings that give the published numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import check_scores, check_trainings, joined
from interlude.errors import InputError

REFERENCE = Path(__file__).parents[3] / "reference"


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return published_tables(load_published(REFERENCE), "published")


@pytest.fixture(scope="module")
def runs(tables: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return joined(*tables)


def test_every_published_run_is_a_valid_row(
    tables: tuple[pd.DataFrame, pd.DataFrame], runs: pd.DataFrame
) -> None:
    check_scores(tables[0], "published")
    check_trainings(tables[1], "published")
    assert len(tables[1]) == len(runs) + 11 * 3  # and the intermediate ones
    counts = runs.groupby(["role", "status"]).size().to_dict()
    assert counts == {
        ("intermediate", "mean_only"): 11,
        ("target", "mean_only"): 10,
        ("target", "ok"): 330,
        ("probing", "ok"): 825 + 75,
    }
    assert runs.loc[runs["role"] == "intermediate", "train_examples"].notna().all()
    assert runs["hyperparameters"].notna().all()


def test_seeds_are_known_of_transfer_runs_and_of_what_they_started_from(runs: pd.DataFrame) -> None:
    transfer = runs[runs["arm"] == "stilts"].query("role == 'target' and restart == 2")
    assert set(transfer["seed"]) == {523822}
    assert set(transfer["source_seed"]) == {523821}
    rest = runs[(runs["arm"] == "single") | (runs["role"] == "intermediate")]
    assert rest[["seed", "source_seed"]].isna().all(axis=None)


def test_degenerate_runs_are_those_of_the_facts(runs: pd.DataFrame) -> None:
    flagged = flag_degenerate(runs, DegenerateRule(margin=0.01))
    degenerate = flagged[flagged["degenerate"]]
    transfer = degenerate[degenerate["source"] != "none"]
    baseline = degenerate[degenerate["source"] == "none"]

    constant = transfer[transfer["score"] == 0.583].groupby("task").size().to_dict()
    assert constant == {"AJ-Coord": 20, "AJ-Def": 16, "AJ-Wh": 5, "AJ-EOS": 4}
    wh, definite, coordination, eos, srl = (
        set(baseline.loc[baseline["task"] == task, "restart"])
        for task in ("AJ-Wh", "AJ-Def", "AJ-Coord", "AJ-EOS", "EP-SRL")
    )
    assert (wh, definite, coordination, eos, srl) == ({2, 3}, {1, 2, 3}, {1, 2, 3}, {2}, {3})

    def restarts(source: str, task: str) -> set[int]:
        cell = transfer[(transfer["source"] == source) & (transfer["task"] == task)]
        return set(cell["restart"])

    assert restarts("QQP", "WSC") == {1, 2, 3}
    assert restarts("SST-2", "WiC") == {1}
    assert restarts("SocialIQA", "MultiRC") == {1, 3}
    assert restarts("SocialIQA", "SE-WC") == {1}
    assert restarts("QQP", "SE-WC") == {2}
    for task in ("EP-POS", "EP-Rel", "EP-SRL", "EP-UD"):
        assert restarts("QQP", task) == {1, 2, 3}
    assert restarts("QA-SRL", "EP-Rel") == {3}
    assert restarts("SocialIQA", "EP-SRL") == {1, 2, 3}


def test_every_reference_file_names_its_source() -> None:
    for path in REFERENCE.glob("*.csv"):
        assert pd.read_csv(path)["source"].notna().all(), path.name


def test_a_file_or_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pruksachatkun_runs.csv: no such file"):
        load_published(tmp_path)
    (tmp_path / "pruksachatkun_runs.csv").write_text("run,task\n1,CB\n")
    with pytest.raises(InputError, match=r"column 'intermediate' is missing. Found: run, task"):
        load_published(tmp_path)
