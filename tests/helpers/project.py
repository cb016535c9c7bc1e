"""A copy of this project in a temporary folder, and the commands a user runs in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from helpers import forked

if TYPE_CHECKING:
    from interlude.plan.cells import Cell

ROOT = Path(__file__).parents[2]
PARTS = (
    *("Snakefile", "config.yaml", "config", "envs", "examples", "profiles", "reference"),
    *("src", "workflow"),
)
TINY = ROOT / "tests/workflow/tiny.yaml"
# What a user's environment may hold and no file may: `workflow/test_secrets.py` looks for these.
TOKEN, PASSWORD = "hf_t0psecretT0PSECRETt0psecretT0PS", "s3cretOfTheProxy"
PROXY = f"http://user:{PASSWORD}@proxy.invalid:8080"


@dataclass(frozen=True)
class Project:
    """A project folder. Methods run snakemake there, with the tiny study unless told otherwise."""

    root: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake on the tiny study and return what it printed, stderr in stdout."""
        given = ["--configfile", "tiny.yaml", *arguments]
        return forked.snakemake(given, self.root, secretive() | shared_server())

    def run(self, *arguments: str) -> str:
        """Run to the end on two cores; the test fails, with the output, when snakemake does."""
        done = self.snakemake("--cores", "2", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run plans; aggregate targets left out."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout
        table = re.search(r"^job +count\n[- ]+\n(.*?)^total", done.stdout, re.M | re.S)
        if table is None:
            assert "Nothing to be done" in done.stdout, done.stdout
            return {}
        jobs = (line.split() for line in table[1].splitlines())
        return {rule: int(count) for rule, count in jobs if rule not in TARGETS}

    def trainings_planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of each rule that trains a dry run plans."""
        planned = self.planned(*arguments)
        return {rule: count for rule, count in planned.items() if rule.startswith("train_")}

    def cells(self, study: str = "tiny", **named: str | int | None) -> list[Cell]:
        """Return the cells in a study's plan.csv with these values in its columns, such as task."""
        from interlude.plan.cells import read_plan  # noqa: PLC0415  soak.py lacks the package

        plan = read_plan(self.root / f"results/{study}/plan.csv")
        return [cell for cell in plan if named.items() <= vars(cell).items()]

    def trained(self, study: str = "tiny", **named: str | int | None) -> Path:
        """Return the folder of the one training that these cells are read from; it is relative."""
        (training,) = {cell.training for cell in self.cells(study, **named)}
        return Path("results/trained", training)

    def record(self, study: str = "tiny", **named: str | int | None) -> dict[str, Any]:
        """Return the record of that training."""
        return self.record_in(self.trained(study, **named))

    def record_in(self, folder: Path) -> dict[str, Any]:
        """Return the record in the folder of a training."""
        record: dict[str, Any] = json.loads((self.root / folder / "record.json").read_text())
        return record

    def log(self, training: Path) -> str:
        """Return what a training said, given its folder."""
        return (self.root / f"results/logs/train/{training.name}.log").read_text()

    def trained_at(self) -> dict[Path, int]:
        """Return the folder of each training, relative, and when its record was written, in ns."""
        records = (self.root / "results/trained").glob("*/record.json")
        return {path.parent.relative_to(self.root): path.stat().st_mtime_ns for path in records}

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace text in a file of the project for a while; the text must be there."""
        path = self.root / file
        assert path.resolve().is_relative_to(self.root.resolve()), f"{file} is another project's"
        before = path.read_text()
        assert old in before, f"{file} does not hold {old!r}"
        path.write_text(before.replace(old, new))
        try:
            yield
        finally:
            path.write_text(before)


def figures_in(report: Path) -> set[str]:
    """Return the figures that a report shows: the content of each."""
    shown = re.findall(r'<img src="data:image/svg\+xml,([^"]+)"', report.read_text())
    return {unquote(unescape(content)) for content in shown}


def tables_in(report: Path) -> set[str]:
    """Return the tables that a report shows, by the names of their CSV files."""
    return {*re.findall(r'<a href="tables/([^"]+)\.csv"', report.read_text())}


TARGETS = {
    *("all", "download", "sweep", "intermediate", "targets", "probing"),
    *("tables", "figures", "report"),
}


def shared_server() -> dict[str, str]:
    """Return what has all snakemakes of the same sources share one process with the imports."""
    from interlude.jobs.runtime import owner  # noqa: PLC0415  soak.py lacks the package

    return {"INTERLUDE_WARM_FOR": owner(os.getpid())}


def secretive() -> dict[str, str]:
    """Return the environment with a token and a proxy's password, where it has none of its own.

    Nothing goes through that proxy.
    """
    token = {"HF_TOKEN": TOKEN}
    if any(name.lower().endswith("_proxy") for name in os.environ):
        return token | os.environ
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), PROXY)
    return token | os.environ | proxies | {"no_proxy": "*", "NO_PROXY": "*"}


def snakemake_command() -> list[str]:
    """Return the command of the snakemake that belongs to this interpreter."""
    return [sys.executable, "-m", "snakemake"]


def copy_project(target: Path, own_sources: bool = False) -> Project:
    """Copy what a clone holds, without results, and put the tiny study beside it.

    own_sources: copy src as well, which is a link otherwise.
    """
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if part == "src" and not own_sources:
            (target / part).symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / part)
    shutil.copy2(TINY, target / "tiny.yaml")
    return Project(target)


def copy_prepared(finished: Project, target: Path, own_sources: bool = False) -> Project:
    """Copy the project, and of a finished one what is made before training. Takes no space."""
    project = copy_project(target, own_sources)
    for part in ("archives", "data", "models", "encoded"):
        place = Path("results", part)
        shutil.copytree(finished.root / place, project.root / place, copy_function=os.link)
    return project
