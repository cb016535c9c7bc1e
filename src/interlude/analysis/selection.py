"""How well methods of selection choose a source: judged by the scores of a whole grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from interlude.analysis.options import Options, Selection
from interlude.analysis.ranking_quality import (
    BEST,
    PERCENT,
    RANKED,
    TO_BEAT,
    Measure,
    measures,
    regret,
    tops,
)
from interlude.analysis.selection_choices import choices_table, cost_table
from interlude.analysis.selection_summary import CEILING, MEASURE, by_group, paired, summary
from interlude.analysis.selectors import SELECTORS, half_orders, selection_scores
from interlude.analysis.truth import Truth, read_truth, truth_of_runs
from interlude.errors import InputError, few
from interlude.words import COMBINED, NO_SOURCE, OF_ENCODERS, SELECTION_SCORES

TARGET_COLUMNS = ["truth", "method", "target", "form", *MEASURE, "value"]
SCORE_COLUMNS = ["truth", *SELECTION_SCORES, "score", "delta"]


def selection_tables(
    flagged: pd.DataFrame, options: Options, encoder_scores: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables of selection: by truth, target, group of targets, pair, score and cost.

    flagged: the study's runs after `flag_degenerate`; the first truth. encoder_scores: those of
    methods that read data or encoders, in the columns of `words.SELECTION_SCORES`.
    """
    asked = options.selection
    if asked is None:
        return {}
    own = truth_of_runs(flagged, options, asked.truth)
    others = [read_truth(name, each) for name, each in asked.truths.items()]
    judged = [
        _judged(truth, _methods(asked, truth, truth is own), of_truth)
        for truth, of_truth in [(own, encoder_scores), *((other, None) for other in others)]
    ]
    targets = pd.concat([of_target for of_target, _ in judged], ignore_index=True)
    scores = pd.concat([scores for _, scores in judged], ignore_index=True)
    notes = {truth.name: truth_notes(truth) for truth in (own, *others)}
    selection = summary(targets, scores, options.statistics, notes)
    return {
        "selection": selection,
        "selection_groups": by_group(targets),
        "selection_pairs": paired(targets, options.statistics),
        "selection_costs": cost_table(own, scores, selection),
        "selection_choices": choices_table(scores),
        "selection_targets": targets,
        "selection_scores": scores[scores["truth"] == own.name],
    }


def _methods(asked: Selection, truth: Truth, own: bool) -> list[str]:
    """Return the methods that are judged by a truth.

    Those that read sizes or probes where it has them; by another truth than the study's own, none
    that reads data or encoders.
    """
    lacking = {"size": truth.sizes.empty, "probe": truth.probes.empty}
    known = [name for name in SELECTORS if not lacking.get(name)]
    known += [name for name in OF_ENCODERS if own]
    names = dict.fromkeys(["random", "static", *asked.methods])
    return [name for name in names if all(part in known for part in name.split(COMBINED))]


def _judged(
    truth: Truth, methods: Sequence[str], encoder_scores: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return measures by method and target, and the numbers that they rest on."""
    if not any(len(truth.candidates(target)) > 1 for target in truth.targets):
        raise InputError(
            f"{truth.name}: selection found no target with scores from two sources or more, so "
            "nothing judges a choice."
        )
    scores = with_truth(selection_scores(truth, methods, encoder_scores), truth)
    rows = [*_of_methods(truth, scores), *_of_ceiling(truth)]
    return pd.DataFrame(rows, columns=TARGET_COLUMNS).astype({"k": "Int64"}), scores


def with_truth(scores: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Return numbers of methods beside what sources reach, in points, and their transfer."""
    means = truth.runs.groupby(["target", "source"])["score"].mean().rename("score")
    reached = scores.merge(means.reset_index(), on=["target", "source"], how="left")
    alone = reached["target"].map(truth.without_transfer)
    return reached.assign(truth=truth.name, delta=reached["score"] - alone)[SCORE_COLUMNS]


def _of_methods(truth: Truth, scores: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for (method, target), own in scores.groupby(["method", "target"], sort=False):
        values = measures_of(own)
        for measure, value in values.items():
            yield _row(truth, str(method), str(target), measure, value)


def measures_of(own: pd.DataFrame) -> dict[Measure, float]:
    """Return the measures of a method on a target; none where it has no number of a source.

    own: source, value and score; the source `none` stands for no transfer, where that is known.
    """
    sources, none = (own[(own["source"] == NO_SOURCE) == is_none] for is_none in (False, True))
    if len(sources) < 2 or sources["value"].isna().any():
        return {}
    values = _measures(sources)
    if none["score"].notna().any():
        values |= _none_to_beat(sources, float(none["score"].iloc[0]))
        if none["value"].notna().all():
            ranked = _measures(own)
            values |= {
                each._replace(definition=each.definition + RANKED): ranked[each] for each in ranked
            }
    return values


def _measures(own: pd.DataFrame) -> dict[Measure, float]:
    return measures(own["score"].to_numpy(), own["value"].to_numpy())


def _none_to_beat(sources: pd.DataFrame, alone: float) -> dict[Measure, float]:
    """Return regret where the best may be no transfer, which is no candidate."""
    scores, values = (sources[name].to_numpy() for name in ("score", "value"))
    best = max(alone, float(scores.max()))
    return {
        Measure("regret", BEST + TO_BEAT, k): PERCENT * regret(scores, values, k, best)
        for k in tops(len(scores))
    }


def _of_ceiling(truth: Truth) -> Iterator[dict[str, Any]]:
    """Yield the mean measures of orders by one half of the restarts, judged by the other half."""
    for target in truth.targets:
        halves = [
            measures(scores, values)
            for values, scores in half_orders(truth, target)
            if len(scores) > 1
        ]
        for measure in halves[0] if halves else ():
            # Missing where all sources reach the same.
            values = pd.Series([each[measure] for each in halves])
            yield _row(truth, CEILING, target, measure, float(values.mean()))


def _row(truth: Truth, method: str, target: str, measure: Measure, value: float) -> dict[str, Any]:
    known = {"truth": truth.name, "method": method, "target": target}
    return {**known, "form": truth.forms.get(target, ""), **measure._asdict(), "value": value}


def truth_notes(truth: Truth) -> str:
    """Return what a truth lacks: pairs without a score, targets without a run of their own."""
    lacking, alone = truth.missing, truth.without_transfer
    notes = []
    if lacking:
        first = " > ".join(lacking[0])
        notes.append(
            f"{len(lacking)} pairs without a score are no candidates ({first}, …), and static goes "
            "by the targets that a source has"
        )
    if alone.isna().any() and alone.notna().any():
        notes.append(
            f"no score without transfer of {few(list(alone.index[alone.isna()]))}: static goes by "
            "differences from the mean of all sources"
        )
    return "; ".join(notes)
