"""How conclusions change when degenerate runs are left out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from interlude.analysis.transfer import CELL


def changed_conclusions(
    filtered: pd.DataFrame, unfiltered: pd.DataFrame, alpha: float
) -> pd.DataFrame:
    """Return the cells whose conclusion depends on the filter, of two transfer tables.

    Columns: arm, against, role, source, task; delta, n and p_holm of either table; change: `no runs
    left`, `sign`, `significance` (survives Holm's correction in one table only), or several.
    """
    columns = ["delta", "n", "p_holm"]
    both = filtered[CELL + columns].merge(
        unfiltered[CELL + columns], on=CELL, suffixes=("_filtered", "_unfiltered")
    )
    first, second = both["delta_filtered"], both["delta_unfiltered"]
    survives = [both[f"p_holm_{name}"] < alpha for name in ("filtered", "unfiltered")]
    changes = {
        "no runs left": first.isna() & second.notna(),
        "sign": first.notna() & second.notna() & (np.sign(first) != np.sign(second)),
        "significance": survives[0] != survives[1],
    }
    changed = pd.DataFrame(changes)
    both["change"] = [", ".join(changed.columns[row]) for row in changed.to_numpy()]
    return both.loc[changed.any(axis="columns")].reset_index(drop=True)
