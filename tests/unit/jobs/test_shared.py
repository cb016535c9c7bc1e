"""An outcome that another folder has made is taken from there, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from safetensors.torch import load_file, save_file

from interlude.analysis.costs import cost_table
from interlude.analysis.results import joined, to_scores, to_trainings
from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.collect import collect
from interlude.jobs.perform import perform
from interlude.jobs.shared import put, take
from interlude.plan.cells import Cell
from interlude.plan.trainings import Choice, Training

ONE = tiny.training("single")
SRC = Path(__file__).parents[3] / "src"

CarryOut = Callable[..., tuple[JobFiles, list[str]]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def carry_out(
    model: Path, encoded: dict[str, Path], tmp_path: Path, store: Path
) -> Iterator[CarryOut]:
    """A function: carry out a training in a folder of results; its files, and what it said.

    where: name of the folder; a new one if None.
    """
    threads = torch.get_num_threads()

    def of(
        training: Training = ONE,
        where: str | None = None,
        code: str = "code",
        threads: int = 1,
        **places: Any,
    ) -> tuple[JobFiles, list[str]]:
        results = tmp_path / (where or f"results-{len(list(tmp_path.iterdir()))}")
        told = {"encoded": encoded[training.part.form], "model": model, "shared": store}
        files = tiny.files(folder=results / training.id, **{"keep_start": True, **told, **places})
        said: list[str] = []
        perform(tiny.job(training, files, code), threads, said.append)
        return files, said

    yield of
    torch.set_num_threads(threads)


def was_trained(said: list[str]) -> bool:
    return any(": step " in line for line in said)


def outcome(files: JobFiles) -> tuple[Any, ...]:
    """Return all that a training found out: record, bytes of predictions and of the start."""
    names = ("training", "taken_from", "total_seconds", "train_seconds", "evaluation_seconds")
    names += ("peak_memory_bytes", "start_bytes")  # what it keeps is compared itself
    record = {key: value for key, value in tiny.read_record(files).items() if key not in names}
    start = files.own_start
    kept = {} if start is None else {path.name: path.read_bytes() for path in start.iterdir()}
    return record, files.predictions.read_bytes(), kept


@pytest.mark.parametrize("keep_start", [False, True])
def test_another_folder_takes_a_training_that_was_done(
    keep_start: bool, carry_out: CarryOut
) -> None:
    first, said = carry_out(keep_start=keep_start)
    assert was_trained(said)
    second, said = carry_out(keep_start=keep_start)
    assert not was_trained(said)
    assert outcome(second) == outcome(first)
    record = tiny.read_record(second)
    assert record["training"] == ONE.id
    assert record["taken_from"].startswith("single target: none > tiny-single, restart 1, 20")
    assert "taken_from" not in tiny.read_record(first)


def test_a_training_under_another_id_takes_what_was_made_from_the_same(
    carry_out: CarryOut,
) -> None:
    first, _ = carry_out()
    renamed = replace(ONE, declared="other words for the same weights")
    second, said = carry_out(renamed, where=first.folder.parent.name)
    assert not was_trained(said)
    assert outcome(second) == outcome(first)
    record = tiny.read_record(second)
    assert record["training"] == renamed.id != ONE.id
    assert record["taken_from"].startswith("single target")


def test_settings_that_a_sweep_chose_are_those_of_a_training_without_one(
    carry_out: CarryOut,
) -> None:
    chosen = replace(ONE, settings=tiny.settings(learning_rate=1e-3))
    first, _ = carry_out(chosen)
    planned = replace(ONE, choice=Choice(("1" * 16,), ("learning_rate",), "{}"))
    second, said = carry_out(planned.settled({"learning_rate": 1e-3}))
    assert not was_trained(said)
    assert outcome(second) == outcome(first)
    assert tiny.read_record(second)["training"] == planned.id


def test_one_that_was_done_without_its_start_is_done_again_once_when_that_is_wanted(
    carry_out: CarryOut,
) -> None:
    first, said = carry_out(where="results", keep_start=False)
    assert was_trained(said)
    second, said = carry_out(where="results", keep_start=True)
    assert was_trained(said)
    assert "taken_from" not in tiny.read_record(second)
    for keep_start in (False, True):
        again, said = carry_out(keep_start=keep_start)
        assert not was_trained(said)
        assert outcome(again)[:2] == outcome(first)[:2]
    assert outcome(again) == outcome(second)


def test_what_starts_from_a_start_that_was_taken_is_taken_too(carry_out: CarryOut) -> None:
    after = tiny.training("pair", start=ONE.id)
    first, second = (
        carry_out(after, start=carry_out()[0].own_start, keep_start=False) for _ in range(2)
    )
    assert was_trained(first[1])
    assert not was_trained(second[1])
    assert outcome(second[0]) == outcome(first[0])
    assert tiny.read_record(second[0])["start"] == ONE.id


def test_a_record_that_is_taken_says_what_its_own_data_are_made_from(
    model: Path, encoded: dict[str, Path], tmp_path: Path, store: Path
) -> None:
    for name in ("a file", "a mirror"):
        files = tiny.files(model, encoded["single"], tmp_path / name, shared=store)
        perform(Job(ONE, files, "code", "a name", name), 1, lambda _: None)
        assert tiny.read_record(files)["made_from"] == name
    assert tiny.read_record(files)["taken_from"].startswith("a name, 20")


def test_one_that_was_taken_needs_its_checkpoint_no_more(carry_out: CarryOut) -> None:
    first, _ = carry_out()
    first.record.unlink()
    first.checkpoint.write_bytes(b"of an interrupted attempt")
    carry_out(where=first.folder.parent.name)
    assert not first.checkpoint.exists()


def test_shared_files_take_no_space_beside_those_of_the_training(
    carry_out: CarryOut, store: Path
) -> None:
    files, _ = carry_out()
    assert files.own_start is not None
    for own in (files.predictions, *files.own_start.iterdir()):
        assert [kept for kept in store.iterdir() if kept.samefile(own)]


def test_a_training_that_was_taken_costs_nothing_again(carry_out: CarryOut) -> None:
    cell = Cell("single", "target", "none", None, "tiny-single", 1, None, ONE.id)
    costs = []
    for _ in range(2):
        files, _ = carry_out()
        found = collect("tiny", [cell], files.folder.parent)
        trainings = to_trainings(found.trainings)
        runs = joined(to_scores(found.scores), trainings)
        costs.append(cost_table(runs, trainings).set_index("step").loc["target"])
    assert [cost["measured"] for cost in costs] == [1, 0]
    assert costs[0]["tokens"] > 0
    assert costs[1]["trainings"] == 1
    assert costs[1][["tokens", "total_seconds"]].isna().all()


def test_a_training_that_is_lost_and_done_before_is_its_own(carry_out: CarryOut) -> None:
    files, _ = carry_out(where="results")
    files.record.unlink()
    _, said = carry_out(where="results")
    assert not was_trained(said)
    assert "taken_from" not in tiny.read_record(files)


@pytest.mark.parametrize(
    "changes",
    [
        {"training": replace(ONE, seed=6)},
        {"training": replace(ONE, settings=tiny.settings(learning_rate=1e-3))},
        {"training": replace(ONE, precision="bf16")},
        {"code": "other code"},
        {"threads": 2},
    ],
    ids=["seed", "settings", "precision", "code", "threads"],
)
def test_another_training_is_trained(changes: dict[str, Any], carry_out: CarryOut) -> None:
    carry_out()
    assert was_trained(carry_out(**changes)[1])


def test_a_training_from_a_start_is_not_one_from_the_pretrained_encoder(
    carry_out: CarryOut,
) -> None:
    start = carry_out(tiny.training("pair"))[0].own_start
    carry_out()
    assert was_trained(carry_out(start=start)[1])
    assert not was_trained(carry_out(start=start)[1])


def test_a_training_on_other_data_is_trained(
    carry_out: CarryOut, encoded: dict[str, Path], tmp_path: Path
) -> None:
    carry_out()
    other = shutil.copytree(encoded["single"], tmp_path / "data")
    assert not was_trained(carry_out(encoded=other)[1])
    shutil.copy(other / "validation.arrow", other / "train.arrow")
    (other / "manifest.json").write_text("{}")
    assert was_trained(carry_out(encoded=other)[1])


def test_a_training_of_another_model_is_trained(
    carry_out: CarryOut, model: Path, tmp_path: Path
) -> None:
    carry_out()
    other = shutil.copytree(model, tmp_path / "other-model")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "hidden_dropout_prob": 0.5}))
    assert was_trained(carry_out(model=other)[1])


@pytest.mark.parametrize("broken", ["entry", "score", "file", "missing"])
def test_what_is_broken_is_trained_anew_and_mended(
    broken: str, carry_out: CarryOut, store: Path
) -> None:
    first, _ = carry_out()
    (entry,) = store.glob("*.json")
    largest = max(store.iterdir(), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.unlink()  # it is the training's file as well
    if broken != "missing":
        largest.write_bytes(content if broken != "file" else content[:-1] + b"?")
    if broken == "entry":
        entry.write_bytes(entry.read_bytes()[:200])
    if broken == "score":
        score = json.dumps(tiny.read_record(first)["score"])
        assert f'"score": {score}' in entry.read_text()
        entry.write_text(entry.read_text().replace(f'"score": {score}', '"score": 0.99'))
    second, said = carry_out()
    assert was_trained(said)
    assert any("not copied" in line for line in said)
    assert outcome(second) == outcome(first)
    third, said = carry_out()
    assert not was_trained(said)
    assert outcome(third) == outcome(first)


def test_a_training_that_diverged_is_not_shared(
    carry_out: CarryOut, model: Path, tmp_path: Path, store: Path
) -> None:
    poisoned = shutil.copytree(model, tmp_path / "poisoned")
    weights = load_file(poisoned / "model.safetensors")
    next(tensor for name, tensor in weights.items() if "dense.weight" in name).fill_(torch.nan)
    save_file(weights, poisoned / "model.safetensors", {"format": "pt"})
    files, _ = carry_out(model=poisoned)
    assert tiny.read_record(files)["status"] == "diverged"
    assert not store.exists()


def test_without_a_folder_nothing_is_shared(carry_out: CarryOut, store: Path) -> None:
    for _ in range(2):
        assert was_trained(carry_out(shared=None)[1])
    assert not store.exists()


@pytest.fixture
def read_only(small_disk: Path) -> Callable[[], None]:
    """A function: make the small disk one that can only be read, even by root."""

    def remount() -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    return remount


def test_a_folder_that_can_only_be_read_serves_and_is_no_error(
    small_disk: Path, read_only: Callable[[], None], tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.write_text("a result")
    said: list[str] = []
    put(small_disk, "1" * 64, {"result": made}, {"score": 1}, said.append)
    read_only()
    target = tmp_path / "target"
    assert take(small_disk, "1" * 64, {"result": target}, said.append) == {"score": 1}
    assert target.read_text() == "a result"
    put(small_disk, "2" * 64, {"result": made}, {}, said.append)
    assert take(small_disk, "2" * 64, {"result": target}, said.append) is None
    assert "not stored in" in said[-1]


def test_a_full_folder_is_no_error(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(100_000))
    said: list[str] = []
    put(small_disk, "1" * 64, {"result": tmp_path / "large"}, {}, said.append)
    assert "no space left" in said[0]
    assert not list(small_disk.iterdir())


WRITER = """
import sys
from pathlib import Path
from interlude.jobs.shared import put
folder, name = Path(sys.argv[1]), sys.argv[2]
files = {part: folder / f"{name}-{part}" for part in ("a", "b")}
for path in files.values():
    path.write_text(name)
for _ in range(100):
    put(folder / "shared", "1" * 64, files, {"by": name}, print)
"""


def test_two_that_leave_the_same_outcome_at_once_do_no_harm(tmp_path: Path, store: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    targets = {part: tmp_path / part for part in ("a", "b")}
    said: list[str] = []
    found = None
    while found is None or any(writer.poll() is None for writer in writers):
        found = take(store, "1" * 64, targets, said.append) or found
        if found is not None:
            assert {path.read_text() for path in targets.values()} == {found["by"]}
    assert [writer.communicate()[0] for writer in writers] == ["", ""]
    assert not [line for line in said if "not copied" in line]
    assert len(list(store.iterdir())) == 3  # an entry, and the bytes of each writer
