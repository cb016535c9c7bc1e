"""What trainings may use: rows, passes, batch, rate and length, for people to see beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from interlude.plan.config import EXAMPLES, Config
from interlude.plan.settings import Settings
from interlude.words import ROLES

_OF_DATA = [
    *("train_examples", "validation_examples"),
    *("epochs", "steps", "batch_size", "learning_rate", "max_length"),
]
_NAMED_AT_MOST = 4  # tasks with settings of their own
_HEAD = ("role", "examples", "epochs", "batch", "rate", "length", "validation rows", "own settings")


def declared_limits(config: Config) -> str:
    """Return the limits that a config sets for the trainings of each role, as a text table."""
    rows = [[role, *_limits(config, role)] for role in ROLES if config.tasks(role)]
    title = f"{config.study}: what trainings may use (docs/config.md)"
    return "\n".join([title, *aligned([_HEAD, *rows])]) if rows else f"{config.study}: no training"


def data_limits(config: Config, role: str, task: str) -> list[dict[str, Any]]:
    """Return the limits of trainings on a task in a role: with its settings, then for each size.

    Keys: role, task, and of `Settings` those of `_OF_DATA`; None also for what varies.
    """
    return [
        {"role": role, "task": task, **{name: settings[name] for name in _OF_DATA}}
        for settings in _of_sizes(config, role, task)
    ]


def fills_no_batch(limits: dict[str, Any], rows: int) -> str:
    """Return a sentence where the rows that are trained on fill no batch, else an empty string."""
    size = limits["batch_size"]
    if size is None or rows >= size:
        return ""
    return (
        f"{limits['task']} ({limits['role']}): {rows} rows are trained on, which fill no batch of "
        f"{size}; an epoch is one step. batch_size sets it"
    )


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows of cells as lines in which the cells of a column begin at one place."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def duration(epochs: float | None, steps: int | None) -> str:
    """Return how long a training lasts, for a column of epochs: 3, or 250000 steps."""
    return number(epochs) if steps is None else f"{steps} steps"


def number(value: float | None) -> str:
    """Return a setting in few characters; None is one that a sweep or a grid varies."""
    return "varies" if value is None else f"{value:g}"


def _of_sizes(config: Config, role: str, task: str) -> Iterator[dict[str, Any]]:
    """Yield the settings of a task in a role, then those for each of its sizes."""
    settings = _settings(config, role, task)
    yield settings
    sizes = config.sizes if role == "intermediate" else config.target_sizes
    for size in sizes.get(task, []):
        yield settings | {"train_examples": size}


def _settings(config: Config, role: str, task: str | None = None) -> dict[str, Any]:
    """Return all settings of trainings in a role, or on a task in it; None for those that vary.

    A grid is one of the last stage, in which no intermediate task is scored.
    """
    settings = {EXAMPLES: None, **asdict(Settings()), **config.settings(role, task)}
    varying = (config.sweep,) if role == "intermediate" else (config.sweep, config.grid)
    return settings | dict.fromkeys(name for varied in varying for name in varied or {})


def _limits(config: Config, role: str) -> list[str]:
    settings = _settings(config, role)
    return [
        _or_all(settings["train_examples"]),
        duration(settings["epochs"], settings["steps"]),
        number(settings["batch_size"]),
        number(settings["learning_rate"]),
        str(settings["max_length"]),
        _or_all(settings["validation_examples"]),
        _own_settings(config, role),
    ]


def _or_all(most: int | None) -> str:
    return "all" if most is None else str(most)


def _own_settings(config: Config, role: str) -> str:
    """Name the tasks whose settings are not all those of the role, or count them."""
    own, named = config.overrides.get(role, {}), config.tasks(role)
    tasks = [task for task in named if own.get(task)]
    if len(tasks) > _NAMED_AT_MOST:
        return f"{len(tasks)} of {len(named)} tasks"
    return ", ".join(tasks) or "none"
