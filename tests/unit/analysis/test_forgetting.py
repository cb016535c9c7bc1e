"""What encoders forget: the masked accuracy of each arm and source, beside its transfer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers.forgetting import FORGETTING_OPTIONS, forgetting_study

from interlude.analysis.forgetting import COLUMNS
from interlude.analysis.study_tables import study_tables


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    runs, trainings = forgetting_study()
    return study_tables(runs, FORGETTING_OPTIONS, trainings)["forgetting"]


def test_each_encoder_has_the_mean_of_its_restarts(table: pd.DataFrame) -> None:
    _, trainings = forgetting_study()
    accuracy = 100 * trainings.set_index("training")["masked_accuracy"]
    pretrained = accuracy[["head of none 1", "head of none 2"]].mean()
    by_source = table.set_index(["arm", "source"])
    assert list(by_source.index) == [
        *(("measured", "none"), ("stilts", "mnli"), ("stilts", "qnli"), ("mlm", "mnli")),
        ("mlm", "qnli"),
    ]
    for (arm, source), row in by_source.iterrows():
        name = "none" if source == "none" else f"{arm} {source}"
        own = accuracy[[f"head of {name} {k}" for k in (1, 2)]]
        by_hand = (own.mean(), own.std(), 2, own.mean() - pretrained)
        assert tuple(row[["masked_accuracy", "sd", "n", "change"]]) == pytest.approx(by_hand)
        assert row["pretrained"] == (source == "none")


def test_beside_it_stands_the_average_transfer(table: pd.DataFrame) -> None:
    runs, trainings = forgetting_study()
    averages = study_tables(runs, FORGETTING_OPTIONS, trainings)["averages"]
    expected = averages.set_index(["arm", "against", "source"])["delta"]
    by_source = table.set_index(["arm", "against", "source"])["delta"]
    assert by_source.notna().all()
    assert by_source.to_dict() == pytest.approx(expected[by_source.index].to_dict())


def test_encoders_that_restarts_share_count_once_and_lost_ones_not_at_all() -> None:
    runs, trainings = forgetting_study()
    lost = trainings["training"].isin(["head of stilts qnli 2", "head of none 1"])
    trainings.loc[lost, "masked_accuracy"] = None
    trainings.loc[trainings["training"].str.contains("none"), "masked_accuracy"] = None
    runs = runs.assign(start=runs["start"].replace("head of mlm qnli 2", "head of mlm qnli 1"))
    table = study_tables(runs, FORGETTING_OPTIONS, trainings)["forgetting"]
    assert table["n"].tolist() == [2, 1, 2, 1]
    assert np.isnan(table["sd"]).tolist() == [False, True, False, True]
    assert table["change"].isna().all()  # the pretrained encoder was not measured


def test_a_head_that_was_trained_with_its_encoder_measures_nothing() -> None:
    runs, trainings = forgetting_study()
    trainings["hyperparameters"] = trainings["hyperparameters"].str.replace("true", "false")
    assert study_tables(runs, FORGETTING_OPTIONS, trainings)["forgetting"].empty


def test_a_study_whose_measures_are_all_lost_has_an_empty_table() -> None:
    runs, trainings = forgetting_study()
    trainings["masked_accuracy"] = None
    table = study_tables(runs, FORGETTING_OPTIONS, trainings)["forgetting"]
    assert (len(table), list(table)) == (0, COLUMNS)
