"""Encoders of every family go the project's whole way: folder, encoding, training, encoder file."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_families import FAMILIES, PLACES, save_family
from helpers.tiny_training import Case
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from interlude.data.fetch.models import prepare_model
from interlude.encode.encoding import encode_task
from interlude.encode.read import read_encoded, read_header
from interlude.encode.tokenizer import load_tokenizer, longest_sequence
from interlude.errors import InputError
from interlude.forms import form_of
from interlude.training.batches import collate
from interlude.training.encoder import load_encoder
from interlude.training.platform import Platform, fitted
from interlude.training.start import write_start

LENGTH = 40
ONE_STEP = tiny.settings(epochs=1, batch_size=8, evaluations=1, max_length=LENGTH)
# Their positions are looked up in a table; the others' are relative or rotary.
WITH_TABLE = ("bert", "electra", "roberta", "mpnet")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Family -> model folder, made from what `save_pretrained` wrote as the workflow makes it."""
    root = tmp_path_factory.mktemp("families")

    @cache
    def prepare(family: str) -> Path:
        saved = save_family(family, root / "saved" / family)
        declared = {"name": family, "title": family, "licence": "none", "folder": str(saved)}
        path = tiny.write_yaml(root / f"{family}.yaml", declared)
        prepare_model(path, root / "archives.yaml", root / family)
        return root / family

    return prepare


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, prepared: Any) -> Path:
    """The model folder of each family in turn."""
    folder: Path = prepared(request.param)
    return folder


@pytest.fixture
def altered(prepared: Any, tmp_path: Path) -> Any:
    """Return a copy of a family's folder in which keys of a JSON file are replaced."""

    def alter(family: str, file: str, **changes: Any) -> Path:
        folder = Path(shutil.copytree(prepared(family), tmp_path / family))
        document = json.loads((folder / file).read_text()) | changes
        (folder / file).write_text(json.dumps(document))
        return folder

    return alter


