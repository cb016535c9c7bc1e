"""Places on GPUs: alone or beside as many as all allow, whatever starts the runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers import tiny
from helpers.pretended import pretend_gpus

ROOT = Path(__file__).parents[3]
SRC, TRAIN = ROOT / "src", ROOT / "workflow/scripts/train.py"
BOTH = ["GPU-aaaa", "GPU-bbbb"]
# A run, as far as GPUs go: it claims a place, says so, and holds it until it is ended; at a word it
# says how many runs there were.
HOLDER = """
import os, sys
from pathlib import Path
from interlude.jobs.claims import claim_gpu
from interlude.jobs.runs_per_gpu import runs_allowed
given = sys.argv[1]
allowed = runs_allowed(given if given == "auto" else int(given), "tiny", Path("trained"))
place = claim_gpu(lambda line: print(line, flush=True), allowed)
print("sees", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
for _ in sys.stdin:
    print(place.runs(), flush=True)
"""
Run = subprocess.Popen[str]
Start = Callable[..., Run]


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two pretended GPUs, and a folder of its own for locks."""
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, BOTH))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(two_gpus: Path) -> Iterator[Start]:
    """A function: start a run that allows so many on its GPU. All are ended with the test."""
    with ExitStack() as stack:

        def of(allowed: int | str = 1, gpus: str | None = None) -> Run:
            named = {} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus}
            process = subprocess.Popen(
                [sys.executable, "-c", HOLDER, str(allowed)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **named},
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield of


def said(run: Run) -> str:
    assert run.stdout is not None
    return run.stdout.readline().strip()


def place(run: Run) -> str:
    """Return what a run says of its place, once torch would see its GPU alone."""
    line = said(run)
    assert said(run) == f"sees {line.split(',')[0].removeprefix('on ')}"
    return line


def runs(run: Run) -> int:
    """Return the most runs that were on the GPU of one."""
    assert run.stdin is not None
    run.stdin.write("\n")
    run.stdin.flush()
    return int(said(run))


def end(run: Run) -> None:
    run.kill()
    run.wait()


def waiting(gpus: int, most: int = 1) -> str:
    each = "" if most == 1 else f", {most} on each at most"
    return f"waiting for a GPU: other runs have all {gpus}{each}"


def test_no_two_runs_share_a_gpu_and_a_killed_one_gives_its_own_back(start: Start) -> None:
    first, second = start(), start()
    places = [place(first), place(second)]
    assert sorted(places) == [f"on {gpu}" for gpu in BOTH]
    third = start()
    assert said(third) == waiting(2)
    end(first)
    assert place(third) == places[0]
    assert runs(second) == runs(third) == 1


def test_a_run_claims_among_the_gpus_of_its_scheduler_only(start: Start) -> None:
    words = {said(start(gpus="1")), said(start(gpus="1"))}
    assert words == {"on GPU-bbbb", waiting(1)}


def test_runs_fill_gpus_evenly_up_to_what_they_allow_and_a_killed_one_frees_its_place(
    start: Start,
) -> None:
    there = []
    for beside in ("", ", beside 1", ", beside 2"):
        for gpu in BOTH:
            there.append(start(3))
            assert place(there[-1]) == f"on {gpu}{beside}"
    late = start(3)
    assert said(late) == waiting(2, 3)
    end(there[3])
    assert place(late) == "on GPU-bbbb, beside 2"


def test_the_place_goes_to_the_gpu_with_the_fewest_runs(start: Start) -> None:
    there = [start(3) for _ in range(4)]
    for run in there:
        place(run)
    assert place(start(3, gpus="0")) == "on GPU-aaaa, beside 2"
    assert place(start(3)) == "on GPU-bbbb, beside 2"


def test_each_run_is_told_the_most_that_were_on_its_gpu(start: Start) -> None:
    first = start(8, gpus="0")
    place(first)
    assert runs(first) == 1
    second = start(8, gpus="0")
    place(second)
    end(second)
    third = start(8, gpus="0")
    assert place(third) == "on GPU-aaaa, beside 1"
    elsewhere = start(8, gpus="1")
    place(elsewhere)
    assert (runs(first), runs(third), runs(elsewhere)) == (2, 2, 1)


@pytest.mark.parametrize(("there", "comes"), [(2, 4), (4, 2)])
def test_on_a_gpu_are_never_more_runs_than_each_of_them_allows(
    there: int, comes: int, start: Start
) -> None:
    place(start(there, gpus="0"))
    second = start(comes, gpus="0")
    assert place(second) == "on GPU-aaaa, beside 1"
    third = start(4, gpus="0")
    assert said(third) == waiting(1, 4)
    end(second)
    assert place(third) == "on GPU-aaaa, beside 1"


def test_a_run_that_wants_a_gpu_for_itself_waits_for_its_turn_and_none_goes_before_it(
    start: Start,
) -> None:
    sharing = [start(8, gpus="0") for _ in range(2)]
    for run in sharing:
        place(run)
    alone = start(1, gpus="0")
    assert said(alone) == waiting(1)
    late = start(8, gpus="0")
    assert said(late) == waiting(1, 8)  # though there is room
    for run in sharing:
        end(run)
    assert place(alone) == "on GPU-aaaa"
    end(alone)
    assert place(late) == "on GPU-aaaa"


def test_a_run_that_waited_and_was_killed_gives_its_turn_back(start: Start) -> None:
    place(start(8, gpus="0"))
    alone = start(1, gpus="0")
    assert said(alone) == waiting(1)
    end(alone)
    assert place(start(8, gpus="0")) == "on GPU-aaaa, beside 1"


def test_a_run_that_waits_for_one_gpu_leaves_others_to_others(start: Start) -> None:
    place(start(1, gpus="0"))
    assert said(start(1, gpus="0")) == waiting(1)
    assert place(start(1)) == "on GPU-bbbb"


def test_parts_of_a_gpu_are_claimed_as_their_scheduler_names_them(start: Start) -> None:
    part = "MIG-GPU-aaaa/1/0"
    assert place(start(2, gpus=part)) == f"on {part}"
    assert place(start(2, gpus=part)) == f"on {part}, beside 1"
    assert said(start(2, gpus=part)) == waiting(1, 2)


def test_many_that_start_at_once_get_all_places_and_none_more(start: Start) -> None:
    words = [said(run) for run in [start(4) for _ in range(9)]]
    assert sum(word.startswith("on GPU-aaaa") for word in words) == 4
    assert sum(word.startswith("on GPU-bbbb") for word in words) == 4
    assert words.count(waiting(2, 4)) == 1


def test_with_auto_one_training_has_a_gpu_until_it_is_measured(
    start: Start, two_gpus: Path
) -> None:
    first = start("auto", gpus="0")
    assert place(first) == "on GPU-aaaa"
    second = start("auto", gpus="0")
    assert said(second) == waiting(1)
    leave(two_gpus, peak=10**9)
    end(first)
    assert place(second) == "on GPU-aaaa"
    assert place(start("auto", gpus="0")) == "on GPU-aaaa, beside 1"


def test_a_training_records_how_many_shared_its_gpu(
    start: Start, model: Path, encoded: dict[str, Path], two_gpus: Path
) -> None:
    place(start(8, gpus="0"))
    files = tiny.files(model, encoded["single"], two_gpus / "trained/a")
    training = tiny.training("single", device="auto")
    told = tiny.arguments(tiny.job(training, files))
    command = [sys.executable, str(TRAIN), *told, "--runs-per-gpu=2"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[0] == "on GPU-aaaa, beside 1"
    assert tiny.read_record(files)["runs_on_gpu"] == 2


def leave(folder: Path, peak: int) -> None:
    """Leave the record of a training on a GPU that took so many bytes of it."""
    record = {"status": "ok", "model": "tiny", "device": "NVIDIA H100", "steps": 1}
    written = folder / "trained/a/record.json"
    written.parent.mkdir(parents=True)
    written.write_text(json.dumps({**record, "peak_memory_bytes": peak}))
