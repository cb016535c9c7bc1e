"""An interrupted training goes on from its checkpoint, to the bits of one that was left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case, outcome

from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.checkpoint import Checkpoints
from interlude.jobs.perform import perform
from interlude.plan.methods import Bottleneck, Ia3, Lora
from interlude.plan.trainings import Choice
from interlude.training.data import alone
from interlude.training.loop import train
from interlude.training.platform import Platform
from interlude.training.state import RunState, Trained
from interlude.training.tensor_file import read_tensors

CPU = Platform(torch.device("cpu"), bf16=False)
TRAIN = Path(__file__).parents[3] / "workflow/scripts/train.py"
LONG = tiny.settings(epochs=4, dropout=0.2, weight_decay=0.1, evaluations=6)
LASTING = tiny.training("single", settings=tiny.settings(epochs=100, evaluations=1))
ALWAYS = 0.0  # seconds between two checkpoints

Steps = Callable[[Case, int | None], Trained]


class LostError(Exception):
    """What ends a training in these tests, like a machine that fails."""


class Failing(Checkpoints):
    """Checkpoints of a machine that fails after a number of steps."""

    last_step: int | None = None

    def after_step(self, run: Any) -> None:
        super().after_step(run)
        if run.result.steps == self.last_step:
            raise LostError


@pytest.fixture
def steps(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Steps:
    """A function: train until a step, or to the end, each time as a process of its own would."""
    torch.set_num_threads(1)

    def go(case: Case, until: int | None) -> Trained:
        built, data = case.built(model, encoded[case.form])
        with Failing(tmp_path / "state", lambda: "this training", ALWAYS) as checkpoints:
            checkpoints.last_step = until
            say = lambda *_: None  # noqa: E731
            return train(built, alone(data), case.settings, case.seed, CPU, True, say, checkpoints)

    return go


@pytest.mark.parametrize(
    "settings",
    [
        LONG,
        replace(LONG, select="last", evaluations=1),
        replace(LONG, optimizer="bert-adam", interim_examples=5, patience=3),
    ],
    ids=["best", "last", "interim"],
)
@pytest.mark.parametrize("lost_after", [(1,), (5,), (3, 7)])
def test_a_training_goes_on_to_the_same_bits(
    settings: Any, lost_after: tuple[int, ...], steps: Steps
) -> None:
    case = Case("single", settings)
    undisturbed = outcome(steps(case, None))
    for step in lost_after:
        with pytest.raises(LostError):
            steps(case, step)
    assert outcome(steps(case, None)) == undisturbed


ADAPTERS = [
    Case("pair", method=Lora(r=4, dropout=0.2)),
    Case("single", method=Bottleneck(reduction=4)),
    Case("tagging", method=Ia3()),
]


@pytest.mark.parametrize(
    "case", [*map(Case, tiny.FORMS), Case("regression", standardise=True), *ADAPTERS]
)
def test_a_training_of_every_form_goes_on_to_the_same_bits(case: Case, steps: Steps) -> None:
    case = replace(case, settings=tiny.settings(evaluations=3))
    undisturbed = outcome(steps(case, None))
    with pytest.raises(LostError):
        steps(case, 4)
    assert outcome(steps(case, None)) == undisturbed


def test_a_checkpoint_holds_no_frozen_weight(steps: Steps, tmp_path: Path) -> None:
    case = Case("pair", method=Lora(r=4))
    with pytest.raises(LostError):
        steps(case, 4)
    tensors, _ = read_tensors(tmp_path / "state")
    of_model = [name for name in tensors if name.startswith("model.encoder.")]
    assert of_model
    assert all(".lora_" in name for name in of_model if tensors[name].is_floating_point())


def test_what_was_done_before_is_not_done_again(steps: Steps) -> None:
    case = Case("single", LONG)
    with pytest.raises(LostError):
        steps(case, 8)
    seen: list[int] = []
    original = RunState.tensors

    def count(state: RunState) -> Any:
        seen.append(state.result.steps)
        return original(state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunState, "tensors", count)
        steps(case, None)
    assert min(seen) == 9


@pytest.fixture
def checkpoint(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Path:
    """The checkpoint of a lost training on the tiny `single`, left by the program's parts."""
    job = long_job(tiny.files(model, encoded["single"], tmp_path))
    said = iter(range(4))

    def fail(_: str) -> None:
        if next(said, None) is None:
            raise LostError

    with pytest.raises(LostError):
        perform(job, 1, fail, checkpoint_minutes=ALWAYS)
    assert job.files.checkpoint == tmp_path / "checkpoint.safetensors"
    assert job.files.checkpoint.exists()
    return job.files.checkpoint


def long_job(files: JobFiles) -> Job:
    return tiny.job(tiny.training("single", settings=LONG), files)


