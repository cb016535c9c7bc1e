"""Writes tables as CSV and as LaTeX, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from interlude.analysis.options import Options
from interlude.analysis.results import in_order, sources_in_order
from interlude.analysis.scope import of_contrast
from interlude.analysis.selection_summary import main_measures
from interlude.files import written_atomically
from interlude.words import NO_SOURCE

_EMPTY = "--"
_LEGEND = (
    "Difference from the baseline in points, runs in brackets, and its interval below. * survives "
    "Holm's correction over the cells of its role; x: degenerate runs, its own or its baseline's."
)
# Other signs in LaTeX's usual font encoding; pandas leaves them as they are.
_BRACKETS = str.maketrans({"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"})
_LATEX = _BRACKETS | str.maketrans(
    {sign: rf"\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def write_table(name: str, table: pd.DataFrame, folder: Path, options: Options) -> None:
    """Write a table as CSV and, as a paper prints it, as LaTeX."""
    write_csv(table, folder / f"{name}.csv")
    notes = [_LEGEND, *options.notes()] if name.startswith("transfer") else options.notes()
    write_latex(printed(name, table, options), folder / f"{name}.tex", notes)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with all digits; missing values are empty."""
    with written_atomically(path) as draft:
        table.to_csv(draft, index=False)


def write_latex(table: pd.DataFrame, path: Path, notes: Sequence[str] = ()) -> None:
    """Write a table ready to paste, numbers with one decimal, no wider than the text.

    It needs the packages booktabs and adjustbox. notes: a paragraph each, in small type below it.
    """
    rows = table.map(_shown).to_latex(index=False, escape=True, na_rep=_EMPTY)
    rows = rows.translate(_BRACKETS)
    text = f"\\begin{{adjustbox}}{{max width=\\linewidth}}%\n{rows}\\end{{adjustbox}}\n"
    for note in notes:
        text += f"\n\\par\\noindent{{\\footnotesize {note.translate(_LATEX)}}}\n"
    with written_atomically(path) as draft:
        draft.write_text(text, encoding="utf8")


