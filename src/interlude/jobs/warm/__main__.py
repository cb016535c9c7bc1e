"""The caller of a script: the server runs it where there is one, else this process becomes it.

Each job starts Python for this, so it imports next to nothing: with the modules in C below `socket`
and `signal` it takes .02 s of a processor, where it took .05 s with these, `json` and `tempfile`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys
from contextlib import suppress

from interlude.jobs.warm.between import OWNER, STREAMS, address_of, lock_of


def main() -> None:
    """Run the script of the command line, in the server where there is one, else here."""
    arguments = sys.argv[1:]
    owner = os.environ.get(OWNER)
    status = run_in_server(owner, arguments) if owner else None
    if status is None:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    os._exit(status)  # nothing was written here, and to take Python apart takes a while


def run_in_server(owner: str, arguments: list[str]) -> int | None:
    """Return the exit status of a script that a server ran; None when it did not get to the end."""
    try:
        connection = _connected(address_of(owner), owner)
    except OSError:
        return None
    return _asked(connection, arguments)


def _asked(connection: _socket.socket, arguments: list[str]) -> int | None:
    """Send a script to the server, hand signals on to it, and wait for its end."""
    try:
        here = os.getcwd()  # noqa: PTH109  pathlib takes .005 s
        _send_request(connection, ascii((arguments, here, dict(os.environ))).encode())
        process = int(_line(connection))
        for number in (_signal.SIGINT, _signal.SIGTERM):
            _signal.signal(number, lambda number, _: _send(process, number))
        status = _line(connection)
    except (OSError, ValueError):
        return None
    if not status:  # the server was killed; its copy must not go on beside a second attempt
        _send(process, _signal.SIGKILL)
        return None
    return int(status)


def _send_request(connection: _socket.socket, request: bytes) -> None:
    """Send a request, a line, with the standard streams of this process."""
    streams = b"".join(each.to_bytes(4, sys.byteorder) for each in STREAMS)  # as C has an int
    sent = connection.sendmsg([request, b"\n"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    connection.sendall((request + b"\n")[sent:])


def _line(connection: _socket.socket) -> bytes:
    """Return the next line of the server; nothing where it is gone."""
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(1)
        if not part:
            return b""
        line += part
    return line


def _send(process: int, number: int) -> None:
    """Send a signal to a process, which may have ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _connected(address: str, owner: str) -> _socket.socket:
    """Connect to the server, which is started when it is not there."""
    lock = os.open(lock_of(address), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.lockf(lock, os.F_LOCK, 0)  # one of several first scripts starts it
        try:
            return _connection(address)
        except OSError:
            # Imported by the first script alone: its modules take as long as all others here.
            from interlude.jobs.warm.start import start_server  # noqa: PLC0415

            start_server(address, owner)
            return _connection(address)
    finally:
        os.close(lock)


def _connection(address: str) -> _socket.socket:
    connection = _socket.socket(_socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


if __name__ == "__main__":
    main()