def encode(model: Path, folder: Path, form: str, rows: list[tiny.Row], length: int) -> Path:
    parts = {"train": rows[: len(rows) // 2], "validation": rows[len(rows) // 2 :]}
    tiny.write_task(folder / "data", form, parts)
    encode_task(folder / "data", folder / "encoded", form, model, length)
    return folder / "encoded"


@pytest.mark.parametrize("form", tiny.FORMS)
def test_every_form_is_trained_for_a_step(form: str, model: Path, tmp_path: Path) -> None:
    encoded = encode(model, tmp_path, form, tiny.rows(form, 16), LENGTH)
    result = Case(form, ONE_STEP).trained(model, encoded)
    assert (result.diverged, result.steps) == (False, 1)
    assert len(result.part.predictions) == 8
    assert result.encoder is not None
    before, after = load_file(model / "model.safetensors"), result.encoder
    assert set(after) <= set(before)
    assert not {name for name in set(before) - set(after) if "pooler" not in name}
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert len(changed) > len(after) / 2


def test_a_training_starts_from_the_encoder_of_another(model: Path, tmp_path: Path) -> None:
    weights = load_encoder(model, None, None).state_dict()
    moved = {name: weight + 0.5 for name, weight in weights.items()}
    write_start(tmp_path / "start", "ok", model.name, moved, {})
    encoded = encode(model, tmp_path, "pair", tiny.rows("pair", 16), LENGTH)
    results = [
        Case("pair", ONE_STEP).trained(model, encoded, start)
        for start in (None, tmp_path / "start")
    ]
    assert results[0].part.curve[0]["loss"] != results[1].part.curve[0]["loss"]


def hidden(encoder: Any, rows: list[tiny.Row], pad_id: int) -> list[torch.Tensor]:
    """Return the hidden states of each row's sequence in one batch, without its padding."""
    inputs, _ = collate(form_of("pair")(tiny.LABELS["pair"]), rows, pad_id)
    with torch.inference_mode():
        states = encoder.eval()(**inputs).last_hidden_state
    return [states[i, : len(row["input_ids"][0])] for i, row in enumerate(rows)]


def test_padding_does_not_change_hidden_states(model: Path, tmp_path: Path) -> None:
    encode(model, tmp_path, "pair", tiny.rows("pair", 16), LENGTH)
    examples = read_encoded(tmp_path / "encoded/train.arrow")
    assert len(set(examples["length"].to_pylist())) > 1
    rows, pad_id = examples.to_pylist(), read_header(examples).pad_id
    encoder = load_encoder(model, None, None)
    together = hidden(encoder, rows, pad_id)
    for row, states in zip(rows, together, strict=True):
        alone = hidden(encoder, [row], pad_id)[0]
        torch.testing.assert_close(alone, states, atol=1e-4, rtol=0)


LONG = [{**row, "text": f"{row['text']} " * 20} for row in tiny.rows("single", 16)]


def test_the_longest_sequence_is_trained_and_a_longer_one_refused(
    model: Path, tmp_path: Path
) -> None:
    encoded = encode(model, tmp_path, "single", LONG, PLACES)
    assert set(read_encoded(encoded / "train.arrow")["length"].to_pylist()) == {PLACES}
    assert not Case("single", ONE_STEP).trained(model, encoded).diverged
    message = rf"key max_length: found {PLACES + 1}\. Allowed: at most {PLACES}, the longest of"
    with pytest.raises(InputError, match=message):
        encode(model, tmp_path / "longer", "single", LONG, PLACES + 1)


@pytest.mark.parametrize("family", WITH_TABLE)
def test_there_is_no_position_beyond_the_longest_sequence(family: str, prepared: Any) -> None:
    encoder = AutoModel.from_pretrained(prepared(family)).eval()
    ids = torch.full((1, PLACES + 1), 5)
    assert encoder(input_ids=ids[:, 1:]).last_hidden_state.shape[1] == PLACES
    with pytest.raises((IndexError, RuntimeError)):
        encoder(input_ids=ids)


def test_a_tokenizer_may_allow_less_than_the_positions(altered: Any) -> None:
    folder = altered("roberta", "tokenizer_config.json", model_max_length=20)
    assert longest_sequence(folder, load_tokenizer(folder)) == 20


@pytest.mark.parametrize(
    ("family", "types"),
    [("bert", {0, 1}), ("electra", {0, 1}), ("roberta", None), ("mpnet", None),
     ("deberta", None), ("deberta-v2", None), ("modernbert", None)],
)  # fmt: skip
def test_token_types_are_those_that_the_encoder_tells_apart(
    family: str, types: set[int] | None, prepared: Any, tmp_path: Path
) -> None:
    encoded = encode(prepared(family), tmp_path, "pair", tiny.rows("pair", 8), LENGTH)
    row = read_encoded(encoded / "train.arrow").to_pylist()[0]
    assert (set(row["token_type_ids"][0]) if "token_type_ids" in row else None) == types


def test_a_tokenizer_with_types_for_an_encoder_without(altered: Any) -> None:
    names = ["input_ids", "token_type_ids", "attention_mask"]
    folder = altered("roberta", "tokenizer_config.json", model_input_names=names)
    assert "token_type_ids" in AutoTokenizer.from_pretrained(folder)("a", "b")
    assert "token_type_ids" not in load_tokenizer(folder)("a", "b")


def test_the_first_layers_alone(model: Path) -> None:
    whole, first = (load_encoder(model, layers, None) for layers in (None, 1))
    kept, all_of = first.state_dict(), whole.state_dict()
    assert set(kept) < set(all_of)
    for name, weight in kept.items():
        assert torch.equal(weight, all_of[name])
    first.eval()(input_ids=torch.full((1, 6), 5))


def test_given_dropout_reaches_the_encoder(model: Path) -> None:
    ids = torch.full((1, 12), 5)
    for rate, same in ((0.0, True), (0.4, False)):
        encoder = load_encoder(model, None, rate).train()
        first, second = (encoder(input_ids=ids).last_hidden_state for _ in range(2))
        assert torch.equal(first, second) is same


def test_bf16_where_the_encoder_computes_in_it(model: Path) -> None:
    encoder = load_encoder(model, None, None)
    bf16 = Platform(torch.device("cpu"), bf16=True)
    platform = fitted(bf16, encoder, "auto", model.name)
    with platform.autocast():
        states = encoder(input_ids=torch.full((1, 6), 5)).last_hidden_state
    assert states.isfinite().all()
    assert platform.bf16 is (model.name != "deberta")


def test_bf16_that_was_asked_for_and_cannot_be_is_refused(prepared: Any) -> None:
    encoder = load_encoder(prepared("deberta"), None, None)
    with pytest.raises(InputError, match=r"key compute\.precision: found 'bf16', .* Allowed: auto"):
        fitted(Platform(torch.device("cpu"), bf16=True), encoder, "bf16", "deberta")


# Folders whose tokenizer does not fit


def test_padding_that_the_positions_do_not_skip_is_refused(altered: Any) -> None:
    folder = altered("roberta", "tokenizer_config.json", pad_token="<s>")
    message = "pads with token 0, but the positions of the encoder skip token 1"
    with pytest.raises(InputError, match=message):
        longest_sequence(folder, load_tokenizer(folder))


def test_more_tokens_than_the_encoder_has_are_refused(altered: Any) -> None:
    folder = altered("bert", "config.json", vocab_size=7)
    with pytest.raises(InputError, match=r"tokenizer has \d+ tokens\. Allowed: at most 7"):
        load_tokenizer(folder)


def test_a_tokenizer_without_padding_is_refused(altered: Any) -> None:
    folder = altered("modernbert", "tokenizer_config.json", pad_token=None)
    with pytest.raises(InputError, match="no pad_token"):
        load_tokenizer(folder)


def test_a_tokenizer_that_cannot_be_read_is_named(altered: Any) -> None:
    folder = altered("deberta-v2", "config.json")
    (folder / "tokenizer.json").unlink()
    (folder / "spm.model").write_bytes(b"a SentencePiece model")
    message = (
        r"no fast tokenizer can be read, found spm\.model, tokenizer_config\.json\. Allowed: tok"
    )
    with pytest.raises(InputError, match=message) as error:
        load_tokenizer(folder)
    assert "\n" not in str(error.value)
