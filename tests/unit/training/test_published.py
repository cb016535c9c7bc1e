"""A published adapter in the layout of AdapterHub, as its files are made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_families import untrained
from helpers.tiny_training import Case

from interlude.errors import InputError
from interlude.files import sha256_of
from interlude.plan.methods import Bottleneck
from interlude.training.methods import put_adapter, trained_parameters

HIDDEN, WIDTH = 16, 4
WHOLE = {
    "adapter_residual_before_ln": False,
    "cross_adapter": False,
    "inv_adapter": None,
    "ln_after": False,
    "ln_before": False,
    "mh_adapter": False,
    "non_linearity": "relu",
    "original_ln_after": True,
    "original_ln_before": True,
    "output_adapter": True,
    "reduction_factor": HIDDEN // WIDTH,
    "residual_before_ln": True,
}
INPUTS = {"input_ids": torch.tensor([[5, 6, 7, 8]])}


def weights(
    adapters: str = "adapters", layers: int = 2, width: int = WIDTH, hidden: int = HIDDEN
) -> dict[str, Any]:
    torch.manual_seed(4)
    found: dict[str, Any] = {}
    for layer in range(layers):
        place = f"roberta.encoder.layer.{layer}.output.{adapters}.mnli"
        found |= {
            f"{place}.adapter_down.0.weight": torch.randn(width, hidden),
            f"{place}.adapter_down.0.bias": torch.randn(width),
            f"{place}.adapter_up.weight": torch.randn(hidden, width),
            f"{place}.adapter_up.bias": torch.randn(hidden),
        }
    return found


def save(folder: Path, tensors: Any, built: Any = WHOLE, **changes: Any) -> Bottleneck:
    """Write a published adapter, and return the method that begins with it."""
    folder.mkdir(exist_ok=True)
    torch.save(tensors, folder / "pytorch_adapter.bin")
    document = {"config": built, "hidden_size": HIDDEN, "model_class": "RobertaModelWithHeads",
                "model_name": "roberta-base", "model_type": "roberta", "name": "mnli"}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(document | changes))
    return Bottleneck(
        reduction=HIDDEN // WIDTH,
        published=str(folder),
        published_sha256=sha256_of(folder / "pytorch_adapter.bin"),
    )


@pytest.mark.parametrize("adapters", ["adapters", "layer_text_task_adapters"])
@pytest.mark.parametrize("built", [WHOLE, "pfeiffer"], ids=["spelt out", "named"])
def test_a_published_adapter_is_what_training_begins_with(
    adapters: str, built: Any, tmp_path: Path
) -> None:
    encoder = untrained("roberta")
    published = weights(adapters)
    put_adapter(encoder, save(tmp_path, published, built))
    trained = trained_parameters(encoder)
    assert len(trained) == len(published)
    for name, weight in published.items():
        place, _, part = name.partition(f".{adapters}.mnli.adapter_")
        own = f"{place.removeprefix('roberta.')}.LayerNorm.block.{part.replace('down.0', 'down')}"
        assert torch.equal(trained[own], weight)


def test_a_training_begins_with_it_and_leaves_an_adapter_of_its_own(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    published = weights(hidden=32)
    saved = save(tmp_path, published, {**WHOLE, "reduction_factor": 8}, model_type="bert")
    case = Case("pair", tiny.settings(), method=replace(saved, reduction=8))
    built, _ = case.built(model, encoded["pair"])
    name = "encoder.layer.0.output.LayerNorm.block.up.weight"
    begun = published["roberta.encoder.layer.0.output.adapters.mnli.adapter_up.weight"]
    assert torch.equal(trained_parameters(built.encoder)[name], begun)
    result = case.trained(model, encoded["pair"])
    assert result.encoder is not None
    assert not torch.equal(result.encoder[name], begun)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(cut, r"pytorch_adapter\.bin: its SHA-256 is [0-9a-f]{64}\. Allowed: "),
     (missing, r"pytorch_adapter\.bin: no such file, but method\.published")],
)  # fmt: skip
def test_another_file_than_the_pinned_one_is_refused(
    spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    method = save(tmp_path, weights())
    spoil(tmp_path / "pytorch_adapter.bin")
    with pytest.raises(InputError, match=message):
        put_adapter(untrained("roberta"), method)


class Code:
    """What a pickle may run when it is loaded."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("code-was-run"),))


def test_code_in_the_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    method = save(tmp_path, {"weight": Code()})
    with pytest.raises(InputError, match=r"pytorch_adapter\.bin: not a file of plain tensors"):
        put_adapter(untrained("roberta"), method)
    assert not Path("code-was-run").exists()


@pytest.mark.parametrize(
    ("tensors", "built", "changes", "message"),
    [
        (
            weights(),
            WHOLE,
            {"model_type": "bert"},
            r"model_type: found 'bert'\. Allowed: 'rob",
        ),
        (
            weights(),
            {**WHOLE, "reduction_factor": 2},
            {},
            r"_factor: found 2\. Allowed: 4",
        ),
        (weights(), {**WHOLE, "non_linearity": "swish"}, {}, r"non_linearity: found 'swish'\. All"),
        (weights(), {**WHOLE, "mh_adapter": True}, {}, r"config\.mh_adapter: found True\. Allowed"),
        (weights(), "houlsby", {}, r"config\.config: found 'houlsby'\. Allowed: 'pfeiffer or seq_"),
        (weights(layers=3), WHOLE, {}, r"found 3 blocks of .* Allowed: 2 of down"),
        (
            weights(width=8),
            WHOLE,
            {},
            r"down\.weight \(8, 16\).* Allowed: .*weight \(4, 16\)",
        ),
        ({"classifier.weight": torch.ones(2)}, WHOLE, {}, r"found the weight classifier\.weight\."),
    ],
    ids=["family", "reduction", "activation", "attention", "kind", "layers", "width", "strange"],
)
def test_an_adapter_that_does_not_fit_is_one_message(
    tensors: Any, built: Any, changes: Any, message: str, tmp_path: Path
) -> None:
    method = save(tmp_path, tensors, built, **changes)
    with pytest.raises(InputError, match=message):
        put_adapter(untrained("roberta"), method)
