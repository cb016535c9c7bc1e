"""A run or an encoding that another study has made is taken from there, and nothing else is."""

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
import tiny
import torch
from interlude.analysis.runs import to_table
from interlude.plan.runspec import RunSpec
from safetensors.torch import load_file, save_file

from interlude.analysis.costs import cost_table
from interlude.encode.encoding import encode_task_once
from interlude.files import read_manifest
from interlude.jobs.arguments import RunFiles
from interlude.jobs.perform import perform
from interlude.jobs.shared import put, take

SPEC = tiny.spec("single", kind="intermediate")
SRC = Path(__file__).parents[3] / "src"

CarryOut = Callable[..., tuple[RunFiles, list[str]]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def carry_out(
    model: Path, encoded: dict[str, Path], tmp_path: Path, store: Path
) -> Iterator[CarryOut]:
    """A function: carry out an intermediate run in a new folder; its files, and what it said."""
    threads = torch.get_num_threads()

    def of(spec: RunSpec = SPEC, code: str = "code", threads: int = 1, **places: Path) -> Any:
        folder = tmp_path / f"study-{len(list(tmp_path.iterdir()))}"
        places = {"encoded": encoded["single"], "model": model, "shared": store, **places}
        files = tiny.files(folder=folder, encoder_out=folder / "1.safetensors", **places)
        said: list[str] = []
        perform(spec, files, code, threads, said.append)
        return files, said

    yield of
    torch.set_num_threads(threads)


def was_trained(said: list[str]) -> bool:
    return any(": step " in line for line in said)


def outcome(files: RunFiles) -> tuple[Any, ...]:
    """Return all that a run found out: record, bytes of predictions, weights.

    The header of a safetensors file comes in any order.
    """
    names = ("study", "restart", "taken_from")
    names += ("total_seconds", "train_seconds", "evaluation_seconds")
    record = {key: value for key, value in tiny.read_record(files).items() if key not in names}
    assert files.encoder_out is not None
    weights = {name: each.numpy().tobytes() for name, each in load_file(files.encoder_out).items()}
    return record, files.predictions.read_bytes(), weights


def test_another_study_takes_a_run_that_was_done(carry_out: CarryOut) -> None:
    first, said = carry_out()
    assert was_trained(said)
    second, said = carry_out(replace(SPEC, study="other", restart=3))
    assert not was_trained(said)
    assert outcome(second) == outcome(first)
    record = tiny.read_record(second)
    assert (record["study"], record["restart"]) == ("other", 3)
    assert record["taken_from"].startswith("tiny, restart 1, 20")
    assert "taken_from" not in tiny.read_record(first)


def test_shared_files_take_no_space_beside_the_run_s_own(carry_out: CarryOut, store: Path) -> None:
    files, _ = carry_out()
    for own in (files.predictions, files.encoder_out):
        assert own is not None
        assert [kept for kept in store.iterdir() if kept.samefile(own)]


def test_a_run_that_was_taken_costs_nothing_again(carry_out: CarryOut) -> None:
    first, _ = carry_out()
    second, _ = carry_out(replace(SPEC, study="other"))
    costs = [
        cost_table(to_table([tiny.read_record(files)])).set_index("step").loc["intermediate"]
        for files in (first, second)
    ]
    assert [cost["measured"] for cost in costs] == [1, 0]
    assert costs[0]["tokens"] > 0
    assert costs[1]["runs"] == 1
    assert costs[1][["tokens", "total_seconds"]].isna().all()


def test_a_run_that_is_lost_and_done_before_is_its_own(carry_out: CarryOut) -> None:
    files, _ = carry_out()
    files.record.unlink()
    said: list[str] = []
    perform(SPEC, files, "code", 1, said.append)
    assert not was_trained(said)
    assert "taken_from" not in tiny.read_record(files)


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": replace(SPEC, seed=6)},
        {"spec": replace(SPEC, settings=tiny.settings(learning_rate=1e-3))},
        {"spec": replace(SPEC, precision="bf16")},
        {"code": "other code"},
        {"threads": 2},
    ],
    ids=["seed", "settings", "precision", "code", "threads"],
)
def test_another_run_is_trained(changes: dict[str, Any], carry_out: CarryOut) -> None:
    carry_out()
    assert was_trained(carry_out(**changes)[1])


def test_a_run_on_other_data_is_trained(
    carry_out: CarryOut, encoded: dict[str, Path], tmp_path: Path
) -> None:
    carry_out()
    other = shutil.copytree(encoded["single"], tmp_path / "data")
    assert not was_trained(carry_out(encoded=other)[1])
    shutil.copy(other / "validation.arrow", other / "train.arrow")
    (other / "manifest.json").write_text("{}")
    assert was_trained(carry_out(encoded=other)[1])


def test_a_run_of_another_model_is_trained(
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
    largest.unlink()  # it is the study's file as well
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
    assert any("not taken" in line for line in said)
    assert outcome(second) == outcome(first)
    third, said = carry_out()
    assert not was_trained(said)
    assert outcome(third) == outcome(first)


def test_a_run_that_diverged_is_not_shared(
    carry_out: CarryOut, model: Path, tmp_path: Path, store: Path
) -> None:
    poisoned = shutil.copytree(model, tmp_path / "poisoned")
    weights = load_file(poisoned / "model.safetensors")
    next(tensor for name, tensor in weights.items() if "dense.weight" in name).fill_(torch.nan)
    save_file(weights, poisoned / "model.safetensors", {"format": "pt"})
    files, _ = carry_out(model=poisoned)
    assert tiny.read_record(files)["status"] == "diverged"
    assert not store.exists()


def test_only_intermediate_runs_are_shared(
    model: Path, encoded: dict[str, Path], tmp_path: Path, store: Path
) -> None:
    files = tiny.files(model, encoded["single"], tmp_path / "study", shared=store)
    perform(tiny.spec("single"), files, "code", 1, lambda _: None)
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
    assert "not left there" in said[-1]


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


def test_two_that_leave_the_same_run_at_once_do_no_harm(tmp_path: Path, store: Path) -> None:
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
    assert not [line for line in said if "not taken" in line]
    assert len(list(store.iterdir())) == 3  # an entry, and the bytes of each writer


def test_an_encoding_is_taken_where_all_that_it_was_made_from_is_the_same(
    model: Path, tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tiny.rows("pair", 12)
    same, other = (
        tiny.write_task(tmp_path / f"data-{n}", "pair", {"train": rows[:n], "validation": rows})
        for n in (8, 9)
    )

    def encode(data: Path, max_length: int = 32, code: str = "code") -> tuple[bool, bytes]:
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        encode_task_once(data, out, "pair", model, max_length, shared=store, code=code)
        taken = "taken from there" in capsys.readouterr().err
        return taken, (out / "train.arrow").read_bytes()

    first = encode(same)
    assert not first[0]
    assert encode(same) == (True, first[1])
    assert not encode(other)[0]
    assert not encode(same, max_length=24)[0]
    assert not encode(same, code="other")[0]


def test_an_encoding_that_was_taken_tells_of_the_data_that_it_stands_for(
    model: Path, tmp_path: Path, store: Path
) -> None:
    rows = tiny.rows("pair", 8)
    for name in ("of a hub", "of a mirror"):
        data = tmp_path / name
        tiny.write_task(data, "pair", {"train": rows, "validation": rows}, revision=name)
        encode_task_once(data, data / "out", "pair", model, 32, shared=store, code="code")
        assert read_manifest(data / "out")["data_revision"] == name
