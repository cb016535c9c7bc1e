"""Run a program that loses power at its n-th touch of a folder; at 0, when it has ended.

    python tests/helpers/lose_power.py N FOLDER workflow/scripts/train.py --spec ...

To touch is to open, rename, remove or make something in the folder, but not to read what is safe on
the disk. Then the process is killed, and whatever was written there and not synced is left cut in
half, as a disk may.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
NEVER = -1


class PowerLoss:
    """Counts the touches of a folder, and knows which files in it are safe on the disk."""

    def __init__(self, at: int, folder: Path) -> None:
        self.at, self.folder = at, folder
        self.touches = count(1)
        self.synced = set(map(_number, _files(folder)))
        self.fsync = os.fsync
        os.fsync = self._note_synced
        sys.addaudithook(self._watch)

    def now(self) -> NoReturn:
        self.at = NEVER
        for path in _files(self.folder):
            if _number(path) not in self.synced:
                os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("this process has been killed")

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.at <= 0 or event not in TOUCHES or isinstance(arguments[0], int):
            return
        path = Path(os.fsdecode(arguments[0])).absolute()
        if not path.is_relative_to(self.folder) or self._reads_what_is_safe(event, path, arguments):
            return
        if next(self.touches) == self.at:
            self.now()

    def _reads_what_is_safe(self, event: str, path: Path, arguments: tuple[Any, ...]) -> bool:
        if event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR) or not path.is_file():
            return False
        return _number(path) in self.synced

    def _note_synced(self, handle: int) -> None:
        self.fsync(handle)
        self.synced.add(os.fstat(handle).st_ino)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _number(path: Path) -> int:
    return path.stat().st_ino


def main() -> None:
    at, folder, *program = sys.argv[1:]
    loss = PowerLoss(int(at), Path(folder).absolute())
    sys.argv = program
    try:
        runpy.run_path(program[0], run_name="__main__")
    finally:
        if loss.at == 0:
            loss.now()


if __name__ == "__main__":
    main()
