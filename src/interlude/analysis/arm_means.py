"""Arms beside one another: their mean on each task, and what choosing between two would give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from interlude.analysis.mix_or_chain import MIX
from interlude.analysis.results import in_order
from interlude.words import NO_SOURCE

MEAN = "mean over tasks"
COLUMNS = ["role", "choice", "task", "mean", "cells"]


def arm_means(transfer: pd.DataFrame, chosen: pd.DataFrame | None) -> pd.DataFrame:
    """Return the mean of each arm on each task, and over tasks, in points.

    transfer: the transfer table. chosen: of `mix_or_chain.mix_or_chain_table`; None for none.

    choice: an arm; of one with sources, the mean over these. Of chosen, also: the size rule (the
    arm that it says, of cells where it says one) and the better of both (oracle: of each cell the
    higher mean, which no one knows beforehand), with both arms where several mix. cells: how many
    the mean is over.

    A mean over tasks is there only where the choice has a mean on every task of the role.
    """
    rows = [
        {"role": role, "choice": choice, "task": task, "mean": mean, "cells": cells}
        for role, choice, task, mean, cells in _all(transfer, chosen)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    parts = [_with_mean(own) for _, own in table.groupby("role", sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else table


def _all(transfer: pd.DataFrame, chosen: pd.DataFrame | None) -> Iterator[_Row]:
    yield from _of_arms(transfer)
    if chosen is not None:
        yield from _of_choices(chosen)


_Row = tuple[str, str, str, float, int]


def _of_arms(transfer: pd.DataFrame) -> Iterator[_Row]:
    own = transfer[["arm", "role", "source", "task", "mean"]]
    names = {"against": "arm", "baseline_source": "source", "baseline": "mean"}
    theirs = transfer[["against", "role", "baseline_source", "task", "baseline"]]
    cells = pd.concat([theirs.rename(columns=names), own], ignore_index=True).drop_duplicates()
    for (role, arm, task), means in cells.groupby(["role", "arm", "task"], sort=False)["mean"]:
        sourced = (cells.loc[means.index, "source"] != NO_SOURCE).any()
        name = f"{arm} (mean over sources)" if sourced else str(arm)
        yield str(role), name, str(task), float(means.mean()), int(means.notna().sum())


def _of_choices(chosen: pd.DataFrame) -> Iterator[_Row]:
    pairs = list(chosen.groupby(["arm", "against"], sort=False))
    for names, cells in pairs:
        between = f" ({', '.join(map(str, names))})" if len(pairs) > 1 else ""
        for choice, values in _choices(cells).items():
            for (role, task), own in values.groupby([cells["role"], cells["task"]], sort=False):
                if own.notna().any():
                    mean, count = float(own.mean()), int(own.notna().sum())
                    yield str(role), f"{choice}{between}", str(task), mean, count


def _choices(cells: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Return what choosing between mixing and chaining gives in each cell, by how one chooses."""
    mixed = cells["rule"] == MIX
    by_rule = cells["mix"].where(mixed, cells["chain"]).where(cells["rule"] != "")
    best = cells[["mix", "chain"]].max(axis="columns", skipna=False)
    return {"size rule": by_rule, "better of both (oracle)": best}


def _with_mean(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a role, those of a choice together, with its mean over tasks first."""
    tasks = in_order(table["task"])
    parts = []
    for choice in in_order(table["choice"]):
        own = table[table["choice"] == choice]
        whole = own.dropna(subset="mean")["task"].nunique() == len(tasks)
        over: dict[str, Any] = {"role": own["role"].iloc[0], "choice": choice, "task": MEAN}
        mean = {"mean": own["mean"].mean() if whole else None, "cells": own["cells"].sum()}
        parts += [pd.DataFrame([{**over, **mean}]).astype({"mean": "float64"}), own]
    return pd.concat(parts, ignore_index=True)
