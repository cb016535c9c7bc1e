"""Methods of selection, judged by published truths and by small ones that were made for it."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT
from helpers.synthetic import demo_options, demo_runs
from scipy import stats

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Selection, Statistics, TruthFile
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.ranking_quality import Measure
from interlude.analysis.results import joined
from interlude.analysis.selection import measures_of, selection_tables, truth_notes
from interlude.analysis.selection_summary import paired, sign_flip_p
from interlude.analysis.selectors import half_orders, selection_scores
from interlude.analysis.truth import Truth, read_truth, truth_of_runs
from interlude.errors import InputError
from interlude.words import SELECTION_SCORES

SHARED = ROOT.parent / "shared/reference"  # of truths that are not the project's to give on
HUB = SHARED / "model_recycling_hub_models.csv"
TASKWEB = SHARED / "taskweb_runs.csv"
HUB_COLUMNS = {"none": "roberta-base", "probe": "mnli_linear_probe_x100"}
FEW = Statistics(resamples=1000)
BEST = ("regret", "best of top k")
GAIN = ("ndcg", "gain 2^(100·score) − 1", None)


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not here")


@cache
def published(hub: bool = False) -> pd.DataFrame:
    """The table `selection` of the published study, with hub models as a second truth."""
    runs = joined(*published_tables(load_published(ROOT / "reference"), "published"))
    rule = DegenerateRule(margin=0.01, exclude=False)
    truths = {"hub": TruthFile(str(HUB), "model", "target", "score_x100", **HUB_COLUMNS)}
    methods = ("size", "probe", "static+size")
    asked = Selection(methods, "pruksachatkun", truths if hub else {})
    options = Options(statistics=FEW, degenerate=rule, selection=asked)
    return selection_tables(flag_degenerate(runs, rule), options)["selection"]


def values_of(table: pd.DataFrame, truth: str, method: str) -> dict[tuple[object, ...], float]:
    """(metric, definition, k) -> value of one method."""
    own = table[(table["truth"] == truth) & (table["method"] == method)]
    keys = zip(own["metric"], own["definition"], own["k"].astype(object), strict=True)
    whole = [(metric, name, None if pd.isna(k) else k) for metric, name, k in keys]
    return dict(zip(whole, own["value"], strict=True))


@pytest.mark.parametrize(
    ("method", "regrets", "mean_of_three", "ndcg"),
    [
        ("static", (0.76, 0.32, 0.28), 0.63, 87.15),
        ("size", (5.64, 2.42, 2.01), 6.43, 61.70),
        ("random", (6.61, 1.89, 0.88), 5.85, 64.96),
    ],
)
def test_values_on_the_published_matrix_are_those_computed_elsewhere(
    method: str, regrets: tuple[float, ...], mean_of_three: float, ndcg: float
) -> None:
    actual = values_of(published(), "pruksachatkun", method)
    simulated = 0.3 if method == "random" else 0.02
    assert [actual[*BEST, k] for k in (1, 3, 5)] == pytest.approx(regrets, abs=0.02)
    assert actual["regret", "mean of top k", 3] == pytest.approx(mean_of_three, abs=simulated)
    assert actual[GAIN] == pytest.approx(ndcg, abs=simulated)


@needs(HUB)
def test_values_on_hub_models_are_those_computed_elsewhere() -> None:
    table = published(hub=True)
    for method, expected in {
        "static": (3.50, 2.47, 1.94),
        "probe": (3.03, 2.42, 2.01),
        "random": (5.72, 3.94, 3.32),
    }.items():
        actual = values_of(table, "hub", method)
        assert [actual[*BEST, k] for k in (1, 3, 5)] == pytest.approx(expected, abs=0.02)
    assert set(table.loc[table["truth"] == "hub", "targets"]) == {36}
    actual = values_of(table, "hub", "random")
    assert actual[GAIN] == pytest.approx(71.4, abs=0.3)
    assert actual["ndcg", "gain 2^rank − 1", None] == pytest.approx(20.3, abs=0.3)


@needs(TASKWEB)
def test_halves_of_the_seeds_of_taskweb_agree_as_was_computed_elsewhere() -> None:
    only = {"model": "t5b", "adaptation": "lora"}
    truth = read_truth("lora", taskweb(only))
    rho = []
    for target in truth.targets:
        halves = [stats.spearmanr(*half).statistic for half in half_orders(truth, target)]
        rho.append(np.nanmean(halves) if not np.isnan(halves).all() else math.nan)
    assert np.nanmean(rho) == pytest.approx(0.75, abs=0.02)


def taskweb(only: dict[str, str]) -> TruthFile:
    return TruthFile(str(TASKWEB), "source", "target", "score_x100", repetition="seed", only=only)


def test_a_probe_is_the_score_of_each_source_on_one_task_which_it_is_not_judged_on() -> None:
    runs = joined(*published_tables(load_published(ROOT / "reference"), "published"))
    rule = DegenerateRule(exclude=False)
    for probe in ("RTE", "EP-POS"):  # a target, and a probing task
        asked = Selection(("probe",), "pruksachatkun", probe=probe)
        options = Options(degenerate=rule, selection=asked)
        truth = truth_of_runs(flag_degenerate(runs, rule), options, "pruksachatkun")
        own = runs[(runs["task"] == probe) & (runs["source"] == "MNLI")]["score"]
        assert truth.probes["MNLI"] == pytest.approx(100 * own.mean())
        scores = selection_scores(truth, ["probe"]).dropna(subset="value")
        assert len(set(scores["target"])) == 10 - (probe == "RTE")
        assert "RTE" not in set(scores["target"]) or probe != "RTE"


# Small truths

SOURCES = ["a", "b", "c", "t1"]
TARGETS = ["t1", "t2", "t3"]


def small_truth(restarts: int = 4) -> Truth:
    """Random scores of 4 sources, one of which is a target, and of no transfer, on 3 targets."""
    noise = np.random.default_rng(1)
    rows = [
        (target, source, restart, noise.uniform(30, 90))
        for target in TARGETS
        for source in (*SOURCES, "none")
        for restart in range(restarts)
    ]
    runs = pd.DataFrame(rows, columns=["target", "source", "restart", "score"])
    return Truth("small", runs, sizes=pd.Series({"a": 10.0, "b": 30.0, "c": 20.0, "t1": 5.0}))


def value(scores: pd.DataFrame, method: str, target: str, source: str) -> float:
    keys = scores.set_index(["method", "target", "source"])["value"]
    return float(keys[method, target, source])


def test_the_static_order_of_a_target_knows_nothing_of_it() -> None:
    truth = small_truth()
    scores = selection_scores(truth, ["static"])
    means = truth.runs.groupby(["target", "source"])["score"].mean()
    for target, source in itertools.product(TARGETS, SOURCES):
        if source == target:
            assert (target, source) not in {*zip(scores["target"], scores["source"], strict=True)}
            continue
        others = [other for other in TARGETS if other != target]
        transfer = [means[other, source] - means[other, "none"] for other in others]
        assert value(scores, "static", target, source) == pytest.approx(np.mean(transfer))
    assert value(scores, "static", "t2", "none") == 0
    changed = truth.runs["score"].where(truth.runs["target"] != "t2", 50.0)
    blind = selection_scores(replace(truth, runs=truth.runs.assign(score=changed)), ["static"])
    for source in SOURCES:
        assert value(blind, "static", "t2", source) == value(scores, "static", "t2", source)


def test_a_combination_sums_reciprocal_ranks() -> None:
    truth = small_truth()
    scores = selection_scores(truth, ["static+size", "static", "size"])
    static = {source: value(scores, "static", "t2", source) for source in SOURCES}
    by_static = sorted(SOURCES, key=lambda source: -static[source])
    by_size = ["b", "c", "a", "t1"]
    for source in SOURCES:
        expected = sum(1 / (61 + order.index(source)) for order in (by_static, by_size))
        assert value(scores, "static+size", "t2", source) == pytest.approx(expected)
    assert "none" not in set(scores.loc[scores["method"] == "static+size", "source"])


def test_no_transfer_is_to_beat_and_a_candidate_where_the_method_ranks_it() -> None:
    own = pd.DataFrame(
        {"source": ["a", "b", "none"], "value": [1.0, 2.0, 3.0], "score": [50.0, 40.0, 80.0]}
    )
    measured = measures_of(own)
    assert measured[Measure(*BEST, 1)] == pytest.approx(20)
    assert measured[Measure("regret", "best of top k, none to beat", 1)] == pytest.approx(50)
    assert measured[Measure("regret", "best of top k, none ranked", 1)] == 0
    unranked = measures_of(own.assign(value=[1.0, 2.0, math.nan]))
    assert not any("none ranked" in measure.definition for measure in unranked)
    assert not measures_of(own.assign(value=[1.0, math.nan, 3.0]))


def demo(methods: tuple[str, ...] = ("size",), drop: int = 0) -> dict[str, pd.DataFrame]:
    """The tables of the demo without its first cells of source privacy-qa on boolq."""
    options = demo_options(statistics=FEW, selection=Selection(methods, "demo"))
    flagged = flag_degenerate(demo_runs(), options.degenerate)
    lost = flagged["source"].eq("privacy-qa") & flagged["task"].eq("boolq")
    return selection_tables(flagged[~lost] if drop else flagged, options)


def test_the_truth_of_a_study_has_its_scores_sizes_forms_and_costs() -> None:
    options = demo_options(selection=Selection(("size",), "demo"))
    runs = flag_degenerate(demo_runs(), options.degenerate)
    truth = truth_of_runs(runs, options, "demo")
    of = runs[(runs["task"] == "boolq") & (runs["source"] == "sarcasm")]
    assert truth.scores.at["boolq", "sarcasm"] == pytest.approx(100 * of["score"].mean())
    assert truth.forms["boolq"] == "pair"
    assert truth.sizes.to_dict() == dict.fromkeys(["sarcasm", "social-iqa", "privacy-qa"], 512)
    assert truth.costs.loc["boolq"].tolist() == [9 * 40_000, 9 * 27.0]


def test_points_of_a_grid_are_repetitions() -> None:
    options = demo_options(selection=Selection(("size",), "demo"))
    runs = flag_degenerate(demo_runs(), options.degenerate)
    points = pd.concat([runs.assign(point=1), runs.assign(point=2, score=runs["score"] - 0.1)])
    truth, once = (truth_of_runs(each, options, "demo") for each in (points, runs))
    assert truth.scores.at["boolq", "sarcasm"] == pytest.approx(
        once.scores.at["boolq", "sarcasm"] - 5
    )
    assert len(half_orders(truth, "boolq")[0][0]) == 3
    assert len(half_orders(truth, "boolq")) == 6  # of 4 trials: one restart lacks a source


def test_a_pair_without_a_score_is_no_candidate_and_noted() -> None:
    table = demo(drop=1)["selection"]
    assert set(table["note"]) == {
        "1 pairs without a score are no candidates (privacy-qa > boolq, …), and static goes by the "
        "targets that a source has"
    }
    choices = demo(drop=1)["selection_choices"].set_index(["method", "target"])
    assert choices.at[("static", "boolq"), "candidates"] == 2
    assert choices.at[("static", "disfl-qa"), "candidates"] == 3


def test_with_missing_cells_the_static_order_is_of_what_is_there_and_noted() -> None:
    truth = small_truth()
    means = truth.runs.groupby(["target", "source"])["score"].mean()
    is_lost = truth.runs["target"].eq("t2") & truth.runs["source"].eq("b")
    lacking = replace(truth, runs=truth.runs[~is_lost])
    scores = selection_scores(lacking, ["static"])
    only = means["t3", "b"] - means["t3", "none"]
    assert value(scores, "static", "t1", "b") == pytest.approx(only)
    assert truth_notes(truth) == ""
    assert "b > t2, …), and static goes by the targets that a source has" in truth_notes(lacking)

    is_alone = truth.runs["target"].eq("t2") & truth.runs["source"].eq("none")
    lacking = replace(truth, runs=truth.runs[~is_alone])
    scores = selection_scores(lacking, ["static"])
    differences = [means[target, "b"] - means[target][SOURCES].mean() for target in ("t2", "t3")]
    assert value(scores, "static", "t1", "b") == pytest.approx(np.mean(differences))
    assert truth_notes(lacking).startswith("no score without transfer of t2: static goes by")


def test_a_method_is_not_judged_where_it_has_no_number_of_a_source() -> None:
    truth = small_truth()
    computed = pd.DataFrame(
        [("logme", "t1", source, 1.0, 5, 1.0) for source in "abc"]
        + [("logme", "t2", "a", 1.0, 5, 1.0)],
        columns=list(SELECTION_SCORES),
    )
    scores = selection_scores(truth, ["logme"], computed)
    assert scores.loc[scores["target"] == "t1", "value"].notna().sum() == 3
    lacking = scores[(scores["target"] == "t2") & scores["value"].isna()]
    assert [*lacking["source"]] == ["b", "c", "t1", "none"]
    with pytest.raises(InputError, match="small: selection found no numbers of the method leep"):
        selection_scores(truth, ["leep"], computed)


def test_choices_and_costs_of_the_demo() -> None:
    tables = demo(("static",))
    choice = tables["selection_choices"].set_index(["method", "target"]).loc[("static", "boolq")]
    assert (choice["source"], choice["rank"]) == ("social-iqa", 1)
    assert choice["score"] == choice["best_score"]
    costs = tables["selection_costs"].set_index("method").loc["static"]
    assert costs[["tokens", "grid_tokens", "tokens_share"]].tolist() == [0, 360_000, 0]
    assert costs["needs"] == "the scores of other targets from all sources"


def test_random_signs_are_those_of_scipy() -> None:
    noise = np.random.default_rng(5)
    for targets in (5, 11):
        values = noise.normal(0.4, 1, targets)
        exact = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip_p(values, seed=0) == pytest.approx(exact.pvalue)
    many = noise.normal(0.3, 1, 30)
    drawn = stats.permutation_test(
        (many,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert sign_flip_p(many, seed=0) == pytest.approx(drawn.pvalue, abs=0.015)


def test_pairs_are_compared_on_the_targets_of_both() -> None:
    rows = [
        ("x", method, f"t{number}", "pair", "regret", "best of top k", 3, value)
        for method, values in {"one": [1, 2, 3, 4, 5, 9], "other": [2, 2, 5, 4, 8]}.items()
        for number, value in enumerate(values)
    ]
    columns = ["truth", "method", "target", "form", "metric", "definition", "k", "value"]
    pair = paired(pd.DataFrame(rows, columns=columns), FEW).iloc[0]
    assert (pair["method"], pair["against"], pair["targets"]) == ("one", "other", 5)
    assert pair["difference"] == pytest.approx(-1.2)
    assert pair["p"] == pair["p_holm"] == pytest.approx(0.25)  # 2 of 2³ signs of three differences
    assert pair["ci_low"] < -1.2 < pair["ci_high"]


# Files of truths


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text("s,t,y,probe\nplain,t1,50,1\na,t1,60,2\nb,t1,,3\na,t2,70,2\nb,t2,55,3\n")
    return path


def test_a_truth_is_read_from_a_file(file: Path) -> None:
    truth = read_truth("own", TruthFile(str(file), "s", "t", "y", none="plain", probe="probe"))
    assert truth.scores.loc["t2"].to_dict() == {"a": 70, "b": 55}
    assert truth.missing == [("b", "t1")]
    assert truth.without_transfer["t1"] == 50
    assert truth.probes.to_dict() == {"none": 1, "a": 2, "b": 3}


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("s,t,z\n", {}, r"column 'y' is missing\. Found: s, t, z"),
        ("s,t,y\na,t1,high\n", {}, r"row 1, column y: found 'high'\. Allowed: a number"),
        ("s,t,y\na,t1,0.5\nb,t1,0.9\n", {}, r"found scores from 0\.5 to 0\.9\. Allowed: points"),
        ("s,t,y\na,t1,50\na,t1,60\n", {}, r"found a > t1, restart 1, more than once"),
        ("s,t,y,p\na,t1,50,1\na,t2,60,2\n", {"probe": "p"}, r"found several values of a"),
        ("s,t,y\na,t1,50\n", {"only": {"t": "t9"}}, r"found no row with t t9"),
    ],
)
def test_a_broken_file_is_refused(
    file: Path, text: str, changes: dict[str, object], message: str
) -> None:
    file.write_text(text)
    declared = replace(TruthFile(str(file), "s", "t", "y"), **changes)
    with pytest.raises(InputError, match=message):
        read_truth("own", declared)


def test_a_study_with_one_source_has_nothing_to_choose() -> None:
    options = demo_options(selection=Selection(("size",), "demo"))
    runs = flag_degenerate(demo_runs(), options.degenerate)
    alone = runs[runs["source"].isin(["none", "sarcasm"])]
    with pytest.raises(InputError, match="demo: selection found no target with scores from two"):
        selection_tables(alone, options)
