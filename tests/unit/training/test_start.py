"""A start: what is in it, and what happens when it is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from torch import nn

from interlude.errors import InputError
from interlude.files import check_files, read_manifest
from interlude.forms import form_of
from interlude.training.carried_heads import carry_heads
from interlude.training.encoder import load_encoder
from interlude.training.shared_heads import share_heads
from interlude.training.start import (
    ENCODER,
    HEADS,
    read_encoder,
    read_heads,
    read_status,
    write_start,
)
from interlude.training.tensor_file import Tensors

WEIGHTS: Tensors = {
    "layer.a": torch.arange(6.0).reshape(2, 3),
    "layer.b": torch.ones(5, dtype=torch.bfloat16),
}
TASKS: dict[str, Tensors] = {
    "tiny-pair": {"linear.weight": torch.zeros(2, 3), "linear.bias": torch.ones(2)},
    "tiny": {"linear.weight": torch.ones(3, 3)},
}


@pytest.fixture
def start(tmp_path: Path) -> Path:
    write_start(tmp_path / "start", "ok", "minilm", WEIGHTS, TASKS)
    return tmp_path / "start"


def assert_same(found: Tensors, wanted: Tensors) -> None:
    assert found.keys() == wanted.keys()
    assert all(found[name].dtype == wanted[name].dtype for name in wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_start_holds_the_encoder_and_the_head_of_each_task(start: Path) -> None:
    assert_same(read_encoder(start), WEIGHTS)
    heads = read_heads(start)
    assert heads.keys() == TASKS.keys()
    for task, weights in TASKS.items():
        assert_same(heads[task], weights)


def test_its_manifest_says_how_the_training_ended_and_holds_its_files(start: Path) -> None:
    manifest = read_manifest(start)
    assert read_status(start) == manifest["status"] == "ok"
    assert (manifest["model"], manifest["tasks"]) == ("minilm", ["tiny", "tiny-pair"])
    assert set(manifest["files"]) == {ENCODER, HEADS}
    assert {path.name for path in start.iterdir()} == {ENCODER, HEADS, "manifest.json"}
    check_files(start)


def test_the_same_weights_are_the_same_bytes_and_a_start_may_be_written_again(start: Path) -> None:
    before = {path.name: path.read_bytes() for path in start.iterdir()}
    write_start(start, "failed", "minilm", {}, {})
    assert read_status(start) == "failed"
    write_start(start, "ok", "minilm", dict(reversed(WEIGHTS.items())), TASKS)
    assert {path.name: path.read_bytes() for path in start.iterdir()} == before


def test_a_start_without_a_result_has_no_weights(tmp_path: Path) -> None:
    write_start(tmp_path / "none", "diverged", "minilm", {}, {"tiny": {}})
    assert read_status(tmp_path / "none") == "diverged"
    assert read_encoder(tmp_path / "none") == {}
    assert read_heads(tmp_path / "none") == {"tiny": {}}


@pytest.mark.parametrize(("file", "read"), [(ENCODER, read_encoder), (HEADS, read_heads)])
def test_any_changed_or_cut_byte_is_seen(
    file: str, read: Callable[[Path], object], start: Path
) -> None:
    whole = (start / file).read_bytes()
    for place in range(len(whole)):
        for content in (whole[:place], whole[:place] + b"?" + whole[place + 1 :]):
            (start / file).write_bytes(content)
            if content != whole:
                with pytest.raises(InputError, match=f"{file}: broken or changed.*Delete"):
                    read(start)


@pytest.mark.parametrize(("file", "read"), [(ENCODER, read_encoder), (HEADS, read_heads)])
def test_a_file_that_is_missing_is_named(
    file: str, read: Callable[[Path], object], start: Path
) -> None:
    (start / file).unlink()
    with pytest.raises(InputError, match=f"{file}: no such file"):
        read(start)


def test_a_file_that_no_manifest_checks_and_that_is_no_safetensors_file_is_named(
    start: Path,
) -> None:
    (start / "manifest.json").write_text("{}")
    (start / ENCODER).write_bytes(b"\x08\x00")
    with pytest.raises(InputError, match=r"encoder\.safetensors: not a whole safetensors file"):
        read_encoder(start)


def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone/manifest\.json: no such file"):
        read_status(tmp_path / "gone")


def test_a_status_that_no_training_has_is_refused(start: Path) -> None:
    manifest = json.loads((start / "manifest.json").read_text())
    (start / "manifest.json").write_text(json.dumps(manifest | {"status": "fai1ed"}))
    with pytest.raises(InputError, match=r"key status: found 'fai1ed'. Allowed: ok, diverged, fai"):
        read_status(start)


def test_what_a_training_leaves_is_what_another_begins_from(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    result = Case("pair").trained(model, encoded["pair"])
    assert result.encoder is not None
    assert result.heads is not None
    write_start(tmp_path / "start", "ok", "tiny", result.encoder, {"tiny-pair": result.heads[0]})
    built, _ = Case("single").built(model, encoded["single"], tmp_path / "start")
    assert_same(dict(built.encoder.state_dict()), result.encoder)
    assert_same(read_heads(tmp_path / "start")["tiny-pair"], result.heads[0])


def head_of(form: str) -> nn.Module:
    torch.manual_seed(3)
    return form_of(form)(tiny.LABELS[form]).head(8, dropout=0.0)


def with_heads(folder: Path, *forms: str) -> tuple[Path, dict[str, dict[str, torch.Tensor]]]:
    """Write a start with the heads of some forms' tasks; return it with their weights."""
    torch.manual_seed(4)
    made = {form: form_of(form)(tiny.LABELS[form]).head(8, dropout=0.0) for form in forms}
    heads = {f"tiny-{form}": dict(head.state_dict()) for form, head in made.items()}
    write_start(folder, "ok", "tiny", {"weight": torch.zeros(1)}, heads)
    return folder, heads


