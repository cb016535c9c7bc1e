"""Scores and trainings: what goes in comes out, what is wrong is named, and runs join them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.synthetic import demo_runs, demo_tables, record, runs_of, sized_runs

from interlude.analysis.results import (
    check_scores,
    joined,
    of_full_size,
    read_runs,
    split,
    to_scores,
    to_trainings,
    write_results,
)
from interlude.errors import InputError
from interlude.words import SCORES, TRAININGS

SCORES_TABLE, TRAININGS_TABLE = demo_tables()
FILES = ("scores.parquet", "scores.csv", "trainings.parquet", "trainings.csv")


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path]:
    """Both tables of the demo as files."""
    return written(tmp_path)


def written(folder: Path) -> tuple[Path, Path]:
    paths = folder / "scores.parquet", folder / "trainings.parquet"
    for table, path in zip(demo_tables(), paths, strict=True):
        write_results(table, path)
    return paths


def test_runs_survive_their_files(study: tuple[Path, Path]) -> None:
    pd.testing.assert_frame_equal(read_runs(*study), demo_runs())
    for path, columns in zip(study, (SCORES, TRAININGS), strict=True):
        assert list(pd.read_csv(path.with_suffix(".csv")).columns) == list(columns)


def test_the_same_tables_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_parsed_json_becomes_text_and_absent_keys_are_missing() -> None:
    scores = to_scores([{"metrics": {"f1": 0.5}}])
    assert scores["metrics"].iloc[0] == '{"f1": 0.5}'
    assert scores["score"].isna().all()
    trainings = to_trainings([{"hyperparameters": {"epochs": 2}, "versions": None}])
    assert trainings["hyperparameters"].iloc[0] == '{"epochs": 2}'
    assert trainings[["versions", "energy_joules"]].isna().all(axis=None)


@pytest.mark.parametrize("make", [to_scores, to_trainings])
def test_an_unknown_key_is_refused(make: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(InputError, match=r"record 2: unknown key 'trainin'. Did you mean 'train"):
        make([{"training": "a"}, {"trainin": "b"}])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", 1.7, r"row 3 \(.*\), column score: found 1.7"),
        ("score", None, "column score: .*a number where status is ok"),
        ("majority_score", -2, "row 3 .*column majority_score"),
        ("role", "targt", "row 3 .*column role: found 'targt'. Allowed: intermediate, target"),
        ("status", "done", "row 3 .*column status: found 'done'"),
        ("task", None, "row 3 .*column task"),
        ("arm", None, "row 3 .*column arm: found nothing"),
        (
            "training",
            None,
            "row 3 .*column training: found nothing.*an id unless status is missing",
        ),
        ("restart", 2, r"row 3 \(arm stilts, role intermediate, .*restart 2\), .*duplicate"),
        ("train_examples", "many", "row 3 .*column train_examples: found 'many'. Allowed: Int64"),
    ],
)
def test_a_bad_score_names_file_row_and_column(
    tmp_path: Path, column: str, value: Any, message: str
) -> None:
    scores = SCORES_TABLE.astype({column: object})
    scores.loc[2, column] = value
    with pytest.raises(InputError, match=rf"scores.parquet: .*{message}"):
        write_results(scores, tmp_path / "scores.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("training", TRAININGS_TABLE["training"][0], "row 3 .*column training: .*duplicate"),
        ("training", None, "row 3 .*column training: found nothing"),
        ("tokens", "many", r"row 3 \(training .*\), column tokens: found 'many'. Allowed: Int64"),
    ],
)
def test_a_bad_training_names_file_row_and_column(
    tmp_path: Path, column: str, value: Any, message: str
) -> None:
    trainings = TRAININGS_TABLE.astype({column: object})
    trainings.loc[2, column] = value
    with pytest.raises(InputError, match=rf"trainings.parquet: .*{message}"):
        write_results(trainings, tmp_path / "trainings.parquet")
    assert list(tmp_path.iterdir()) == []


def test_cells_that_differ_in_one_part_of_their_key_are_no_duplicates() -> None:
    base = record("target", "sarcasm", "boolq", 1, 0.5)
    changes: list[dict[str, Any]] = [
        {},
        {"arm": "mtl"},
        {"examples": 64},
        {"point": 1},
        {"point": 2},
    ]
    scores, _ = split({**base, **change} for change in changes)
    assert len(check_scores(scores, "scores")) == 5
    with pytest.raises(InputError, match=r"row 6 \(.*examples 64.*each cell once"):
        check_scores(pd.concat([scores, scores[2:3]]), "scores")


def test_a_table_of_an_earlier_release_lacks_what_was_added_since(
    study: tuple[Path, Path],
) -> None:
    scores, trainings = study
    pd.read_parquet(scores).drop(columns="truncation").to_parquet(scores, write_page_checksum=True)
    runs = read_runs(scores, trainings)
    assert runs["truncation"].isna().all()
    assert list(runs)[: len(SCORES)] == list(SCORES)


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_or_unknown_column_is_named(study: tuple[Path, Path], place: int) -> None:
    table, path = demo_tables()[place], study[place]
    table.drop(columns="training").to_parquet(path)
    with pytest.raises(InputError, match=rf"{path}: column 'training' is missing"):
        read_runs(*study)
    table.assign(trainings=1).to_parquet(path)
    with pytest.raises(InputError, match=r"unknown column 'trainings'. Did you mean 'training'"):
        read_runs(*study)


def test_a_task_that_the_study_does_not_have_is_named(study: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"column task: found 'sarcasm'"):
        read_runs(*study, tasks=["boolq"])


@pytest.mark.parametrize("place", [0, 1])
def test_no_file_and_no_parquet_file(study: tuple[Path, Path], place: int) -> None:
    study[place].unlink()
    with pytest.raises(InputError, match=f"{study[place]}: no such file"):
        read_runs(*study)
    study[place].write_text("role,task\n")
    with pytest.raises(InputError, match=f"{study[place]}: not a whole Parquet file"):
        read_runs(*study)


@pytest.mark.parametrize("place", [0, 1])
def test_a_changed_byte_of_a_table_changes_no_value_unseen(
    study: tuple[Path, Path], place: int
) -> None:
    path = study[place]
    whole, wanted = path.read_bytes(), read_runs(*study)
    refused = 0
    for byte in range(6, len(whole), len(whole) // 60):
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1]) + whole[byte + 1 :])
        try:
            again = read_runs(*study)
        except InputError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(again, wanted)
    assert refused > 15


# Runs


def test_a_run_is_a_cell_with_its_training_and_the_seed_of_its_start() -> None:
    runs = demo_runs()
    assert len(runs) == len(SCORES_TABLE)
    row = runs[(runs["source"] == "sarcasm") & (runs["task"] == "boolq")].iloc[2]
    assert (row["restart"], row["seed"], row["source_seed"]) == (3, 1003, 2003)
    assert runs.loc[runs["source"] == "none", "source_seed"].isna().all()
    gone = runs[runs["status"] == "missing"]
    assert gone[["seed", "tokens", "source_seed"]].isna().all(axis=None)


def test_cells_that_read_one_training_are_runs_of_their_own() -> None:
    shared = {"training": "both", "seed": 7, "tokens": 10}
    cells = [record("target", source, "boolq", 1, 0.5, **shared) for source in ("none", "mnli")]
    scores, trainings = split(cells)
    assert len(trainings) == 1
    assert joined(scores, trainings)["tokens"].tolist() == [10, 10]


def test_a_training_that_is_not_in_its_table_is_named(study: tuple[Path, Path]) -> None:
    write_results(TRAININGS_TABLE.drop(index=4), study[1])
    lost = TRAININGS_TABLE["training"][4]
    with pytest.raises(InputError, match=rf"{study[0]}: row 5 .*column training: found '{lost}'"):
        read_runs(*study)


def test_the_seed_of_a_start_that_is_not_in_the_table_is_missing() -> None:
    runs = runs_of([record("target", "sarcasm", "boolq", 1, 0.5)])
    assert runs["start"].notna().all()
    assert runs["source_seed"].isna().all()


@pytest.mark.parametrize("status", ["missing", "mean_only"])
def test_a_cell_without_a_result_of_its_own_needs_no_training(status: str) -> None:
    cell = record("target", "none", "boolq", 1, 0.5, status=status)
    for training in ("planned", None):
        scores = check_scores(split([{**cell, "training": training}])[0], "scores")
        assert joined(scores, to_trainings([]))["tokens"].isna().all()


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"sd": "wide"}, "key sd: found 'wide'. Allowed: a number, 0 or more"),
        ({"sd": -0.1, "n": 3}, "key sd: found -0.1. Allowed: a number, 0 or more"),
        ({"n": 0}, "key n: found 0. Allowed: a whole number, 1 or more"),
        ({"n": 2.5}, "key n: found 2.5. Allowed: a whole number, 1 or more"),
        ([0.1, 3], "found '[0.1, 3]'. Allowed: JSON of an object"),
        ("{", "found '{'. Allowed: JSON of an object"),
    ],
)
def test_an_sd_or_n_of_a_published_mean_that_can_not_be_is_named(
    metrics: object, shown: str
) -> None:
    mean = record("target", "mnli", "boolq", 1, 0.72, status="mean_only", metrics=metrics)
    (table, _) = split([record("target", "none", "boolq", 1, 0.7), mean])
    with pytest.raises(InputError) as raised:
        check_scores(table, "results/s/scores.parquet")
    assert str(raised.value).startswith("results/s/scores.parquet: row 2 (")
    assert "source mnli, task boolq, restart 1), column metrics" in str(raised.value)
    assert shown in str(raised.value)


def test_runs_of_reduced_sizes_are_identified_by_their_examples() -> None:
    runs = sized_runs()
    whole = of_full_size(runs)
    assert whole["examples"].isna().all()
    assert len(runs) - len(whole) == 2 * 2 * 3 * (1 + 6)
    one_size = [record("target", "none", "boolq", 1, 0.5)]
    assert len(of_full_size(runs_of(one_size))) == 1
