"""All tables of a study: their names, their LaTeX, their costs, sizes and conclusions."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.methods import METHOD_OPTIONS, method_runs
from helpers.mixing import MIXING_OPTIONS, mixing_runs
from helpers.synthetic import (
    TITLES,
    awkward_runs,
    demo_options,
    demo_runs,
    record,
    runs_of,
    sized_runs,
    target_sized_runs,
)

from interlude.analysis.catalog import (
    FIGURES,
    OF_METHODS,
    OF_MIXING,
    OF_SEVERAL,
    OF_TRIALS,
    TABLES,
    file_names,
    variants,
)
from interlude.analysis.conclusions import changed_conclusions
from interlude.analysis.costs import arm_costs, cost_table
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Selection, Stability, Statistics
from interlude.analysis.overview import task_table
from interlude.analysis.results import joined, split, to_trainings, trainings_of
from interlude.analysis.selection import selection_tables
from interlude.analysis.size import size_correlations, source_table
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.analysis.tables import write_latex
from interlude.figures.gallery import DRAWN
from interlude.words import Contrast

FEW = Statistics(resamples=100)


@pytest.mark.parametrize(
    ("exclude", "twin"), [(True, "transfer_unfiltered"), (False, "transfer_filtered")]
)
def test_every_table_that_depends_on_the_filter_has_a_twin(exclude: bool, twin: str) -> None:
    options = demo_options(degenerate=DegenerateRule(exclude=exclude), statistics=FEW)
    tables = study_tables(demo_runs(), options)
    suffix = twin.removeprefix("transfer")
    doubled = {name.removesuffix(suffix) for name in tables if name.endswith(suffix)}
    of_one_contrast = TABLES.keys() - {*OF_MIXING, *OF_METHODS, *OF_SEVERAL, *OF_TRIALS}
    assert doubled == {name for name in of_one_contrast if TABLES[name].twice}
    counted = tables["transfer"].set_index(["source", "task"]).loc[("sarcasm", "boolq"), "n"]
    assert counted == (2 if exclude else 3)


def test_tables_are_written_as_csv_and_latex(tmp_path: Path) -> None:
    options = demo_options(statistics=FEW)
    tables = study_tables(demo_runs(), options)
    write_study_tables(tables, tmp_path, options)
    assert {path.stem for path in tmp_path.glob("*.csv")} == set(tables)
    assert {path.stem for path in tmp_path.glob("*.tex")} == set(tables)
    back = pd.read_csv(tmp_path / "transfer.csv")
    pd.testing.assert_series_equal(back["p"], tables["transfer"]["p"])
    latex = (tmp_path / "transfer.tex").read_text()
    assert latex.splitlines()[1].startswith(r"\begin{tabular}")
    assert r"target & BoolQ & -2.1x (2) & +3.9* (2) & +1.7 (3) & 54.3 (3) \\" in latex
    cell = tables["transfer"].set_index(["source", "task"]).loc[("privacy-qa", "boolq")]
    assert f"[{cell['ci_low']:+.1f}, {cell['ci_high']:+.1f}]" in latex


def test_the_awkward_study_has_all_tables_and_its_names_stay_text(tmp_path: Path) -> None:
    options = Options(statistics=FEW)
    write_study_tables(study_tables(awkward_runs(), options), tmp_path, options)
    latex = (tmp_path / "transfer.tex").read_text()
    name = r"a rather long \textless{}b\textgreater{}name\textless{}/b\textgreater{} \&\_\$ no 0"
    assert name in latex
    assert "&_$" not in latex


def test_latex_is_escaped_and_missing_values_are_dashes(tmp_path: Path) -> None:
    table = pd.DataFrame({"50 % of _x_": ["{a} & $b$", None], "n": [1.25, math.nan]})
    write_latex(table, tmp_path / "table.tex")
    latex = (tmp_path / "table.tex").read_text()
    assert r"50 \% of \_x\_ & n \\" in latex
    assert r"\{a\} \& \$b\$ & 1.2 \\" in latex
    assert r"-- & -- \\" in latex


def test_latex_shows_every_sign_and_no_cell_ends_its_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"a|b": ["<script>\n\n\\input{x} ~^%"]})
    write_latex(table, tmp_path / "table.tex", notes=["<i> | #"])
    latex = (tmp_path / "table.tex").read_text()
    assert r"a\textbar{}b \\" in latex
    shown = r"\textbackslash input\{x\} \textasciitilde \textasciicircum \% \\"
    assert rf"\textless{{}}script\textgreater{{}} {shown}" in latex
    assert r"\textless{}i\textgreater{} \textbar{} \#}" in latex


def test_a_task_that_is_target_and_probing_at_once(tmp_path: Path) -> None:
    runs = [
        record(role, source, "boolq", restart, 0.5 + restart / 100)
        for role in ("target", "probing")
        for source in ("none", "mnli")
        for restart in (1, 2, 3)
    ]
    options = Options(statistics=FEW)
    write_study_tables(study_tables(runs_of(runs), options), tmp_path, options)
    assert len(pd.read_csv(tmp_path / "correlations_all.csv")) == 4


def test_suffixes_of_the_twins() -> None:
    assert variants(exclude=True) == {"": True, "_unfiltered": False}
    assert variants(exclude=False) == {"": False, "_filtered": True}


def test_tasks_stand_with_sizes_majority_and_baseline() -> None:
    options = demo_options()
    table = task_table(flag_degenerate(demo_runs(), options.degenerate), options, filtered=True)
    assert len(table) == 9
    assert table["title"].tolist() == list(TITLES.values())
    row = table.set_index("task").loc["boolq"]
    assert row[["form", "train_examples", "majority", "n"]].tolist() == ["pair", 512, 30.0, 3]


def test_costs_are_sums_and_nothing_measured_is_missing() -> None:
    costs = step_costs(demo_runs())
    assert costs.loc["total", ["trainings", "measured"]].tolist() == [81, 80]  # one is missing
    assert costs.loc["intermediate", "tokens"] == 9 * 40_000
    assert costs.loc["target", "tokens_per_second"] == pytest.approx(2000)
    assert costs.loc["total", "device_hours"] == pytest.approx(80 * 27 / 3600)
    assert math.isnan(costs.loc["total", "energy_joules"])
    unmeasured = runs_of([record("target", "none", "boolq", 1, 0.5, total_seconds=None)])
    assert step_costs(unmeasured).loc["total", "measured"] == 0


def test_of_trainings_that_shared_a_gpu_hours_are_parts_and_nobody_knows_the_joules() -> None:
    alone, shared = ({"energy_joules": 500.0, "runs_on_gpu": 1}, {"runs_on_gpu": 4})
    runs = runs_of(
        [
            record("intermediate", "none", "mnli", 1, 0.8, **alone),
            record("target", "none", "boolq", 1, 0.5, **alone),
            record("target", "none", "boolq", 2, 0.5, **shared),
        ]
    )
    costs = step_costs(runs)
    assert costs.loc["intermediate", "energy_joules"] == 500
    assert costs["energy_joules"].isna().to_dict() == {
        **{"intermediate": False, "target": True, "total": True}
    }
    assert costs.loc["target", "total_seconds"] == 27 + 27
    assert costs.loc["target", "device_hours"] == pytest.approx((27 + 27 / 4) / 3600)


def step_costs(runs: pd.DataFrame) -> pd.DataFrame:
    return cost_table(runs, trainings_of(runs)).set_index("step")


def test_a_training_that_two_cells_read_costs_once() -> None:
    shared = {"training": "both"}
    cells = [
        record("intermediate", "none", "mnli", 1, 0.8, **shared),
        record("target", "none", "mnli", 1, 0.8, **shared),
        record("target", "mnli", "boolq", 1, 0.5),
    ]
    costs = step_costs(runs_of(cells))
    assert costs["trainings"].to_dict() == {"intermediate": 1, "target": 1, "total": 2}
    assert costs["tokens"].tolist() == [40_000, 40_000, 80_000]
    targets_first = step_costs(runs_of(cells[1:] + cells[:1]))
    assert targets_first["trainings"].to_dict() == {"target": 2, "total": 2}


def test_a_training_of_another_study_and_cells_without_one_took_nothing() -> None:
    cells = [
        record("target", "none", "boolq", 1, 0.5, taken_from="other, 1, 2026-01-01"),
        record("target", "none", "boolq", 2, 0.5, training=None, status="mean_only"),
        record("target", "none", "boolq", 3, 0.5, training=None, status="missing"),
    ]
    total = step_costs(runs_of(cells)).loc["total"]
    assert total[["trainings", "measured"]].tolist() == [3, 0]
    assert total[["tokens", "total_seconds", "energy_joules"]].isna().all()


def needing() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and trainings: a chain of three, and a mixture that was compared with its two tasks."""
    costs = {"scored": {"tokens": 1}, "first": {"tokens": 10}, "alone": {"tokens": 1000}}
    own = {
        "chain": {"tokens": 100_000, "start": "middle"},
        "mixed": {"tokens": 1_000_000, "references": ["scored", "alone"]},
    }
    cells = [
        record("intermediate", "none", "mnli", 1, 0.8, training="first", arm="chain"),
        record("target", "none", "boolq", 1, 0.5, training="scored"),
        record("target", "mnli", "boolq", 1, 0.5, training="chain", arm="chain"),
        record("target", "mnli", "boolq", 1, 0.5, training="mixed", arm="dynamic"),
    ]
    facts = costs | own
    cells = [{**cell, "start": None, **facts[cell["training"]]} for cell in cells]
    scores, trainings = split(cells)
    between = [
        {"training": "middle", "start": "first", "tokens": 100, "total_seconds": 7.0},
        {"training": "alone", **costs["alone"], "total_seconds": 7.0},
    ]
    trainings = pd.concat([to_trainings(between), trainings], ignore_index=True)
    return joined(scores, trainings), trainings


