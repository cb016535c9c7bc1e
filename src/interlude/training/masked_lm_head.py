"""The head of masked language modelling: a transform, then the encoder's own input embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoModelForMaskedLM, logging
from transformers.activations import ACT2FN
from typing_extensions import override

from interlude.encode.model_config import read_config
from interlude.forms.head import Outputs, Tensors, TiedHead


class MaskedLmHead(TiedHead):
    """A dense layer, an activation, a norm; each token's score is the product with its embedding.

    The decoder is the embedding itself, one parameter with a gradient from both sides, and stands
    in no state dict of the head. That is how BERT and RoBERTa were pretrained, and how jiant
    trains (`get_pretrained_lm_head`).
    """

    def __init__(self, hidden_size: int, width: int, tokens: int, activation: str) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, width)
        self.activation = ACT2FN[activation]
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(tokens))

    def scores(self, hidden: Tensor) -> Tensor:
        """Return [.., hidden] -> [.., tokens], in fp32."""
        transformed = self.norm(self.activation(self.dense(hidden)))
        return functional.linear(transformed, self.tied, self.bias).float()

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        """Guess the masked tokens; logits are [masked, 2]: the best token, and its surprisal.

        The surprisal is that of the token that was there.
        """
        scores = self.scores(hidden[targets["sequence"], targets["place"]])
        surprisals = functional.cross_entropy(scores, targets["token"], reduction="none")
        guesses = scores.detach().argmax(-1).float()  # whole up to 2^24
        return Outputs(surprisals.mean(), torch.stack([guesses, surprisals.detach()], dim=-1))


def fresh_head(model: Path, hidden_size: int) -> MaskedLmHead:
    """Return a head with a random transform that fits the embedding of a model folder."""
    config = read_config(model)
    with torch.device("meta"):  # no weights
        embedding: Any = AutoModel.from_config(config).get_input_embeddings()
    tokens, width = embedding.weight.shape
    return MaskedLmHead(hidden_size, width, tokens, getattr(config, "hidden_act", "gelu"))


def take_pretrained(head: MaskedLmHead, model: Path) -> bool:
    """Have a head begin with the weights of a checkpoint's own; False where it has none.

    Its parts are known by what they are, not by the names that families give them.
    """
    logging.set_verbosity_error()
    with torch.random.fork_rng(devices=[]):  # transformers draws what a checkpoint lacks
        whole, found = AutoModelForMaskedLM.from_pretrained(
            model,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    inside = f"{whole.base_model_prefix}."
    if any(not name.startswith(inside) for name in found["missing_keys"]):
        return False
    own = [each for name, each in whole.named_modules() if not name.startswith(inside)]
    return _taken(head, own)


def _taken(head: MaskedLmHead, own: list[nn.Module]) -> bool:
    linear = [each for each in own if isinstance(each, nn.Linear)]
    norms = [each for each in own if isinstance(each, nn.LayerNorm)]
    dense = [each for each in linear if each.weight.shape == head.dense.weight.shape]
    decoders = [each for each in linear if each.out_features == len(head.bias)]
    if (len(linear), len(dense), len(decoders), len(norms)) != (2, 1, 1, 1):
        return False
    head.norm.eps = norms[0].eps
    with torch.no_grad():
        for ours, theirs in ((head.dense, dense[0]), (head.norm, norms[0])):
            ours.weight.copy_(theirs.weight)
            _fill(ours.bias, theirs.bias)
        _fill(head.bias, decoders[0].bias)
    return True


def _fill(ours: Tensor, theirs: Tensor | None) -> None:
    """Take over a bias; some families have none, which is one of 0."""
    ours.zero_() if theirs is None else ours.copy_(theirs)
