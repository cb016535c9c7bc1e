"""bench/results/README.md: goals, what was reached and all measurements, from the JSON beside it.

python -m bench.report
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import mul
from statistics import median
from typing import Any

from bench.light.table import section
from bench.workspace import RESULTS, read_results

Row = dict[str, Any]
Lines = list[str]

HEADING = """# Benchmarks

Made by `make bench`; what it means stands in ../README.md.

Medians, with the lowest and the highest value in brackets. Ratio: reached over goal, or the inverse
where less is better; 1 or more is a goal reached.

""".splitlines()
MIB = 2**20
GIGA = 1e9
ALONE = "alone: "  # begins the name of who trains one task of a mixture
# The last one, and that before what it showed was mended.
FIRST_LIGHTS = ("first_light", "first_light_before")


@dataclass(frozen=True)
class Goal:
    """A goal and the values reached, one per task or repetition. more: higher is better."""

    what: str
    goal: float
    reached: Sequence[float]
    unit: str = ""
    more: bool = True

    def line(self) -> str:
        """Return its line of the table; a ratio of 1 or more is a goal reached."""
        value = median(self.reached)
        ratio = value / self.goal if self.more else self.goal / value
        aim = f"{'at least' if self.more else 'at most'} {self.goal:g}{self.unit}"
        return f"| {self.what} | {aim} | {spread(self.reached)}{self.unit} | {ratio:.2f} |"


def show() -> None:
    """Write the table from all results that are there, and print it."""
    text = table({name: read_results(name) for name in SECTIONS})
    text += first_light({name: read_results(name) for name in FIRST_LIGHTS})
    (RESULTS / "README.md").write_text(text, encoding="utf8")
    print(text)


def table(results: dict[str, Row | None]) -> str:
    """Return the page for the results of each script; what was not run is left out."""
    found = {name: document for name, document in results.items() if document is not None}
    goals = [goal.line() for name, document in found.items() for goal in GOALS[name](document)]
    lines = [*HEADING, "| | goal | reached | ratio |", "| --- | --- | --- | --- |", *goals]
    for name, document in found.items():
        lines += ["", f"## {name}", "", _about(document), "", *SECTIONS[name](document["rows"])]
    return "\n".join(lines) + "\n"


def first_light(results: dict[str, Row | None]) -> str:
    """Return the part of the page on runs of first light; what was not run is left out."""
    found = {name: document for name, document in results.items() if document is not None}
    lines: Lines = []
    for name, document in found.items():
        machine = "; ".join(f"{key}: {value}" for key, value in document["machine"].items())
        lines += ["", f"## {name}", "", machine, "", *section(document)]
    return "".join(f"{line}\n" for line in lines)


def spread(values: Iterable[float]) -> str:
    """Return the median of values, and their range where there are several."""
    found = sorted(values)
    middle = f"{median(found):.3g}"
    return middle if len(found) == 1 else f"{middle} ({found[0]:.3g}–{found[-1]:.3g})"


def faster(rows: Sequence[Row], than: str, who: str = "interlude") -> list[float]:
    """Return, by task and batch, the median of one's speed, Interlude's, over another's."""
    return [
        median(
            one["tokens_per_second"] / other["tokens_per_second"]
            for one in chosen
            for other in chosen
            if (one["entrant"], other["entrant"]) == (who, than)
            and one["repetition"] == other["repetition"]
        )
        for chosen in _by(rows, "task", "batch").values()
    ]


def share_of_products(rows: Sequence[Row], precision: str, useful: bool = False) -> list[float]:
    """Return, by task and batch, Interlude's FLOP/s in percent of plain matrix products'.

    useful: count only the operations on tokens that are no padding.
    """
    chosen = [
        row
        for row in rows
        if row["entrant"].startswith("interlude") and row["precision"] == precision
    ]
    return [
        median(100 * _achieved(row, useful) / row["product_flops_per_second"] for row in group)
        for group in _by(chosen, "task", "batch").values()
    ]


def engine_goals(document: Row) -> list[Goal]:
    rows = document["rows"]
    return [
        Goal("engine: times the example's tokens/s", 5, faster(rows, "example")),
        Goal("engine: times the tuned Trainer's tokens/s", 2, faster(rows, "tuned")),
        *(
            Goal(f"engine: matrix FLOP/s over products', {precision}", goal, shares, " %")
            for precision, goal in (("bf16", 50), ("fp32", 70))
            if (shares := share_of_products(rows, precision))
        ),
    ]


