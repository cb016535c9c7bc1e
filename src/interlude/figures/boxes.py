"""Box plots: rows with a box of each of several groups, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from interlude.figures.labels import fitted
from interlude.figures.style import COLOURS

BOX_HEIGHT = 0.28  # inches of a row
QUARTILES = "boxes: quartiles; whiskers: 1.5 times their distance"
_LABEL_WIDTH = 1.6
_LOOK: dict[str, Any] = {
    "medianprops": {"color": "black", "linewidth": 0.8},
    "whiskerprops": {"linewidth": 0.4},
    "capprops": {"linewidth": 0.4},
    "flierprops": {"markersize": 2},
}


def draw_boxes(
    axes: Axes,
    rows: Sequence[str],
    groups: Mapping[str, Sequence[np.ndarray]],
    colours: Sequence[str] = COLOURS,
) -> None:
    """Draw, of each group, a box per row of the numbers that it has there.

    rows: their labels, from the top. groups: name -> numbers of each row. colours: of the groups.
    """
    height = 0.8 / len(groups)
    for number, (numbers, colour) in enumerate(zip(groups.values(), colours, strict=False)):
        axes.boxplot(
            numbers,
            positions=np.arange(len(rows)) + (number - (len(groups) - 1) / 2) * height,
            widths=0.8 * height,
            orientation="horizontal",
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour, "linewidth": 0.4},
            **_LOOK,
        )
    axes.set_yticks(np.arange(len(rows)), [fitted(label, _LABEL_WIDTH) for label in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)


def patches_of(groups: Sequence[str], colours: Sequence[str] = COLOURS) -> list[Patch]:
    """Return what a legend shows of the groups, in their order."""
    looks = zip(groups, colours, strict=False)
    return [Patch(facecolor=colour, edgecolor="black", linewidth=0.4) for _, colour in looks]
