"""The server: imports what training needs, then forks for each script.

python -m interlude.jobs.warm.server SOCKET OWNER
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import socket
import sys
import traceback
from ast import literal_eval
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import NoReturn

from interlude.files import KNOWN
from interlude.forms import form_names, head_module
from interlude.jobs.warm.between import STREAMS, lock_of
from interlude.metrics import metric_module, metric_names
from interlude.plan import digest
from interlude.versions import versions

MODEL = "INTERLUDE_WARM_MODEL"
METHODS = "INTERLUDE_WARM_METHODS"

# The slow imports; the last is what all models of transformers have in common.
PRELOADED = (
    "interlude.jobs.perform",
    "interlude.encode.encoding",
    *map(head_module, form_names()),
    *map(metric_module, metric_names()),
    "transformers.modeling_utils",
)
Request = tuple[list[str], str, dict[str, str]]  # arguments, folder, environment
WATCH_SECONDS = 1.0  # between two looks at whether the owner is still there
LONGEST_REQUEST = 2**22  # bytes
MOST_READ = 2**16  # bytes at a time
MOST_WAITING = 1024  # connections


class Server:
    """Listens on a socket file until its owner, a process, has ended, and all scripts have.

    One process without threads watches every caller and every script: a fork of one with torch in
    it takes .025 s, and to end it as much again, so that each script costs one and not two.
    """

    def __init__(self, address: str, owner: int) -> None:
        self.owner = owner
        self.watched = DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen(MOST_WAITING)
        self.watched.register(self.listener, EVENT_READ, self._accept)

    def serve(self) -> None:
        """Answer callers until the owner and all scripts have ended."""
        while _is_alive(self.owner) or len(self.watched.get_map()) > 1:
            for key, _ in self.watched.select(WATCH_SECONDS):
                if self.watched.get_map().get(key.fd) == key:  # not closed by one before it
                    key.data()

    def _accept(self) -> None:
        Job(self.listener.accept()[0], self.watched)


class Job:
    """A caller's request: a fork carries it out, and its end is sent to the caller.

    Before its end the fork sends the digests of files that it has read, for the next ones.
    """

    def __init__(self, caller: socket.socket, watched: DefaultSelector) -> None:
        self.caller = caller
        self.watched = watched
        self.request, self.learnt = b"", b""
        self.streams: list[int] = []
        watched.register(caller, EVENT_READ, self._receive)

    def _receive(self) -> None:
        """Take a part of the request, a line; start the script when it is whole."""
        part = b""
        with suppress(OSError):
            part, streams, _, _ = socket.recv_fds(self.caller, LONGEST_REQUEST, len(STREAMS))
            self.request += part
            self.streams += streams
        if not part:  # whoever asked is gone
            self._close()
        elif part.endswith(b"\n"):
            self._start()

    def _start(self) -> None:
        ended, alive = os.pipe()  # the reading end sees the last writer go
        self.ended = os.fdopen(ended, "rb", buffering=0)
        try:
            self.process = os.fork()
        except OSError:  # no room for another process: the caller runs the script itself
            os.close(alive)
            self.ended.close()
            self._close()
            return
        if self.process == 0:
            self._carry_out(alive)
        os.close(alive)
        self._close_streams()
        self.watched.modify(self.caller, EVENT_READ, self._kill)
        self.watched.register(self.ended, EVENT_READ, self._hear)
        self._tell(self.process)

    def _carry_out(self, alive: int) -> NoReturn:
        """Be the script, in a fork, where what is the server's is closed: callers see its end."""
        try:
            self.ended.close()
            for key in list(self.watched.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
            self.watched.close()
            _become(literal_eval(self.request.decode()), self.streams, alive)
        finally:
            os._exit(1)

    def _kill(self) -> None:
        """End the script of a caller that is gone."""
        self.watched.unregister(self.caller)
        os.kill(self.process, signal.SIGKILL)

    def _hear(self) -> None:
        """Read a part of what the fork sends, to its end."""
        part = self.ended.read(MOST_READ)
        self.learnt += part
        if not part:
            _learn(self.learnt)
            self._report()

    def _report(self) -> None:
        """Tell how the script ended."""
        self.watched.unregister(self.ended)
        self.ended.close()
        _, status = os.waitpid(self.process, 0)
        self._tell(_as_shell(os.waitstatus_to_exitcode(status)))
        self._close()

    def _tell(self, number: int) -> None:
        with suppress(OSError):  # whoever asked is gone, which its socket will tell
            self.caller.sendall(f"{number}\n".encode())

    def _close(self) -> None:
        self._close_streams()
        with suppress(KeyError):
            self.watched.unregister(self.caller)
        self.caller.close()

    def _close_streams(self) -> None:
        while self.streams:
            os.close(self.streams.pop())


def _become(request: Request, streams: list[int], alive: int) -> NoReturn:
    """Turn this process into the script of a request; it ends with the script.

    alive: where it sends the digests of files that it has read.
    """
    sys.argv, folder, environment = request
    for number, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    known = set(KNOWN)
    status = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
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
        os.write(alive, ascii({stamp: KNOWN[stamp] for stamp in KNOWN.keys() - known}).encode())
        os._exit(status)


def _learn(digests: bytes) -> None:
    """Keep the digests of files that a fork has read; none where it was killed as it sent them."""
    with suppress(SyntaxError, ValueError):
        KNOWN.update(literal_eval(digests.decode()))


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

    The folder that INTERLUDE_WARM_MODEL names, if any, tells the family of the models to come, and
    INTERLUDE_WARM_METHODS the adapters: PEFT takes 2 s to import.
    """
    methods = os.environ.get(METHODS, "").split()
    for module in (*PRELOADED, *(f"{digest.METHODS}.{name}" for name in methods)):
        import_module(module)
    conversions = import_module("transformers.conversion_mapping")
    conversions.get_checkpoint_conversion_mapping("")  # cached: 1,100 patterns to compile
    versions()  # cached, too
    if model := os.environ.get(MODEL):
        with suppress(Exception):  # the scripts will say what is wrong with it
            import_module("interlude.training.encoder").import_family(Path(model))


def main() -> None:
    """Listen, let go of whoever started this, import, and serve."""
    address, owner = sys.argv[1], int(sys.argv[2])
    server = Server(address, owner)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in STREAMS:
        os.dup2(quiet, number)
    preload()  # takes seconds; requests wait meanwhile
    gc.collect()
    gc.freeze()  # or a collection in a fork would look at all of it, and copy it: .3 s
    try:
        server.serve()
    finally:
        for path in (address, lock_of(address)):
            Path(path).unlink(missing_ok=True)
    os._exit(0)  # to take torch and transformers apart takes seconds


if __name__ == "__main__":
    main()