def methods_goals(document: Row) -> list[Goal]:
    """Return how much faster than full fine-tuning each method trains. No promise was made."""
    rows = document["rows"]
    return [
        Goal(f"methods: {name}, times the tokens/s of full", 1, faster(rows, "full", name))
        for name in dict.fromkeys(row["entrant"] for row in rows)
        if name != "full"
    ]


def mixtures_goals(document: Row) -> list[Goal]:
    rows = document["rows"]
    return [
        Goal("mixtures: tokens/s over the mean of its tasks alone", 0.95, over_tasks(rows)),
        Goal("mixtures: times the example's tokens/s", 5, faster(rows, "example")),
        Goal("mixtures: times the tuned Trainer's tokens/s", 1.3, faster(rows, "tuned")),
    ]


def over_tasks(rows: Sequence[Row]) -> list[float]:
    """Return, by mixture, the median of Interlude's speed over that of its tasks alone.

    That is the mean of their tokens/s, weighted by their tokens in the mixture.
    """
    return [
        median(_over_tasks(chosen) for chosen in _by(of_pair, "repetition").values())
        for of_pair in _by(rows, "task", "batch").values()
    ]


def _over_tasks(rows: Sequence[Row]) -> float:
    (mixed,) = (row["tokens_per_second"] for row in rows if row["entrant"] == "interlude")
    alone = [row for row in rows if row["entrant"].startswith(ALONE)]
    tokens = [row["tokens_of_all_steps"] for row in alone]
    speeds = [row["tokens_per_second"] for row in alone]
    return float(mixed * sum(tokens) / sum(map(mul, tokens, speeds)))


def study_goals(document: Row, name: str) -> list[Goal]:
    own = [row for row in document["rows"] if row["contestant"] == "interlude"]
    goals = [
        Goal(f"{name}: times less CPU per training than the {loop} loop", 5, ratios)
        for loop in document["options"]["loops"]
        if (ratios := _saved(own, document["rows"], loop))
    ]
    shares = [100 * row["other_share"] for row in own]
    return [*goals, Goal(f"{name}: neither training nor evaluation", 20, shares, " %", more=False)]


def planning_goals(document: Row) -> list[Goal]:
    dry = [row for row in document["rows"] if row["what"] == "dry run"]
    sizes = _by(dry, "trainings")
    first, last = min(sizes), max(sizes)
    published = [row["wall_seconds"] for row in sizes[first]]
    growth = median(map(_per_job, sizes[last])) / median(map(_per_job, sizes[first]))
    goals = [Goal(f"planning: dry run of {first[0]} trainings", 5, published, " s", more=False)]
    if first != last:
        what = f"planning: cost per job at {last[0]} trainings over that at {first[0]}"
        goals.append(Goal(what, 1, [growth], more=False))
    return goals


def gpu_goals(document: Row) -> list[Goal]:
    rows = document["rows"]
    return [
        Goal("GPU: times the tuned Trainer's tokens/s", 1.5, faster(rows, "tuned")),
        Goal("GPU: utilisation, bf16", 50, share_of_products(rows, "bf16", useful=True), " %"),
    ]


def race_section(rows: Sequence[Row]) -> Lines:
    """Return the table of an engine or GPU race."""
    columns: dict[str, Callable[[Row], float]] = {
        "tokens/s": lambda row: row["tokens_per_second"],
        "tokens per CPU s": lambda row: row["tokens"] / row["cpu_seconds"],
        "padding %": lambda row: 100 * row["padding_share"],
        "GFLOP/s": lambda row: row["flops_per_second"] / GIGA,
        "products' GFLOP/s": lambda row: row["product_flops_per_second"] / GIGA,
        "first loss": lambda row: row["first_loss"],
        "final loss": lambda row: row["final_loss"],
        "peak MiB": lambda row: row["peak_bytes"] / MIB,
    }
    if all("peak_gpu_bytes" in row for row in rows):
        columns["peak GPU MiB"] = lambda row: row["peak_gpu_bytes"] / MIB
    return _table(_by(rows, "task", "batch", "entrant", "precision"), columns)


def methods_section(rows: Sequence[Row]) -> Lines:
    """Return the table of methods of training; operations are not counted: fewer are needed."""
    columns: dict[str, Callable[[Row], float]] = {
        "tokens/s": lambda row: row["tokens_per_second"],
        "tokens per CPU s": lambda row: row["tokens"] / row["cpu_seconds"],
        "final loss": lambda row: row["final_loss"],
        "peak MiB": lambda row: row["peak_bytes"] / MIB,
    }
    return _table(_by(rows, "task", "batch", "entrant", "precision"), columns)