def test_a_training_that_no_cell_reads_has_its_cost_too() -> None:
    costs = cost_table(*needing()).set_index("step")
    assert costs["tokens"].to_dict() == {
        **{"intermediate": 10, "target": 1_100_001, "no score": 1_100},
        "total": 1_101_111,
    }
    parts = costs.drop(index="total")[["trainings", "measured", "tokens", "total_seconds"]].sum()
    assert costs.loc["total", parts.index].tolist() == parts.tolist()
    assert costs["trainings"].tolist() == [1, 3, 2, 6]


def test_an_arm_costs_all_that_its_scores_need() -> None:
    costs = arm_costs(*needing()).set_index("arm")
    assert costs["tokens"].to_dict() == {"chain": 100_110, "single": 1, "dynamic": 1_001_001}
    assert costs["trainings"].to_dict() == {"chain": 3, "single": 1, "dynamic": 3}
    assert costs["shared"].to_dict() == {"chain": 0, "single": 1, "dynamic": 1}
    assert costs["measured"].to_dict() == {"chain": 3, "single": 1, "dynamic": 3}
    assert costs.loc["chain", "seconds_per_score"] == 27 + 7 + 27


def test_tables_of_costs_know_trainings_that_no_cell_reads() -> None:
    runs, trainings = needing()
    arms = Options(statistics=FEW, contrasts=(Contrast("chain", "single"),) * 2)
    tables = study_tables(runs, arms, trainings)
    assert tables["costs"]["trainings"].tolist() == [1, 3, 2, 6]
    assert tables["arm_costs"]["trainings"].tolist() == [3, 1, 3]


