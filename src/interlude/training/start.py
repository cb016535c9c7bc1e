"""A start: what a training leaves for others to begin from, as a folder.

`encoder.safetensors`; `heads.safetensors`, whose tensors are called `<task>.<weight>`; and
`manifest.json`: the status of the training, the model, the tasks, and the SHA-256 of both files.
A training that ended without a result leaves a start without weights, so that what waits for it can
say why it was not trained.

Of a training of an adapter, `encoder.safetensors` holds the adapter alone, after those that were
merged before it, if any: tensors are called `<number>.<weight>`, from 0. Its manifest says the
method, and the SHA-256 of the pretrained weights below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interlude.errors import InputError
from interlude.files import MANIFEST, check_files, filling, read_manifest, sha256_of, write_json
from interlude.plan.methods import FULL, Method
from interlude.training.tensor_file import Tensors, broken

ENCODER = "encoder.safetensors"
HEADS = "heads.safetensors"
STATUSES = ("ok", "diverged", "failed")


def write_start(
    folder: Path,
    status: str,
    model: str,
    encoder: Tensors,
    heads: Mapping[str, Tensors],
    rests_on: Mapping[str, Any] | None = None,
) -> None:
    """Write a start: the weights of the encoder, and of the head of each task.

    status: one of STATUSES; with another one than ok there are no weights. rests_on: of an adapter,
    its method and what it lies on, as `resting_on` gives them. InputError when the place cannot be
    written.
    """
    named = {f"{task}.{name}": each for task in heads for name, each in heads[task].items()}
    manifest = {"status": status, "model": model, "tasks": sorted(heads), **(rests_on or {})}
    with _saving(folder) as work:
        for file, tensors in ((ENCODER, encoder), (HEADS, named)):
            save_file({name: each.contiguous() for name, each in tensors.items()}, work / file)
        files = {file: sha256_of(work / file) for file in (ENCODER, HEADS)}
        write_json(work / MANIFEST, {**manifest, "files": files})


def read_status(folder: Path) -> str:
    """Return how the training of a start ended; InputError when its manifest is broken."""
    status = read_manifest(folder).get("status")
    if status not in STATUSES:
        raise InputError(
            f"{folder / MANIFEST}: key status: found {status!r}. Allowed: {', '.join(STATUSES)}. "
            f"Delete {folder} and run again."
        )
    return str(status)


def read_encoder(folder: Path) -> Tensors:
    """Return the weights of a start's encoder; InputError for a file that was cut or changed."""
    check_files(folder, but=(HEADS,))
    return _loaded(folder / ENCODER)


def resting_on(method: Method, weights_sha256: str) -> dict[str, Any]:
    """Return what the manifest of an adapter's start holds about it.

    weights_sha256: of the pretrained weights.
    """
    parameters = json.loads(json.dumps(method.to_dict()))  # as JSON gives them back
    return {"method": parameters, "weights_sha256": weights_sha256}


def check_start(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse a start of another method, or an adapter on other pretrained weights.

    wanted: what `resting_on` gives for the training that is to begin; nothing where it trains all.
    """
    place, found = folder / MANIFEST, read_manifest(folder)
    if found.get("method") != wanted.get("method"):
        left, allowed = (each.get("method") or FULL.to_dict() for each in (found, wanted))
        raise InputError(
            f"{place}: key method: found {left}. Allowed: {allowed}, the method of what begins "
            f"with it. Delete {folder} and run again."
        )
    if found.get("weights_sha256") != wanted.get("weights_sha256"):
        raise InputError(
            f"{place}: key weights_sha256: found {found.get('weights_sha256')}, the weights that "
            f"the adapter was trained on. Allowed: {wanted['weights_sha256']}, those of the model. "
            f"Delete {folder} and run again."
        )


def numbered(adapters: Sequence[Tensors]) -> Tensors:
    """Return the weights of adapters under the names that they have in a start."""
    return {f"{n}.{name}": each for n, of in enumerate(adapters) for name, each in of.items()}


def read_adapters(folder: Path) -> list[Tensors]:
    """Return the adapters that a start holds, in their order; InputError as `read_encoder`."""
    adapters: dict[int, Tensors] = {}
    for name, tensor in read_encoder(folder).items():
        number, _, weight = name.partition(".")
        adapters.setdefault(int(number), {})[weight] = tensor
    return [adapters[number] for number in sorted(adapters)]


def read_heads(folder: Path) -> dict[str, Tensors]:
    """Return the weights of a start's heads by task; InputError as `read_encoder`."""
    check_files(folder, but=(ENCODER,))
    heads: dict[str, Tensors] = {task: {} for task in read_manifest(folder)["tasks"]}
    for name, tensor in _loaded(folder / HEADS).items():
        task, _, weight = name.partition(".")
        heads[task][weight] = tensor
    return heads


@contextmanager
def _saving(folder: Path) -> Iterator[Path]:
    """Fill a folder, as `filling`; safetensors has an error of its own for a full disk."""
    try:
        with filling(folder) as work:
            yield work
    except SafetensorError as error:
        raise InputError(f"{folder}: cannot be written ({error}).") from None


def _loaded(path: Path) -> Tensors:
    try:
        tensors: Tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise broken(path, str(error)) from None
    return tensors
