"""A model is tried when it is prepared: what cannot be trained is told then, with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_families import FAMILIES, save_family
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BertForMaskedLM,
    PreTrainedTokenizerFast,
)

from interlude.data.fetch.models import prepare_model
from interlude.encode.tokenizer import load_tokenizer_for
from interlude.errors import InputError
from interlude.training.check_model import check_model

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 435778770\n"
WEIGHTS = "model.safetensors"
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("families")
    return cache(lambda family: save_family(family, root / family))


@pytest.fixture
def folder(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    """A BERT that a test may spoil."""
    return Path(shutil.copytree(saved("bert"), tmp_path / "mine"))


def prepared(folder: Path) -> Path:
    """Prepare the model of a folder beside it, as the script does."""
    about = {"name": "model", "title": "Model", "licence": "none", "folder": str(folder)}
    declared = tiny.write_yaml(folder.parent / "model.yaml", about)
    prepare_model(declared, Path("unused"), folder.parent / "prepared", check_model)
    return folder.parent / "prepared"


def refused(folder: Path, message: str) -> str:
    """Return why a model is refused: in one line that names its folder, and nothing is left."""
    with pytest.raises(InputError, match=message) as raised:
        prepared(folder)
    said = str(raised.value)
    assert said.startswith(f"{folder.parent}/model.yaml: key folder: {folder}: ")
    assert "\n" not in said
    assert [path.name for path in folder.parent.iterdir() if "prepared" in path.name] == []
    return said


def change(folder: Path, file: str = "config.json", **changes: Any) -> None:
    document = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps(document))


def change_weights(folder: Path, change: Callable[[Any], Any]) -> None:
    weights = change(load_file(folder / WEIGHTS))
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_of_every_family_passes(
    family: str, saved: Callable[[str], Path], tmp_path: Path
) -> None:
    prepared(Path(shutil.copytree(saved(family), tmp_path / "mine")))


def test_weights_of_half_precision_and_of_a_whole_language_model_pass(folder: Path) -> None:
    BertForMaskedLM(AutoConfig.from_pretrained(folder)).half().save_pretrained(folder)
    prepared(folder)


# Files


@pytest.mark.parametrize("file", [WEIGHTS, "config.json", "tokenizer.json"])
def test_a_pointer_of_git_lfs(file: str, folder: Path) -> None:
    (folder / file).write_text(POINTER)
    refused(folder, rf"{file}: found a pointer of Git LFS .* `git lfs pull`")


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_truncated_weights(kept: float, folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: int(len(whole) * kept)])
    refused(folder, rf"{WEIGHTS}: not a whole safetensors file: found .* {len(whole):,}, as its")


@pytest.mark.parametrize(
    "content", [b"", b"weights", b"\x80\x02pickle of torch" * 9, b"\x02" + bytes(7) + b"[]"]
)
def test_another_file_in_place_of_the_weights(content: bytes, folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(content)
    refused(folder, f"{WEIGHTS}: no safetensors file")


def shards(folder: Path) -> list[Path]:
    """Save the weights of a folder in several files."""
    AutoModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / WEIGHTS).unlink(missing_ok=True)
    return sorted(folder.glob("*.safetensors"))


def test_weights_in_several_files_are_those_in_one(folder: Path) -> None:
    whole = load_file(folder / WEIGHTS)
    assert len(shards(folder)) > 1
    joined = load_file(prepared(folder) / WEIGHTS)
    assert joined.keys() == whole.keys()
    assert all(torch.equal(joined[name], whole[name]) for name in whole)
    manifest = json.loads((folder.parent / "prepared/manifest.json").read_text())
    assert [name for name in manifest["files"] if "safetensors" in name] == [WEIGHTS]


def test_one_of_several_files_that_is_missing(folder: Path) -> None:
    second = shards(folder)[1]
    second.unlink()
    with pytest.raises(InputError, match=f"has no {second.name}, which {WEIGHTS}.index.json lists"):
        prepared(folder)


def test_one_of_several_files_that_is_cut(folder: Path) -> None:
    second = shards(folder)[1]
    second.write_bytes(second.read_bytes()[:-9])
    with pytest.raises(InputError, match=f"{second.name}: not a whole safetensors file"):
        prepared(folder)


@pytest.mark.parametrize("index", ["", "[]", '{"weight_map": {"a": "../secret"}}'])
def test_an_index_that_is_none(index: str, folder: Path) -> None:
    shards(folder)
    (folder / f"{WEIGHTS}.index.json").write_text(index)
    with pytest.raises(InputError, match=rf"{WEIGHTS}\.index\.json: "):
        prepared(folder)


# Weights that are not those of the config


def test_embeddings_of_another_size(folder: Path) -> None:
    change(folder, vocab_size=300)
    said = refused(folder, r"embeddings\.word_embeddings\.weight in model\.safetensors is \d+ × 16")
    assert said.endswith("Allowed: 300 × 16, as config.json says.")


def test_hidden_states_of_another_size(folder: Path) -> None:
    change(folder, hidden_size=32)
    refused(folder, r"is .*16\. Allowed: .*32, as config\.json says")


def test_heads_that_do_not_divide_the_size(folder: Path) -> None:
    change(folder, num_attention_heads=3)
    refused(folder, "the weights cannot be loaded .*not a multiple of the number of attention")


def test_weights_that_are_missing(folder: Path) -> None:
    change(folder, num_hidden_layers=3)
    refused(folder, r"lacks 16 weights of the encoder, such as encoder\.layer\.2\.")


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_layers_that_the_config_does_not_count(
    family: str, saved: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(saved(family), tmp_path / "mine"))
    changes = {"num_hidden_layers": 1} | ({"layer_types": None} if family == "modernbert" else {})
    change(folder, **changes)
    refused(folder, r"num_hidden_layers: found 1, but model\.safetensors holds 2 layers")


def test_layers_under_the_family_s_name(folder: Path) -> None:
    change_weights(folder, lambda weights: {f"bert.{name}": each for name, each in weights.items()})
    change(folder, num_hidden_layers=1)
    refused(folder, "num_hidden_layers: found 1, .* holds 2 layers")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value: float, folder: Path) -> None:
    name = "encoder.layer.1.output.dense.weight"

    def spoil(weights: Any) -> Any:
        weights[name][0, :3] = value
        return weights

    change_weights(folder, spoil)
    refused(folder, rf"{name}: found 3 of 512 values that are not finite")


# Kinds of models


def save_untrained(folder: Path, model_type: str, **facts: Any) -> None:
    """Put an untrained model of another kind beside the tokenizer of a folder."""
    size = len(AutoTokenizer.from_pretrained(folder))
    (folder / WEIGHTS).unlink()
    config = AutoConfig.for_model(model_type, vocab_size=size, pad_token_id=0, **facts)
    AutoModel.from_config(config).save_pretrained(folder)


@pytest.mark.parametrize(
    ("model_type", "facts"),
    [
        ("t5", {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}),
        (
            "bart",
            {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16,
             "decoder_ffn_dim": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2},
        ),
    ],
)  # fmt: skip
def test_an_encoder_with_a_decoder(model_type: str, facts: Any, folder: Path) -> None:
    save_untrained(folder, model_type, **facts)
    refused(folder, rf"found an encoder and a decoder \({model_type}\)\. Allowed: an encoder of")


def test_a_model_that_reads_from_left_to_right(folder: Path) -> None:
    save_untrained(folder, "gpt2", n_embd=16, n_layer=1, n_head=2)
    change(folder, "tokenizer_config.json", pad_token=None)
    refused(folder, r"reads from left to right \(gpt2\): its first token, .* sees none")


def test_an_encoder_that_is_used_as_a_decoder(folder: Path) -> None:
    change(folder, is_decoder=True)
    refused(folder, r"reads from left to right \(bert\)")


def test_weights_that_were_quantized(folder: Path) -> None:
    change(folder, quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
    refused(folder, "quantized cannot be trained. Allowed: those in fp32")


def test_a_model_of_no_text(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    config = AutoConfig.for_model("vit", image_size=8, patch_size=4, intermediate_size=16, **SMALL)
    AutoModel.from_config(config).save_pretrained(folder)
    refused(folder, r"no vocab_size \(vit\)\. Allowed: an encoder of text")


# Tokenizers


def with_marks(folder: Path, single: str, pair: str) -> None:
    """Have a tokenizer put other special tokens; none, as one from `tokenizers` alone is."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=tokens)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)