def mixtures_section(rows: Sequence[Row]) -> Lines:
    """Return the table of mixtures; of passes alone, the time of the optimiser is no part."""
    columns: dict[str, Callable[[Row], float]] = {
        "tokens/s": lambda row: row["tokens_per_second"],
        "tokens per CPU s": lambda row: row["tokens"] / row["cpu_seconds"],
        "padding %": lambda row: 100 * row["padding_share"],
    }
    return _table(_by(rows, "task", "batch", "entrant", "precision"), columns)


def steps_section(rows: Sequence[Row]) -> Lines:
    """Return the table of profiled steps: the share of each kind of operation."""
    columns: dict[str, Callable[[Row], float]] = {
        "ms per step": lambda row: 1000 * row["seconds_per_step"]
    }
    columns |= {f"{kind} %": partial(_percent_of, kind) for kind in rows[0]["shares"]}
    return _table(_by(rows, "task", "precision"), columns)


def study_section(rows: Sequence[Row]) -> Lines:
    """Return the table of studies."""
    columns: dict[str, Callable[[Row], float]] = {
        "trainings": lambda row: row["trainings"],
        "wall s per training": lambda row: row["wall_seconds_per_training"],
        "CPU s per training": lambda row: row["cpu_seconds_per_training"],
        "mean score": lambda row: row["mean_score"],
    }
    return _table(_by(rows, "contestant"), columns)


def planning_section(rows: Sequence[Row]) -> Lines:
    """Return the table of plans. The jobs of a no-op are those of the dry run: none is left."""
    planned = {row["trainings"]: row["jobs"] for row in rows if row["what"] == "dry run"}
    columns: dict[str, Callable[[Row], float]] = {
        "jobs": lambda row: planned[row["trainings"]],
        "wall s": lambda row: row["wall_seconds"],
        "CPU s": lambda row: row["cpu_seconds"],
        "wall ms per job": lambda row: 1000 * row["wall_seconds"] / planned[row["trainings"]],
        "peak MiB": lambda row: row["peak_bytes"] / MIB,
    }
    return _table(_by(rows, "what", "trainings"), columns)


def _table(groups: dict[tuple[Any, ...], list[Row]], columns: dict[str, Any]) -> Lines:
    """Return a line per group, with the spread of each column over its rows."""
    lines = [f"| | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for key, rows in groups.items():
        cells = [spread(map(value, rows)) for value in columns.values()]
        lines.append(f"| {', '.join(map(str, key))} | {' | '.join(cells)} |")
    return lines


def _by(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Return rows by their values of some columns, in the order in which these come first."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _percent_of(kind: str, row: Row) -> float:
    return float(100 * row["shares"][kind])


def _achieved(row: Row, useful: bool) -> float:
    share = 1 - row["padding_share"] if useful else 1.0
    return float(row["flops_per_second"] * share)


def _per_job(row: Row) -> float:
    return float(row["wall_seconds"] / row["jobs"])


def _saved(own: Sequence[Row], rows: Sequence[Row], name: str) -> list[float]:
    return [
        other["cpu_seconds_per_training"] / one["cpu_seconds_per_training"]
        for one in own
        for other in rows
        if other["contestant"] == name and other["repetition"] == one["repetition"]
    ]


def _about(document: Row) -> str:
    """Return where and how this was measured, on one line."""
    facts = {**document["machine"], **document["options"]}
    return "; ".join(f"{name}: {value}" for name, value in facts.items())


GOALS: dict[str, Callable[[Row], list[Goal]]] = {
    "engine": engine_goals,
    "methods": methods_goals,
    "mixtures": mixtures_goals,
    "steps": lambda _: [],
    "study": partial(study_goals, name="study"),
    "rehearsal": partial(study_goals, name="rehearsal"),
    "planning": planning_goals,
    "gpu": gpu_goals,
}
SECTIONS: dict[str, Callable[[Sequence[Row]], Lines]] = {
    "engine": race_section,
    "methods": methods_section,
    "mixtures": mixtures_section,
    "steps": steps_section,
    "study": study_section,
    "rehearsal": study_section,
    "planning": planning_section,
    "gpu": race_section,
}


if __name__ == "__main__":
    show()
