"""A whole study: Interlude through Snakemake against a loop of one Trainer process per run.

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
from bench.project import Project
from bench.report import show
from bench.workspace import WORK, write_results
from interlude.plan.study import KINDS, NO_SOURCE, Run, Study

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
    study = project.study()
    project.snakemake("--cores", str(options.cores), "download", *_encodings(study))
    rows = [
        {"repetition": repetition, **row}
        for repetition in range(1, options.repetitions + 1)
        for row in _repetition(project, study, machine, options)
    ]
    described["idle_load"] = machine.idle_load
    told = vars(options) | {"overlay": [path.name for path in options.overlay]}
    write_results(name, {"machine": described, "options": told, "rows": rows})
    show()


def _repetition(
    project: Project, study: Study, machine: WholeMachine, options: Namespace
) -> list[Row]:
    """Return the costs of Interlude's study, and of each loop over its first restarts."""
    runs = list(study.design.runs())
    for part in (study.name, "shared"):
        shutil.rmtree(project.folder / "results" / part, ignore_errors=True)
    machine.start()
    project.snakemake("--cores", str(options.cores), "intermediate", "targets", "probing")
    rows = [_row("interlude", runs, machine)]
    rows[0] |= _recorded(project, study, runs, options.cores * rows[0]["wall_seconds"])
    first = [run for run in runs if run.restart <= options.loop_restarts]
    for contestant in options.loops:
        machine.start()
        scores = Loop(contestant, project, study).run(first, options.cores)
        rows.append(_row(contestant, first, machine) | {"mean_score": fmean(scores)})
    return rows


class Loop:
    """One process of a contestant per run, on the files that Interlude's study trains on."""

    def __init__(self, contestant: str, project: Project, study: Study) -> None:
        self.contestant = contestant
        self.results = project.folder / "results"
        self.study = study
        self.folder = WORK / "loop" / contestant
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, runs: Sequence[Run], cores: int) -> list[float]:
        """Carry out runs, so many at a time, the intermediate ones first; return their scores."""
        with ThreadPoolExecutor(cores) as pool:
            return [
                score
                for chosen in (True, False)
                for score in pool.map(
                    self._score, [run for run in runs if (run.kind == KINDS[0]) is chosen]
                )
            ]

    def _score(self, planned: Run) -> float:
        command = python("bench.contestant", self.contestant, *self._arguments(planned))
        measures = json.loads(run(command, threads=1).output.splitlines()[-1])
        return float(measures["score"])

    def _arguments(self, planned: Run) -> list[str]:
        spec = self.study.spec(planned)
        given = {
            "spec": spec.to_json(),
            "code": "bench",
            "model": self.results / "models" / spec.model,
            "encoded": self.results.parent / encoding(self.study, planned.kind, planned.task),
            "record": self.folder / f"{planned.path}.json",
        }
        if planned.kind == KINDS[0]:
            given["encoder-out"] = self._encoder(planned.task, planned.restart)
        elif planned.source != NO_SOURCE:
            restart = self.study.source_restart(planned)
            given["encoder-in"] = self._encoder(planned.source, restart)
        return [str(part) for name, value in given.items() for part in (f"--{name}", value)]

    def _encoder(self, task: str, restart: int) -> Path:
        return self.folder / "encoders" / task / str(restart)


def encoding(study: Study, kind: str, task: str) -> str:
    """Return the folder of an encoded task, as the workflow has it."""
    return f"results/encoded/{study.model}/{task}/{study.settings(kind, task).max_length}"


def _encodings(study: Study) -> list[str]:
    pairs = [(kind, task) for kind in KINDS for task in getattr(study.design, kind)]
    return sorted({f"{encoding(study, *pair)}/train.arrow" for pair in pairs})


def _row(contestant: str, runs: Sequence[Run], machine: WholeMachine) -> Row:
    wall, cpu = machine.seconds()
    print(f"{contestant}: {len(runs)} runs, {wall:.0f} s, {cpu:.0f} s of processor", flush=True)
    return {
        "contestant": contestant,
        "runs": len(runs),
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "wall_seconds_per_run": wall / len(runs),
        "cpu_seconds_per_run": cpu / len(runs),
    }


def _recorded(project: Project, study: Study, runs: Sequence[Run], core_seconds: float) -> Row:
    """Return what the records tell: scores, and the share of the cores' time that is no training.

    Training and evaluation have one thread, so that their seconds are seconds of a core. Both are
    by the wall clock: a machine that others share gives a thread less than its core.
    """
    folder = project.folder / "results" / study.name / "runs"
    paths = [folder / f"{run.path}.json" for run in runs]
    records = [json.loads(path.read_text(encoding="utf8")) for path in paths]
    useful = sum(record["train_seconds"] + record["evaluation_seconds"] for record in records)
    return {
        "mean_score": fmean(record["score"] for record in records),
        "train_and_evaluation_seconds": useful,
        "other_share": 1 - useful / core_seconds,
    }


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--overlay", type=Path, nargs="+", default=[ROOT / "bench/study.yaml"])
    parser.add_argument("--cores", type=int, default=2, help="runs at a time, of a thread each")
    parser.add_argument(
        "--loops", nargs="*", default=["tuned", "example"], help="of tuned and example"
    )
    parser.add_argument("--loop-restarts", type=int, default=1, help="restarts that loops repeat")
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--idle-seconds", type=float, default=10, help="to measure the idle load")
    return parser.parse_args()


if __name__ == "__main__":
    main()
