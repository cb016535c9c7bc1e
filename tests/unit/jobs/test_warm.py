"""Scripts in a warm process: a caller notices no difference to a process of their own."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from helpers import tiny

from interlude.jobs.warm.between import OWNER
from interlude.jobs.warm.server import METHODS, MODEL, WATCH_SECONDS

SRC = Path(__file__).parents[3] / "src"
TRAIN = Path(__file__).parents[3] / "workflow/scripts/train.py"
ENCODE = TRAIN.with_name("encode.py")
Started = subprocess.Popen[str]


@pytest.fixture(scope="module")
def owner(model: Path) -> Iterator[dict[str, str]]:
    """The environment of scripts that share a server, which ends with this module's tests."""
    with sleeper() as process, sockets_folder() as sockets:
        yield {**environment(process.pid, sockets), MODEL: str(model), METHODS: "ia3 bottleneck"}


@contextmanager
def sleeper() -> Iterator[Started]:
    """A process that lives until the end of the block, however that comes."""
    with subprocess.Popen(["sleep", "3600"], text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def sockets_folder() -> Iterator[Path]:
    """A folder whose path is short, as that of a socket must be; pytest's own may be too long."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def environment(owner: int, sockets: Path) -> dict[str, str]:
    python_path = os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": python_path, OWNER: str(sockets / str(owner))}


Start = Callable[..., Started]


@pytest.fixture
def start(owner: dict[str, str], tmp_path: Path) -> Start:
    """Start Python code as a script through the server, in tmp_path."""

    def started(code: str, *arguments: str, **changes: str) -> Started:
        script = tmp_path / f"script-{len(list(tmp_path.iterdir()))}.py"
        script.write_text(code)
        return warm([str(script), *arguments], {**owner, **changes}, tmp_path)

    return started


def warm(arguments: list[str], environment: dict[str, str], folder: Path) -> Started:
    return subprocess.Popen(
        [sys.executable, "-m", "interlude.jobs.warm", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def servers(owner: str) -> list[psutil.Process]:
    """Return the servers of an owner, oldest first: the first is the one that listens."""
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"interlude.jobs.warm.server", owner} <= set(process.info["cmdline"] or [])
    ]
    return sorted(found, key=psutil.Process.create_time)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.02)


SAYS = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["COLOUR"], __name__, input())
print("and this", file=sys.stderr)
"""


def test_a_script_has_its_callers_arguments_folder_environment_and_streams(
    start: Start, tmp_path: Path
) -> None:
    output, errors = start(SAYS, "one", "two words", COLOUR="red").communicate("asked\n")
    assert output == f"['one', 'two words'] {tmp_path} red __main__ asked\n"
    assert errors == "and this\n"


@pytest.mark.parametrize(
    "module",
    ["transformers", "transformers.models.bert.modeling_bert", "interlude.training.methods.ia3"],
)
def test_the_slow_imports_are_there_already(start: Start, module: str) -> None:
    output, _ = start(f"import sys; print({module!r} in sys.modules)").communicate()
    assert output == "True\n"


def test_a_model_that_is_broken_keeps_no_script_from_running(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    script = tmp_path / "script.py"
    script.write_text("import sys; print('transformers' in sys.modules)")
    with sleeper() as owner, sockets_folder() as sockets:
        told = {**environment(owner.pid, sockets), MODEL: str(tmp_path)}
        assert warm([str(script)], told, tmp_path).communicate() == ("True\n", "")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(2)", 2),
        ("import sys; sys.exit('no')", 1),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143),
    ],
)
def test_it_ends_as_the_script_ends(start: Start, code: str, status: int) -> None:
    process = start(code)
    _, errors = process.communicate()
    assert process.returncode == status
    assert ("ZeroDivisionError" in errors) == (code == "1 / 0")


WAITS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_a_signal_to_the_caller_ends_the_script(start: Start, number: int, status: int) -> None:
    process = start(WAITS)
    assert process.stdout is not None
    script = int(process.stdout.readline())
    process.send_signal(number)
    process.communicate()
    assert process.returncode == status
    wait_for(lambda: not psutil.pid_exists(script))


def test_scripts_run_side_by_side(start: Start) -> None:
    first, second = start(WAITS), start(WAITS)
    for process in (first, second):
        assert process.stdout is not None
        assert process.stdout.readline()
    for process in (first, second):
        process.terminate()
        process.communicate()


READS = """
import sys
from interlude import files
files.SETTLED_NS = -(10**18)  # a file of this test is old enough
before = len(files.KNOWN)
print(files.known_sha256(files.Path(sys.argv[1])), len(files.KNOWN) - before, flush=True)
input()
"""


def test_what_one_script_has_read_the_next_one_knows(start: Start, tmp_path: Path) -> None:
    def told() -> tuple[str, str]:
        output, errors = start(READS, str(file)).communicate("\n")
        assert not errors
        found, read = output.split()
        return found, read

    file = tmp_path / "file"
    file.write_bytes(b"one")
    one = hashlib.sha256(b"one").hexdigest()
    assert [told(), told()] == [(one, "1"), (one, "0")]
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(b"two")  # as long
    os.utime(file, ns=times)
    assert told() == (hashlib.sha256(b"two").hexdigest(), "1")


