"""A sentence per target: mix, chain or neither, with the evidence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.mix_or_chain import CHAIN, MIX
from interlude.analysis.options import Options

COLUMNS = ["arm", "against", "role", "task", "answer", "with", "sentence"]
NOT_TESTED = "cannot be tested"
NO_GAIN = "neither"
EITHER = "either"


def mix_or_chain_answers(cells: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the answer for each task: an arm (mix or chain), either, neither, or cannot be tested.

    cells: of `mix_or_chain.mix_or_chain_table`. An arm is named for a source with which it beats
    the task alone, after Holm's correction over the cells of the role, and the other arm with the
    same source, likewise; either, where the two do not differ significantly; neither, where no
    source with either arm is known to beat the task alone; of several the one with the largest
    difference.
    """
    rows = [
        {"arm": arm, "against": against, "role": role, "task": task, **_answer(own, options)}
        for (arm, against, role, task), own in cells.groupby(
            ["arm", "against", "role", "task"], sort=False
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _answer(cells: pd.DataFrame, options: Options) -> dict[str, str]:
    title = options.title(str(cells["task"].iloc[0]))
    tested = cells.dropna(subset="best_p_holm")
    if tested.empty:
        sentence = f"{title}: cannot be tested; no cell has the runs that a test needs."
        return {"answer": NOT_TESTED, "with": "", "sentence": sentence}
    gains = tested[(tested["best_p_holm"] < options.statistics.alpha) & (tested["best_delta"] > 0)]
    if gains.empty:
        return {"answer": NO_GAIN, "with": "", "sentence": _no_gain(title, tested, options)}
    best = gains.iloc[int(gains["best_delta"].argmax())]
    answer = str(best["better"]) if best["better"] in (MIX, CHAIN) else EITHER
    return {
        "answer": answer,
        "with": str(best["source"]),
        "sentence": _gain(title, best, answer, options),
    }


def _no_gain(title: str, tested: pd.DataFrame, options: Options) -> str:
    best = tested.iloc[int(tested["best_delta"].argmax())]
    return (
        f"{title}: neither. Of {len(tested)} supporting tasks none is known to help, mixed in or "
        f"first; the largest difference from {title} alone is {_difference(best)} with "
        f"{options.title(str(best['source']))} ({best['best']})."
    )


def _gain(title: str, best: pd.Series[Any], answer: str, options: Options) -> str:
    source = options.title(str(best["source"]))
    ways = {
        MIX: f"train it together with {source}",
        CHAIN: f"train on {source} first, then on it",
        EITHER: f"train it together with {source} or on {source} first",
    }
    apart = f"{best['arm']} - {best['against']} {best['delta']:+.1f} points"
    other = "which of the two is better is not known" if answer == EITHER else "the other is worse"
    return (
        f"{title}: {ways[answer]}: {_difference(best)} from {title} alone ({best['best']}); "
        f"{other} ({apart}, p {best['p_holm']:.2g} after Holm's correction)."
    )


def _difference(best: pd.Series[Any]) -> str:
    low, value, high = (best[f"best_{name}"] for name in ("low", "delta", "high"))
    return f"{value:+.1f} points [{low:+.1f}, {high:+.1f}]"
