"""A bottleneck adapter as AdapterHub publishes it: pytorch_adapter.bin and adapter_config.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from interlude.errors import InputError
from interlude.files import sha256_of
from interlude.plan.methods import Bottleneck
from interlude.training.tensor_file import Tensors

WEIGHTS, CONFIG = "pytorch_adapter.bin", "adapter_config.json"
# Names of the adapter in a layer: of today, and of the releases that Poth et al. used.
_NAME = re.compile(
    r"(?:^|\.)encoder\.layer\.(?P<layer>\d+)\.output\.(?:adapters|layer_text_task_adapters)\.[^.]+"
    r"\.adapter_(?P<part>down\.0|up)\.(?P<kind>weight|bias)$"
)
_NAMED = ("pfeiffer", "seq_bn")  # configurations that are our block
# What their parts must be where a file spells them out; AdapterHub's defaults else.
_BUILT = {
    "original_ln_before": True,
    "original_ln_after": True,
    "residual_before_ln": True,
    "adapter_residual_before_ln": False,
    "ln_before": False,
    "ln_after": False,
    "mh_adapter": False,
    "output_adapter": True,
    "is_parallel": False,
    "phm_layer": False,
    "use_gating": False,
    "scaling": 1.0,
}
_ACTIVATIONS = {"swish": "silu"}  # under another name there


def read_published(folder: Path, sha256: str, model_type: str, method: Bottleneck) -> list[Tensors]:
    """Return the weights of a published adapter, layer by layer, under the names of our block.

    model_type: of the encoder. InputError for a file that is missing, of another hash, or no plain
    tensors, and for an adapter of another family or that is built otherwise than the method says.
    """
    _check_config(folder / CONFIG, model_type, method)
    layers: dict[int, Tensors] = {}
    for name, tensor in _tensors(folder / WEIGHTS, sha256).items():
        if "invertible" in name:
            continue  # of languages; old files have some that no task adapter uses
        found = _NAME.search(name)
        if found is None:
            raise InputError(
                f"{folder / WEIGHTS}: found the weight {name}. Allowed: those of an adapter after "
                "the feed-forward part of each layer (pfeiffer)."
            )
        own = f"{found['part'].partition('.')[0]}.{found['kind']}"
        layers.setdefault(int(found["layer"]), {})[own] = tensor
    return [dict(sorted(layers[number].items())) for number in sorted(layers)]


def _tensors(path: Path, sha256: str) -> Tensors:
    if not path.is_file():
        raise InputError(f"{path}: no such file, but method.published names its folder.")
    if (found := sha256_of(path)) != sha256:
        raise InputError(
            f"{path}: its SHA-256 is {found}. Allowed: {sha256}, method.published_sha256."
        )
    try:
        tensors: Tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, that of a file with code in it among them
        said = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a file of plain tensors ({said}).") from None
    return tensors


def _check_config(path: Path, model_type: str, method: Bottleneck) -> None:
    """Refuse an adapter of another family, or one that is not built as the method says."""
    try:
        document = json.loads(path.read_text(encoding="utf8"))
        built, family = document["config"], document.get("model_type", model_type)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not the config of an adapter ({error}).") from None
    if family != model_type:
        raise InputError(
            f"{path}: key model_type: found {family!r}. Allowed: {model_type!r}, the encoder's."
        )
    if isinstance(built, str):
        built = {} if built in _NAMED else {"config": built}
    wanted: dict[str, Any] = {
        **_BUILT,
        "reduction_factor": method.reduction,
        "non_linearity": method.activation,
    }
    if "config" in built:
        wanted["config"] = " or ".join(_NAMED)
    for key in wanted.keys() & built.keys():
        value: Any = _ACTIVATIONS.get(str(built[key]), built[key])
        if value != wanted[key]:
            raise InputError(
                f"{path}: key config.{key}: found {built[key]!r}. Allowed: {wanted[key]!r}, as the "
                "method bottleneck is built."
            )
