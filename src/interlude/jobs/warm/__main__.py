"""The caller of a script: the server runs it where there is one, else it runs here."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import sys
import zlib
from contextlib import suppress
from pathlib import Path

from interlude.jobs.runtime import runtime_folder
from interlude.jobs.warm.script import STREAMS, run_script

OWNER = "INTERLUDE_WARM_FOR"
LONGEST_ADDRESS = 103  # bytes in the path of a socket: of macOS; Linux takes four more


def main() -> None:
    """Run the script of the command line, in the server where there is one, else here."""
    script, *arguments = sys.argv[1:]
    owner = os.environ.get(OWNER)
    status = run_in_server(owner, [script, *arguments]) if owner else None
    if status is None:
        run_script([script, *arguments])
    else:
        sys.exit(status)


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
            from interlude.jobs.warm.start import start_server  # noqa: PLC0415

            start_server(address, owner)
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

    Raises OSError when another user made the folder, or no socket can have so long a path.
    """
    python = [sys.executable, os.environ.get("PYTHONPATH")]
    name = f"{owner}-{zlib.crc32(json.dumps(python).encode()):08x}.socket"
    address = runtime_folder() / name
    if len(os.fsencode(address)) > LONGEST_ADDRESS:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(address))
    return address


if __name__ == "__main__":
    main()
