"""Run a script in a copy of a process that has imported torch and transformers already.

    python -m interlude.jobs.warm workflow/scripts/train.py --spec ...

Importing them takes longer than a short run trains. So the first script that Snakemake runs this
way starts a server (`interlude.jobs.warm_server`), which imports once and forks for each script.
The script has this process's arguments, environment, folder, standard streams and exit status, and
a signal that ends this process ends it too. The server ends with the process that
INTERLUDE_WARM_FOR names: Snakemake's. Without that variable, or when no server answers, the script
runs here, as if it had been called alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import runpy
import signal
import socket
import sys
import zlib
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from interlude.jobs.runtime import runtime_folder

OWNER = "INTERLUDE_WARM_FOR"
STREAMS = (0, 1, 2)


def main() -> None:
    """Run the script of the command line, in the server where there is one, else here."""
    script, *arguments = sys.argv[1:]
    owner = os.environ.get(OWNER)
    status = run_in_server(owner, [script, *arguments]) if owner else None
    if status is None:
        run_script([script, *arguments])
    else:
        sys.exit(status)


def run_script(arguments: list[str]) -> None:
    """Run a script in this process; it ends as the script ends."""
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


def run_in_server(owner: str, arguments: list[str]) -> int | None:
    """Return the exit status of a script that a server ran; None when it did not get to the end."""
    try:
        connection = _connected(_address(owner), owner)
    except OSError:
        return None
    with connection:
        return _asked(connection, arguments)


def _asked(connection: socket.socket, arguments: list[str]) -> int | None:
    """Send a script to the server, hand signals on to it, and wait for its end."""
    request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    answers = connection.makefile("r", encoding="utf8")
    try:
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], STREAMS)
        process = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: _send(process, number))
        status = answers.readline()
    except (OSError, ValueError):
        return None
    if not status:  # the server was killed; its copy must not go on beside a second attempt
        _send(process, signal.SIGKILL)
        return None
    return int(status)


def _send(process: int, number: int) -> None:
    """Send a signal to a process, which may have ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _connected(address: Path, owner: str) -> socket.socket:
    """Connect to the server, which is started when it is not there."""
    with address.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of several first scripts starts it
        try:
            return _connection(address)
        except OSError:
            # Imported by the first script alone: its modules take as long as all others here.
            import_module("interlude.jobs.warm_server").start(address, owner)
            return _connection(address)


def _connection(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


def _address(owner: str) -> Path:
    """Return the socket of this user's server for an owner and an interpreter.

    Raises OSError when another user made the folder.
    """
    python = [sys.executable, os.environ.get("PYTHONPATH")]
    return runtime_folder() / f"{owner}-{zlib.crc32(json.dumps(python).encode()):08x}.socket"


if __name__ == "__main__":
    main()
