"""What truncation and the tokenizer remove from examples, counted while they are encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from interlude.forms.examples import CUT, Row
from interlude.forms.rows import EMPTY, TRUNCATED

FLAGS = (TRUNCATED, EMPTY)
PLACES = ("answer_start", "span_starts")  # of answers and spans, CUT for those that are lost

Counts = Counter[str]


def truncation_of(examples: Sequence[Row]) -> Counts:
    """Count what was cut from examples of one form, as its rows side makes them.

    `examples`; `truncated`: of which max_length cut something off; `empty`: with a text that gives
    no token. Where a form has an answer, spans or words, `lost`: of which the answer, a span or
    every word has no token left, so that they are not trained on. Where it has words, `words`;
    `words_truncated`; `words_empty`: which give no token.
    """
    counted = Counter(
        examples=len(examples),
        truncated=sum(any(example[TRUNCATED]) for example in examples),
        empty=sum(any(example[EMPTY]) for example in examples),
    )
    for name in PLACES:
        if name in examples[0]:
            counted["lost"] = sum(CUT in _listed(example[name]) for example in examples)
    if "positions" in examples[0]:
        counted["lost"] = sum(not any(example["positions"]) for example in examples)
        counted.update(_of_words(examples))
    return counted


def _of_words(examples: Sequence[Row]) -> dict[str, int]:
    """Count words: of a truncated example, those behind the last one with a token were cut off."""
    ends = [
        max((end for end, place in enumerate(example["positions"], 1) if place), default=0)
        if any(example[TRUNCATED])
        else len(example["positions"])
        for example in examples
    ]
    inside = [example["positions"][:end] for example, end in zip(examples, ends, strict=True)]
    words = sum(len(example["positions"]) for example in examples)
    return {
        "words": words,
        "words_truncated": words - sum(ends),
        "words_empty": sum(places.count(0) for places in inside),
    }


def _listed(place: int | list[int]) -> list[int]:
    return place if isinstance(place, list) else [place]
