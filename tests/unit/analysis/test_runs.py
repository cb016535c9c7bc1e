"""The run table: what goes in comes out, and what is wrong is named with row and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from synthetic import demo_runs, record

from interlude.analysis.runs import DTYPES, read_runs, to_table, write_runs
from interlude.errors import InputError


def test_a_table_survives_its_file(tmp_path: Path) -> None:
    runs = demo_runs()
    write_runs(runs, tmp_path / "runs.parquet")
    pd.testing.assert_frame_equal(read_runs(tmp_path / "runs.parquet"), runs)
    assert list(pd.read_csv(tmp_path / "runs.csv").columns) == list(DTYPES)


def test_the_same_table_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_runs(demo_runs(), tmp_path / name / "runs.parquet")
    for file in ("runs.parquet", "runs.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_parsed_json_becomes_text_and_absent_keys_are_missing() -> None:
    made = to_table([{**record("target", "none", "boolq", 1, 0.5), "metrics": {"f1": 0.5}}])
    assert made["metrics"].iloc[0] == '{"f1": 0.5}'
    assert made["energy_joules"].isna().all()


def test_an_unknown_key_of_a_record_is_refused() -> None:
    with pytest.raises(InputError, match=r"record 1: unknown key 'scor'. Did you mean 'score'"):
        to_table([{"scor": 1.0}])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", 1.7, r"row 3 \(.*\), column score: found 1.7"),
        ("score", None, "column score: .*a number where status is ok"),
        ("majority_score", -2, "row 3 .*column majority_score"),
        ("kind", "targt", "row 3 .*column kind: found 'targt'. Allowed: intermediate, target"),
        ("status", "done", "row 3 .*column status: found 'done'"),
        ("task", None, "row 3 .*column task"),
        ("restart", 2, r"row 3 \(.*restart 2\), column restart: .*duplicate"),
        ("tokens", "many", "row 3 .*column tokens: found 'many'. Allowed: Int64"),
    ],
)
def test_a_bad_value_names_file_row_and_column(
    tmp_path: Path, column: str, value: Any, message: str
) -> None:
    runs = demo_runs().astype({column: object})
    runs.loc[2, column] = value
    with pytest.raises(InputError, match=message):
        write_runs(runs, tmp_path / "runs.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_unknown_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    demo_runs().drop(columns="score").to_parquet(path)
    with pytest.raises(InputError, match=r"runs.parquet: column 'score' is missing"):
        read_runs(path)
    demo_runs().assign(scores=1).to_parquet(path)
    with pytest.raises(InputError, match=r"unknown column 'scores'. Did you mean 'score'"):
        read_runs(path)


def test_a_task_that_the_study_does_not_have_is_named(tmp_path: Path) -> None:
    write_runs(demo_runs(), tmp_path / "runs.parquet")
    with pytest.raises(InputError, match=r"column task: found 'sarcasm'"):
        read_runs(tmp_path / "runs.parquet", tasks=["boolq"])


def test_no_file_and_no_parquet_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_runs(tmp_path / "runs.parquet")
    (tmp_path / "runs.parquet").write_text("kind,task\n")
    with pytest.raises(InputError, match="not a whole Parquet file"):
        read_runs(tmp_path / "runs.parquet")


def test_a_changed_byte_of_the_run_table_changes_no_value_unseen(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    write_runs(demo_runs(), path)
    whole, wanted = path.read_bytes(), read_runs(path)
    refused = 0
    for place in range(6, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = read_runs(path)
        except InputError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(found, wanted)
    assert refused > 15
