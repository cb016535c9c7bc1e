"""Which tokens of a text are masked, and by what, as in BERT (Devlin et al. 2019, section 3.1).

Of the tokens that are not special, each is masked with probability SHARE; at least one of each
sequence that has any. Of the masked ones, MASKED become the mask token, REPLACED a random ordinary
one, and the others stay as they are. All of them are to be guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from interlude.encode.tokenizer import load_tokenizer
from interlude.errors import InputError
from interlude.forms.examples import Row

SHARE = 0.15
MASKED, REPLACED = 0.8, 0.1
ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model. ordinary: whether each is not special, bool [tokens]; mask: its id."""

    ordinary: np.ndarray
    mask: int


def read_vocabulary(model: Path) -> Vocabulary:
    """Return the vocabulary of a model folder; InputError when its tokenizer has no mask token."""
    tokenizer = load_tokenizer(model)
    if tokenizer.mask_token_id is None:
        raise InputError(
            f"{model}: the tokenizer has no mask_token (tokenizer_config.json), and a stage has "
            "the part mlm, which masks tokens. Allowed: a model whose tokenizer has one, or no mlm."
        )
    ordinary = np.ones(len(tokenizer), dtype=bool)
    ordinary[tokenizer.all_special_ids] = False
    return Vocabulary(ordinary, tokenizer.mask_token_id)


def masked(rows: Sequence[Row], vocabulary: Vocabulary, rng: np.random.Generator) -> list[Row]:
    """Return texts with tokens masked, drawn from a generator.

    Each gets `masked`, of each of its sequences the places that are masked, and `originals`, the
    tokens that were there, of all sequences in one list.
    """
    replacements = np.flatnonzero(vocabulary.ordinary)
    return [_masked_row(row, vocabulary, replacements, rng) for row in rows]


def masked_table(examples: pa.Table, vocabulary: Vocabulary, rng: np.random.Generator) -> pa.Table:
    """Return a table of texts as `masked` returns them."""
    types = {"masked": pa.list_(pa.list_(pa.int32())), "originals": pa.list_(pa.int32())}
    schema = pa.schema([*examples.schema, *types.items()])
    parts = [
        pa.Table.from_pylist(masked(batch.to_pylist(), vocabulary, rng), schema)
        for batch in examples.to_batches(max_chunksize=ROWS_AT_A_TIME)
    ]
    return pa.concat_tables(parts)


def maskable(examples: pa.Table, vocabulary: Vocabulary) -> np.ndarray:
    """Return which examples have a token that may be masked, bool [examples]."""
    flat = pc.list_flatten(examples["input_ids"])
    of_example = pc.list_parent_indices(examples["input_ids"]).to_numpy()
    of_token = of_example[pc.list_parent_indices(flat).to_numpy()]
    ordinary = vocabulary.ordinary[pc.list_flatten(flat).to_numpy()]
    counts = np.bincount(of_token[ordinary], minlength=examples.num_rows)
    has_any: np.ndarray = counts > 0
    return has_any


def _masked_row(
    row: Row, vocabulary: Vocabulary, replacements: np.ndarray, rng: np.random.Generator
) -> Row:
    sequences, places, originals = [], [], []
    for ids in row["input_ids"]:
        sequence = np.array(ids)
        chosen = _chosen(vocabulary.ordinary[sequence], rng)
        originals += sequence[chosen].tolist()
        kind = rng.random(len(chosen))
        sequence[chosen[kind < MASKED]] = vocabulary.mask
        others = chosen[(kind >= MASKED) & (kind < MASKED + REPLACED)]
        sequence[others] = rng.choice(replacements, len(others))
        sequences.append(sequence.tolist())
        places.append(chosen.tolist())
    return {**row, "input_ids": sequences, "masked": places, "originals": originals}


def _chosen(candidates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the places that are masked: bool [tokens] -> int [masked], ascending."""
    draws = np.where(candidates, rng.random(len(candidates)), 1.0)
    chosen = np.flatnonzero(draws < SHARE)
    return chosen if len(chosen) or not candidates.any() else np.array([draws.argmin()])