@pytest.mark.parametrize(
    ("kept", "task", "found"),
    [
        (("single", "pair"), "tiny-single", "tiny-single"),  # its own, though both fit
        (("pair",), "other", "tiny-pair"),  # the only one of its shape
        (("pair", "tagging"), "other", "tiny-pair"),
        (("single", "pair"), "other", None),  # nobody can tell which
        (("tagging",), "other", None),
    ],
)
def test_a_head_is_carried_over_where_one_can_tell_which(
    kept: tuple[str, ...], task: str, found: str | None, tmp_path: Path
) -> None:
    start, heads = with_heads(tmp_path / "start", *kept)
    head = head_of("single")
    fresh = {name: weight.clone() for name, weight in head.state_dict().items()}
    carried = carry_heads(start, {task: head})
    assert carried == ({} if found is None else {task: found})
    assert_same(dict(head.state_dict()), fresh if found is None else heads[found])


def test_a_head_that_tasks_share_is_carried_over_as_one(tmp_path: Path) -> None:
    start, heads = with_heads(tmp_path / "start", "single", "pair")
    shared = {"tiny-a": heads["tiny-pair"], "tiny-b": {}}
    shared["tiny-b"] = {name: weight.clone() for name, weight in shared["tiny-a"].items()}
    write_start(start, "ok", "tiny", {"weight": torch.zeros(1)}, shared)
    head = head_of("single")
    assert carry_heads(start, {"other": head}) == {"other": "tiny-a"}
    assert_same(dict(head.state_dict()), heads["tiny-pair"])


@pytest.mark.parametrize(
    ("tasks", "carried"),
    [
        (("tiny-single", "other"), {"tiny-single": "tiny-single", "other": "tiny-single"}),
        (("tiny-single", "tiny-pair"), {}),  # they had different ones
    ],
)
def test_a_head_that_tasks_share_takes_over_the_only_one_that_they_had(
    tasks: tuple[str, ...], carried: dict[str, str], tmp_path: Path
) -> None:
    start, heads = with_heads(tmp_path / "start", "single", "pair")
    made = [head_of("single"), head_of("pair")]
    share_heads(made)
    fresh = {name: weight.clone() for name, weight in made[0].state_dict().items()}
    assert carry_heads(start, dict(zip(tasks, made, strict=True))) == carried
    for head in made:
        assert_same(dict(head.state_dict()), heads["tiny-single"] if carried else fresh)


def test_a_full_disk_is_one_message_and_leaves_nothing(small_disk: Path, model: Path) -> None:
    weights = load_encoder(model, None, None).state_dict()
    with pytest.raises(InputError, match=r"start: cannot be written.*[Nn]o space left"):
        write_start(small_disk / "start", "ok", "tiny", weights, {})
    assert list(small_disk.iterdir()) == []
