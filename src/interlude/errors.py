"""The one error that a user's input may raise, and how a script ends on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

LONGEST = 80  # characters of a name in a message


class InputError(Exception):
    """Bad input: the message names the file, the key, what was found and what is allowed."""


class RunError(Exception):
    """A run that cannot be carried out, in words for people: it is recorded as failed."""


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Return ' Did you mean …?' for a near miss of an allowed word, else an empty string."""
    near = get_close_matches(word, list(allowed), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def few(names: Sequence[str], most: int = 10) -> str:
    """Return names one after another, the first ones alone where there are too many to read.

    A long one is cut off, and one with blanks at an end is in quotes.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    cut = (name if len(name) <= LONGEST else f"{name[:LONGEST]}…" for name in names[:most])
    shown = (shown_key(name) if name == name.strip() else repr(name) for name in cut)
    return ", ".join(shown) + more


def shown_key(key: str) -> str:
    """Return a key as a message shows it: as it is, or quoted where it is more than a line."""
    return key if key and key.isprintable() else repr(key)


def unknown(where: str, what: str, found: str, allowed: Iterable[str]) -> InputError:
    """Return the error for a name that is not among the allowed ones."""
    names = sorted(allowed)
    listed = ", ".join(names) or "none"
    hint = did_you_mean(found, names)
    return InputError(f"{where}: unknown {what} {found!r}.{hint} Allowed: {listed}.")


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap the main function of a script: its errors end it with one message.

    The status is 2 for bad input, 1 for a run that cannot be carried out.
    """

    def run() -> None:
        try:
            main()
        except (InputError, RunError) as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2 if isinstance(error, InputError) else 1)

    return run
