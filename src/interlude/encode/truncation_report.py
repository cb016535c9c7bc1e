"""What truncation and the tokenizer cut from a task, in words. No digest of code covers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_CUT = "are cut off at {length} tokens"  # of the longest sequence
_NONE_LEFT = "have no token left of what is asked for, an answer, a span or words"
# What is counted, of what, and the words for it in a sentence and in short.
_LOSSES = (
    ("truncated", "examples", _CUT, "truncated"),
    ("words_truncated", "words", _CUT, "truncated"),
    ("words_empty", "words", "give no token", "without a token"),
    ("empty", "examples", "have a text that gives no token", "with a text without a token"),
    ("lost", "examples", _NONE_LEFT, "lost"),
)
_NOT_TRAINED_ON = ": they are not trained on"


def warnings_of(counts: Mapping[str, Mapping[str, int]], max_length: int) -> list[str]:
    """Return a sentence, without its full stop, for each kind of loss in each part.

    counts: part -> `encode.truncation.truncation_of` of its examples.
    """
    return [
        line for part, counted in counts.items() for line in _of_part(part, counted, max_length)
    ]


def _of_part(part: str, counted: Mapping[str, int], max_length: int) -> Iterator[str]:
    for name, whole, words, _ in _LOSSES:
        if counted.get(name):
            share = percent(counted[name], counted[whole])
            loss = words.format(length=max_length)
            end = _NOT_TRAINED_ON if (name, part) == ("lost", "train") else ""
            yield f"{part}: {counted[name]:,} of {counted[whole]:,} {whole} ({share}) {loss}{end}"


def in_short(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return the same in one line for a log: 'train: 51 % of examples truncated'; '' for none."""
    parts = {
        part: [
            f"{percent(counted[name], counted[whole])} of {whole} {words}"
            for name, whole, _, words in _LOSSES
            if counted.get(name)
        ]
        for part, counted in counts.items()
    }
    return "; ".join(f"{part}: {', '.join(losses)}" for part, losses in parts.items() if losses)


def percent(some: int, whole: int) -> str:
    """Return a share in per cent, with three digits."""
    return f"{100 * some / whole:.3g} %" if whole else "0 %"
