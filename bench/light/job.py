"""What a check is given, and what it gives: rows of figures, each as soon as it is known."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.light.material import Bag
from bench.machine import ROOT, THREADS

# `what` was looked at; `ok`: whether it is as it should be, None for a figure without a limit.
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Where a check computes, on what, and the folder in which it may write.

    seconds: that it has.
    """

    device: str
    bag: Bag
    folder: Path
    seconds: float = math.inf

    @property
    def on_gpu(self) -> bool:
        return self.device == "cuda"

    def below(self, name: str) -> Job:
        """Return the job with a folder of its own below this one's."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return replace(self, folder=folder)

    def command(self, check: str) -> list[str]:
        """Return the command that carries out a check in a process of its own."""
        options = ["--device", self.device, "--material", str(self.bag.folder)]
        options += ["--seconds", str(self.seconds)]
        module = [sys.executable, "-m", "bench.first_light"]
        return [*module, "--carry-out", check, str(self.folder), *options]

    def environment(self) -> dict[str, str]:
        """Return the environment of such a process; its runs meet none of another check's."""
        given = os.environ.get("PYTHONPATH")
        paths = os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), given]))
        one = dict.fromkeys(THREADS, "1")
        return {**os.environ, **one, "PYTHONPATH": paths, "TMPDIR": str(self.folder)}

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and return what it printed, its errors too."""
        return subprocess.run(
            command,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


Check = Callable[[Job], Iterator[Row]]
