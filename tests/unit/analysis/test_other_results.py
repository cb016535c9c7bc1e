"""Scores that others measured, from a CSV file: what is said of them, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.project import ROOT
from scipy import stats

from interlude.analysis.answer import answer_table
from interlude.analysis.options import Options, Statistics
from interlude.analysis.other_results import tables_of_a_study, tables_of_csv
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import joined, read_runs, read_trainings, write_results
from interlude.analysis.study_tables import study_tables
from interlude.analysis.transfer import transfer_table
from interlude.errors import InputError
from interlude.plan.config import Config
from interlude.plan.declared import checked

RUNS = """source,task,restart,score
none,RTE,1,.60
none,RTE,2,.64
none,RTE,3,.65
MNLI,RTE,1,.70
MNLI,RTE,2,.75
MNLI,RTE,3,
"""
FEW = Options(statistics=Statistics(resamples=500))
MEANS = """source, task, mean, sd, n
none, RTE, 66.4, 2.1, 5
MNLI, RTE, 77.9, 1.4, 5
QQP, RTE, 68, ,
"""


def imported(folder: Path, text: str, points: bool = False) -> pd.DataFrame:
    """Return the runs of a CSV file."""
    path = folder / "theirs.csv"
    path.write_text(text)
    return joined(*tables_of_csv(path, "theirs", points))


def transfer(runs: pd.DataFrame) -> pd.DataFrame:
    return transfer_table(runs.assign(degenerate=False), Options(), False).set_index("source")


def test_runs_are_compared_by_welchs_test(tmp_path: Path) -> None:
    cell = transfer(imported(tmp_path, RUNS)).loc["MNLI"]
    expected = stats.ttest_ind([0.70, 0.75], [0.60, 0.64, 0.65], equal_var=False)
    assert cell["delta"] == pytest.approx(100 * (0.725 - 0.63))
    assert cell["p"] == pytest.approx(expected.pvalue)
    assert (cell["n"], cell["n_missing"]) == (2, 1)


def test_means_are_compared_where_their_spread_is_known(tmp_path: Path) -> None:
    cells = transfer(imported(tmp_path, MEANS, points=True))
    expected = stats.ttest_ind_from_stats(77.9, 1.4, 5, 66.4, 2.1, 5, equal_var=False)
    assert cells.loc["MNLI", "p"] == pytest.approx(expected.pvalue)
    assert cells.loc["QQP", "delta"] == pytest.approx(1.6)
    assert cells["p"].isna()["QQP"]
    assert cells.loc["QQP", "note"]


def test_rows_of_a_cell_without_numbers_are_its_restarts(tmp_path: Path) -> None:
    unnumbered = "source,task,score\nnone,RTE,.6\nnone,RTE,.7\nMNLI,RTE,.8\n"
    runs = imported(tmp_path, unnumbered)
    assert list(runs["restart"]) == [1, 2, 1]
    assert list(runs["arm"]) == ["single", "single", "stilts"]


def test_the_scores_of_a_study_are_read_as_they_are(tmp_path: Path) -> None:
    scores, _ = published_tables(load_published(ROOT / "reference"), "theirs")
    write_results(scores, tmp_path / "scores.parquet")
    again, _ = tables_of_csv(tmp_path / "scores.csv", "theirs", points=False)
    pd.testing.assert_frame_equal(again, scores)


def test_the_released_scores_are_the_same_runs_through_this_door(tmp_path: Path) -> None:
    """Also with the columns that the table of trainings has, which a file may have beside them."""
    runs = joined(*published_tables(load_published(ROOT / "reference"), "theirs"))
    released = runs.drop(columns="source_seed")  # of trainings that no score names
    released.to_csv(tmp_path / "released.csv", index=False)
    read = joined(*tables_of_csv(tmp_path / "released.csv", "theirs", points=False))
    pd.testing.assert_frame_equal(read[released.columns], released)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,task\nnone,RTE\n", "line 1: found the columns source, task. Allowed: source, "),
        ("task,score\nRTE,.5\n", "line 1: found the columns task, score. Allowed: source, task"),
        ("source,task,score,sed\nnone,RTE,.5,1\n", "line 1: unknown column 'sed'. Did you mean"),
        ("source,task,score\n,RTE,.5\n", "line 2, column source: found nothing. Allowed: a name"),
        ("source,task,score\nnone,RTE,good\n", "column score: found 'good'. Allowed: a number"),
        ("source,task,score\nnone,RTE,66.4\n", "found 66.4. Allowed: -1 to 1, or -100 to 100"),
        ("source,task,mean,n\nnone,RTE,.5,3.5\n", "column n: found '3.5'. Allowed: a whole"),
        ("source,task,score,role\nnone,RTE,.5,dev\n", "line 2, column role: unknown role 'dev'"),
        ("source,task,score,mean\nnone,RTE,.5,.5\n", "line 2: found score and mean. Allowed: one"),
        ("source,task,score\n", "found no row. Allowed: a header and one row or more"),
        (
            "source,task,score\nnone,RTE,.5,1,2\n",
            "line 2: found 5 fields. Allowed: 3, as in",
        ),
        ("source,task,score\n\nnone,RTE\n", "line 3: found 2 fields. Allowed: 3"),
        ('source,task,score\nnone,"RTE,.5\n', "cannot be read as CSV"),
    ],
)
def test_what_cannot_be_is_refused_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        imported(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "theirs.csv"))
    assert message in str(raised.value)


def test_a_run_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    twice = "source,task,restart,score\nnone,RTE,1,.5\nnone,RTE,1,.6\n"
    scores, _ = tables_of_csv(write(tmp_path, twice), "theirs", points=False)
    with pytest.raises(InputError, match="each cell once"):
        write_results(scores, tmp_path / "scores.parquet")


DEMO = ROOT / "docs/demo/demo"
# What scores alone do not tell: what trainings took, and from how many encoders a cell started.
OF_TRAININGS = {
    "costs": {
        *("measured", "tokens", "evaluation_tokens", "train_seconds", "evaluation_seconds"),
        *("total_seconds", "device_hours", "tokens_per_second"),
    },
    **{name: {"n_starts"} for name in ("transfer", "transfer_unfiltered")},
}


def of_the_demo(trainings: Path | None) -> dict[str, pd.DataFrame]:
    """Return the tables of the default study, whose file is given as that of another one."""
    scores, of_trainings = tables_of_a_study(DEMO / "scores.parquet", "again", trainings)
    return study_tables(joined(scores, of_trainings), FEW, of_trainings)


@pytest.fixture(scope="module")
def of_the_study() -> dict[str, pd.DataFrame]:
    """The tables of the default study, from both of its own."""
    own = DEMO / "trainings.parquet"
    runs = read_runs(DEMO / "scores.parquet", own)
    return study_tables(runs, FEW, read_trainings(own))


def test_a_studys_own_scores_alone_give_its_tables_but_for_what_trainings_took(
    of_the_study: dict[str, pd.DataFrame],
) -> None:
    alone = of_the_demo(None)
    assert alone.keys() == of_the_study.keys()
    for name, table in of_the_study.items():
        left_out = list(OF_TRAININGS.get(name, ()))
        kept = table.drop(columns=left_out)
        pd.testing.assert_frame_equal(alone[name].drop(columns=left_out), kept)
    assert alone["transfer"]["p"].notna().any()
    pd.testing.assert_frame_equal(answer_table(alone, FEW), answer_table(of_the_study, FEW))


def test_with_its_table_of_trainings_they_are_all_the_same(
    of_the_study: dict[str, pd.DataFrame],
) -> None:
    again = of_the_demo(DEMO / "trainings.parquet")
    for name, table in of_the_study.items():
        pd.testing.assert_frame_equal(again[name], table)


def test_a_file_that_is_no_table_of_scores_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match=r"scores\.parquet: no such file"):
        tables_of_a_study(path, "again", None)
    shutil.copy(DEMO / "trainings.parquet", path)
    with pytest.raises(InputError, match=r"scores\.parquet: column 'study' is missing"):
        tables_of_a_study(path, "again", None)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"file": "scores.parquet", "points": True}, "Allowed: points with a CSV file alone"),
        ({"file": "a.csv", "trainings": "b.parquet"}, "Allowed: trainings with a scores.parquet"),
    ],
)
def test_what_a_file_has_by_itself_is_refused_beside_it(
    results: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"key results: found .*{message}"):
        checked(Config, {"study": "a", "encoder": {"model": "b"}, "results": results}, "a.yaml")


def write(folder: Path, text: str) -> Path:
    path = folder / "theirs.csv"
    path.write_text(text)
    return path


def test_of_means_no_sentence_is_on_runs_that_are_not_known(tmp_path: Path) -> None:
    runs = imported(tmp_path, MEANS, points=True)
    answer = answer_table(study_tables(runs, Options()), Options())
    sentences = answer.loc[answer["delta"].notna(), "sentence"]
    assert sentences.str.contains("its single runs are not known").any()
    assert not sentences.str.contains("no run has a score").any()
