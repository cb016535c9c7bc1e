"""What an outcome is known by: contents, settings and what computes; no name, no declaration."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny

from interlude.jobs import identity
from interlude.jobs.arguments import Job
from interlude.jobs.identity import data_hashes, outcome_identity, weights_hash
from interlude.plan.trainings import Choice
from interlude.training.platform import choose_platform
from interlude.training.start import write_start

ONE = tiny.training("single")
CHOICE = Choice(("1" * 16,), ("learning_rate",), "{}")

Identity = Callable[..., str]


@pytest.fixture
def places(model: Path, encoded: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Copies of the model and of the encoded task, which a test may change."""
    copies = {"model": model, "encoded": encoded["single"]}
    return {name: shutil.copytree(path, tmp_path / name) for name, path in copies.items()}


@pytest.fixture
def identity_with(places: dict[str, Path], tmp_path: Path) -> Iterator[Identity]:
    """A function: the identity of a training in a folder, with some changes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)

    def of(code: str = "code", name: str = "a name", precision: str = "fp32", **told: Any) -> str:
        files = tiny.files(
            **places, folder=told.pop("folder", tmp_path), start=told.pop("at", None)
        )
        made_from = told.pop("made_from", None)
        job = Job(replace(ONE, **told), files, code, name, made_from)
        return outcome_identity(job, choose_platform("cpu", precision))

    yield of
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another name"},
        {"folder": Path("/elsewhere")},
        {"made_from": "rows of another place"},
        {"declared": "other words in the model's file"},
        {"parts": (replace(ONE.part, declared="other words in the task's file"),)},
        {"start": "0" * 16},  # which start it is, its files tell
        {"choice": CHOICE},  # what was chosen stands in the settings
        {"references": ("0" * 16,)},  # what they score is what counts
    ],
    ids="+".join,
)
def test_names_and_declarations_do_not_change_it(
    changes: dict[str, Any], identity_with: Identity
) -> None:
    assert identity_with(**changes) == identity_with()


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "other code"},
        {"precision": "bf16"},
        {"model": "other"},
        {"layers": 1},
        {"seed": 6},
        {"settings": tiny.settings(weight_decay=0.02)},
        {"parts": (replace(ONE.part, examples=8),)},
        {"parts": (replace(ONE.part, metric="matthews"),)},  # it picks the kept model
        {"sampler": "size"},
    ],
    ids="+".join,
)
def test_what_can_change_an_outcome_changes_it(
    changes: dict[str, Any], identity_with: Identity
) -> None:
    assert identity_with(**changes) != identity_with()


@pytest.mark.parametrize("changed", ["train.arrow", "validation.arrow"])
def test_data_count_by_their_contents(
    changed: str, identity_with: Identity, places: dict[str, Path]
) -> None:
    before = identity_with()
    (places["encoded"] / changed).touch()
    assert identity_with() == before
    change(places["encoded"], changed)
    assert identity_with() != before


@pytest.mark.parametrize("changed", ["config.json", "model.safetensors"])
def test_the_model_counts_by_its_contents(
    changed: str, identity_with: Identity, places: dict[str, Path]
) -> None:
    before = identity_with()
    change(places["model"], changed)
    assert identity_with() != before


def change(folder: Path, name: str) -> None:
    """Change a byte of a file and, where the manifest tells its hash, that: as if made so."""
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("files", None)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_manifest_is_believed_since_its_files_were_held_to_it(
    identity_with: Identity, places: dict[str, Path]
) -> None:
    before = identity_with()
    (places["encoded"] / "train.arrow").unlink()  # nothing is read again
    assert identity_with() == before


def test_a_start_counts_by_its_contents_in_place_of_the_pretrained_weights(
    identity_with: Identity, places: dict[str, Path], tmp_path: Path
) -> None:
    zeros, ones = ({"weight": torch.full((2,), value)} for value in (0.0, 1.0))
    starts = {name: tmp_path / f"start-{name}" for name in ("a", "same", "b")}
    for name, weights in (("a", zeros), ("same", zeros), ("b", ones)):
        write_start(starts[name], "ok", "tiny", weights, {"tiny-pair": {}})
    found = {name: identity_with(at=start) for name, start in starts.items()}
    assert found["a"] == found["same"]
    assert len({*found.values(), identity_with()}) == 3
    change(places["model"], "model.safetensors")
    assert identity_with(at=starts["a"]) == found["a"]


def test_threads_count_since_sums_come_in_another_order(identity_with: Identity) -> None:
    before = identity_with()
    torch.set_num_threads(2)
    assert identity_with() != before


def test_versions_count(identity_with: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity_with()
    monkeypatch.setattr(identity, "versions", lambda: {"torch": "3.0"})
    assert identity_with() != before


def test_the_processor_counts(identity_with: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity_with()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "OTHER")
    assert identity_with() != before


def test_hashes_are_those_of_the_files(places: dict[str, Path], tmp_path: Path) -> None:
    job = tiny.job(ONE, tiny.files(**places, folder=tmp_path))
    listed = json.loads((places["encoded"] / "manifest.json").read_text())["files"]
    assert data_hashes(job) == [[listed["train.arrow"], listed["validation.arrow"]]]
    assert len(weights_hash(job)) == 64
