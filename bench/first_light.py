"""First light on a GPU: each check in a process of its own, with its figures, in eight minutes.

python -m bench.first_light --prepare            where packages and archives can be had
python -m bench.first_light --out results/light-out   where the GPU is; needs no network

Exit status: 0 when all is as it should be, 1 when something is not, 3 when there is no GPU.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from bench.light.job import Check, Job, Row
from bench.light.material import Bag, prepare
from bench.light.table import ALIKE, figures, right_of
from bench.machine import ROOT
from interlude.files import write_json

ALL_RIGHT, SOMETHING_WRONG, NO_GPU = 0, 1, 3
MATERIAL = ROOT / "results/light"
NAME = "first_light.json"
HEADS = ("what", "ok")  # of a row; the rest are figures


@dataclass(frozen=True)
class Planned:
    """A check: where its code is, the seconds it may take, and whether it needs all of the card.

    asked: it is no part of the whole, and carried out where it is named.
    """

    code: str
    seconds: float
    alone: bool = False
    needs_gpu: bool = False
    asked: bool = False


WHOLE = 480.0  # seconds of all together; a check gets what is left of them at most
CHECKS = {
    "forms": Planned("equality:forms", 90),
    "families": Planned("equality:families", 90),
    "mixtures": Planned("equality:mixtures", 90),
    "adapters": Planned("equality:adapters", 100),
    "same-bytes": Planned("repeats:same_bytes", 100),
    "others-same-bytes": Planned("repeats:others_same_bytes", 100),
    "resumed": Planned("repeats:resumed", 100),
    "others-resumed": Planned("repeats:others_resumed", 100),
    "generation": Planned("generation:texts", 90),
    "features": Planned("features:tensors", 90),
    "claims": Planned("processes:claims", 60, needs_gpu=True),
    "memory": Planned("processes:memory", 90),
    "out-of-memory": Planned("processes:out_of_memory", 90),
    # From here on one after another, first what no GPU has shown yet.
    "features-speed": Planned("features:speed", 50, alone=True),
    "generation-speed": Planned("generation:speed", 60, alone=True),
    "small-forked": Planned("small:forked", 60, alone=True),
    "small-shared": Planned("small:shared", 60, alone=True),
    "small-cold": Planned("small:cold", 50, alone=True),
    "large-profile": Planned("large:profile", 50, alone=True),
    "energy": Planned("card:energy", 35, alone=True, needs_gpu=True),
    "products": Planned("card:products", 30, alone=True, needs_gpu=True),
    # The last one: it does as much as its time allows, a row for each run.
    "large-speed": Planned("large:speed", 300, alone=True),
    "large-long": Planned("large:long", 400, alone=True, asked=True),
    "small-staying": Planned("small:staying", 90, alone=True, asked=True),
}
# Parts of others, in processes of their own.
HELPERS = {
    "draw": "processes:draw",
    "digests": "repeats:digests",
    "digests-of-others": "repeats:digests_of_others",
    "worker": "small:worker",
}


class Report:
    """What was found so far, on disk after each row."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path = path
        self.document: dict[str, Any] = {"machine": about, "checks": {}}
        self._lock = Lock()

    def begin(self, name: str) -> None:
        with self._lock:
            self.document["checks"][name] = {"rows": [], "seconds": None, "ended": "not at all"}

    def add(self, name: str, row: Row) -> None:
        with self._lock:
            self.document["checks"][name]["rows"].append(row)
            self._write()
        if name not in ALIKE or row["ok"] is not True:
            print(f"{name}: {line(row)}", flush=True)

    def end(self, name: str, seconds: float, ended: str) -> None:
        with self._lock:
            self.document["checks"][name] |= {"seconds": seconds, "ended": ended}
            self._write()
        right = right_of(self.document["checks"][name]["rows"])
        print(f"{name}: right: {right}, {ended}, {seconds:.0f} s", flush=True)

    def wrong(self) -> list[str]:
        """Return what is not as it should be, and which checks did not come to their end."""
        checks = self.document["checks"].items()
        rows = [f"{name}: {row['what']}" for name, row in self._rows() if row["ok"] is False]
        return rows + [f"{name}: {check['ended']}" for name, check in checks
                       if check["ended"] != "to its end"]  # fmt: skip

    def left_out(self) -> list[str]:
        """Return what could not be looked at, with the reason."""
        return [f"{name}: {row['what']}: {row['reason']}" for name, row in self._rows()
                if row["ok"] is None and "reason" in row]  # fmt: skip

    def _rows(self) -> Iterator[tuple[str, Row]]:
        for name, check in self.document["checks"].items():
            yield from ((name, row) for row in check["rows"])

    def _write(self) -> None:
        write_json(self.path, self.document)