def printed(name: str, table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a table as a paper prints it: cells of sources and tasks, or of pairs, as a matrix.

    `*` marks what survives Holm's correction, `x` a cell with degenerate runs, its own or its
    baseline's.
    """
    if name.startswith("averages") and "fixed_p" not in table:
        return table  # by degenerate rule
    if name == "selection":
        return _judged_rows(table, options)
    for beginning, (shown, by_contrast) in _PRINTED.items():
        if name.startswith(beginning):
            return _by_contrast(shown, table, options) if by_contrast else shown(table, options)
    return table


def _by_contrast(
    shown: Callable[[pd.DataFrame, Options], pd.DataFrame], table: pd.DataFrame, options: Options
) -> pd.DataFrame:
    """Return what is shown of each contrast below one another, named where there are several."""
    if len(options.contrasts) < 2:
        return shown(table, options)
    parts = []
    for contrast in options.contrasts:
        rows = shown(of_contrast(table, contrast), options)
        rows.insert(0, "compared", contrast.title)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _transfer_matrix(transfer: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return two lines per task: differences with mark and n, and below them their intervals."""
    stars = _stars(transfer["p_holm"] < options.statistics.alpha)
    crossed = transfer["n_degenerate"] + transfer["baseline_n_degenerate"] > 0
    delta = _formatted(transfer["delta"], "{:+.1f}") + stars + crossed.map({True: "x", False: ""})
    own = transfer.assign(shown=delta + _counted(transfer["n"]))
    below = transfer.assign(shown=_interval(transfer, "ci_low", "ci_high").fillna(""))
    sources = _source_titles(transfer, options)
    first, second = (
        _matrix(cells.replace({"source": sources}), ["role", "task"], "source", options)
        for cells in (own, below)
    )
    first = first.assign(task=first["task"].map(options.title), baseline=_baselines(transfer))
    second = second[(second[list(sources.values())] != "").any(axis="columns")]
    second = second.assign(role="", task="", baseline="")
    return pd.concat([first, second]).sort_index(kind="stable", ignore_index=True)


def _source_titles(cells: pd.DataFrame, options: Options) -> dict[str, str]:
    """Return source -> what is shown of it, of cells of one contrast."""
    arms = dict(zip(cells["source"], cells["arm"], strict=True))
    return {name: options.source_title(name, arms[name]) for name in in_order(cells["source"])}


def _baselines(transfer: pd.DataFrame) -> list[str]:
    """Return the baseline of each task; nothing where each source has one of its own."""
    tasks = transfer.drop_duplicates(["role", "task"])
    shown = _formatted(tasks["baseline"], "{:.1f}") + _counted(tasks["baseline_n"])
    return shown.where(tasks["baseline_source"] == NO_SOURCE, "").tolist()


def _counted(n: pd.Series[int]) -> pd.Series[str]:
    """Return numbers of runs in brackets, to follow a mean; empty for a mean without runs."""
    return n.map(lambda runs: f" ({runs})" if runs else "")


def _average_rows(averages: pd.DataFrame, options: Options) -> pd.DataFrame:
    p = {
        f"{name}_p": _formatted(averages[f"{name}_p_holm"], "{:.3f}")
        for name in ("fixed", "random")
    }
    changed = averages[["improved", "harmed", "undecided"]].astype(str).agg("/".join, axis=1)
    return pd.DataFrame(
        {
            "source": averages["source"].map(_source_titles(averages, options)),
            "role": averages["role"],
            "tasks": averages["tasks"],
            "n": averages["n"],
            "mean": _formatted(averages["delta"], "{:+.1f}"),
            "these tasks": _interval(averages, "fixed_low", "fixed_high"),
            "p (Holm)": p["fixed_p"],
            "tasks like these": _interval(averages, "random_low", "random_high"),
            "p (Holm) ": p["random_p"],
            "improved/harmed/undecided": changed if len(averages) else [],
        }
    )


def _pooled_matrix(cells: pd.DataFrame, options: Options) -> pd.DataFrame:
    shown = _with_interval(cells, "pooled", "ci_low", "ci_high")
    named = cells.assign(shown=shown).replace({"source": _source_titles(cells, options)})
    matrix = _matrix(named, ["role", "task"], "source", options)
    return matrix.assign(task=matrix["task"].map(options.title))


def _pooled_rows(pooled: pd.DataFrame, options: Options) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": pooled["source"].map(_source_titles(pooled, options)),
            "role": pooled["role"],
            "tasks": pooled["tasks"],
            "mean effect": _with_interval(pooled, "mu", "ci_low", "ci_high"),
            "tau": _formatted(pooled["tau"], "{:.1f}"),
            "on a new task": _interval(pooled, "new_low", "new_high"),
            "it gains": _formatted(pooled["p_new"], "{:.2f}"),
        }
    )


