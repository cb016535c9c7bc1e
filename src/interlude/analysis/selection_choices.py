"""What methods of selection choose, and what that costs beside the whole grid."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.ranking_quality import BEST, PERCENT, Measure
from interlude.analysis.selectors import NEEDS
from interlude.analysis.truth import Truth
from interlude.errors import few
from interlude.words import COMBINED, NO_SOURCE

CHOICE_COLUMNS = [
    *("truth", "method", "target", "source", "score", "rank", "candidates", "best", "best_score"),
]
COST_COLUMNS = [
    *("method", "tokens", "seconds", "grid_tokens", "grid_seconds"),
    *("tokens_share", "seconds_share", "regret", "ci_low", "ci_high", "needs"),
]
SHOWN = Measure("regret", BEST, 3)  # beside the costs


def choices_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return which source each method puts first on each target, and how good that is.

    Columns: truth, method, target; source (several where they are put first together), score (what
    it reaches, in points), rank (1 for the best of the candidates; score and rank are means over
    several sources), candidates, best, best_score.
    """
    known = scores[(scores["source"] != NO_SOURCE) & scores["score"].notna()]
    groups = known.groupby(["truth", "method", "target"], sort=False)
    rows = [_choice(own) for _, own in groups if own["value"].notna().all()]
    return pd.DataFrame(rows, columns=CHOICE_COLUMNS)


def _choice(own: pd.DataFrame) -> dict[str, Any]:
    ranks = own["score"].rank(ascending=False)
    first = own["value"] == own["value"].max()
    best = own.iloc[int(own["score"].to_numpy().argmax())]
    return {
        **own.iloc[0][["truth", "method", "target"]],
        "source": few(list(own.loc[first, "source"])),
        "score": own.loc[first, "score"].mean(),
        "rank": ranks[first].mean(),
        "candidates": len(own),
        "best": best["source"],
        "best_score": best["score"],
    }


def cost_table(truth: Truth, scores: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """Return what each method costs for one target, beside the grid, with its regret.

    Columns: method; tokens, seconds (mean over targets, for all sources; 0 where it reads tables
    alone); grid_tokens, grid_seconds (of training the target from all sources, in all restarts;
    missing where not measured); tokens_share, seconds_share (in per cent of the grid); regret,
    ci_low, ci_high (Regret@3, best of top k); needs (what it cannot do without).
    """
    own = scores[scores["truth"] == truth.name]
    sums = own.groupby(["method", "target"], sort=False)[["tokens", "seconds"]].sum()
    costs = sums.groupby("method", sort=False).mean()
    table = costs.assign(**{f"grid_{name}": truth.costs[name].mean() for name in costs})
    for name in costs:
        share = PERCENT * table[name] / table[f"grid_{name}"]
        table[f"{name}_share"] = share.where(table[name] > 0, 0.0)
    is_shown = pd.concat([selection[name] == of for name, of in SHOWN._asdict().items()], axis=1)
    shown = selection[is_shown.all(axis="columns") & (selection["truth"] == truth.name)]
    regrets = shown.set_index("method")[["value", "ci_low", "ci_high"]]
    joined = table.join(regrets.rename(columns={"value": "regret"})).rename_axis("method")
    by_method = joined.reset_index()
    return by_method.assign(needs=by_method["method"].map(_needs))[COST_COLUMNS]


def _needs(method: str) -> str:
    parts = dict.fromkeys(NEEDS.get(each, "data or encoders") for each in method.split(COMBINED))
    return "; ".join(parts)
