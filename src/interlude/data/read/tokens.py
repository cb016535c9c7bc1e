"""Tokens joined by one space, so that a span of tokens has its characters exactly."""

from __future__ import annotations

from itertools import accumulate

from interlude.data.read.readers import UnusableError


class Tokens:
    """The text that tokens make, and where their spans lie in it."""

    def __init__(self, tokens: list[str]) -> None:
        self.text = " ".join(tokens)
        self._starts = [0, *accumulate(len(token) + 1 for token in tokens)]

    def characters(self, start: int, end: int) -> list[int]:
        """Return [start, end] in characters of a span of tokens; ends are exclusive."""
        if not 0 <= start < end < len(self._starts):
            raise UnusableError("a span is not inside its sentence")
        return [self._starts[start], self._starts[end] - 1]
