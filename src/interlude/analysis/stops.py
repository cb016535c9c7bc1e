"""Cells that get no further restarts, since their difference is known.

A look before the end has a stricter level than the tables after it (Haybittle 1971; Peto et al.
1976), so that looks hardly affect the tests of the tables. It uses as many restarts of the baseline
as of the cell: with unequal numbers Welch's test rejects too often at levels as small as these
(docs/stop.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from interlude.analysis.averages import GIVEN_SUCCESS
from interlude.analysis.decisions import LOOK
from interlude.analysis.differences import NO_SCORES, difference
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, SCORED
from interlude.analysis.transfer import CellScores, Key, baseline_of, cell_scores
from interlude.words import KNOWN_NEGLIGIBLE, KNOWN_TO_DIFFER, ROLES

INTERMEDIATE = ROLES[0]
# The share of alpha that a look has, all cells of a contrast and role together.
OF_A_LOOK = 0.1


def look(
    flagged: pd.DataFrame,
    options: Options,
    restarts: int,
    negligible: float | None = None,
    stopped: Collection[Key] = (),
) -> pd.DataFrame:
    """Return what is known of cells after so many restarts: a row per contrast and cell.

    flagged: the runs so far after `flag_degenerate`; later restarts do not count. negligible: in
    points.
    stopped: cells (arm, role, source, task) that were stopped before, which are not looked at.

    Columns: `decisions.LOOK`. level: OF_A_LOOK of alpha, divided by the cells of the contrast and
    role. low and high: Welch's interval of the difference, 1 - level. stopped: `differs` where it
    leaves 0, `negligible` where it lies within +- negligible, in each contrast of the cell; else
    empty. Runs count as in what sources are ranked by.
    """
    flagged = flagged[flagged["restart"] <= restarts]
    scores = cell_scores(flagged, options.statistics.ranking == GIVEN_SUCCESS)
    bases = {each.against for each in options.contrasts}
    rows = [
        {**names, "restarts": restarts, "level": level, "negligible": negligible, **estimate}
        for names, key, level in _to_look_at(flagged, options, bases)
        if key not in stopped
        for estimate in [_estimate(key, names["against"], scores, level, negligible)]
    ]
    table = pd.DataFrame(rows, columns=list(LOOK))
    known = (table["stopped"] != "").groupby([table[name] for name in SCORED]).transform("all")
    return table.assign(stopped=table["stopped"].where(known, ""))


def _to_look_at(
    flagged: pd.DataFrame, options: Options, bases: set[str]
) -> Iterator[tuple[dict[str, str], Key, float]]:
    """Yield names, key and level of the cells of each contrast, but for baselines."""
    ends = flagged.loc[flagged["role"] != INTERMEDIATE, SCORED].drop_duplicates()
    for contrast in options.contrasts:
        if contrast.arm in bases:
            continue
        for _, family in ends[ends["arm"] == contrast.arm].groupby("role", sort=False):
            level = OF_A_LOOK * options.statistics.alpha / len(family)
            for arm, role, source, task in family.itertuples(index=False, name=None):
                key = (str(arm), str(role), str(source), str(task))
                yield (
                    {**dict(zip(SCORED, key, strict=True)), "against": contrast.against},
                    key,
                    level,
                )


def _estimate(
    key: Key, against: str, scores: CellScores, level: float, negligible: float | None
) -> dict[str, Any]:
    baseline_key = baseline_of(key, against, scores)
    cell, baseline = (scores.get(each, NO_SCORES) for each in (key, baseline_key))
    estimate = difference(cell, baseline, level, paired=False)
    low, high = POINTS * estimate.ci_low, POINTS * estimate.ci_high
    return {
        "delta": POINTS * estimate.delta,
        "low": low,
        "high": high,
        "stopped": why_known(low, high, negligible),
    }


def why_known(low: float, high: float, negligible: float | None) -> str:
    """Return why a difference with this interval is known; empty where it is not."""
    if low > 0 or high < 0:
        return KNOWN_TO_DIFFER
    inside = negligible is not None and -negligible < low and high < negligible
    return KNOWN_NEGLIGIBLE if inside else ""
