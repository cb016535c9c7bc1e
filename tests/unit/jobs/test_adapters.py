"""Jobs that train adapters: what they leave, what begins with it, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from safetensors.torch import load_file, save_file

from interlude.errors import InputError
from interlude.files import WEIGHTS, read_manifest, sha256_of
from interlude.jobs.arguments import JobFiles
from interlude.plan.methods import CONTINUE, MERGE, Bottleneck, Lora, Method
from interlude.plan.trainings import Training
from interlude.training.start import read_adapters, read_encoder, read_heads, write_start

LORA = Lora(r=4, dropout=0.1)
BLOCKS = Bottleneck(reduction=4)
METHODS = {"lora": LORA, "bottleneck": BLOCKS}

Perform = Callable[..., JobFiles]


def source(method: Method, **changes: Any) -> Training:
    return tiny.training("single", method=method, **changes)


def target(method: Method, adapter: str | None = CONTINUE, **changes: Any) -> Training:
    told = {"method": method, "adapter": adapter, "start": "s", "seed": 7}
    return tiny.training("pair", **{**told, **changes})


def as_bytes(files: JobFiles) -> dict[str, bytes]:
    """Return all that a training leaves but its record, which holds times."""
    assert files.own_start is not None
    return {
        path.name: path.read_bytes() for path in (*files.own_start.iterdir(), files.predictions)
    }


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_start_holds_the_adapter_the_heads_and_the_hash_of_its_base(
    method: Method, carry_out: Perform, model: Path
) -> None:
    files = carry_out(source(method), keep_start=True)
    assert files.own_start is not None
    manifest = read_manifest(files.own_start)
    assert manifest["method"] == json.loads(json.dumps(method.to_dict()))
    assert manifest["weights_sha256"] == sha256_of(model / WEIGHTS)
    (adapter,) = read_adapters(files.own_start)
    held = sum(weight.numel() for weight in adapter.values())
    heads = read_heads(files.own_start)["tiny-single"]
    record = tiny.read_record(files)
    assert record["trained_parameters"] == held + sum(each.numel() for each in heads.values())
    sizes = [path.stat().st_size for path in files.own_start.glob("*.safetensors")]
    assert record["start_bytes"] == sum(sizes) < (model / WEIGHTS).stat().st_size / 2
    told = record["hyperparameters"]
    assert (told["method"]["name"], told["adapter"]) == (method.name, None)
    assert ("peft" in record["versions"]) == (method.name == "lora")


def test_a_full_training_leaves_what_it_always_left(carry_out: Perform) -> None:
    files = carry_out(tiny.training("single"), keep_start=True)
    assert files.own_start is not None
    assert read_manifest(files.own_start).keys() == {"files", "model", "status", "tasks"}
    assert not {"method", "adapter"} & tiny.read_record(files)["hyperparameters"].keys()
    assert carry_out(tiny.training("single")).own_start is None


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_same_training_leaves_the_same_bytes_from_a_start_too(
    method: Method, carry_out: Perform
) -> None:
    starts = [carry_out(source(method), keep_start=True) for _ in range(2)]
    assert as_bytes(starts[0]) == as_bytes(starts[1])
    ends = [carry_out(target(method), keep_start=True, start=each.own_start) for each in starts]
    assert as_bytes(ends[0]) == as_bytes(ends[1])
    alone = carry_out(target(method, None, start=None), keep_start=True)
    assert as_bytes(alone) != as_bytes(ends[0])


def test_a_second_stage_goes_on_with_the_adapter_or_merges_it(carry_out: Perform) -> None:
    first = carry_out(source(LORA), keep_start=True)
    assert first.own_start is not None
    (left,) = read_adapters(first.own_start)
    gone_on, merged = (
        carry_out(target(LORA, fate), keep_start=True, start=first.own_start)
        for fate in (CONTINUE, MERGE)
    )
    assert gone_on.own_start is not None
    assert merged.own_start is not None
    assert len(read_adapters(gone_on.own_start)) == 1
    before, _ = read_adapters(merged.own_start)
    assert all(torch.equal(before[name], weight) for name, weight in left.items())
    third = carry_out(target(LORA, MERGE), keep_start=True, start=merged.own_start)
    assert third.own_start is not None
    assert len(read_adapters(third.own_start)) == 3
    again = carry_out(target(LORA), keep_start=True, start=merged.own_start)
    assert again.own_start is not None
    assert len(read_adapters(again.own_start)) == 2


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_stage_without_a_step_that_changes_anything_predicts_as_its_start(
    method: Method, carry_out: Perform
) -> None:
    """What is put together from a start is the very model that the start was left by."""
    still = tiny.settings(learning_rate=1e-30)
    first = carry_out(source(method, seed=3), keep_start=True)
    fates = [CONTINUE, MERGE] if method.mergeable else [CONTINUE]
    for fate in fates:
        same = target(method, fate, settings=still, carry_head=True)
        same = replace(same, parts=source(method).parts)
        again = carry_out(same, start=first.own_start)
        assert tiny.read_predictions(again) == tiny.read_predictions(first)


def test_an_outcome_is_shared_and_its_start_with_it(carry_out: Perform, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    first = carry_out(source(LORA), keep_start=True, shared=shared)
    second = carry_out(source(LORA), keep_start=True, shared=shared)
    assert "taken_from" in tiny.read_record(second)
    assert as_bytes(first) == as_bytes(second)
    other = carry_out(source(Lora(r=2)), keep_start=True, shared=shared)
    assert "taken_from" not in tiny.read_record(other)
    third = carry_out(source(LORA), shared=shared)
    assert "taken_from" in tiny.read_record(third)
    assert tiny.read_record(third)["start_bytes"] is None


def test_base_weights_are_in_the_identity(carry_out: Perform, tmp_path: Path, model: Path) -> None:
    shared = tmp_path / "shared"
    carry_out(source(LORA), shared=shared)
    moved = changed(model, tmp_path)
    assert "taken_from" not in tiny.read_record(carry_out(source(LORA), shared=shared, model=moved))


def changed(model: Path, folder: Path) -> Path:
    """Return a copy of a model with another weight."""
    copied = Path(shutil.copytree(model, folder / "changed"))
    weights = load_file(copied / WEIGHTS)
    weights["encoder.layer.0.output.dense.bias"] += 1
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    return copied


def test_an_adapter_of_other_weights_is_refused(
    carry_out: Perform, tmp_path: Path, model: Path
) -> None:
    first = carry_out(source(LORA), keep_start=True)
    message = r"manifest\.json: key weights_sha256: found [0-9a-f]{64}, the weights that the adapt"
    with pytest.raises(InputError, match=message):
        carry_out(target(LORA), start=first.own_start, model=changed(model, tmp_path))


def test_base_weights_that_were_changed_since_are_refused(
    carry_out: Perform, tmp_path: Path, model: Path
) -> None:
    moved = changed(model, tmp_path)
    manifest = read_manifest(model) | {"files": {WEIGHTS: sha256_of(model / WEIGHTS)}}
    (moved / "manifest.json").write_text(json.dumps(manifest))
    first = carry_out(source(LORA), keep_start=True)
    for start, training in ((None, source(LORA)), (first.own_start, target(LORA))):
        with pytest.raises(InputError, match=r"changed/model\.safetensors: broken or changed"):
            carry_out(training, start=start, model=moved)


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        (LORA, Lora(r=2), "'lora', 'r': 4.*'lora', 'r': 2"),
        (LORA, BLOCKS, "'lora'.*'bottleneck'"),
        (LORA, None, "'lora'.*'full'"),
        (None, LORA, "'full'.*'lora'"),
    ],
)
def test_what_another_method_left_is_refused(
    first: Method | None, then: Method | None, found: str, carry_out: Perform
) -> None:
    left = carry_out(source(first) if first else tiny.training("single"), keep_start=True)
    training = target(then) if then else tiny.training("pair", start="s")
    folders = {path.name for path in left.folder.parents[1].iterdir()}
    with pytest.raises(InputError, match=f"key method: found .*{found}"):
        carry_out(training, start=left.own_start)
    assert {path.name for path in left.folder.parents[1].iterdir()} == folders


def test_a_start_of_other_shapes_is_refused(carry_out: Perform, model: Path) -> None:
    first = carry_out(source(LORA), keep_start=True)
    assert first.own_start is not None
    weights = read_encoder(first.own_start)
    name = min(weights)
    weights[name] = weights[name][:1]
    rests = {key: read_manifest(first.own_start)[key] for key in ("method", "weights_sha256")}
    write_start(first.own_start, "ok", "tiny", weights, {}, rests)
    with pytest.raises(InputError, match="does not fit the encoder and its method"):
        carry_out(target(LORA), start=first.own_start)


def test_a_training_that_diverged_leaves_no_adapter_and_its_successor_says_so(
    carry_out: Perform,
) -> None:
    wild = source(LORA, settings=tiny.settings(learning_rate=1e30))
    first = carry_out(wild, keep_start=True)
    assert tiny.read_record(first)["status"] == "diverged"
    assert first.own_start is not None
    assert read_adapters(first.own_start) == []
    assert tiny.read_record(carry_out(target(LORA), start=first.own_start))["status"] == "diverged"
