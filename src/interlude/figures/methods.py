"""Transfer by one method beside transfer by another, such as adapters and full fine-tuning."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.boxes import BOX_HEIGHT, QUARTILES, draw_boxes, patches_of
from interlude.figures.labels import coefficient
from interlude.figures.style import (
    MUTED,
    OF_ROLE,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_NOTHING = "Nothing to show:\nno cell has a transfer by {}."


def draw_method_gains(cells: pd.DataFrame, options: Options) -> Figure:
    """Draw the relative gains of all sources as boxes: a panel per role, a row per task.

    cells: the table of `methods.methods_table`.
    """
    known = cells.dropna(subset=["gain", "against_gain"], how="all")
    if known.empty:
        return message_figure(_NOTHING.format("either method"))
    roles = in_order(known["role"])
    tasks = {role: in_order(known.loc[known["role"] == role, "task"]) for role in roles}
    arms = {known["arm"].iloc[0]: "gain", known["against"].iloc[0]: "against_gain"}
    most = max(map(len, tasks.values()))
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 0.9 + BOX_HEIGHT * most))
    panels = figure.subplots(1, len(roles), squeeze=False)[0]
    for axes, role in zip(panels, roles, strict=True):
        own = known[known["role"] == role]
        of_task = [own[own["task"] == task] for task in tasks[role]]
        groups = {
            arm: [part[of].dropna().to_numpy() for part in of_task] for arm, of in arms.items()
        }
        axes.axvline(0, color=MUTED, linewidth=0.5)
        draw_boxes(axes, list(map(options.title, tasks[role])), groups)
        axes.set_title(f"{role} tasks")
    figure.supxlabel(f"relative gain, per cent of the task alone ({QUARTILES})", size=7)
    figure.legend(patches_of([*arms]), list(arms), loc="outside upper center", ncols=2)
    return figure


def draw_method_transfers(cells: pd.DataFrame, ranking: pd.DataFrame) -> Figure:
    """Draw the transfer by one method over that by the other, a point per source and task.

    cells: as for `draw_method_gains`; ranking: the table of `methods.method_ranking`. On the
    diagonal a source does the same by both.
    """
    known = cells.dropna(subset=["delta", "against_delta"])
    if known.empty:
        return message_figure(_NOTHING.format("both methods"))
    figure = new_figure(ONE_COLUMN, 1.15 * ONE_COLUMN)
    axes = figure.add_subplot()
    for role, own in known.groupby("role", sort=False):
        colour, marker = OF_ROLE[str(role)]
        look: dict[str, Any] = {"color": colour, "markeredgewidth": 0, "alpha": 0.7}
        label = _correlated(str(role), ranking[ranking["role"] == role].iloc[0])
        axes.plot(own["against_delta"], own["delta"], marker, label=label, **look)
    _draw_cross(axes)
    axes.set_xlabel(f"transfer by {known['against'].iloc[0]}, points")
    axes.set_ylabel(f"transfer by {known['arm'].iloc[0]}, points")
    figure.legend(loc="outside upper center", ncols=1, handletextpad=0.4)
    return figure


def _draw_cross(axes: Axes) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.4)
    axes.axvline(0, color=MUTED, linewidth=0.4)
    axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.7, linestyle="--")


def _correlated(role: str, row: pd.Series[Any]) -> str:
    """Return a role with its correlations, and their intervals where there are some."""
    parts = [role]
    for name, low, high in (
        ("spearman", "ci_low", "ci_high"),
        ("within_tasks", "within_low", "within_high"),
    ):
        if pd.notna(row[name]):
            bounds = [coefficient(row[bound]) for bound in (low, high)]
            interval = f" [{', '.join(bounds)}]" if all(bounds) else ""
            what = "ρ" if name == "spearman" else "within tasks"
            parts.append(f"{what} {coefficient(row[name])}{interval}")
    return ", ".join(parts)
