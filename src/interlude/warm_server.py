"""The server of `interlude.warm`: imports what training needs, then forks for each script."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from socketserver import BaseRequestHandler, ForkingMixIn, UnixStreamServer

from interlude.warm import STREAMS, run_script

MODEL = "INTERLUDE_WARM_MODEL"

# The slow imports; the last is what all models of transformers have in common.
PRELOADED = ("interlude.training.run", "interlude.encode", "transformers.modeling_utils")
WATCH_SECONDS = 1.0  # between two looks at whether the owner is still there
LONGEST_REQUEST = 2**22  # bytes


class Keeper(BaseRequestHandler):
    """Carries out one request in a process of its own and reports how that ended."""

    request: socket.socket

    def handle(self) -> None:
        line, streams, _, _ = socket.recv_fds(self.request, LONGEST_REQUEST, len(STREAMS))
        while not line.endswith(b"\n"):
            line += self.request.recv(LONGEST_REQUEST)
        ended, alive = os.pipe()  # the reading end sees the last writer go
        process = os.fork()
        if process == 0:
            os.close(ended)
            self.request.close()
            _become(json.loads(line), streams)
        os.close(alive)
        self.request.sendall(f"{process}\n".encode())
        ready, _, _ = select.select([ended, self.request.fileno()], [], [])
        if ended not in ready:  # whoever asked is gone
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        self.request.sendall(f"{_as_shell(os.waitstatus_to_exitcode(status))}\n".encode())


class Server(ForkingMixIn, UnixStreamServer):
    """Listens on a socket file until its owner, a process, has ended."""

    max_children = 1024
    timeout = WATCH_SECONDS

    def __init__(self, address: Path, owner: int) -> None:
        self.owner = owner
        super().__init__(str(address), Keeper)

    def serve(self) -> None:
        while _is_alive(self.owner):
            self.timeout = WATCH_SECONDS
            self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when whoever asked has gone."""


def _become(request: dict[str, object], streams: list[int]) -> None:
    """Turn this process into the script of a request; it ends with the script."""
    for number, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    status = 1
    try:
        run_script(list(request["arguments"]))  # type: ignore[call-overload]
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _as_shell(status: int) -> int:
    """Return an exit status as a shell gives it: 128 + the number of the signal that ended it."""
    return 128 - status if status < 0 else status


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def preload() -> None:
    """Import the slow modules, and build the table with which transformers loads any model.

    The folder that INTERLUDE_WARM_MODEL names, if any, tells the family of the models to come.
    """
    for module in PRELOADED:
        import_module(module)
    conversions = import_module("transformers.conversion_mapping")
    conversions.get_checkpoint_conversion_mapping("")  # cached: 1,100 patterns to compile
    if model := os.environ.get(MODEL):
        with suppress(Exception):  # the scripts will say what is wrong with it
            import_module("interlude.training.encoder").import_family(Path(model))


def main() -> None:
    """Listen, let go of whoever started this, import, and serve."""
    address, owner = Path(sys.argv[1]), int(sys.argv[2])
    server = Server(address, owner)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in STREAMS:
        os.dup2(quiet, number)
    preload()  # takes seconds; requests wait meanwhile
    try:
        server.serve()
    finally:
        address.unlink(missing_ok=True)
        address.with_suffix(".lock").unlink(missing_ok=True)
    os._exit(0)  # to take torch and transformers apart takes seconds


if __name__ == "__main__":
    main()