def test_conclusions_that_the_filter_changes() -> None:
    def transfer(delta: list[float], p: list[float]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "arm": "stilts",
                "against": "single",
                "role": "target",
                "source": ["a", "b", "c", "d"],
                "task": "x",
                "delta": delta,
                "n": 3,
                "p_holm": p,
            }
        )

    filtered = transfer([1.0, -1.0, math.nan, 2.0], [0.2, 0.2, math.nan, 0.01])
    unfiltered = transfer([2.0, 1.0, -3.0, 2.0], [0.3, 0.3, 0.3, 0.2])
    changed = changed_conclusions(filtered, unfiltered, alpha=0.05).set_index("source")
    assert changed["change"].to_dict() == {"b": "sign", "c": "no runs left", "d": "significance"}
    assert changed_conclusions(filtered, filtered, alpha=0.05).empty


def test_size_against_transfer_in_and_between_forms() -> None:
    forms = ["pair"] * 3 + ["span"] * 3 + ["single"]
    sizes = [100, 1000, 10_000, 300, 3000, 30_000, 50]
    runs = runs_of(
        [
            record("intermediate", "none", f"s{number}", 1, 0.8, form=form, train_examples=size)
            for number, (form, size) in enumerate(zip(forms, sizes, strict=True))
        ]
    )
    averages = pd.DataFrame(
        {
            "source": [f"s{number}" for number in range(7)],
            "role": "target",
            "delta": [1.0, 2.0, 3.0, 6.0, 5.0, 4.0, 0.0],
            "note": "",
        }
    )
    sources = source_table(runs, averages)
    by_group = size_correlations(sources).set_index("group")
    assert by_group["spearman"].to_dict() == pytest.approx(
        {
            "all sources": 1 - 6 * 26 / (7 * 48),
            "within pair": 1.0,
            "within span": -1.0,
            "within single": math.nan,
            "between forms": 1.0,
        },
        nan_ok=True,
    )
    assert by_group.loc["within pair", "p"] == pytest.approx(1 / 3)
    assert by_group.loc["within pair", "pearson_log"] == pytest.approx(1.0)


