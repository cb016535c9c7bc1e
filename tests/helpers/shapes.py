"""Studies of every size and kind that figures must hold, made by a formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pandas as pd

from helpers.synthetic import record, runs_of
from interlude.analysis.averages import average_table, averages_by_filter
from interlude.analysis.catalog import OF_METHODS, OF_MIXING, OF_SELECTION
from interlude.analysis.correlations import correlation_pairs, score_matrix, target_block
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.forgetting import COLUMNS as FORGETTING
from interlude.analysis.methods import method_ranking, methods_table
from interlude.analysis.mix_or_chain import mix_or_chain_table, size_regression, task_sizes
from interlude.analysis.options import Options, Stability, Statistics
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.robustness import collapsed_sources, robustness_table
from interlude.analysis.selection_choices import choices_table
from interlude.analysis.selectors import NEEDS, SELECTORS
from interlude.analysis.size import source_table
from interlude.analysis.stability import expected_best
from interlude.analysis.transfer import cell_scores, transfer_table
from interlude.words import OF_ENCODERS, Contrast

LONG = "a task with a name & <b>words</b> that does not end before the column does"


def made(
    sources: Sequence[str],
    targets: Sequence[str],
    probing: Sequence[str] = (),
    shift: float = 0.0,
    lost: float = 0.0,
) -> pd.DataFrame:
    """Three restarts of each source and of none on each task.

    shift: what every source does, in units of the score. lost: the share of runs that failed, the
    baseline's among them; a third of the others is degenerate.
    """
    noise = np.random.default_rng(len(sources) * 100 + len(targets))
    effect = {source: shift + noise.normal(0, 0.02) for source in sources}
    records = [
        record("intermediate", "none", of, k, 0.7, train_examples=400 * 4 ** (number % 6))
        for number, of in enumerate(sources)
        for k in (1, 2, 3)
    ]
    tasks = [*product(["target"], targets), *product(["probing"], probing)]
    for number, (role, task) in enumerate(tasks):
        base, own = 0.5 + 0.4 * (number % 7) / 7, noise.uniform(0.004, 0.02)
        for source, k in product(["none", *sources], (1, 2, 3)):
            gain = effect.get(source, 0.0) * noise.uniform(0.5, 1.5)
            score = base + gain + noise.normal(0, own)
            examples = 250 * 3 ** (number % 7)
            records.append(record(role, source, task, k, score, train_examples=examples))
    for each in records[3 * len(sources) :]:
        fate = noise.uniform()
        if fate < lost:
            each |= {"status": "failed", "score": None, "reason": "out of memory"}
        elif fate < 1.33 * lost:
            each |= {"constant": True, "score": 0.3}
    return runs_of(records)


def numbered(word: str, count: int) -> list[str]:
    return [f"{word} {number}" for number in range(1, count + 1)]


def long_names(count: int) -> list[str]:
    return [f"{LONG[: 20 + number % 40]} {number}" for number in range(count)]


SHAPES: dict[str, Callable[[], pd.DataFrame]] = {
    "1 x 1": lambda: made(["MNLI"], ["CoLA"], shift=0.01),
    "3 x 3 + 1": lambda: made(["MNLI", "QQP", "SocialIQA"], ["CoLA", "RTE", "BoolQ"], ["EdgePOS"]),
    "11 x 35": lambda: made(numbered("source", 11), numbered("target", 10), numbered("probe", 25)),
    "42 x 11": lambda: made(numbered("source", 42), numbered("target", 11)),
    "60 long names": lambda: made(long_names(60)[:5], long_names(60)[5:35], long_names(60)[35:]),
    "all negative": lambda: made(numbered("source", 5), numbered("target", 6), shift=-0.12),
    "many missing": lambda: made(
        numbered("source", 8), numbered("target", 9), numbered("probe", 4), lost=0.45
    ),
}
SCORES = ["truth", "method", "target", "source", "value", "score", "delta"]
OPTIONS = Options(stability=Stability(), statistics=Statistics(resamples=1000))
FEW = Statistics(resamples=50)
ALONE = Contrast("stilts", "single")
MIXED = Contrast("mtl", "stilts", mixing=True)
ADAPTED = Contrast("stilts-lora", "stilts", methods=True)


@dataclass(frozen=True)
class Study:
    """A study of one shape, with the tables that its figures are drawn from, of all outcomes."""

    runs: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    options: Options = OPTIONS
    contrast: Contrast = ALONE


@cache
def flagged(shape: str) -> pd.DataFrame:
    """The runs of a shape, with what the degenerate rule says of them."""
    return flag_degenerate(SHAPES[shape](), OPTIONS.degenerate)


@cache
def compared(shape: str) -> pd.DataFrame:
    """The transfer table of a shape."""
    return transfer_table(flagged(shape), OPTIONS, filtered=False)


@cache
def averaged(shape: str) -> pd.DataFrame:
    """The table of averages of a shape."""
    return average_table(compared(shape), cell_scores(flagged(shape), filtered=False), OPTIONS)


def other_arm(runs: pd.DataFrame, arm: str, of: str, share: float) -> pd.DataFrame:
    """The runs of an arm again, for another that moves each cell by a share of its difference."""
    noise = np.random.default_rng(len(runs))
    own = runs[(runs["arm"] == of) & (runs["role"] != "intermediate")]
    far = own["score"] - own.groupby("task")["score"].transform("mean")
    score = own["score"] + (share - 1) * far + noise.normal(0, 0.01, len(own))
    return own.assign(arm=arm, score=score)


def mixing(shape: str) -> Study:
    """A study that also trains each pair together, and all tasks together."""
    runs = flagged(shape)
    arms = [other_arm(runs, "mtl", "stilts", 1.8), other_arm(runs, "mtl-all", "single", 1)]
    every = pd.concat([runs, *arms], ignore_index=True)
    contrasts = (MIXED, ALONE, Contrast("mtl", "single"))
    options = Options(contrasts=contrasts, statistics=FEW)
    transfer = transfer_table(every, options, filtered=False)
    cells = mix_or_chain_table(transfer, task_sizes(every), MIXED, options.statistics.alpha)
    told = {"mix_or_chain": cells, "size_regression": size_regression(cells, FEW)}
    return Study(every, told, options, MIXED)


def by_methods(shape: str) -> Study:
    """A study that also reaches its tasks by an adapter."""
    runs = flagged(shape)
    arms = [other_arm(runs, f"{arm}-lora", arm, 0.7) for arm in ("single", "stilts")]
    every = pd.concat([runs, *arms], ignore_index=True)
    contrasts = (ADAPTED, ALONE, Contrast("stilts-lora", "single-lora"))
    options = Options(contrasts=contrasts, statistics=FEW)
    transfer = transfer_table(every, options, filtered=False)
    cells = methods_table(transfer, ADAPTED, options.statistics.alpha)
    told = {"methods": cells, "method_ranking": method_ranking(cells, FEW)}
    return Study(every, told, options, ADAPTED)


def selecting(shape: str) -> Study:
    """A study that judges every method of selection; what each says is the truth and noise."""
    runs = flagged(shape)
    noise = np.random.default_rng(len(runs))
    transfer = compared(shape).rename(columns={"task": "target"})
    truth = transfer.loc[transfer["role"] == "target"].assign(truth="own", score=transfer["mean"])
    methods = [*SELECTORS, *OF_ENCODERS, "static+size", "size+logme"]
    parts = [
        truth.assign(method=name, value=truth["score"] + noise.normal(0, 1 + number, len(truth)))
        for number, name in enumerate(methods)
    ]
    scores = pd.concat(parts, ignore_index=True)[SCORES]
    costs = pd.DataFrame({"method": methods, "regret": noise.uniform(0, 9, len(methods))})
    costs["ci_low"], costs["ci_high"] = 0.6 * costs["regret"], 1.5 * costs["regret"]
    costs["tokens_share"] = np.where(costs.index < 4, 0.0, 2.0 ** (costs.index - 18))
    costs["needs"] = np.where(costs["method"].str.contains("static"), NEEDS["static"], "nothing")
    told = {"selection_scores": scores, "selection_choices": choices_table(scores)}
    return Study(runs, {**told, "selection_costs": costs})


def sized(shape: str) -> Study:
    """A study of several sizes of sources, by two arms, and of several sizes of targets."""
    runs = flagged(shape)
    transfer, averages = compared(shape), averaged(shape)
    bounds = {"fixed_low": "ci_low", "fixed_high": "ci_high"}
    sources = averages.drop(columns="ci_low", errors="ignore").rename(columns=bounds)
    chained, mixed = (at_sizes(sources.assign(arm=arm)) for arm in ("stilts", "mtl"))
    curves = pd.concat([chained, mixed.assign(delta=mixed["delta"] + 0.4)], ignore_index=True)
    told = {"size_curves": curves.assign(baseline=61.5), "target_sizes": at_sizes(transfer)}
    return Study(runs, told)


def at_sizes(table: pd.DataFrame) -> pd.DataFrame:
    """The differences of a table at three sizes; the last of them as they are."""
    parts = []
    for size, share in ((120, -0.2), (1_100, 0.6), (10_000, 1.0)):
        moved = (share - 1) * table["delta"]
        told = {name: table[name] + moved for name in ("delta", "ci_low", "ci_high")}
        parts.append(table.assign(train_examples=size, **told))
    return pd.concat(parts, ignore_index=True)


def forgetting(shape: str) -> Study:
    """A study that measures what its encoders forget, by two arms."""
    runs = flagged(shape)
    noise, averages = np.random.default_rng(len(runs)), averaged(shape)
    parts = [
        averages.assign(
            arm=arm,
            delta=averages["delta"] + noise.normal(0, 0.5, len(averages)),
            masked_accuracy=left + noise.normal(0, 4, len(averages)),
            sd=noise.uniform(0.2, 2, len(averages)),
            pretrained=False,
        )
        for arm, left in (("stilts", 35), ("mlm", 55))
    ]
    known = pd.DataFrame([{"arm": "measured", "source": "none", "masked_accuracy": 62.0}])
    parts.append(known.assign(pretrained=True))
    table = pd.concat(parts, ignore_index=True).reindex(columns=FORGETTING)
    return Study(runs, {"forgetting": table})


def plain(shape: str) -> Study:
    """A study that trains on an intermediate task, and then on another."""
    runs, transfer, averages = flagged(shape), compared(shape), averaged(shape)
    encoders = runs[runs["arm"] == ALONE.arm]
    matrix = score_matrix(encoders, filtered=False)
    told = {
        "transfer": transfer,
        "averages": averages,
        "averages_by_filter": averages_by_filter(transfer, OPTIONS),
        **pooled_tables(transfer, OPTIONS.statistics.alpha),
        "correlations": target_block(matrix, OPTIONS.statistics.alpha),
        "correlations_all": correlation_pairs(matrix),
        "robustness": robustness_table(matrix, collapsed_sources(averages, -5.0), OPTIONS),
        "sources": source_table(encoders, averages),
        "expected_best": expected_best(runs, OPTIONS, 0.0),
    }
    return Study(runs, told)


STUDIES: dict[str, Callable[[str], Study]] = {
    **dict.fromkeys((*OF_MIXING, "all_tasks"), mixing),
    **dict.fromkeys(OF_METHODS, by_methods),
    **dict.fromkeys(OF_SELECTION, selecting),
    **dict.fromkeys(("size_curves", "target_sizes", "size_panels"), sized),
    "forgetting": forgetting,
}
