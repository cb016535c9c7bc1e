"""What passes from the rows side of a form to its head: encoded examples."""

from __future__ import annotations

from typing import Any

INPUTS = ("input_ids", "token_type_ids")  # columns of token sequences, a list of them per example
NO_CHOICE = -1  # in place of the right span's number, where none is right
CUT = -1  # the place of a span that truncation cut off, or that no token covers

Row = dict[str, Any]
