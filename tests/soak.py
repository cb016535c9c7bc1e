"""Run a study under random kills, and hold what it leaves to an undisturbed run of it.

    python tests/soak.py [--minutes 60] [--every 20] [--seed 1] [--cores 2] [--folder F] [STUDY]

STUDY is what snakemake is told of it, as `--configfile tiny.yaml`; the default is `--configfile
config/studies/rehearsal.yaml`, which wants `--config mirror=<absolute path>` as well. The study
runs in two copies of this project below a folder, which is kept: once undisturbed, then again and
again until the time is over, with a fault after a random time, `--every` seconds in the mean. After
a fault it is started again as a user would do it: with `--unlock` where the folder is locked, and
with the printed command where scores have no result.

Exit status 1, and a line each, when in the end a score, a prediction or a table is another one,
when a finished training was done twice, when a temporary file or a process is left, or when it
ends with an error that neither of these commands mends.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from helpers.project import Project, copy_project, snakemake_command

REHEARSAL = ["--configfile", "config/studies/rehearsal.yaml"]
PATIENCE = 600  # seconds in which a study that was told to end must end
MOST_ATTEMPTS = 5  # to mend a study that no fault disturbs
TIMES = (
    *("train_seconds", "evaluation_seconds", "total_seconds"),
    *("energy_joules", "peak_memory_bytes", "runs_on_gpu", "taken_from"),
)
RETRY = "To try them again: snakemake --cores all "

Records = dict[Path, int]


class SoakError(Exception):
    """What a user could not have gone on from."""


class Study:
    """A study in a copy of the project, and what a user does with it."""

    def __init__(self, project: Project, arguments: list[str], cores: int) -> None:
        self.folder = project.root
        self.command = [*snakemake_command(), "--cores", str(cores), *arguments]
        self.log = self.folder.parent / f"{self.folder.name}.log"
        self.did: Counter[str] = Counter()
        self._retry: list[str] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start Snakemake as the leader of a process group, as a shell does."""
        self.did["starts"] += 1
        with self.log.open("ab") as log:
            self._from = log.tell()
            return subprocess.Popen(
                [*self.command, *self._retry],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def after_end(self) -> None:
        """Do what the last start's output asks a user to do."""
        said = self.log.read_bytes()[self._from :].decode(errors="replace")
        self._retry = []
        if "--unlock" in said:
            self.did["unlocks"] += 1
            unlock = [*self.command, "--unlock"]
            subprocess.run(unlock, cwd=self.folder, capture_output=True, check=False)
        elif RETRY in said:
            self.did["retries"] += 1
            self._retry = shlex.split(said.split(RETRY)[1].splitlines()[0])

    def to_the_end(self) -> None:
        """Let the study end undisturbed; SoakError when it does not."""
        for _ in range(MOST_ATTEMPTS):
            if self.start().wait() == 0:
                self._retry = []
                return
            self.after_end()
        raise SoakError(f"the study does not end well: see {self.log}")

    def processes(self) -> list[psutil.Process]:
        """Return all processes of the study: those that work in its folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if Path(process.cwd()) == self.folder and process.status() != "zombie":
                    found.append(process)
        return found

    def records(self) -> Iterator[Path]:
        return self.folder.glob("results/trained/*/record.json")

    def finished(self) -> Records:
        """Return the records of trainings that ended well and that Snakemake took note of."""
        return {
            path: path.stat().st_mtime_ns
            for path in self.records()
            if json.loads(path.read_text())["status"] == "ok" and not self._is_incomplete(path)
        }

    def _is_incomplete(self, path: Path) -> bool:
        name = base64.b64encode(str(path.relative_to(self.folder)).encode(), b"_-").decode()
        return (self.folder / ".snakemake/incomplete" / name).exists()


Fault = Callable[[Study, subprocess.Popen[bytes], random.Random], bool]


def kill_everything(study: Study, snakemake: subprocess.Popen[bytes], _: random.Random) -> bool:
    """SIGKILL Snakemake and every process of the study, as an oom killer or a power cut would."""
    for process in [psutil.Process(snakemake.pid), *study.processes()]:
        with suppress(psutil.Error):
            process.kill()
    return True


def kill_snakemake(_: Study, snakemake: subprocess.Popen[bytes], __: random.Random) -> bool:
    """SIGKILL Snakemake alone."""
    snakemake.kill()
    return True


def terminate(_: Study, snakemake: subprocess.Popen[bytes], __: random.Random) -> bool:
    """SIGTERM Snakemake."""
    snakemake.terminate()
    return True


def interrupt(_: Study, snakemake: subprocess.Popen[bytes], __: random.Random) -> bool:
    """Press Ctrl-C: SIGINT to the whole process group."""
    os.killpg(snakemake.pid, signal.SIGINT)
    return True


def preempt(study: Study, _: subprocess.Popen[bytes], __: random.Random) -> bool:
    """SIGTERM every process of the study, as a machine that shuts down."""
    for process in study.processes():
        with suppress(psutil.Error):
            process.terminate()
    return True


def kill_one(study: Study, program: str, chance: random.Random) -> bool:
    """SIGKILL a process that runs a program; False when there is none."""
    found = []
    for process in study.processes():
        with suppress(psutil.Error):
            if any(part.endswith(program) for part in process.cmdline()[:4]):
                found.append(process)
    if found:
        with suppress(psutil.Error):
            chance.choice(found).kill()
    return bool(found)


def kill_a_trainer(study: Study, _: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """SIGKILL one training."""
    return kill_one(study, "train.py", chance)


def kill_the_server(study: Study, _: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """SIGKILL the process with the slow imports, or one of its copies."""
    return kill_one(study, "interlude.jobs.warm.server", chance)


ENDING: list[Fault] = [kill_everything, kill_snakemake, terminate, interrupt, preempt]
FAULTS: list[Fault] = [*ENDING, kill_a_trainer, kill_the_server]


def main() -> None:
    """Carry out the soak of the command line; exit status 1 when it found something."""
    options, study_arguments = _options()
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="interlude-soak-"))
    whole, shaken = (
        Study(
            copy_project(folder / name, own_sources=True),
            study_arguments or REHEARSAL,
            options.cores,
        )
        for name in ("whole", "shaken")
    )
    try:
        say(f"undisturbed: {shlex.join(whole.command)}")
        whole.to_the_end()
        found = soak(shaken, whole, options)
    except SoakError as error:
        found = [str(error)]
    say(f"the study: {dict(shaken.did)}; logs in {folder}")
    for line in found:
        say(f"found: {line}")
    say("nothing is lost, and nothing else than undisturbed" if not found else "not as it should")
    sys.exit(bool(found))


def _options() -> tuple[Namespace, list[str]]:
    parser = ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=20, help="mean seconds between two faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    return parser.parse_known_args()


def soak(study: Study, whole: Study, options: Namespace) -> list[str]:
    """Run the study under faults until the time is over; return what is wrong in the end."""
    chance = random.Random(options.seed)
    end = time.monotonic() + 60 * options.minutes
    found: list[str] = []
    while not found and time.monotonic() < end:
        found = one_round(study, whole, chance, end, options.every)
    return found


def one_round(
    study: Study, whole: Study, chance: random.Random, end: float, every: float
) -> list[str]:
    """Run the study from nothing to its end; no fault comes after the time `end`."""
    for part in ("results", ".snakemake"):
        subprocess.run(["rm", "-rf", study.folder / part], check=True)
    finished: Records = {}
    twice: set[Path] = set()
    faults: Counter[str] = Counter()
    while time.monotonic() < end:
        snakemake = study.start()
        ended_well = disturbed(study, snakemake, chance, end, every, faults)
        now = study.finished()
        twice |= {path for path, when in finished.items() if now.get(path) != when}
        finished = now
        if ended_well:
            break
        study.after_end()
    study.to_the_end()
    twice |= {path for path, when in finished.items() if study.finished().get(path) != when}
    say(f"a round with {dict(faults) or 'no fault'}")
    again = [f"done twice: {path.relative_to(study.folder)}" for path in sorted(twice)]
    return again + differences(study, whole) + left_over(study)


def disturbed(
    study: Study,
    snakemake: subprocess.Popen[bytes],
    chance: random.Random,
    end: float,
    every: float,
    faults: Counter[str],
) -> bool:
    """Disturb a running Snakemake until it has ended; return whether it ended well."""
    while True:
        wait = min(chance.uniform(1, 2 * every), max(0.0, end - time.monotonic()))
        with suppress(subprocess.TimeoutExpired):
            return snakemake.wait(wait) == 0
        if time.monotonic() >= end:
            return snakemake.wait() == 0
        fault = chance.choice(FAULTS)
        if not fault(study, snakemake, chance):
            continue
        faults[fault.__name__] += 1
        say(f"  {fault.__name__}: {len(study.finished())} trainings are done")
        if fault in ENDING:
            with suppress(subprocess.TimeoutExpired):
                return snakemake.wait(PATIENCE) == 0
            raise SoakError(f"{fault.__name__} did not end the study in {PATIENCE} s")


def differences(study: Study, whole: Study) -> list[str]:
    """Name the results that are not those of the undisturbed run."""
    expected, found = results(whole), results(study)
    names = sorted(expected.keys() | found.keys())
    return [f"differs: {name}" for name in names if expected.get(name) != found.get(name)]


def results(study: Study) -> dict[str, Any]:
    """Return what a study found out: records without times, predictions, tables but costs."""
    kept: dict[str, Any] = {}
    for path in study.records():
        record = json.loads(path.read_text())
        name = str(path.relative_to(study.folder))
        kept[name] = {key: value for key, value in record.items() if key not in TIMES}
        kept[name + " predictions"] = path.with_name("predictions.parquet").read_bytes()
    for path in study.folder.glob("results/*/tables/*.csv"):
        if path.name != "costs.csv":
            kept[str(path.relative_to(study.folder))] = path.read_bytes()
    return kept


def left_over(study: Study) -> list[str]:
    """Name temporary files and checkpoints in the results, locks, and processes, that are left."""
    names = re.compile(r"^\..*|checkpoint\.safetensors$")
    files = [path for path in study.folder.glob("results/**/*") if names.match(path.name)]
    files += study.folder.glob(".snakemake/locks/*")
    left = [f"left over: {path.relative_to(study.folder)}" for path in files]
    gone_by = time.monotonic() + 30
    while (processes := study.processes()) and time.monotonic() < gone_by:
        time.sleep(1)
    for process in processes:
        with suppress(psutil.Error):
            left.append(f"still runs: {process.pid} {shlex.join(process.cmdline())[:200]}")
    return left


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    main()