def test_what_a_killed_script_has_read_is_read_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"read by one that is killed")
    process = start(READS, str(file))
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.stdout.read()  # until the script is killed too: without input it would end by itself
    process.communicate()
    output, _ = start(READS, str(file)).communicate("\n")
    assert output.split()[1] == "1"


ONLY_COLD = """
import sys, time
if "transformers" in sys.modules:
    print("warm", flush=True)
    time.sleep(600)
print("cold")
"""


def test_a_caller_that_goes_before_it_has_asked_leaves_nothing(
    start: Start, owner: dict[str, str]
) -> None:
    start("pass").communicate()
    (address,) = Path(owner[OWNER]).parent.glob("*.socket")
    for said in (b"", b'{"arguments": ['):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(address))
            caller.sendall(said)
    assert start("print('next')").communicate()[0] == "next\n"
    wait_for(lambda: len(servers(Path(owner[OWNER]).name)) == 1)


def test_when_the_server_is_lost_the_scripts_are_run_again(
    start: Start, owner: dict[str, str]
) -> None:
    processes = [start(ONLY_COLD), start(ONLY_COLD)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "warm\n"
    server, *scripts = servers(Path(owner[OWNER]).name)
    server.kill()
    for process in processes:
        output, _ = process.communicate()
        assert (output, process.returncode) == ("cold\n", 0)
    assert len(scripts) == 2
    wait_for(lambda: not any(script.is_running() for script in scripts))


def test_the_server_ends_with_its_owner_and_takes_its_socket_along(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("pass")
    with sockets_folder() as sockets:
        with sleeper() as owner:
            process = warm([str(script)], environment(owner.pid, sockets), tmp_path)
            process.communicate()
            (server,) = servers(str(owner.pid))
            assert list(sockets.rglob("*.socket"))
        wait_for(lambda: not server.is_running())
        assert not [path for path in sockets.rglob("*") if path.is_file() or path.is_socket()]


def test_where_no_socket_can_have_so_long_a_path_a_script_runs_in_a_process_of_its_own(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(ONLY_COLD)
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    with sleeper() as owner:
        process = warm([str(script)], environment(owner.pid, folder), tmp_path)
        assert process.communicate() == ("cold\n", "")
        assert process.returncode == 0
        assert servers(str(owner.pid)) == []
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_script_outlives_its_owner(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('begun', flush=True); print(input())")
    with sockets_folder() as sockets:
        with sleeper() as owner:
            process = warm([str(script)], environment(owner.pid, sockets), tmp_path)
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            server, _ = servers(str(owner.pid))
        time.sleep(1.5 * WATCH_SECONDS)
        assert process.communicate("and ended\n") == ("and ended\n", "")
        assert process.returncode == 0
        wait_for(lambda: not server.is_running())


def test_a_training_gives_the_same_bytes_as_in_a_process_of_its_own(
    owner: dict[str, str], model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    predictions = []
    for environ in (owner, {key: value for key, value in owner.items() if key != OWNER}):
        files = tiny.files(model, encoded["single"], tmp_path / str(len(predictions)))
        told = tiny.arguments(tiny.job(tiny.training("single"), files))
        process = warm([str(TRAIN), *told], environ, tmp_path)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        predictions.append((files.predictions.read_bytes(), tiny.read_record(files)["curve"]))
    assert predictions[0] == predictions[1]


# Counts the threads that computed for more than 20 ms; a library's idle ones do not.
COUNTS = """
import runpy, sys
from pathlib import Path
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
times = [path.read_text().split()[0] for path in Path("/proc/self/task").glob("*/schedstat")]
print(sum(int(time) > 20_000_000 for time in times))
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_training_computes_on_as_many_threads_as_it_was_given(
    threads: int, start: Start, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    files = tiny.files(model, encoded["single"], tmp_path / "trained")
    settings = tiny.settings(epochs=1, batch_size=24)
    told = tiny.arguments(tiny.job(tiny.training("single", settings=settings), files))
    told += ["--threads", str(threads)]
    output, errors = start(COUNTS, str(TRAIN), *told, OMP_NUM_THREADS="2").communicate()
    assert output == f"{threads}\n", errors


def test_a_task_is_encoded_on_one_thread(start: Start, model: Path, tmp_path: Path) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("single", 3000))
    data = tiny.write_task(tmp_path / "data", "single", parts)
    told = ["--data", str(data), "--model", str(model), "--form", "single", "--max-length", "32"]
    out = ["--out", str(tmp_path / "out")]
    process = start(COUNTS, str(ENCODE), *told, *out, TOKENIZERS_PARALLELISM="false")
    output, errors = process.communicate()
    assert output == "1\n", errors