@pytest.mark.parametrize(
    ("single", "pair"),
    [
        ("$A", "$A $B"),
        ("$A [SEP]", "$A [SEP] $B [SEP]"),
        ("[CLS] $A", "[CLS] $A $B"),
        ("$A [SEP] [CLS]", "$A [SEP] $B [SEP] [CLS]"),
    ],
)
def test_a_tokenizer_that_does_not_mark_texts(single: str, pair: str, folder: Path) -> None:
    with_marks(folder, single, pair)
    said = refused(folder, "the tokenizer makes of two texts: .* Allowed: a special token before")
    assert "[CLS] a [SEP] b [SEP]" in said


def test_a_tokenizer_that_marks_texts_of_another_script(folder: Path) -> None:
    with_marks(folder, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]")
    document = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = document["model"]["vocab"]
    other = {
        name if number < 5 else chr(0x1200 + number): number for name, number in vocabulary.items()
    }
    change(folder, "tokenizer.json", model={**document["model"], "vocab": other})
    prepared(folder)


def test_a_maximum_length_of_minus_one_is_none(folder: Path) -> None:
    save_untrained(folder, "xlnet", d_model=16, n_layer=1, n_head=2, d_inner=16)
    change(folder, "tokenizer_config.json", model_max_length=-1)
    load_tokenizer_for(prepared(folder), 8192)


def test_a_tokenizer_that_is_only_slow(saved: Callable[[str], Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved("deberta-v2"), tmp_path / "mine"))
    (folder / "tokenizer.json").unlink()
    (folder / "spm.model").write_bytes(b"a SentencePiece model")
    said = refused(
        folder, r"no fast tokenizer can be read, found spm\.model, tokenizer_config\.json"
    )
    assert "tiktoken" not in said


@pytest.mark.parametrize(
    ("family", "file"), [("deberta-v2", "spiece.model"), ("roberta", "vocab.txt")]
)
def test_a_tokenizer_that_transformers_makes_up(
    family: str, file: str, saved: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(saved(family), tmp_path / "mine"))
    (folder / "tokenizer.json").unlink()
    (folder / file).write_bytes(b"of another family")
    refused(folder, r"the tokenizer knows no word \(\d tokens\)")


@pytest.mark.parametrize("content", [b"", b'{"version": "1.0", "model"', b"[]"])
def test_a_broken_tokenizer(content: bytes, folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    refused(folder, r"no fast tokenizer can be read \(.*\)\. Allowed: tokenizer\.json")


def test_a_tokenizer_with_more_tokens_than_the_encoder(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["interlude"])
    tokenizer.save_pretrained(folder)
    refused(folder, r"the tokenizer has \d+ tokens\. Allowed: at most \d+, the vocab_size")
