"""Endings: drawn as declared, each by its own random numbers, whatever is computed beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from interlude.generate.endings import Generator, batches
from interlude.generate.prompts import choose, number_of, read_corpus
from interlude.plan.generated import Corpus, Decoding, Generated


def declared(**decoding: Any) -> Generated:
    return Generated(
        corpus=Corpus(file="corpus.txt"),
        generator="tiny",
        least_words=6,
        most_words=12,
        fakes=1 if decoding.get("greedy") else 2,
        decoding=Decoding(**decoding),
        train=20,
        validation=10,
        batch_size=4,
    )


def made(generator: Path, corpus: Path, what: Generated, size: int = 4) -> dict[Any, Any]:
    texts = read_corpus(what.corpus, corpus, "corpus")
    parts = choose(texts, what, "corpus")
    model = Generator(generator, "cpu")
    requests = [model.request(each) for each in parts["train"]]
    return {
        request.sentence: endings
        for batch in batches(requests, size)
        for request, endings in zip(batch, model.endings(batch, what), strict=True)
    }


def plainly(generator: Path, sentence: Any, what: Generated, fake: int) -> str:
    """Draw one ending token by token, without cache, batch or the library's processors."""
    tokenizer: Any = AutoTokenizer.from_pretrained(generator)
    model: Any = AutoModelForCausalLM.from_pretrained(generator)
    ids = tokenizer(sentence.prompt)["input_ids"]
    longest = len(tokenizer(f" {sentence.ending}")["input_ids"])
    rng = np.random.default_rng(number_of(what.seed, sentence.prompt, sentence.ending, fake))
    numbers, new = rng.random(longest), []
    for step in range(longest):
        with torch.inference_mode():
            logits = model(torch.tensor([ids + new])).logits[0, -1].double().numpy()
        if step == 0:
            logits[tokenizer.eos_token_id] = -np.inf
        token = chosen(logits, ids + new, what.decoding, numbers[step])
        if token == tokenizer.eos_token_id:
            break
        new.append(token)
    return str(tokenizer.decode(new)).strip()


def chosen(logits: np.ndarray, before: list[int], decoding: Decoding, number: float) -> int:
    for token in set(before):
        penalty = decoding.repetition_penalty
        logits[token] *= penalty if logits[token] < 0 else 1 / penalty
    if decoding.greedy:
        return int(logits.argmax())
    scaled = logits / decoding.temperature
    order = np.argsort(-scaled)
    if decoding.top_k:
        scaled[order[decoding.top_k :]] = -np.inf
    shares = np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()
    reached = np.cumsum(shares[order]) - shares[order]
    shares[order[reached >= decoding.nucleus]] = 0
    return int(np.searchsorted(np.cumsum(shares) / shares.sum(), number, side="right"))


@pytest.mark.parametrize(
    "decoding",
    [
        {},
        {"nucleus": 0.5, "temperature": 1.5},
        {"nucleus": 1.0, "top_k": 3, "repetition_penalty": 1.3},
        {"greedy": True},
    ],
    ids=str,
)
def test_an_ending_is_what_a_plain_loop_draws(
    generator: Path, corpus: Path, decoding: dict[str, Any]
) -> None:
    what = declared(**decoding)
    found = made(generator, corpus, what)
    for sentence, endings in list(found.items())[:4]:
        assert endings == [plainly(generator, sentence, what, n) for n in range(what.fakes)]


def test_endings_do_not_depend_on_what_else_is_in_a_batch(generator: Path, corpus: Path) -> None:
    what = declared()
    assert made(generator, corpus, what, size=1) == made(generator, corpus, what, size=16)


def test_endings_of_a_prompt_differ_and_are_no_longer_than_the_real_one(
    generator: Path, corpus: Path
) -> None:
    found = made(generator, corpus, declared())
    assert all(len(set(endings)) == 2 for endings in found.values())
    for sentence, endings in found.items():
        assert all(len(each.split()) <= len(sentence.ending.split()) for each in endings)


def test_another_seed_makes_other_endings(generator: Path, corpus: Path) -> None:
    first = made(generator, corpus, declared())
    other = made(generator, corpus, declared().model_copy(update={"seed": 7}))
    shared = first.keys() & other.keys()
    assert shared
    assert all(first[each] != other[each] for each in shared)


def test_a_batch_holds_prompts_of_one_length(generator: Path, corpus: Path) -> None:
    what = declared()
    model = Generator(generator, "cpu")
    parts = choose(read_corpus(what.corpus, corpus, "corpus"), what, "corpus")
    sentences = [*parts["train"], *parts["validation"]]
    planned = list(batches([model.request(each) for each in sentences], 4))
    assert all(len({len(each.tokens) for each in batch}) == 1 for batch in planned)
    assert sorted(each.sentence for batch in planned for each in batch) == sorted(sentences)