def first_step(model: Path, encoded: Path, folder: Path, **changes: Any) -> int:
    """Return the first step that a training in this folder reports; check that it cleans up."""
    files = tiny.files(model, encoded, folder, start=changes.pop("start", None))
    said: list[str] = []
    code = changes.pop("code", "c0de")
    training = tiny.training("single", **{"settings": LONG, **changes})
    perform(tiny.job(training, files, code), 1, said.append, checkpoint_minutes=ALWAYS)
    assert not files.checkpoint.exists()
    return int(said[0].split(": step ")[1].split()[0])


def test_a_training_takes_its_own_checkpoint_and_removes_it_in_the_end(
    checkpoint: Path, model: Path, encoded: dict[str, Path]
) -> None:
    assert first_step(model, encoded["single"], checkpoint.parent) > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 6},
        {"settings": replace(LONG, learning_rate=1e-3)},
        {"code": "other code"},
    ],
    ids=["seed", "settings", "code"],
)
def test_a_checkpoint_of_another_training_is_not_taken(
    changes: dict[str, Any], checkpoint: Path, model: Path, encoded: dict[str, Path]
) -> None:
    assert first_step(model, encoded["single"], checkpoint.parent, **changes) == 1


def test_a_checkpoint_of_another_start_is_not_taken(
    checkpoint: Path, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    source = tiny.files(model, encoded["pair"], tmp_path / "source", keep_start=True)
    perform(tiny.job(tiny.training("pair"), source), 1, lambda _: None)
    assert source.own_start is not None
    folder = checkpoint.parent
    assert first_step(model, encoded["single"], folder, start=source.own_start) == 1


def test_a_checkpoint_does_not_go_by_the_names_of_a_plan(
    checkpoint: Path, model: Path, encoded: dict[str, Path]
) -> None:
    renamed = Choice(("1" * 16,), ("learning_rate",), "{}")
    folder = checkpoint.parent
    assert first_step(model, encoded["single"], folder, declared="other", choice=renamed) > 1


@pytest.mark.parametrize("kept", [0, 5, 200, -7])
def test_a_broken_checkpoint_is_not_taken(
    kept: int, checkpoint: Path, model: Path, encoded: dict[str, Path]
) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    assert first_step(model, encoded["single"], checkpoint.parent) == 1


def test_a_checkpoint_of_which_a_byte_changed_is_not_taken(
    checkpoint: Path, model: Path, encoded: dict[str, Path]
) -> None:
    content = bytearray(checkpoint.read_bytes())
    content[-5] ^= 1
    checkpoint.write_bytes(content)
    assert first_step(model, encoded["single"], checkpoint.parent) == 1


def test_a_short_training_writes_no_checkpoint(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    job = tiny.job(tiny.training("single"), tiny.files(model, encoded["single"], tmp_path))

    def look(_: str) -> None:
        assert not job.files.checkpoint.exists()

    perform(job, 1, look, checkpoint_minutes=1)


@pytest.fixture(scope="module")
def left_alone(
    model: Path, encoded: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> JobFiles:
    """What a training that lasts leaves where no signal comes."""
    files = tiny.files(model, encoded["single"], tmp_path_factory.mktemp("alone"))
    perform(tiny.job(LASTING, files), 1, lambda _: None)
    return files


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_training_after_a_step_and_it_goes_on_from_there(
    number: int,
    left_alone: JobFiles,
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
) -> None:
    stopped = tiny.files(model, encoded["single"], tmp_path)
    job = tiny.job(LASTING, stopped)
    with started(job) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(number)
        process.communicate()
    assert process.returncode == 128 + number
    assert stopped.checkpoint.exists()
    assert not stopped.record.exists()
    perform(job, 1, lambda _: None)
    assert stopped.predictions.read_bytes() == left_alone.predictions.read_bytes()
    assert tiny.read_record(stopped)["curve"] == tiny.read_record(left_alone)["curve"]


def started(job: Job) -> subprocess.Popen[str]:
    """Start the program of a training job, which saves its state many times."""
    told = [*tiny.arguments(job), "--checkpoint-minutes", "0.0005"]
    return subprocess.Popen(
        [sys.executable, str(TRAIN), *told],
        env={**os.environ, "PYTHONPATH": str(TRAIN.parents[2] / "src")},
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_a_training_that_is_lost_before_its_record_is_written_keeps_its_checkpoint(
    model: Path, encoded: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LostError

    job = long_job(tiny.files(model, encoded["single"], tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("interlude.jobs.perform.write_record", fail)
        with pytest.raises(LostError):
            perform(job, 1, lambda _: None, ALWAYS)
    assert job.files.checkpoint.exists()
    perform(job, 1, lambda _: None, ALWAYS)
    assert job.files.record.exists()
    assert not job.files.checkpoint.exists()
