"""Every column of every table, computed again from the runs with pandas, scipy and statsmodels.

The runs differ in every number, so that no two columns can stand for one another.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from helpers.hierarchical import Told, hierarchical
from helpers.synthetic import record, runs_of
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from interlude.analysis.comparison import compared_cells, comparison_summary
from interlude.analysis.options import Options, Statistics
from interlude.analysis.study_tables import study_tables

SOURCES = ["mnli", "sst", "ccg", "qqp", "art", "boolq"]  # neither these nor the tasks are sorted
TASKS = {"target": ["rte", "mnli", "copa"], "probing": ["words", "depth"]}
FORMS = {"qqp": "pair", "boolq": "pair", "ccg": "tagging"}  # of the others: single
FELT = {"rte": 1.0, "mnli": 0.8, "copa": 0.2, "words": 0.0, "depth": -1.0}  # of a source's effect
SIZES = {"ccg": (60, 120), "art": (30,)}
RESTARTS = (1, 2, 3, 4)
OPTIONS = Options(
    titles={name: name.upper() for name in (*SOURCES, *TASKS["target"], *TASKS["probing"])},
    statistics=Statistics(alpha=0.1, power=0.7, paired=True, collapsed=-3.0, resamples=20, seed=3),
    stand_ins={"copa": ["cosmos"]},
)
ALPHA, POWER = 0.1, 0.7
CELL = ["role", "source", "task"]
CORRECTIONS = {"p_holm": "holm", "p_fdr": "fdr_bh"}


@cache
def study() -> pd.DataFrame:
    """Runs of 6 sources on 5 tasks, some of them degenerate, failed or missing; two with sizes."""
    noise = np.random.default_rng(11)
    effect = dict(zip(["none", *SOURCES], [0, 0.02, -0.12, 0.01, -0.01, 0.03, 0.15], strict=True))
    planned: list[tuple[str, str, str, int, int | None]] = []
    for source in SOURCES:
        for size in (None, *SIZES.get(source, ())):
            planned += [("intermediate", "none", source, k, size) for k in RESTARTS]
    for role, tasks in TASKS.items():
        for task, source in itertools.product(tasks, ["none", *SOURCES]):
            for size in (None, *SIZES.get(source, ())):
                planned += [(role, source, task, k, size) for k in RESTARTS]
    lost = {"lost": 13}
    facts = {
        name: {
            "majority_score": noise.uniform(0.3, 0.35),
            "chance_score": noise.uniform(0.2, 0.25),
            "train_examples": int(noise.integers(300, 900)),
            "validation_examples": int(noise.integers(100, 250)),
            "truncation": {
                part: {"examples": 200, "truncated": int(noise.integers(1, 99)), **lost}
                for part in ("train", "validation")
            }
            if name != "art"
            else None,
            "metric": f"metric of {name}",
            "form": FORMS.get(name, "single"),
        }
        for name in dict.fromkeys(task for _, _, task, _, _ in planned)
    }
    records = []
    for role, source, task, restart, size in planned:
        shift = effect[source] * FELT.get(task, 0) * (0.5 if size else 1)
        score = 0.6 + shift + noise.normal(0, 0.03)
        more = {**facts[task], **measured(noise)}
        more["example_var"] = example_variance(role, source, task, size)
        if role == "intermediate" and size:
            more["train_examples"] = size
        if role == "probing" and source == "none":
            more["seed"] = 7000 + restart  # so that nothing is paired with these
        records.append(record(role, source, task, restart, score, size, **more))
    for fault in FAULTS:
        fault(records)
    return runs_of(records)


def measured(noise: np.random.Generator) -> dict[str, Any]:
    whole = ("tokens", "evaluation_tokens")
    real = ("train_seconds", "evaluation_seconds", "total_seconds", "energy_joules")
    numbers = {name: int(noise.integers(1000, 9000)) for name in whole}
    return numbers | {name: float(noise.uniform(10, 90)) for name in real}


def example_variance(
    role: str, source: str, task: str, size: int | None
) -> dict[str, float] | None:
    """Another number for each cell, which its restarts share."""
    if source == "none":
        return None
    return {"single": crc32(f"{role} {source} {task} {size}".encode()) / 2**32 / 1000}


def change(role: str, source: str, task: str, restarts: tuple[int, ...], **to: Any) -> Callable:
    """A function that changes these runs, of the whole source."""

    def changed(records: list[dict[str, Any]]) -> None:
        key = (role, source, task)
        conclusions = [
            made
            for made in records
            if (made["role"], made["source"], made["task"]) == key
            and made["restart"] in restarts
            and made["examples"] is None
        ]
        assert len(conclusions) == len(restarts)
        for made in conclusions:
            made.update(to)

    return changed


GONE: dict[str, Any] = {"score": None, "constant": None}
FAULTS = [
    change("target", "boolq", "rte", (2,), score=0.31, constant=True),
    change("target", "sst", "copa", (1, 2, 3, 4), score=0.21),
    change("target", "none", "mnli", (4,), score=0.2),
    change("target", "ccg", "rte", (1,), status="diverged", reason="loss nan", **GONE),
    change("target", "art", "mnli", (3,), status="failed", reason="out of memory", **GONE),
    change("probing", "qqp", "depth", (2, 3, 4), status="missing", **GONE),
    change("probing", "mnli", "words", (1,), score=0.22),
    change("intermediate", "none", "qqp", (1,), taken_from="another study"),
    change("intermediate", "none", "sst", (2,), total_seconds=None),
]


@cache
def tables() -> dict[str, pd.DataFrame]:
    return study_tables(study(), OPTIONS)


ARMS = {"arm": "stilts", "against": "single"}


def is_table(name: str, expected: pd.DataFrame) -> None:
    """Assert that a table is as expected: columns, their order, rows, values.

    One of differences has the arms of the only contrast first.
    """
    shown = tables()[name].reset_index(drop=True)
    if "against" in shown:
        expected = expected.assign(**ARMS)[[*ARMS, *expected]]
    pd.testing.assert_frame_equal(
        shown.astype(object).where(shown.notna(), None),
        expected.astype(object).where(expected.notna(), None).reset_index(drop=True),
        rtol=1e-6,
    )


def test_every_table_is_tested() -> None:
    of_study = {name.removesuffix("_unfiltered") for name in tables()}
    ending = "_is_as_computed_again"
    names = [name.removeprefix("test_") for name in globals() if name.endswith(ending)]
    with_test = {name.removesuffix(ending) for name in names}
    assert with_test == of_study | {"comparison", "comparison_summary"}


# Computed again


def bad(runs: pd.DataFrame) -> pd.Series[bool]:
    floor = np.maximum(runs["majority_score"], runs["chance_score"])
    ok = runs["status"] == "ok"
    constant = runs["constant"].astype(object).eq(True)
    return (runs["status"] == "diverged") | (ok & (constant | (runs["score"] <= floor)))


def whole(filtered: bool) -> pd.DataFrame:
    """The runs of full size that count: those that learnt, or all, diverged ones at the floor."""
    runs = study()[study()["examples"].isna()].copy()
    if filtered:
        return runs[(runs["status"] == "ok") & ~bad(runs)]
    diverged = runs["status"] == "diverged"
    floor = np.maximum(runs["majority_score"], runs["chance_score"])
    runs.loc[diverged, "score"] = floor[diverged]
    return runs[(runs["status"] == "ok") | diverged]


def scores(runs: pd.DataFrame, role: str, source: str, task: str) -> pd.DataFrame:
    """Score in points and seed by restart."""
    cell = runs[(runs["role"] == role) & (runs["source"] == source) & (runs["task"] == task)]
    return (
        cell.set_index("restart")[["score", "seed"]]
        .sort_index()
        .assign(x=lambda cell: 100 * cell["score"])
    )


def compared(cell: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    """What a t test says of a cell (columns x, seed; index restart) and its baseline."""
    row: dict[str, Any] = dict.fromkeys(("ci_low", "ci_high", "p"), math.nan)
    row |= {"delta": cell["x"].mean() - base["x"].mean(), "test": "", "note": ""}
    paired = cell["seed"].equals(base["seed"])
    if min(len(cell), len(base)) < 2:
        return row | {"note": "fewer than 2 runs on a side" if len(cell) else "no runs left"}
    test = (
        stats.ttest_rel(cell["x"], base["x"])
        if paired
        else stats.ttest_ind(cell["x"], base["x"], equal_var=False)
    )
    low, high = test.confidence_interval(1 - ALPHA)
    tested = {"ci_low": low, "ci_high": high, "p": test.pvalue}
    return row | tested | {"test": "paired t" if paired else "Welch t"}


@cache
def smallest_effect(n: int, n_base: int, paired: bool, alpha: float) -> float:
    """The standardised difference that a two-sided t test finds with POWER, over its variances."""
    shares, density = np.array([0.5]), np.array([1.0])
    if not paired:  # what part of the squares is the cell's
        edges = np.linspace(0, 1, 1501) ** 2
        edges = np.concatenate([edges / 2, 1 - edges[-2::-1] / 2])
        beta = stats.beta((n - 1) / 2, (n_base - 1) / 2)
        shares, density = (edges[1:] + edges[:-1]) / 2, np.diff(beta.cdf(edges))
    total = n - 1 if paired else n + n_base - 2
    root = math.sqrt(n if paired else n * n_base / (n + n_base))
    one, other = total * shares / (n - 1) / n, total * (1 - shares) / max(n_base - 1, 1) / n_base
    freedom = (one + other) ** 2 / (one**2 / (n - 1) + other**2 / max(n_base - 1, 1))
    bound = stats.t.isf(alpha / 2, n - 1 if paired else freedom)
    bound = bound * (1 if paired else np.sqrt(one + other) * root)

    def power(effect: float) -> float:
        normal, weight = np.polynomial.hermite_e.hermegauss(50)
        squares = total * (effect * root + normal[:, None]) ** 2 / bound**2
        return float(weight @ stats.chi2.cdf(squares, total) @ density / weight.sum())

    return float(optimize.brentq(lambda effect: power(effect) - POWER, 1e-3, 500, rtol=1e-9))


def add_detectable(table: pd.DataFrame, paired_sds: dict[Any, Any]) -> None:
    """Add the spread of each task over its groups, and what a test at two levels finds."""
    for at, row in table.iterrows():
        of_task = table[(table["role"] == row["role"]) & (table["task"] == row["task"])]
        groups = [*zip(of_task["sd"], of_task["n"], strict=True)]
        groups += [(row["baseline_sd"], row["baseline_n"])]
        table.loc[at, "task_sd"] = sd = pooled_sd(groups)
        if row["test"] == "paired t":
            sd = pooled_sd(paired_sds[row["role"], row["task"]])
        of_role = table.loc[table["role"] == row["role"], "p"].notna().sum()
        for name, alpha in (("detectable", ALPHA), ("detectable_holm", ALPHA / of_role)):
            table.loc[at, name] = math.nan
            if row["test"]:
                sides = row["n"], row["baseline_n"]
                paired = row["test"] == "paired t"
                table.loc[at, name] = sd * smallest_effect(*sides, paired, alpha)


def pooled_sd(groups: list[tuple[float, int]]) -> float:
    known = [(sd, n - 1) for sd, n in groups if not math.isnan(sd)]
    return math.sqrt(sum(k * sd**2 for sd, k in known) / sum(k for _, k in known))


@cache
def transfer(filtered: bool) -> pd.DataFrame:
    runs = whole(filtered)
    planned = study()[study()["examples"].isna()]
    rows = []
    pairs: dict[Any, Any] = {}
    for role, tasks in TASKS.items():
        for task, source in itertools.product(tasks, SOURCES):
            cell, base = scores(runs, role, source, task), scores(runs, role, "none", task)
            if cell["seed"].equals(base["seed"]):
                between = (cell["x"] - base["x"]).std()
                pairs.setdefault((role, task), []).append((between, len(cell)))
            of_cell = (planned[CELL] == [role, source, task]).all(axis="columns")
            of_base = (planned[CELL] == [role, "none", task]).all(axis="columns")
            status = planned.loc[of_cell, "status"]
            rows.append(
                {
                    **{"source": source, "task": task, "role": role},
                    **{"mean": cell["x"].mean(), "sd": cell["x"].std(), "n": len(cell)},
                    "baseline": base["x"].mean(),
                    **compared(cell, base),
                    "n_degenerate": int(bad(planned)[of_cell].sum()),
                    "n_diverged": int((status == "diverged").sum()),
                    "n_failed": int((status == "failed").sum()),
                    "n_missing": int((status == "missing").sum()),
                    **{"n_planned": len(status), "n_restarts": len(cell), "n_starts": len(cell)},
                    **share(bad(planned)[of_cell], status),
                    **outcomes(role, source, task),
                    **{"baseline_sd": base["x"].std(), "baseline_n": len(base)},
                    "baseline_n_degenerate": int(bad(planned)[of_base].sum()),
                    "baseline_n_planned": int(of_base.sum()),
                }
            )
    table = pd.DataFrame(rows)
    for role, (column, method) in itertools.product(TASKS, CORRECTIONS.items()):
        known = table["p"].notna() & (table["role"] == role)
        table.loc[known, column] = multipletests(table.loc[known, "p"], method=method)[1]
    add_detectable(table, pairs)
    return with_examples(table)


def with_examples(table: pd.DataFrame) -> pd.DataFrame:
    """With the noise of the examples, and columns in order."""
    runs = (
        study()[study()["examples"].isna()]
        .groupby(CELL)["example_var"]
        .first()
        .dropna()
        .map(json.loads)
    )
    for place, row in table.iterrows():
        example = 100**2 * runs[row["role"], row["source"], row["task"]]["single"]
        known = row["n"] > 1 and row["baseline_n"] > 1
        cell, base = (row[f"{of}sd"] ** 2 / max(1, row[f"{of}n"]) for of in ("", "baseline_"))
        noise = ("examples" if example > cell + base else "restarts") if known else "not known"
        table.loc[place, ["example_sd", "noise"]] = [math.sqrt(example), noise]
        if known:
            squares = cell**2 / (row["n"] - 1) + base**2 / (row["baseline_n"] - 1)
            t = stats.t(np.square(cell + base) / squares).isf(ALPHA / 2)
            reach = t * math.sqrt(cell + base + example)
            bounds = [row["delta"] - reach, row["delta"] + reach]
            table.loc[place, ["ci_low_examples", "ci_high_examples"]] = bounds
    order = [*("source", "task", "role", "mean", "sd", "n", "baseline", "delta", "ci_low")]
    order += [*("ci_high", "p", "p_holm", "p_fdr", "n_degenerate", "n_diverged", "n_failed")]
    order += [*("n_missing", "n_planned", "n_restarts", "n_starts", "degenerate_share")]
    order += [*("degenerate_low", "degenerate_high", "mean_given_success", "mean_all_outcomes")]
    order += [*("delta_given_success", "delta_all_outcomes")]
    order += [*("baseline_source", "baseline_sd", "baseline_n")]
    order += [*("baseline_n_degenerate", "baseline_n_planned", "task_sd", "detectable")]
    order += [*("detectable_holm", "test", "note")]
    order += [*("example_sd", "ci_low_examples", "ci_high_examples", "noise")]
    return table.assign(baseline_source="none")[order]


def share(degenerate: pd.Series[bool], status: pd.Series[str]) -> dict[str, float]:
    """The share of degenerate runs among those with an outcome, as Clopper and Pearson have it."""
    bad, of = int(degenerate.sum()), int((~status.isin(["failed", "missing"])).sum())
    low, high = stats.binomtest(bad, of).proportion_ci(1 - ALPHA, method="exact")
    return {"degenerate_share": bad / of, "degenerate_low": low, "degenerate_high": high}


def outcomes(role: str, source: str, task: str) -> dict[str, float]:
    means = {}
    for filtered, name in ((True, "given_success"), (False, "all_outcomes")):
        cell, base = (scores(whole(filtered), role, of, task)["x"] for of in (source, "none"))
        means |= {f"mean_{name}": cell.mean(), f"delta_{name}": cell.mean() - base.mean()}
    return means


@cache
def averages(filtered: bool) -> pd.DataFrame:
    rows = []
    every = transfer(filtered).dropna(subset="delta")
    for (role, source), known in every.groupby(["role", "source"]):
        of_role = every[every["role"] == role]
        shared = of_role["task"].value_counts() == of_role["source"].nunique()
        low, high, p = over_these_tasks(filtered, role, source, known["task"])
        over_tasks = stats.ttest_1samp(known["delta"], 0)
        random_low, random_high = over_tasks.confidence_interval(1 - ALPHA)
        significant = known["p_holm"] < ALPHA
        up, down = known["delta"].gt(0), known["delta"].lt(0)
        rows.append(
            {
                **{"source": source, "role": role, "tasks": len(known), "n": known["n"].min()},
                "delta": known["delta"].mean(),
                "rank": math.nan,
                **{"fixed_low": low, "fixed_high": high, "fixed_p": p, "fixed_p_holm": math.nan},
                **{"random_low": random_low, "random_high": random_high},
                **{"random_p": over_tasks.pvalue, "random_p_holm": math.nan},
                "common_tasks": shared.sum(),
                "delta_common_tasks": known[known["task"].map(shared)]["delta"].mean(),
                "delta_other_tasks": known[known["task"] != source]["delta"].mean(),
                **{"improved": (significant & up).sum(), "harmed": (significant & down).sum()},
                "undecided": (~significant).sum(),
                **{
                    "above": (~significant & up).sum(),
                    "below": (~significant & down).sum(),
                    "note": "",
                },
            }
        )
    table = pd.DataFrame(rows)
    for role in TASKS:
        own = table["role"] == role
        for name in ("fixed_p", "random_p"):
            table.loc[own, f"{name}_holm"] = multipletests(table.loc[own, name], method="holm")[1]
        means = transfer(filtered).query("role == @role").groupby("source")["delta_all_outcomes"]
        ranks = (-means.mean()).rank()
        table.loc[own, "rank"] = table.loc[own, "source"].map(ranks)
    return table.sort_values(["role", "rank"], ascending=[False, True])


def over_these_tasks(
    filtered: bool, role: str, source: str, tasks: pd.Series[str]
) -> tuple[float, float, float]:
    """Interval and p of a mean over tasks, of the means of restarts."""
    means = []
    for of in (source, "none"):
        cells = [scores(whole(filtered), role, of, task)["x"] for task in tasks]
        apart = pd.concat([x - x.mean() for x in cells if len(x) > 1], axis="columns")
        of_restarts = apart.mean(axis="columns")
        means.append(of_restarts - of_restarts.mean())
    cells = transfer(filtered).set_index(CELL).loc[[(role, source, task) for task in tasks]]
    test = stats.ttest_ind(means[0] + cells["delta"].mean(), means[1], equal_var=False)
    low, high = test.confidence_interval(1 - ALPHA)
    return low, high, test.pvalue


@cache
def matrix(filtered: bool) -> pd.DataFrame:
    """Scores by (source, restart) and (role, task)."""
    runs = whole(filtered)
    trained = runs[(runs["source"] != "none")]
    wide = trained.pivot(index=["source", "restart"], columns=["role", "task"], values="score")
    return wide[[(role, task) for role, tasks in TASKS.items() for task in tasks]]


def correlated(one: pd.Series[float], other: pd.Series[float]) -> dict[str, float]:
    both = pd.DataFrame({"one": one, "other": other}).dropna()
    if len(both) < 3:
        return {"n": len(both), "spearman": math.nan, "p": math.nan, "pearson": math.nan}
    rho = stats.spearmanr(both["one"], both["other"])
    least = 2 / math.factorial(len(both))
    pearson = stats.pearsonr(both["one"], both["other"]).statistic
    correlation = {"spearman": rho.statistic, "p": max(rho.pvalue, least), "pearson": pearson}
    return {"n": len(both), **correlation}


def pairs(scores: pd.DataFrame) -> pd.DataFrame:
    sources = scores.index.get_level_values("source")
    columns = {key: scores[key].reset_index(drop=True) for key in scores}
    of_pair = {
        (a, b): counted(columns[a], columns[b], sources) | correlated(columns[a], columns[b])
        for a, b in itertools.combinations_with_replacement(columns, 2)
    }
    return pd.DataFrame(
        [
            {
                **{"task_a": a[1], "task_b": b[1], "role_a": a[0], "role_b": b[0]},
                **(of_pair.get((a, b)) or of_pair[b, a]),
            }
            for a, b in itertools.product(columns, columns)
        ]
    )


def counted(one: pd.Series[float], other: pd.Series[float], sources: pd.Index) -> dict[str, Any]:
    known = one.notna() & other.notna()
    return {"n": int(known.sum()), "n_means": sources[known].nunique()}


def block(scores: pd.DataFrame) -> pd.DataFrame:
    table = pairs(scores).query("role_a == 'target'")
    p_holm = multipletests(table["p"], method="holm")[1]
    itself = (table["task_a"] == table["task_b"]) & (table["role_a"] == table["role_b"])
    means = pairs(scores.groupby(level="source").mean()).loc[table.index]
    # Each pair of target tasks once, none with itself.
    targets = list(dict.fromkeys(table["task_a"]))
    place = {("target", task): number for number, task in enumerate(targets)}
    keys = zip(table["role_b"], table["task_b"], strict=True)
    second = np.array([place.get(key, math.inf) for key in keys])
    once = table["task_a"].map(targets.index) < second
    corrected = dict(
        zip(
            [frozenset(key) for key in table.loc[once, ["task_a", "task_b"]].to_numpy()],
            multipletests(means.loc[once, "p"], method="holm")[1],
            strict=True,
        )
    )
    assert len(corrected) == len(targets) * (len(targets) - 1) / 2 + len(targets) * 2
    of_means = [
        corrected.get(frozenset(key), math.nan) for key in table[["task_a", "task_b"]].to_numpy()
    ]
    return table.assign(
        **{"p_holm": p_holm, "holm_significant": (p_holm < ALPHA) & ~itself},
        spearman_means=means["spearman"],
        p_means=means["p"].mask(itself),
        p_holm_means=of_means,
        holm_significant_means=np.array(of_means) < ALPHA,
        once=once,
    )


def counts(look: str, scores: pd.DataFrame) -> dict[str, Any]:
    table = block(scores)
    significant = table.query("holm_significant")
    both = (significant["role_b"] == "target").sum()
    row = {"look": look, "encoders": len(scores), "significant": len(significant)}
    row |= {"target_target": both, "target_probing": len(significant) - both}
    of_means = table.query("holm_significant_means and once")
    both = (of_means["role_b"] == "target").sum()
    row |= {"sources": scores.index.get_level_values("source").nunique()}
    row |= {"significant_means": len(of_means), "target_target_means": both}
    row |= {"target_probing_means": len(of_means) - both}
    plain = table.query("once and p_means < @ALPHA")
    both = (plain["role_b"] == "target").sum()
    row |= {"significant_uncorrected": len(plain), "target_target_uncorrected": both}
    return row | {"target_probing_uncorrected": len(plain) - both}


@pytest.mark.parametrize("filtered", [True, False])
def test_transfer_is_as_computed_again(filtered: bool) -> None:
    expected = transfer(filtered)
    notes = {"", "no runs left", "fewer than 2 runs on a side"}
    assert set(expected["note"]) == (notes if filtered else notes - {"no runs left"})
    assert set(expected["test"]) == {"paired t", "Welch t", ""}
    is_table(f"transfer{suffix(filtered)}", expected)


def suffix(filtered: bool) -> str:
    return "" if filtered else "_unfiltered"


@pytest.mark.parametrize("filtered", [True, False])
def test_averages_is_as_computed_again(filtered: bool) -> None:
    is_table(f"averages{suffix(filtered)}", averages(filtered))


@pytest.mark.parametrize("filtered", [True, False])
def test_correlations_is_as_computed_again(filtered: bool) -> None:
    is_table(f"correlations{suffix(filtered)}", block(matrix(filtered)).drop(columns="once"))


@pytest.mark.parametrize("filtered", [True, False])
def test_correlations_all_is_as_computed_again(filtered: bool) -> None:
    is_table(f"correlations_all{suffix(filtered)}", pairs(matrix(filtered)))


@pytest.mark.parametrize("filtered", [True, False])
def test_robustness_is_as_computed_again(filtered: bool) -> None:
    every = matrix(filtered)
    of_targets = averages(filtered).query("role == 'target' and delta < -3")["source"].tolist()
    assert of_targets
    rows = [
        counts("all encoders", every),
        counts(f"without collapsed: {', '.join(of_targets).upper()}", every.drop(of_targets)),
        counts("means of sources", every.groupby(level="source").mean()),
        *(counts(f"without {name.upper()}", every.drop(name)) for name in SOURCES),
    ]
    is_table(f"robustness{suffix(filtered)}", pd.DataFrame(rows))


@cache
def intervals() -> pd.DataFrame:
    scores = matrix(filtered=True)
    parts = [scores.loc[[name]] for name in SOURCES]
    drawn = np.random.default_rng(3).integers(6, size=(20, 6))
    resampled = [pairs(pd.concat([parts[at] for at in row]))["spearman"] for row in drawn]
    left_out = [pairs(scores.drop(name))["spearman"] for name in SOURCES]
    low, high = np.nanquantile(resampled, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    table = pairs(scores).assign(
        ci_low=low,
        ci_high=high,
        left_out_low=np.nanmin(left_out, axis=0),
        left_out_high=np.nanmax(left_out, axis=0),
    )
    itself = (table["task_a"] == table["task_b"]) & (table["role_a"] == table["role_b"])
    columns = ["task_a", "task_b", "role_b", "spearman", "ci_low", "ci_high"]
    kept = table[(table["role_a"] == "target") & ~itself]
    return kept[[*columns, "left_out_low", "left_out_high"]]


def test_correlation_intervals_is_as_computed_again() -> None:
    is_table("correlation_intervals", intervals())


def shares(truncation: str | float) -> dict[str, float]:
    counts = json.loads(truncation) if isinstance(truncation, str) else {}
    return {
        f"{part}_{what}": counts[part][what] / 2 if part in counts else np.nan  # of 200, per cent
        for part in ("train", "validation")
        for what in ("truncated", "lost")
    }


def test_tasks_is_as_computed_again() -> None:
    runs = study()
    every = runs[runs["examples"].isna() & (runs["source"] == "none")]
    counted = whole(filtered=True)
    rows = []
    for role, tasks in {"intermediate": SOURCES, **TASKS}.items():
        for task in tasks:
            first = every[(every["role"] == role) & (every["task"] == task)].iloc[0]
            x = scores(counted, role, "none", task)["x"]
            rows.append(
                {
                    **{"task": task, "title": task.upper(), "role": role},
                    **first[["form", "metric", "train_examples", "validation_examples"]],
                    **shares(first["truncation"]),
                    "majority": 100 * first["majority_score"],
                    "chance": 100 * first["chance_score"],
                    **{"baseline": x.mean(), "sd": x.std(), "n": len(x)},
                    "note": "stands in for cosmos" if task == "copa" else "",
                }
            )
    is_table("tasks", pd.DataFrame(rows))


def reasons() -> pd.Series[str]:
    runs = study()
    constant = runs["constant"].astype(object).eq(True)
    names = np.where(constant, "constant predictions", "not above majority or chance")
    why = np.where(runs["status"] == "diverged", "diverged", names)
    return pd.Series(np.where(bad(runs), why, ""), runs.index)


def test_degenerate_is_as_computed_again() -> None:
    runs = study().assign(reason=reasons())
    rows = []
    for key, part in runs.groupby([*CELL, "examples"], sort=False, dropna=False):
        for reason in part.loc[part["reason"] != "", "reason"].unique():
            rows.append(
                {
                    "arm": part["arm"].iloc[0],
                    **dict(zip(("source", "examples", "task", "role"), place(key), strict=True)),
                    **{"reason": reason, "n_degenerate": int((part["reason"] == reason).sum())},
                    "n_runs": len(part),
                    "rule": "diverged; constant predictions; "
                    "score not above max(majority, chance) + 0",
                }
            )
    assert {row["reason"] for row in rows} == set(reasons()) - {""}
    is_table("degenerate", pd.DataFrame(rows))


def place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    role, source, task, examples = key
    return source, examples, task, role


def test_excluded_is_as_computed_again() -> None:
    runs = study()
    out = bad(runs) | runs["status"].isin(["failed", "missing"])
    why = reasons().where(bad(runs), runs["status"])
    named = ["arm", "role", "source", "examples", "task", "restart", "status", "score"]
    table = runs[named].assign(excluded=why, reason=runs["reason"])[out]
    assert set(table["excluded"]) == {*reasons(), "failed", "missing"} - {""}
    is_table("excluded", table)


def test_costs_is_as_computed_again() -> None:
    runs = study()
    rows = []
    for step in ("intermediate", "target", "probing", "total"):
        part = runs if step == "total" else runs[runs["role"] == step]
        own = part[part["taken_from"].isna()]
        sums = {
            name: own[name].sum()
            for name in (
                *("tokens", "evaluation_tokens", "train_seconds", "evaluation_seconds"),
                *("total_seconds", "energy_joules"),
            )
        }
        measured = int(own["total_seconds"].notna().sum())
        rows.append(
            {
                **{"step": step, "trainings": len(part), "measured": measured, **sums},
                "device_hours": sums["total_seconds"] / 3600,
                "tokens_per_second": sums["tokens"] / sums["train_seconds"],
            }
        )
    is_table("costs", pd.DataFrame(rows))


def test_conclusions_is_as_computed_again() -> None:
    rows = []
    for one, other in zip(
        transfer(True).to_dict("records"), transfer(False).to_dict("records"), strict=True
    ):
        both = not math.isnan(one["delta"] + other["delta"])
        changes = {
            "no runs left": math.isnan(one["delta"]) and not math.isnan(other["delta"]),
            "sign": both and (one["delta"] > 0) != (other["delta"] > 0),
            "significance": (one["p_holm"] < ALPHA) != (other["p_holm"] < ALPHA),
        }
        named = {name: one[name] for name in CELL}
        for end, row in (("filtered", one), ("unfiltered", other)):
            named |= {f"{name}_{end}": row[name] for name in ("delta", "n", "p_holm")}
        change = ", ".join(name for name, true in changes.items() if true)
        rows += [{**named, "change": change}] if change else []
    assert {"sign", "no runs left"} <= {row["change"].split(",")[0] for row in rows}
    is_table("conclusions", pd.DataFrame(rows))


def variance(runs: pd.DataFrame, role: str, task: str, sources: tuple[str, ...]) -> float:
    """Of the mean of one source's restarts, or of the difference of two; drawn to the task's."""
    every = [scores(runs, role, source, task)["x"] for source in ("none", *SOURCES)]
    groups = [group for group in every if len(group) > 1]
    of_task = sum((len(group) - 1) * group.var() for group in groups) / sum(
        len(group) - 1 for group in groups
    )
    own = [scores(runs, role, source, task)["x"] for source in sources]
    return sum(
        (2 * of_task + (len(group) - 1) * (group.var() if len(group) > 1 else 0))
        / (len(group) + 1)
        / len(group)
        for group in own
    )


@cache
def pooled(filtered: bool) -> dict[tuple[str, str], tuple[pd.DataFrame, Told]]:
    """The cells of a role and a source that have a difference, and what the model says of them."""
    models = {}
    for (role, source), cells in transfer(filtered).groupby(["role", "source"]):
        known = cells[cells["delta"].notna()]
        spread = [variance(whole(filtered), role, task, ("none", source)) for task in known["task"]]
        if len(known) > 1:
            models[role, source] = known, hierarchical(known["delta"].tolist(), spread, ALPHA)
    return models


@pytest.mark.parametrize("filtered", [True, False])
def test_pooled_is_as_computed_again(filtered: bool) -> None:
    rows = [
        {
            **{"source": source, "role": role, "tasks": len(cells)},
            **{"delta": cells["delta"].mean(), "mu": model["mu"]},
            **dict(zip(("ci_low", "ci_high"), model["interval"], strict=True)),
            "tau": model["tau"],
            **dict(zip(("new_low", "new_high"), model["new"], strict=True)),
            **{"p_new": model["p_new"], "prior": model["prior"], "note": ""},
        }
        for (role, source), (cells, model) in pooled(filtered).items()
    ]
    table = pd.DataFrame(rows)
    mu = {key: model["mu"] for key, (_, model) in pooled(False).items()}  # of all outcomes
    ranks = pd.Series(mu).groupby(level=0).rank(ascending=False)
    table["rank"] = [ranks[role, source] for role, source in table[["role", "source"]].to_numpy()]
    table = table.sort_values(["role", "rank"], ascending=[False, True])
    assert len(table) == 2 * len(SOURCES)
    is_table(f"pooled{suffix(filtered)}", table)


@pytest.mark.parametrize("filtered", [True, False])
def test_pooled_cells_is_as_computed_again(filtered: bool) -> None:
    estimates = {
        (role, source, task): (*bounds, gain)
        for (role, source), (cells, model) in pooled(filtered).items()
        for task, bounds, gain in zip(cells["task"], model["cells"], model["gains"], strict=True)
    }
    table = transfer(filtered)[["source", "task", "role", "delta"]]
    nothing = (math.nan,) * 4
    keys = zip(table["role"], table["source"], table["task"], strict=True)
    table[["pooled", "ci_low", "ci_high", "p_gain"]] = [estimates.get(key, nothing) for key in keys]
    table["note"] = np.where(table["delta"].isna(), "no runs left", "")
    order = [(role, source) for role in TASKS for source in SOURCES]
    place = [order.index(key) for key in zip(table["role"], table["source"], strict=True)]
    rows = table.assign(place=place).sort_values("place", kind="stable").drop(columns="place")
    is_table(f"pooled_cells{suffix(filtered)}", rows)


def test_restarts_is_as_computed_again() -> None:
    """The numbers themselves: tests/unit/analysis/test_restarts.py."""
    table = tables()["restarts"].set_index(["role", "task", "level"])
    cells = transfer(True).set_index(["role", "task"])
    for role, tasks in TASKS.items():
        averages_of = matrix(True)[role].dropna().mean(axis="columns").groupby(level="source")
        degrees = averages_of.size() - 1
        sd = 100 * math.sqrt((averages_of.var() * degrees).sum() / degrees.sum())
        assert table.loc[(role, "average over tasks", "one test"), "sd"] == pytest.approx(sd)
        for task in tasks:
            for tests in (1, len(SOURCES) * len(tasks)):
                level = "one test" if tests == 1 else f"first of {tests} (Holm)"
                row, own = table.loc[(role, task, level)], cells.loc[(role, task)]
                assert row["sd"] == pytest.approx(own["task_sd"].iloc[0])
                assert row["example_sd"] == pytest.approx(own["example_sd"].median())
                for n in (3, 5, 10, 20):
                    smallest = row["sd"] * smallest_effect(n, n, False, ALPHA / tests)
                    assert row[f"found_{n}"] == pytest.approx(smallest, rel=2e-3)
                pays_to = max(1, math.ceil(2 * (row["sd"] / row["example_sd"]) ** 2))
                assert row["pays_to"] == pays_to


def test_averages_by_filter_is_as_computed_again() -> None:
    rows = []
    every = transfer(True)
    for (role, source), cells in every.groupby(["role", "source"]):
        runs = study()[study()["examples"].isna()]
        own = runs[(runs["role"] == role) & (runs["source"] == source)]
        both = cells[cells["delta_given_success"].notna() & cells["delta_all_outcomes"].notna()]
        row: dict[str, Any] = {"source": source, "role": role}
        row |= {"n_degenerate": bad(own).sum(), "n_failed": (own["status"] == "failed").sum()}
        row |= {"n_missing": (own["status"] == "missing").sum(), "n_planned": len(own)}
        row |= share(bad(own), own["status"])
        for name in ("all_outcomes", "given_success"):
            known = cells[f"delta_{name}"].dropna()
            row |= {f"tasks_{name}": len(known), f"delta_{name}": known.mean()}
        row |= {"common_tasks": len(both), "common_all_outcomes": both["delta_all_outcomes"].mean()}
        rows.append({**row, "common_given_success": both["delta_given_success"].mean()})
    table = pd.DataFrame(rows)
    for name in ("all_outcomes", "given_success"):
        of_role = table.groupby("role")[f"delta_{name}"]
        table[f"rank_{name}"] = of_role.transform(lambda deltas: stats.rankdata(-deltas))
    signs = np.sign(table["delta_all_outcomes"]) != np.sign(table["delta_given_success"])
    order = table["rank_all_outcomes"] != table["rank_given_success"]
    words = {(True, True): "sign, order", (True, False): "sign", (False, True): "order"}
    table["disagreement"] = [words.get(key, "") for key in zip(signs, order, strict=True)]
    assert {"order", ""} <= set(table["disagreement"])
    expected = table.assign(note="").sort_values(["role", "rank_all_outcomes"], ascending=[0, 1])
    is_table("averages_by_filter", expected)


def sources() -> pd.DataFrame:
    runs = study()
    own = runs[(runs["role"] == "intermediate") & runs["examples"].isna()]
    size = own.groupby("task")["train_examples"].first()
    delta = averages(True).query("role == 'target'").set_index("source")["delta"]
    return pd.DataFrame(
        {
            "source": SOURCES,
            "form": [FORMS.get(source, "single") for source in SOURCES],
            "train_examples": size[SOURCES].to_numpy(),
            "delta": delta[SOURCES].to_numpy(),
            "note": "",
        }
    )


def test_sources_is_as_computed_again() -> None:
    is_table("sources", sources())


def test_size_correlations_is_as_computed_again() -> None:
    known = sources()
    known["log_size"] = np.log10(known["train_examples"].astype(float))
    groups = {"all sources": known}
    groups |= {f"within {form}": part for form, part in known.groupby("form", sort=False)}
    groups["between forms"] = known.groupby("form")[["log_size", "delta"]].mean()
    rows = []
    for group, part in groups.items():
        correlation = correlated(part["log_size"], part["delta"])
        rows.append({"group": group, **correlation, "pearson_log": correlation["pearson"]})
    is_table("size_correlations", pd.DataFrame(rows).drop(columns="pearson"))


def test_size_curves_is_as_computed_again() -> None:
    runs = study()
    good = runs[(runs["status"] == "ok") & ~bad(runs)]
    rows = []
    for role, (source, sizes) in itertools.product(TASKS, SIZES.items()):
        of_role = good[good["role"] == role]
        base = of_role[of_role["source"] == "none"]
        mean = base.groupby("task")["score"].mean()
        own = runs[(runs["role"] == "intermediate") & (runs["task"] == source)]
        all_data = int(own.loc[own["examples"].isna(), "train_examples"].iloc[0])
        for size in (*sorted(sizes), None):
            point = of_role[of_role["source"] == source]
            point = point[point["examples"].isna() if size is None else point["examples"].eq(size)]
            rows.append(
                {
                    **{"role": role, "source": source, "train_examples": size or all_data},
                    **{"tasks": point["task"].nunique(), "n": point["restart"].nunique()},
                    **compared(by_restart(point, mean), by_restart(base, mean)),
                }
            )
            rows[-1]["baseline"] = 100 * mean[point["task"].unique()].mean()
            rows[-1]["mean"] = rows[-1]["baseline"] + rows[-1]["delta"]
    columns = ["role", "source", "train_examples", "tasks", "n", "mean", "baseline", "delta"]
    table = pd.DataFrame(rows)[[*columns, "ci_low", "ci_high", "p", "test", "note"]]
    assert (table["tasks"] != table["n"]).all()
    is_table("size_curves", table)


def by_restart(runs: pd.DataFrame, mean: pd.Series[float]) -> pd.DataFrame:
    """Of each restart: the mean difference over tasks in points, and the seed."""
    x = 100 * (runs["score"] - runs["task"].map(mean))
    return runs.assign(x=x).groupby("restart").agg(x=("x", "mean"), seed=("seed", "first"))


def other_study() -> pd.DataFrame:
    """A transfer table of another study: other numbers, other names, some cells of its own."""
    noise = np.random.default_rng(12)
    table = tables()["transfer_unfiltered"].copy()
    table["delta"] += noise.normal(0, 6, len(table))
    table["p_holm"] = noise.uniform(0, 0.2, len(table))
    table.loc[[4, 25], "delta"] = math.nan
    return table.replace({"source": {"mnli": "MNLI"}, "task": {"mnli": "MNLI"}})


def compared_rows() -> pd.DataFrame:
    own, other = transfer(True), other_study().replace({"source": "MNLI", "task": "MNLI"}, "mnli")
    theirs = other.set_index(CELL)
    rows = []
    for row in own.to_dict("records"):
        there = theirs.loc[(row["role"], row["source"], row["task"])]
        deltas = row["delta"], there["delta"]
        known = [not math.isnan(delta) for delta in deltas]
        which = {(True, True): "both", (True, False): "own only", (False, True): "other only"}
        both = all(known)
        rows.append(
            {
                **ARMS,
                **{name: row[name] for name in CELL},
                **{"cell": which[known[0], known[1]]},
                **{"delta_own": deltas[0], "delta_other": deltas[1]},
                "difference": deltas[0] - deltas[1],
                "same_sign": (deltas[0] > 0) == (deltas[1] > 0) if both else None,
                "significant": row["p_holm"] < ALPHA and there["p_holm"] < ALPHA if both else None,
            }
        )
    table = pd.DataFrame(rows)
    role = table["role"].map({"target": 0, "probing": 1})
    return (
        table.assign(order=role)
        .sort_values(["order", "source", "task"], ignore_index=True)
        .drop(columns="order")
    )


def compare() -> pd.DataFrame:
    return compared_cells(tables()["transfer"], other_study(), {"mnli": "MNLI"}, ALPHA)


def test_comparison_is_as_computed_again() -> None:
    expected = compared_rows()
    assert set(expected["cell"]) == {"both", "own only", "other only"}
    assert set(expected["significant"].dropna()) == {True, False}
    shown = compare()
    pd.testing.assert_frame_equal(
        shown.astype(object).where(shown.notna(), None),
        expected.astype(object).where(expected.notna(), None),
        rtol=1e-6,
    )


def test_comparison_summary_is_as_computed_again() -> None:
    rows = []
    for role, cells in compared_rows().groupby("role", sort=False):
        both = cells[cells["cell"] == "both"]
        sure = both[both["significant"].astype(bool)]
        means = both.groupby("source")[["delta_own", "delta_other"]].mean()
        correlation = correlated(means["delta_own"], means["delta_other"])
        rows.append(
            {
                **ARMS,
                **{"role": role, "cells": len(both)},
                "own_only": (cells["cell"] == "own only").sum(),
                "other_only": (cells["cell"] == "other only").sum(),
                "same_sign": both["same_sign"].astype(bool).mean(),
                "significant": len(sure),
                "same_sign_significant": sure["same_sign"].astype(bool).mean(),
                "mean_difference": both["difference"].mean(),
                "mean_absolute_difference": both["difference"].abs().mean(),
                **{
                    "sources": len(means),
                    "spearman": correlation["spearman"],
                    "p": correlation["p"],
                },
            }
        )
    pd.testing.assert_frame_equal(
        comparison_summary(compare()), pd.DataFrame(rows), check_dtype=False
    )