def test_sizes_that_are_all_equal_explain_nothing() -> None:
    options = demo_options(statistics=FEW)
    assert study_tables(demo_runs(), options)["size_correlations"]["spearman"].isna().all()


PARTIAL: dict[str, Any] = {
    "skipped": {"target": {"ccg": "no copy <here>"}, "probing": {"pos_tags": "no copy"}},
    "stand_ins": {"sarcasm": ["ccg"], "word-content": ["a_b", "c&d"]},
}


def test_every_latex_table_says_what_was_skipped_and_what_stands_in(
    tmp_path: Path,
) -> None:
    options = demo_options(statistics=FEW, **PARTIAL)
    tables = study_tables(demo_runs(), options)
    write_study_tables(tables, tmp_path, options)
    for name in tables:
        latex = (tmp_path / f"{name}.tex").read_text()
        assert r"tasks): ccg, pos\_tags.}" in latex.partition(r"\end{tabular}")[2]
        assert r"WC for a\_b and c\&d.}" in latex.partition(r"\end{tabular}")[2]


def test_the_task_table_has_rows_of_skipped_tasks_and_marks_stand_ins() -> None:
    options = demo_options(**PARTIAL)
    table = task_table(flag_degenerate(demo_runs(), options.degenerate), options, filtered=True)
    notes = table.set_index(["role", "task"])["note"]
    assert len(notes) == 9 + 2
    assert notes["target", "ccg"] == "skipped: no copy <here>"
    assert notes["intermediate", "sarcasm"] == "stands in for ccg"
    assert notes["target", "boolq"] == ""
    assert table["train_examples"].dropna().unique().tolist() == [512]


def test_a_whole_study_has_no_notes(tmp_path: Path) -> None:
    options = demo_options(statistics=FEW)
    tables = study_tables(demo_runs(), options)
    write_study_tables({"tasks": tables["tasks"]}, tmp_path, options)
    assert "note" not in tables["tasks"]
    assert (tmp_path / "tasks.tex").read_text().endswith("\\end{tabular}\n\\end{adjustbox}\n")


def of_few(runs: pd.DataFrame, options: Options) -> dict[str, pd.DataFrame]:
    """The tables of a study with two of its targets alone."""
    targets = runs.loc[runs["role"] == "target", "task"].unique()[:2]
    own = runs["task"].isin(targets) | (runs["role"] == "intermediate")
    return study_tables(runs[own], options)


@pytest.mark.parametrize("exclude", [True, False])
def test_the_catalog_names_every_table_and_figure(exclude: bool) -> None:
    options = demo_options(degenerate=DegenerateRule(exclude=exclude), statistics=FEW)
    made = {name for runs in (sized_runs(), target_sized_runs()) for name in of_few(runs, options)}
    for runs, of in ((mixing_runs(), MIXING_OPTIONS), (method_runs(), METHOD_OPTIONS)):
        arms = replace(of, degenerate=options.degenerate, statistics=FEW, forgetting=True)
        made |= {*of_few(runs, replace(arms, stability=Stability()))}
    asked = replace(options, selection=Selection(("size",), "demo"))
    made |= {*selection_tables(flag_degenerate(demo_runs(), options.degenerate), asked)}
    of_a_sweep = {"sweep"}  # made from the trainings of the sweep, not from the study's
    assert set(file_names(TABLES, exclude)) == made | of_a_sweep
    assert FIGURES.keys() == DRAWN.keys()
