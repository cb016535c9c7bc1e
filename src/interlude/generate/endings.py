"""Endings of prompts, drawn from a causal language model.

Each ending has random numbers of its own, derived from the seed, its prompt and its number among
the fakes. A batch holds prompts of one length in tokens, so nothing is padded. Which prompts it
holds depends only on the set of all prompts, so that an interrupted generation computes the missing
batches as it would have done without the interruption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from typing_extensions import override

from interlude.generate.prompts import Sentence, number_of

if TYPE_CHECKING:  # so that first light can draw endings where there is no pydantic
    from interlude.plan.generated import Decoding, Generated

Endings = list[list[str]]  # of each prompt: the fakes


@dataclass(frozen=True)
class Request:
    """A prompt as the generator reads it.

    real: its real ending as the generator's tokenizer writes it, so that its spelling is no clue.
    """

    sentence: Sentence
    tokens: tuple[int, ...]
    longest: int  # tokens of the real ending, which a made one has at most
    real: str


Batch = list[Request]


class Generator:
    """A causal language model with its tokenizer."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load it from a prepared folder. device: cpu or cuda."""
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False
        )
        self._model = model.to(device).eval()
        # Else a model's own settings of decoding would apply in addition to the declared ones.
        self._model.generation_config = GenerationConfig()

    @property
    def places(self) -> int | None:
        """The number of tokens that the model has positions for; None where its config has none."""
        return getattr(self._model.config, "max_position_embeddings", None)

    def request(self, sentence: Sentence) -> Request:
        """Return a sentence in the generator's tokens."""
        ending = self._tokenizer(f" {sentence.ending}", add_special_tokens=False)["input_ids"]
        tokens = self._tokenizer(sentence.prompt)["input_ids"]
        return Request(sentence, tuple(tokens), len(ending), self._text(ending))

    @torch.inference_mode()
    def endings(self, batch: Batch, declared: Generated) -> Endings:
        """Return the made endings of prompts of one length.

        The prompts are read once: their keys and values serve all fakes.
        """
        fakes, device = declared.fakes, self._model.device
        prompts = torch.tensor([each.tokens for each in batch], device=device)
        steps = max(each.longest for each in batch)
        settings = GenerationConfig(
            do_sample=False,
            min_new_tokens=1,
            max_new_tokens=steps,
            eos_token_id=self._tokenizer.eos_token_id,
            pad_token_id=self._tokenizer.eos_token_id,
        )
        repeated = prompts.repeat_interleave(fakes, dim=0)
        made = self._model.generate(
            repeated,
            attention_mask=torch.ones_like(repeated),
            generation_config=settings,
            past_key_values=self._read(prompts, fakes),
            logits_processor=_processors(declared.decoding, _draws(batch, declared, steps)),
        )
        rows = made[:, prompts.shape[1] :].tolist()
        return [
            [self._text(self._ended(row)[: each.longest]) for row in rows[at : at + fakes]]
            for at, each in zip(range(0, len(rows), fakes), batch, strict=True)
        ]

    def _read(self, prompts: Tensor, fakes: int) -> Any:
        """Return keys and values of prompts but for their last token, once for each fake."""
        if prompts.shape[1] == 1:
            return None
        cache = self._model(prompts[:, :-1], use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_repeat_interleave(fakes)
        return cache

    def _ended(self, tokens: list[int]) -> list[int]:
        end = self._tokenizer.eos_token_id
        return tokens[: tokens.index(end)] if end in tokens else tokens

    def _text(self, tokens: Sequence[int]) -> str:
        """Return the words of tokens with one blank between them: real and made texts alike."""
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return " ".join(text.split())


def batches(requests: Sequence[Request], size: int) -> Iterator[Batch]:
    """Yield requests of one length in tokens, at most so many at a time, longest first.

    Within a length, those whose endings are of like length are together.
    """
    ordered = sorted(requests, key=lambda each: (-len(each.tokens), -each.longest, each.sentence))
    for _, group in groupby(ordered, key=lambda each: len(each.tokens)):
        same = list(group)
        yield from (same[at : at + size] for at in range(0, len(same), size))


def _draws(batch: Batch, declared: Generated, steps: int) -> Tensor:
    """Return a random number in [0, 1) for each ending and step: [endings, steps], float64."""
    seeds = [
        number_of(declared.seed, each.sentence.prompt, each.sentence.ending, fake)
        for each in batch
        for fake in range(declared.fakes)
    ]
    return torch.from_numpy(np.stack([np.random.default_rng(seed).random(steps) for seed in seeds]))


def _processors(decoding: Decoding, draws: Tensor) -> LogitsProcessorList:
    """Return what turns logits into choices, in the order of `transformers`' own sampling."""
    processors = LogitsProcessorList()
    if decoding.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(float(decoding.repetition_penalty)))
    if decoding.greedy:
        return processors
    if decoding.temperature != 1:
        processors.append(TemperatureLogitsWarper(float(decoding.temperature)))
    if decoding.top_k:
        processors.append(TopKLogitsWarper(decoding.top_k))
    if decoding.nucleus < 1:
        processors.append(TopPLogitsWarper(float(decoding.nucleus)))
    processors.append(Drawn(draws))
    return processors


class Drawn(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Keeps in each row only the token that the row's random number draws.

    The token is the first whose cumulated probability, in the order of the vocabulary, exceeds the
    number (inversion of the distribution function). To be used with `do_sample=False`.
    """

    def __init__(self, draws: Tensor) -> None:
        """draws: numbers in [0, 1), [rows, steps]."""
        self._draws = iter(draws.T)

    @override
    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
        wanted = next(self._draws).to(scores.device)[:, None] * cumulated[:, -1:]
        drawn = torch.searchsorted(cumulated, wanted, right=True)
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)
