"""Loading encoders: layers, dropout, weights of intermediate runs, and broken files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from safetensors.torch import load_file, save_file
from transformers import BertForMaskedLM, BertModel

from interlude.encode.tokenizer import load_tokenizer
from interlude.errors import InputError
from interlude.training.encoder import head_dropout, load_encoder
from interlude.training.start import read_encoder, write_start
from interlude.training.tensor_file import Tensors

INPUTS = {"input_ids": torch.tensor([[2, 70, 80, 90, 3]])}


def hidden(encoder: Any) -> torch.Tensor:
    with torch.no_grad():
        states: torch.Tensor = encoder.eval()(**INPUTS, output_hidden_states=True).last_hidden_state
    return states


@pytest.fixture
def changed_model(model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(model, tmp_path / "changed"))


CODE = """
import pathlib
pathlib.Path("code-was-run").touch()
from transformers import BertConfig as Mine, BertModel
"""


def test_code_of_a_model_is_never_run(changed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = json.loads((changed_model / "config.json").read_text())
    named = {"AutoConfig": "mine.Mine", "AutoModel": "mine.BertModel"}
    changes = {"model_type": "mine", "auto_map": named, "architectures": ["Mine"]}
    (changed_model / "config.json").write_text(json.dumps(config | changes))
    (changed_model / "mine.py").write_text(CODE)
    monkeypatch.chdir(changed_model)
    monkeypatch.setattr("builtins.input", lambda _: "y")  # transformers would ask
    for load in (load_tokenizer, lambda folder: load_encoder(folder, None, None)):
        with pytest.raises(InputError, match=r"config.json: .*Code of a model is never run"):
            load(changed_model)
    assert not (changed_model / "code-was-run").exists()


def change_weights(model: Path, **changes: torch.Tensor | None) -> None:
    """Replace weights of a model folder; None takes one away."""
    weights = load_file(model / "model.safetensors") | changes
    kept = {name: weight for name, weight in weights.items() if weight is not None}
    save_file(kept, model / "model.safetensors", metadata={"format": "pt"})


def test_encoder_is_the_saved_one_without_its_pooler(model: Path) -> None:
    encoder: Any = load_encoder(model, layers=None, dropout=None)
    saved = BertModel.from_pretrained(model)
    torch.testing.assert_close(hidden(encoder), hidden(saved))
    assert [name for name in encoder.state_dict() if "pooler" in name] == []
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float32}


def test_first_layers_are_those_of_the_whole_encoder(model: Path) -> None:
    encoder = load_encoder(model, layers=1, dropout=None)
    whole: Any = BertModel.from_pretrained(model).eval()
    with torch.no_grad():
        states = whole(**INPUTS, output_hidden_states=True).hidden_states
    torch.testing.assert_close(hidden(encoder), states[1])
    assert not torch.allclose(states[1], states[2], atol=0.1)


def test_more_layers_than_there_are_are_refused(model: Path) -> None:
    message = r"config: key encoder\.layers: found 3\. Allowed: at most 2, the layers of"
    with pytest.raises(InputError, match=message):
        load_encoder(model, layers=3, dropout=None)


def test_given_dropout_is_everywhere(model: Path) -> None:
    encoder = load_encoder(model, layers=None, dropout=0.35)
    rates = {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.35}
    assert head_dropout(encoder, 0.35) == 0.35


def test_the_head_may_have_a_dropout_of_its_own(model: Path, encoded: dict[str, Path]) -> None:
    case = Case("single", tiny.settings(dropout=0.35, head_dropout=0.2))
    built, _ = case.built(model, encoded["single"])
    rates = [
        {module.p for module in part.modules() if isinstance(module, torch.nn.Dropout)}
        for part in (built.encoder, built.head)
    ]
    assert rates == [{0.35}, {0.2}]


def test_dropout_of_the_model_is_kept_when_none_is_given(model: Path) -> None:
    encoder: Any = load_encoder(model, layers=None, dropout=None)
    encoder.config.hidden_dropout_prob = 0.2
    assert head_dropout(encoder, None) == 0.2
    assert head_dropout(encoder, 0.0) == 0.0


def test_a_checkpoint_with_a_language_model_head_is_loaded(model: Path, tmp_path: Path) -> None:
    whole = BertForMaskedLM(BertModel.from_pretrained(model).config)
    whole.save_pretrained(tmp_path)
    torch.testing.assert_close(hidden(load_encoder(tmp_path, None, None)), hidden(whole.bert))


def test_a_checkpoint_that_lacks_weights_is_refused(changed_model: Path) -> None:
    # transformers would draw them at random and go on.
    name = "encoder.layer.1.output.dense.weight"
    change_weights(changed_model, **{name: None})
    with pytest.raises(InputError, match=rf"changed: .* lacks 1 weights .* such as {name}"):
        load_encoder(changed_model, None, None)


def test_a_checkpoint_of_another_architecture_is_refused(changed_model: Path) -> None:
    weights = load_file(changed_model / "model.safetensors")
    renamed = {f"other.{name}": weight for name, weight in weights.items()}
    save_file(renamed, changed_model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="lacks"):
        load_encoder(changed_model, None, None)


# Starts


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Path:
    """A start with the weights of the tiny model, each with 1 added."""
    weights = load_encoder(model, None, None).state_dict()
    return start_with(tmp_path, {name: weight + 1 for name, weight in weights.items()})


def start_with(folder: Path, weights: Tensors) -> Path:
    write_start(folder / "start", "ok", "tiny", weights, {})
    return folder / "start"


def test_weights_of_a_start_replace_the_pretrained_ones(model: Path, start: Path) -> None:
    before = load_encoder(model, None, None).state_dict()
    encoder = load_encoder(model, None, None, start)
    assert encoder.state_dict().keys() == before.keys()
    for name, weight in encoder.state_dict().items():
        torch.testing.assert_close(weight, before[name] + 1)
    assert all(weight.requires_grad for weight in encoder.parameters())


def test_with_a_start_the_pretrained_weights_are_not_read(changed_model: Path, start: Path) -> None:
    (changed_model / "model.safetensors").unlink()
    load_encoder(changed_model, None, None, start)
    with pytest.raises(OSError, match=r"model\.safetensors"):
        load_encoder(changed_model, None, None)


def fewer_layers(weights: Tensors) -> Tensors:
    return {name: weight for name, weight in weights.items() if "layer.1" not in name}


def more_layers(weights: Tensors) -> Tensors:
    return weights | {name.replace("layer.1", "layer.2"): weights[name] + 1 for name in weights}


def other_width(weights: Tensors) -> Tensors:
    return {name: torch.cat([weight, weight]) for name, weight in weights.items()}


@pytest.mark.parametrize("changed", [fewer_layers, more_layers, other_width])
def test_an_encoder_of_another_shape_is_refused(
    changed: Callable[[Tensors], Tensors], model: Path, start: Path, tmp_path: Path
) -> None:
    start_with(tmp_path, changed(read_encoder(start)))
    with pytest.raises(InputError, match=r"start: does not fit the encoder"):
        load_encoder(model, None, None, start)
