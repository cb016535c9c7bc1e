"""What Snakemake costs beside the trainings: planning and scheduling of the published study.

python -m bench.planning [--restarts 3 12 48] [--scheduled-restarts 3 12]
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import yaml

from bench.machine import ROOT, about
from bench.project import Project
from bench.report import show
from bench.workspace import WORK, write_results
from interlude.plan.planner import plan_of

OVERLAY = ROOT / "config/studies/pruksachatkun2020.yaml"
TARGETS = ("intermediate", "targets", "probing")

Row = dict[str, Any]


def main() -> None:
    options = _options()
    described = about()
    projects = {restarts: published_study(restarts) for restarts in options.restarts}
    rows = [
        {"repetition": repetition, "restarts": restarts, **row}
        for repetition in range(1, options.repetitions + 1)
        for restarts, project in projects.items()
        for row in measured(project, restarts in options.scheduled_restarts)
    ]
    write_results("planning", {"machine": described, "options": vars(options), "rows": rows})
    show()


def published_study(restarts: int) -> Project:
    """Return a fresh copy of the published study, with so many restarts and derived seeds."""
    overlay = WORK / f"restarts-{restarts}.yaml"
    overlay.parent.mkdir(parents=True, exist_ok=True)
    overlay.write_text(yaml.safe_dump({"restarts": restarts, "seeds": None}), encoding="utf8")
    return Project(WORK / f"planning-{restarts}", [OVERLAY, overlay])


def measured(project: Project, scheduled: bool) -> Iterator[Row]:
    """Yield what each command costs.

    dry run: nothing is there. scheduling: every job passes through the scheduler, and has its
    files touched in place of its command. no-op: all is there.
    """
    project.clear()
    yield _cost(project, "dry run", "--dry-run")
    if scheduled:
        _place_files(project)
        yield _cost(project, "scheduling", "--touch", "--forceall")
        yield _cost(project, "no-op")


def _cost(project: Project, what: str, *arguments: str) -> Row:
    ended = project.snakemake("--cores", "1", *TARGETS, *arguments)
    trainings = len(plan_of(project.study()).trainings)
    row = {
        "what": what,
        "trainings": trainings,
        "jobs": _jobs(ended.output),
        "wall_seconds": ended.wall_seconds,
        "cpu_seconds": ended.cpu_seconds,
        "peak_bytes": ended.peak_bytes,
    }
    print(f"{trainings} trainings, {what}: {ended.wall_seconds:.1f} s", flush=True)
    return row


def _jobs(output: str) -> int:
    """Return the number of jobs in Snakemake's table; 0 when there was nothing to do."""
    total = re.search(r"^total +(\d+)", output, re.M)
    return int(total[1]) if total else 0


def _place_files(project: Project) -> None:
    """Put an empty file in every place where a job leaves one."""
    lines = project.snakemake("--cores", "1", *TARGETS, "--summary").output.splitlines()
    for name in (line.split("\t")[0] for line in lines if line.startswith("results/")):
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, nargs="+", default=[3, 12, 48])
    parser.add_argument(
        "--scheduled-restarts",
        type=int,
        nargs="*",
        default=[3],
        help="of these, the sizes at which scheduling and a no-op are measured too",
    )
    parser.add_argument("--repetitions", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