def main() -> None:
    options = _options()
    if options.prepare:
        prepare(options.material, real=options.device == "cuda")
        return
    if options.carry_out:
        name, folder = options.carry_out
        _carry_out(name, Job(options.device, Bag(options.material), Path(folder), options.seconds))
        return
    if options.device == "cuda" and not _sees_gpu():
        print("bench.first_light: no GPU here, nothing was checked")
        sys.exit(NO_GPU)
    sys.exit(look(options))


def look(options: Namespace) -> int:
    """Carry out the chosen checks; return the exit status."""
    options.out.mkdir(parents=True, exist_ok=True)
    report = Report(options.out / NAME, _about(options))
    names = [
        name for name in options.only if options.device == "cuda" or not CHECKS[name].needs_gpu
    ]
    with tempfile.TemporaryDirectory() as folder:
        _look_at(names, Job(options.device, Bag(options.material), Path(folder)), report, options)
    for each in report.left_out():
        print(f"not looked at: {each}")
    wrong = report.wrong()
    print("\n".join(["all is as it should be"] if not wrong else ["not as it should be:", *wrong]))
    return SOMETHING_WRONG if wrong else ALL_RIGHT


def _look_at(names: list[str], job: Job, report: Report, options: Namespace) -> None:
    """Carry out checks: those that leave room for others all at once, then one after another."""
    ends = time.perf_counter() + options.share * WHOLE

    def look_at(name: str) -> None:
        left = ends - time.perf_counter()
        seconds = max(0.0, min(options.share * CHECKS[name].seconds, left))
        _watched(name, replace(job.below(name), seconds=seconds), report, options)

    together = [name for name in names if not CHECKS[name].alone]
    at_once = len(together) if job.on_gpu else 1
    if job.on_gpu:
        print(job.run(job.command("draw")).stdout, end="", flush=True)
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        list(pool.map(look_at, together))
    for name in names:
        if name not in together:
            look_at(name)


def line(row: Row) -> str:
    """Return a row as one line for people: its numbers, or all that it says where it is wrong."""
    if row["ok"] is not False:
        return f"{'right, ' if row['ok'] else ''}{row['what']}{figures(row)}"
    said = (f"{name} {_shown(value)}" for name, value in row.items() if name not in HEADS)
    return f"WRONG, {row['what']}: {', '.join(said)}"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _watched(name: str, job: Job, report: Report, options: Namespace) -> None:
    """Carry out a check in a process of its own, which is ended when its time is over."""
    report.begin(name)
    started = time.perf_counter()
    log = options.out / "log.txt"
    with log.open("a", encoding="utf8") as errors:
        process = subprocess.Popen(
            job.command(name),
            env=job.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    timer = Timer(job.seconds, _end, [process.pid])
    timer.start()
    assert process.stdout is not None
    with process.stdout:
        _read(name, process.stdout, report)
    status = process.wait()
    timer.cancel()
    _end(process.pid)  # what it may have left
    ended = {0: "to its end", -signal.SIGKILL: "no time left"}
    report.end(name, time.perf_counter() - started, ended.get(status, f"exit status {status}"))


def _read(name: str, lines: Iterable[str], report: Report) -> None:
    """Take the rows that a check prints; other lines are for people."""
    for text in lines:
        if text.startswith("{"):
            report.add(name, json.loads(text))
        else:
            print(f"{name}: {text.rstrip()}", flush=True)


def _end(session: int) -> None:
    """End a check and all that it started."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return


def _carry_out(name: str, job: Job) -> None:
    """Print the rows of a check as they come, one line of JSON each."""
    module, function = (HELPERS.get(name) or CHECKS[name].code).split(":")
    check: Check = getattr(import_module(f"bench.light.{module}"), function)
    for row in check(job):
        print(json.dumps(row), flush=True)


def _sees_gpu() -> bool:
    import torch  # noqa: PLC0415  the checks import it, not what watches them

    return torch.cuda.is_available()


def _about(options: Namespace) -> dict[str, Any]:
    from bench.light import card  # noqa: PLC0415
    from bench.machine import about  # noqa: PLC0415

    told = {"commit": options.commit} if options.commit else {}
    return {**about(), **card.about(options.device), **told}


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", action="store_true", help="make the material, and end")
    parser.add_argument("--material", type=Path, default=MATERIAL, help="folder of the material")
    parser.add_argument("--out", type=Path, default=ROOT / "results/light-out")
    whole = [name for name, check in CHECKS.items() if not check.asked]
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=whole, metavar="CHECK")
    parser.add_argument("--share", type=float, default=1.0, help="of the time that each may take")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--commit", help="of this copy, where git can not tell")
    parser.add_argument("--seconds", type=float, default=math.inf, help="that one has, carried out")
    parser.add_argument("--carry-out", nargs=2, metavar=("CHECK", "FOLDER"), help="one, right here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
