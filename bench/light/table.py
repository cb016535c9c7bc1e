"""First light as tables: how much of each check is as it should be, and the figures."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
Lines = list[str]

# Of these, whose rows are many and alike, the furthest that a row was off.
ALIKE = (
    *("forms", "families", "mixtures", "adapters", "features", "generation"),
    *("same-bytes", "others-same-bytes", "resumed", "others-resumed"),
)
RACE = ("precision", "measured_steps", "seconds", "tokens_per_second", "padding_share",
        "flops_per_second", "product_flops_per_second", "peak_bytes", "peak_gpu_bytes")  # fmt: skip


def section(document: Row) -> Lines:
    """Return both tables for a run of first light."""
    checks = document["checks"].items()
    lines = ["| check | as it should be | ended | s | most off |", "| --- " * 5 + "|"]
    lines += [_check(name, check) for name, check in checks]
    lines += ["", "| check | figures |", "| --- | --- |"]
    rows = [
        (name, row)
        for name, check in checks
        for row in check["rows"]
        if name not in ALIKE or "reason" in row
    ]
    return lines + [f"| {name} | {row['what']}{figures(row)} |" for name, row in rows]


def right_of(rows: list[Row]) -> str:
    """Return how many rows are as they should be, of those that tell."""
    judged = [row["ok"] for row in rows if row["ok"] is not None]
    return f"{sum(judged)} of {len(judged)}" if judged else "figures alone"


def _check(name: str, check: Row) -> str:
    right = right_of(check["rows"])
    seconds = "" if check["seconds"] is None else f"{check['seconds']:.0f}"
    return f"| {name} | {right} | {check['ended']} | {seconds} | {_most_off(check['rows'])} |"


def _most_off(rows: list[Row]) -> str:
    """Return the largest difference of a loss in fp32, of the first one in bf16, of a feature."""
    of_kinds = {
        "fp32": [row["most_off"] for row in rows if row.get("computed_in_bf16") is False],
        "bf16": [row["first_off"] for row in rows if row.get("computed_in_bf16")],
        "of the largest": [row["furthest_off"] for row in rows if "furthest_off" in row],
    }
    return ", ".join(f"{max(off):.1g} ({name})" for name, off in of_kinds.items() if off)


def figures(row: Row) -> str:
    """Return the numbers of a row, and why it has none."""
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
    if "entrant" in row:
        numbers = {name: row[name] for name in RACE if name in row}
    found = {**numbers, **row.get("shares", {})}
    shown = {name: value for name, value in found.items() if name != "ok"}
    said = [row["reason"]] if "reason" in row else []
    text = ", ".join([*said, *(f"{name} {_short(value)}" for name, value in shown.items())])
    return f": {text}" if text else ""


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