def _method_rows(cells: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a line per source and task: transfer and relative gain by either method."""
    sure = cells[["p_holm", "against_p_holm"]] < options.statistics.alpha
    sides = (("", "ci_low", "ci_high"), ("against_", "against_low", "against_high"))
    shown = {"compared": cells["arm"] + " / " + cells["against"], "role": cells["role"]}
    shown |= {name: cells[name].map(options.title) for name in ("task", "source")}
    for number, (side, low, high) in enumerate(sides):
        delta = _with_interval(cells, f"{side}delta", low, high)
        shown[f"transfer ({number + 1})"] = delta + _stars(sure[f"{side}p_holm"])
        shown[f"gain ({number + 1}), %"] = _formatted(cells[f"{side}gain"], "{:+.1f}")
    bounds = ("difference", "difference_low", "difference_high")
    return pd.DataFrame({**shown, "difference": _with_interval(cells, *bounds)})


def _ranking_rows(ranking: pd.DataFrame, _: Options) -> pd.DataFrame:
    shares = {
        "positive (1)": ("positive", "positive_low", "positive_high"),
        "positive (2)": ("against_positive", "against_positive_low", "against_positive_high"),
        "difference": ("more_positive", "more_low", "more_high"),
    }
    rho = {
        "all cells": ("spearman", "ci_low", "ci_high"),
        "within tasks": ("within_tasks", "within_low", "within_high"),
    }
    shown = {name: _decimals(ranking, *columns) for name, columns in {**rho, **shares}.items()}
    compared = ranking["arm"] + " / " + ranking["against"]
    known = {name: ranking[name] for name in ("role", "sources", "tasks", "cells")}
    return pd.DataFrame({"compared": compared, **known, **shown})


def _judged_rows(selection: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a line per truth and method: the main measures with their intervals."""
    shown = _decimals(selection, "value", "ci_low", "ci_high")
    return _by_measure(selection.assign(shown=shown), ["truth", "method"])


def _group_rows(groups: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a line per truth, method and group of targets: the main measures."""
    formatted = groups.assign(shown=_formatted(groups["value"], "{:.2f}"))
    return _by_measure(formatted, ["truth", "method", "group"])


def _by_measure(table: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """Return the texts of column `shown` of the main measures, a column each."""
    rows = main_measures(table)
    wide = rows.pivot(index=index, columns="measure", values="shown")
    order = pd.MultiIndex.from_frame(rows[index].drop_duplicates())
    return wide.reindex(order, columns=in_order(rows["measure"])).reset_index()


def _decimals(table: pd.DataFrame, value: str, low: str, high: str) -> pd.Series[str]:
    """Return numbers to two decimals with their interval, where there is one."""
    number, lower, upper = (_formatted(table[name], "{:.2f}") for name in (value, low, high))
    return number + (" [" + lower + ", " + upper + "]").fillna("")


def _with_interval(table: pd.DataFrame, mean: str, low: str, high: str) -> pd.Series[str]:
    return _formatted(table[mean], "{:+.1f}") + " " + _interval(table, low, high)


def _interval(table: pd.DataFrame, low: str, high: str) -> pd.Series[str]:
    return "[" + _formatted(table[low], "{:+.1f}") + ", " + _formatted(table[high], "{:+.1f}") + "]"


def _correlation_matrix(pairs: pd.DataFrame, options: Options) -> pd.DataFrame:
    stars = _stars(pairs["holm_significant_means"]) if "holm_significant_means" in pairs else ""
    shown = _formatted(pairs["spearman"], "{:.2f}") + stars
    # A task may be a target and a probing task at once.
    twice = pairs["task_a"].isin(pairs.loc[pairs["role_a"] == "target", "task_a"])
    column = pairs["task_a"].mask(twice & (pairs["role_a"] == "probing"), pairs["task_a"] + " (p)")
    named = pairs.assign(role=pairs["role_b"], task=pairs["task_b"], column=column, shown=shown)
    matrix = _matrix(named, ["role", "task"], "column", options)
    return matrix.assign(task=matrix["task"].map(options.title))


def _matrix(cells: pd.DataFrame, index: list[str], columns: str, options: Options) -> pd.DataFrame:
    """Return the texts of column `shown` as a matrix, rows and columns in their first order."""
    wide = cells.pivot(index=index, columns=columns, values="shown")
    rows = cells[index].drop_duplicates()
    ordered = wide[sources_in_order(cells, columns)].reindex(pd.MultiIndex.from_frame(rows))
    return ordered.rename(columns=options.title).rename_axis(columns=None).reset_index()


def _formatted(numbers: pd.Series[float], pattern: str) -> pd.Series[str]:
    """Return numbers as text, missing ones as missing text, also where all of them are."""
    return numbers.map(pattern.format, na_action="ignore").astype("str")


def _stars(significant: pd.Series[bool]) -> pd.Series[str]:
    return significant.map({True: "*", False: ""})


def _shown(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split())  # an empty line would end the table
    return f"{value:.1f}" if isinstance(value, float) and pd.notna(value) else value


# Beginning of a name -> how the table is printed, and whether contrast by contrast; the first wins.
_PRINTED: dict[str, tuple[Callable[[pd.DataFrame, Options], pd.DataFrame], bool]] = {
    "transfer": (_transfer_matrix, True),
    "averages": (_average_rows, True),
    "correlations": (_correlation_matrix, False),
    "methods": (_method_rows, False),
    "method_ranking": (_ranking_rows, False),
    "selection_groups": (_group_rows, False),
    "pooled_cells": (_pooled_matrix, True),
    "pooled": (_pooled_rows, True),
}
