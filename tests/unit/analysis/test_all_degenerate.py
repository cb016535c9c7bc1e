"""Cells of which one restart is left, or none: from records to tables, figures and the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import pandas as pd
import pytest
from helpers.read_page import sections
from helpers.synthetic import INTERMEDIATE, TARGET, demo_options, record, runs_of
from matplotlib.text import Text

from interlude.analysis.catalog import OF_METHODS, OF_MIXING, OF_SELECTION, OF_SEVERAL, OF_TRIALS
from interlude.analysis.degenerate import CHANCE, CONSTANT, DIVERGED
from interlude.analysis.pages import render
from interlude.analysis.review import review_sections
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.analysis.transfer import UNLEARNED
from interlude.figures.gallery import DRAWN, draw_figures
from interlude.figures.heatmap import draw_heatmap


class Run(NamedTuple):
    """A cell of the study."""

    role: str
    source: str
    task: str
    restart: int


RESTARTS = range(1, 6)
STUDY = [
    *(Run("intermediate", "none", task, k) for k, task in product(RESTARTS, INTERMEDIATE)),
    *(Run("target", *key) for key in product(["none", *INTERMEDIATE], TARGET, RESTARTS)),
]
NOT_OF_THIS_STUDY = (
    *("size_curves", "target_sizes", "forgetting"),
    *(*OF_MIXING, *OF_METHODS, *OF_SEVERAL, *OF_TRIALS, *OF_SELECTION),
)
FIGURES = [name for name in DRAWN if name not in NOT_OF_THIS_STUDY]
COLLAPSED: dict[str, Any] = {"score": 0.3, "constant": True}  # the majority score
DIVERGES: dict[str, Any] = {"status": "diverged", "score": None, "metrics": {}, "constant": None}
Change = Callable[[Run], dict[str, Any]]


def score_of(run: Run) -> float:
    return round(0.6 + 0.01 * run.restart + 0.002 * len(run.source), 4)


class Study:
    """A study of 5 restarts, built from records: its tables and figures."""

    def __init__(self, folder: Path, change: Change) -> None:
        self.options = demo_options()
        self.folder = folder
        self.runs = runs_of(record(*run, score_of(run)) | change(run) for run in STUDY)
        write_study_tables(study_tables(self.runs, self.options), folder / "tables", self.options)

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"tables/{name}.csv")

    def cell(self, name: str, source: str, task: str) -> pd.Series[Any]:
        return self.table(name).set_index(["source", "task"]).loc[(source, task)]

    def draw(self, *names: str) -> None:
        places = self.folder / "tables", self.options, self.folder / "figures"
        draw_figures(names, self.runs, *places)

    def heatmap(self) -> list[str]:
        """Return all that the heatmap prints."""
        figure = draw_heatmap(self.table("transfer"), self.options)
        return [text.get_text() for text in figure.findobj(Text)]


def four_of_five(run: Run) -> dict[str, Any]:
    """One of the sources collapses: on one task in four restarts of five, on another in all."""
    if run.role != "target" or run.source != "sarcasm":
        return {}
    if run.task == "boolq" and run.restart > 1:
        return DIVERGES if run.restart == 5 else COLLAPSED
    return {"score": 0.29} if run.task == "disfl-qa" else {}


def every_one(run: Run) -> dict[str, Any]:
    return COLLAPSED


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("collapsed"), four_of_five)


def test_the_one_run_that_is_left_is_the_mean_and_nothing_is_tested(collapsed: Study) -> None:
    cell = collapsed.cell("transfer", "sarcasm", "boolq")
    left = Run("target", "sarcasm", "boolq", 1)
    baseline = fmean(score_of(Run("target", "none", "boolq", k)) for k in range(1, 6))
    assert (cell["n"], cell["n_planned"], cell["n_degenerate"], cell["n_diverged"]) == (1, 5, 4, 1)
    assert cell["mean"] == pytest.approx(100 * score_of(left))
    assert cell["delta"] == pytest.approx(100 * (score_of(left) - baseline))
    assert cell[["sd", "ci_low", "ci_high", "p", "p_holm", "p_fdr"]].isna().all()
    assert cell["note"] == "fewer than 2 runs on a side"


def test_a_cell_without_a_run_left_has_no_number_and_says_why(collapsed: Study) -> None:
    cell = collapsed.cell("transfer", "sarcasm", "disfl-qa")
    assert (cell["n"], cell["n_degenerate"]) == (0, 5)
    assert cell[["mean", "sd", "delta", "ci_low", "ci_high", "p", "p_holm"]].isna().all()
    assert cell["note"] == "no runs left"


def test_the_twin_with_all_runs_has_the_collapsed_ones(collapsed: Study) -> None:
    some = collapsed.cell("transfer_unfiltered", "sarcasm", "boolq")
    first = score_of(Run("target", "sarcasm", "boolq", 1))
    assert some["n"] == 5
    floor = 0.3  # of the one that diverged
    assert some["mean"] == pytest.approx(100 * fmean([first, 0.3, 0.3, 0.3, floor]))
    assert collapsed.cell("transfer_unfiltered", "sarcasm", "disfl-qa")["n"] == 5


def test_reasons_are_counted_and_every_run_that_is_out_is_listed(collapsed: Study) -> None:
    counts = collapsed.table("degenerate").set_index(["task", "reason"])["n_degenerate"].to_dict()
    assert counts == {("boolq", CONSTANT): 3, ("boolq", DIVERGED): 1, ("disfl-qa", CHANCE): 5}
    assert len(collapsed.table("excluded")) == 9


def test_averages_are_over_the_cells_that_have_a_run(collapsed: Study) -> None:
    averages = collapsed.table("averages").set_index("source")
    cells = collapsed.table("transfer").query("source == 'sarcasm'")
    assert averages.loc["sarcasm", "tasks"] == 2
    assert averages.loc["sarcasm", "delta"] == pytest.approx(cells["delta"].mean())


def test_the_heatmap_says_what_is_missing(collapsed: Study) -> None:
    legend = "\n".join(collapsed.heatmap())
    assert "dot: not all planned runs count" in legend
    assert "grey: no difference" in legend
    assert "1 of 9 cells have no test: fewer than 2 runs on a side" in legend
    assert "1 of 9 cells have no test: no runs left" in legend
    assert not re.search(r"\bnan\b", legend)


def test_figures_and_the_reviewers_page_are_made_and_count(collapsed: Study) -> None:
    collapsed.draw("spread", "averages")
    stems = {path.stem for path in (collapsed.folder / "figures").glob("*.svg")}
    assert stems == {"spread", "averages"}
    page = sections(render("Review", review_sections(collapsed.runs, collapsed.options)))
    assert page["Design"].texts[0].startswith("75 runs: 74 ok, 1 diverged. ")
    excluded = collapsed.table("excluded")["excluded"].value_counts().to_dict()
    assert excluded == {CHANCE: 5, CONSTANT: 3, DIVERGED: 1}


def test_a_study_of_degenerate_runs_only_has_tables_figures_and_a_page(tmp_path: Path) -> None:
    study = Study(tmp_path, every_one)
    transfer = study.table("transfer")
    assert len(transfer) == 9
    assert set(transfer["note"]) == {f"no runs left; {UNLEARNED}"}
    assert transfer[["mean", "delta", "baseline", "ci_low", "p_holm"]].isna().all(axis=None)
    assert study.table("degenerate")["n_degenerate"].sum() == len(study.runs)
    assert study.table("averages").empty
    study.draw(*FIGURES)
    legend = "\n".join(study.heatmap())
    assert "9 of 9 cells have no test: no runs left" in legend
    assert not re.search(r"\bnan\b", legend)
    page = sections(render("Review", review_sections(study.runs, study.options)))
    assert page["Degenerate rule"].texts[0].endswith(f" {len(study.runs)} runs.")
    assert set(study.table("excluded")["excluded"]) == {CONSTANT}
