"""Two studies side by side, cell by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.correlations import correlation_p, spearman_matrix
from interlude.analysis.results import FAMILY
from interlude.analysis.transfer import CELL
from interlude.errors import unknown
from interlude.words import ROLES


def compared_cells(
    own: pd.DataFrame, other: pd.DataFrame, names: dict[str, str], alpha: float
) -> pd.DataFrame:
    """Return every cell of two transfer tables, those of one study only as well.

    names: own task name -> the other study's, where they differ; the result has own names.
    Columns: arm, against, role, source, task; cell (`both`, `own only`, `other only`: the study
    with a score); delta_own, delta_other, difference (own - other, points); same_sign; significant
    (survives Holm's correction in both studies). What needs both is missing where one is. Raises
    InputError for a name that its study does not have.
    """
    for name, their_name in names.items():
        _require(name, own, "this study")
        _require(their_name, other, "the other study")
    theirs = {name: own_name for own_name, name in names.items()}
    renamed = other.replace({"source": theirs, "task": theirs})
    columns = [*CELL, "delta", "p_holm"]
    cells = own[columns].merge(renamed[columns], on=CELL, how="outer", suffixes=("_own", "_other"))
    cells = cells.sort_values("role", key=lambda roles: roles.map(ROLES.index), kind="stable")
    here, there = cells["delta_own"], cells["delta_other"]
    both = here.notna() & there.notna()
    cells["cell"] = np.select(
        [both, here.notna(), there.notna()], ["both", "own only", "other only"], "neither"
    )
    cells["difference"] = here - there
    cells["same_sign"] = (np.sign(here) == np.sign(there)).astype("boolean").where(both)
    significant = (cells[["p_holm_own", "p_holm_other"]] < alpha).all(axis="columns")
    cells["significant"] = significant.astype("boolean").where(both)
    order = [*CELL, "cell", "delta_own", "delta_other", "difference", "same_sign", "significant"]
    return cells[cells["cell"] != "neither"][order].reset_index(drop=True)


def comparison_summary(cells: pd.DataFrame) -> pd.DataFrame:
    """Return, per contrast and role, how far two studies agree.

    cells: of `compared_cells`. Columns: arm, against, role; cells, own_only, other_only (counts);
    same_sign (share of cells); significant, same_sign_significant (cells significant in both: count
    and share); mean_difference, mean_absolute_difference (points); sources, spearman, p (rank
    correlation of the sources' mean deltas over the cells of both studies).
    """
    return pd.DataFrame(
        [
            {**dict(zip(FAMILY, family, strict=True)), **_agreement(part)}
            for family, part in cells.groupby(FAMILY, sort=False)
        ]
    )


def _require(name: str, transfer: pd.DataFrame, where: str) -> None:
    known = {*transfer["source"], *transfer["task"]}
    if name not in known:
        raise unknown(f"key compare.names: {where}", "task", name, sorted(known))


def _agreement(cells: pd.DataFrame) -> dict[str, Any]:
    both = cells[cells["cell"] == "both"]
    significant = both[both["significant"].fillna(False).astype(bool)]
    means = both.groupby("source")[["delta_own", "delta_other"]].mean()
    rho = spearman_matrix(means)[0, 1]
    return {
        "cells": len(both),
        "own_only": int((cells["cell"] == "own only").sum()),
        "other_only": int((cells["cell"] == "other only").sum()),
        "same_sign": _share(both),
        "significant": len(significant),
        "same_sign_significant": _share(significant),
        "mean_difference": both["difference"].mean(),
        "mean_absolute_difference": both["difference"].abs().mean(),
        "sources": len(means),
        "spearman": rho,
        "p": float(correlation_p(rho, np.array(len(means)))),
    }


def _share(cells: pd.DataFrame) -> float:
    return float(cells["same_sign"].astype(float).mean()) if len(cells) else np.nan
