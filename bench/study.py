"""A whole study: Interlude through Snakemake against a loop of one Trainer process per training.

python -m bench.study [--cores 2] [--loops tuned example] [--loop-restarts 1]

Its results have the name of the overlay: bench/results/study.json is that of study.yaml.
"""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.machine import ROOT, WholeMachine, about, python, run
from bench.material import BENCH, arguments
from bench.project import Project
from bench.report import show
from bench.workspace import WORK, write_results
from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.collect import Collected, collect
from interlude.plan.planner import Plan, plan_of
from interlude.plan.trainings import Training

Row = dict[str, Any]

MOST_IDLE_LOAD = 0.1  # cores


def main() -> None:
    options = _options()
    described = about()
    machine = WholeMachine(options.idle_seconds)
    if machine.idle_load > MOST_IDLE_LOAD:
        print(f"warning: {machine.idle_load:.2f} cores are busy when idle: no result is sound")
    name = options.overlay[0].stem
    project = Project(WORK / name, options.overlay)
    plan = plan_of(project.study())
    project.snakemake("--cores", str(options.cores), "download", *_encodings(plan))
    rows = [
        {"repetition": repetition, **row}
        for repetition in range(1, options.repetitions + 1)
        for row in _repetition(project, plan, machine, options)
    ]
    described["idle_load"] = machine.idle_load
    told = vars(options) | {"overlay": [path.name for path in options.overlay]}
    write_results(name, {"machine": described, "options": told, "rows": rows})
    show()


def _repetition(
    project: Project, plan: Plan, machine: WholeMachine, options: Namespace
) -> list[Row]:
    """Return the costs of Interlude's study, and of each loop over its first restarts."""
    results, name = project.folder / "results", project.study().name
    for part in (name, "trained", "shared"):
        shutil.rmtree(results / part, ignore_errors=True)
    machine.start()
    project.snakemake("--cores", str(options.cores), "intermediate", "targets", "probing")
    rows = [_row("interlude", len(plan.trainings), machine)]
    found = collect(name, plan.cells, results / "trained")
    rows[0] |= _recorded(found, options.cores * rows[0]["wall_seconds"])
    first = _of_restarts(plan, options.loop_restarts)
    for contestant in options.loops:
        machine.start()
        scores = Loop(contestant, results, plan.starts).run(first, options.cores)
        rows.append(_row(contestant, len(first), machine) | {"mean_score": fmean(scores)})
    return rows


def _of_restarts(plan: Plan, restarts: int) -> list[Training]:
    """Return the trainings that the cells of the first restarts are read from."""
    ids = {cell.training for cell in plan.cells if (cell.restart or 1) <= restarts}
    return [training for id, training in plan.trainings.items() if id in ids]


class Loop:
    """One process of a contestant per training, on the files that Interlude's study trains on.

    starts: ids of the trainings that others start from.
    """

    def __init__(self, contestant: str, results: Path, starts: set[str]) -> None:
        self.contestant = contestant
        self.results = results
        self.starts = starts
        self.folder = WORK / "loop" / contestant
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, trainings: Sequence[Training], cores: int) -> list[float]:
        """Carry out trainings, so many at a time, the starts first; return their scores."""
        starts = [training for training in trainings if training.id in self.starts]
        others = [training for training in trainings if training.id not in self.starts]
        with ThreadPoolExecutor(cores) as pool:
            return [*pool.map(self._score, starts), *pool.map(self._score, others)]

    def _score(self, training: Training) -> float:
        given = arguments(self._job(training))
        command = python("bench.contestant", self.contestant, *given)
        ended = run(command, threads=1, contestant=self.contestant)
        measures = json.loads(ended.output.splitlines()[-1])
        return float(measures["score"])

    def _job(self, training: Training) -> Job:
        files = JobFiles(
            model=self.results / "models" / training.model,
            encoded=(self.results.parent / encoding(training),),
            folder=self.folder / training.id,
            start=self.folder / training.start / "start" if training.start else None,
            keep_start=training.id in self.starts,
        )
        return Job(training, files, BENCH, training.id)


def encoding(training: Training) -> str:
    """Return the folder of the encoded task of a training, as the workflow has it."""
    length = training.settings.max_length
    return f"results/encoded/{training.model}/{training.part.task}/{length}"


def _encodings(plan: Plan) -> list[str]:
    return sorted({f"{encoding(each)}/train.arrow" for each in plan.trainings.values()})


def _row(contestant: str, trainings: int, machine: WholeMachine) -> Row:
    wall, cpu = machine.seconds()
    taken = f"{wall:.0f} s, {cpu:.0f} s of processor"
    print(f"{contestant}: {trainings} trainings, {taken}", flush=True)
    return {
        "contestant": contestant,
        "trainings": trainings,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "wall_seconds_per_training": wall / trainings,
        "cpu_seconds_per_training": cpu / trainings,
    }


def _recorded(found: Collected, core_seconds: float) -> Row:
    """Return what the records tell: scores, and the share of the cores' time that is no training.

    Training and evaluation have one thread, so that their seconds are seconds of a core. Both are
    by the wall clock: a machine that others share gives a thread less than its core.
    """
    useful = sum(row["train_seconds"] + row["evaluation_seconds"] for row in found.trainings)
    return {
        "mean_score": fmean(row["score"] for row in found.scores),
        "train_and_evaluation_seconds": useful,
        "other_share": 1 - useful / core_seconds,
    }


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--overlay", type=Path, nargs="+", default=[ROOT / "bench/study.yaml"])
    parser.add_argument("--cores", type=int, default=2, help="jobs at a time, of a thread each")
    parser.add_argument(
        "--loops", nargs="*", default=["tuned", "example"], help="of tuned and example"
    )
    parser.add_argument("--loop-restarts", type=int, default=1, help="restarts that loops repeat")
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--idle-seconds", type=float, default=10, help="to measure the idle load")
    return parser.parse_args()


if __name__ == "__main__":
    main()
