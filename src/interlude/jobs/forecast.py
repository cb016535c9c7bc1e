"""What a start of a study has to do: how many trainings, how long, and on how much disk.

The main process prints it before anything runs, so it uses the records of trainings that are here
already, and imports nothing slow. `snakemake plan` prints a table of the same by role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from interlude.jobs.console import in_minutes
from interlude.jobs.measured import Record, measured
from interlude.jobs.needs import planned_examples
from interlude.plan.trainings import Training

FILES_OF_A_TRAINING = 100_000  # bytes: its record, predictions and log
AT_FIRST = "not known before the first trainings are done; then each shows how long the others take"


@dataclass(frozen=True)
class Machine:
    """What trains: where trainings run side by side, so many; model_bytes: None where unknown.

    gpus: how many they share, on a GPU.
    """

    model: str
    on_gpu: bool
    side_by_side: int
    model_bytes: int | None
    gpus: int = 1


def forecast(
    trainings: Collection[Training],
    keep_start: Collection[str],
    rows: Mapping[str, int | None],
    machine: Machine,
    folder: Path,
) -> list[str]:
    """Return lines on what trainings take; none where there are none.

    keep_start: ids of those whose weights are kept for others. rows: training rows of each task;
    None where they are not known. folder: results/trained.
    """
    if not trainings:
        return []
    known = list(measured(folder, machine.model, machine.on_gpu))
    starts = sum(each.id in keep_start for each in trainings)
    kept = f" (weights of {starts} are kept for others to start from)" if starts else ""
    return [
        f"{len(trainings)} to train{kept}",
        f"time: {_time(trainings, rows, machine, known)}",
        f"disk: {_disk(len(trainings), starts, machine, known)}",
    ]


def in_rounds(grid: int) -> str:
    """Return a line on trainings whose scores decide on others; grid: how many there could be."""
    return f"in rounds: the scores of each decide on the next; the whole grid has {grid} trainings"


def _time(
    trainings: Collection[Training],
    rows: Mapping[str, int | None],
    machine: Machine,
    records: list[Record],
) -> str:
    """Return how long trainings take side by side, estimated from those that were measured.

    Tokens follow from the examples and their measured length, of the same tasks where there are
    trainings on these; seconds from the tokens, and the time of a training without computation. A
    training that shared its GPU took longer than alone, but used only a part of the GPU.
    """
    if not records:
        return AT_FIRST
    lengths = _tokens_of_an_example(records)
    usual = median(map(median, lengths.values()))
    pace = median(_computing(each) / _runs(each) / each["tokens"] for each in records)
    beside = median((each["total_seconds"] - _computing(each)) / _runs(each) for each in records)
    examples = [(each, _examples(each, rows)) for each in trainings]
    known = [(each, count) for each, count in examples if count is not None]
    tokens = sum(count * median(lengths.get(_tasks(each), [usual])) for each, count in known)
    lanes = machine.gpus if machine.on_gpu else machine.side_by_side
    seconds = (tokens * pace + len(known) * beside) / lanes
    summary = f"about {in_minutes(seconds)} with {machine.side_by_side} side by side"
    but = _but(len(examples) - len(known), machine, records)
    return f"{summary}, by {len(records)} measured here{but}"


def _but(unknown: int, machine: Machine, records: list[Record]) -> str:
    """Return what a time does not count, or counts as more than it will be."""
    lacking = f", without {unknown} of tasks whose size is not known yet" if unknown else ""
    share = machine.on_gpu and machine.side_by_side > machine.gpus
    if share and max(map(_runs, records)) == 1:
        return f"{lacking}, each alone on its GPU: together they take less"
    return lacking


def _computing(record: Record) -> float:
    return float(record["train_seconds"] + record["evaluation_seconds"])


def _runs(record: Record) -> int:
    """Return how many trainings shared the GPU of one, itself among them; 1 without a GPU."""
    return int(record.get("runs_on_gpu") or 1)


def _tokens_of_an_example(records: Iterable[Record]) -> dict[tuple[str, ...], list[float]]:
    """Return by tasks how many tokens an example has, in each training on them."""
    lengths: dict[tuple[str, ...], list[float]] = {}
    for record in records:
        tasks = tuple(sorted(part["task"] for part in record["parts"]))
        examples = record["steps"] * record["hyperparameters"]["batch_size"]
        lengths.setdefault(tasks, []).append(record["tokens"] / examples)
    return lengths


def _tasks(training: Training) -> tuple[str, ...]:
    return tuple(sorted(part.task for part in training.parts))


def _examples(training: Training, rows: Mapping[str, int | None]) -> float | None:
    """Return the examples that a training sees in all passes; None where rows are not known."""
    tasks = [each for part in training.parts for each in part.texts or (part,)]
    counts = {part.task: rows.get(part.task) or part.examples for part in tasks}
    if training.settings.steps is None and None in counts.values():
        return None
    return planned_examples(training, {task: count or 0 for task, count in counts.items()})


def _disk(trainings: int, starts: int, machine: Machine, records: list[Record]) -> str:
    """Return the disk that trainings need; starts as large as measured, else as the model."""
    sizes = [each["start_bytes"] for each in records if each.get("start_bytes")]
    start = median(sizes) if sizes else machine.model_bytes
    beside = f"{_size(FILES_OF_A_TRAINING)} each; data and encodings come on top"
    if starts and start is None:
        return f"{starts} times the size of the model, which is not here yet, and {beside}"
    total = starts * (start or 0) + trainings * FILES_OF_A_TRAINING
    weights = f"{starts} × {_size(start)} of weights, and " if starts and start else ""
    return f"about {_size(total)}: {weights}{beside}"


def _size(count: float) -> str:
    """Return a number of bytes as people say it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 1e3:.3g} kB"
