"""Ask the hub again where another try may succeed; report in one line why the last one failed."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from typing import TypeVar

import tenacity
from huggingface_hub import errors

from interlude.errors import InputError

LONGEST_WAIT = 60.0  # seconds to wait where the hub asks for a wait, at most
MIRROR = "a mirror can stand in for the hub."
NO_HUB = (
    "what answers is no hub, maybe a page to log in: check HF_ENDPOINT and the proxy (HTTPS_PROXY)."
)
# Faults that another try does not repair, in words of our own, since the client's messages hold
# addresses. The first that fits is reported; the last ones are of an answer that is no JSON, or has
# other keys.
LASTING: dict[type[Exception], str] = {
    errors.GatedRepoError: "it is gated: accept its terms on the hub, then set HF_TOKEN to your "
    "token.",
    errors.RepositoryNotFoundError: "no such repository, or a private one; that needs HF_TOKEN, a "
    "token.",
    errors.RevisionNotFoundError: "no such revision.",
    errors.RemoteEntryNotFoundError: "no such file.",
    errors.OfflineModeIsEnabled: "the hub is switched off (HF_HUB_OFFLINE).",
    errors.HFValidationError: "no name that a repository can have.",
    **dict.fromkeys((errors.FileMetadataError, ValueError, KeyError, TypeError), NO_HUB),
}

Result = TypeVar("Result")


class PassingError(Exception):
    """A fault that the client does not see. No OSError, which it would treat as one of its own."""


def persistently(call: Callable[[], Result], where: str, seconds: float) -> Result:
    """Call, and again after a passing fault; InputError, without an address, for a lasting one."""
    try:
        return TRIES(lambda: once(call, seconds))
    except Exception as error:
        raise InputError(f"{where}: {_explained(error)[0]}") from None


def once(call: Callable[[], Result], seconds: float) -> Result:
    """Call, for so many seconds at most. For the main thread.

    The client's own limits are for the next bytes: they end neither a slow trickle nor a wait that
    the hub asks for, and its questions about a repository have none. Where it falls back to its
    cache and finds no file there, it hides the first fault: that is raised here.
    """

    def end(*_: object) -> None:
        raise PassingError(f"no whole answer within {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    except errors.LocalEntryNotFoundError as error:
        raise (error.__cause__ or error) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _explained(error: BaseException) -> tuple[str, bool]:
    """Return why a try failed, and whether another may go better."""
    for kind, reason in LASTING.items():
        if isinstance(error, kind):
            return reason, False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the device. Free some and run again.", False
    if isinstance(error, errors.HfHubHTTPError):
        status, wait = error.response.status_code, _asked_to_wait(error)
        when = f"in {wait:g} seconds" if wait else "later"
        reason = f"the hub answered with status {status}. Run again {when}; {MIRROR}"
        return reason, (status >= 500 or status == 429) and wait <= LONGEST_WAIT
    if isinstance(error, PassingError):
        return f"{error} Run again to try once more; {MIRROR}", True
    if "Consistency check failed" in str(error):
        return "the download ends too early. Run again to try once more.", True
    cause = type(error).__name__
    return f"the connection to the hub fails ({cause}); {MIRROR}", True


def _asked_to_wait(error: BaseException) -> float:
    """Return the seconds after which the hub wants to be asked again; 0 where it does not say."""
    if not isinstance(error, errors.HfHubHTTPError):
        return 0.0
    seconds = error.response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


TRIES = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(Exception)
    & tenacity.retry_if_exception(lambda error: _explained(error)[1]),
    wait=tenacity.wait_exponential(exp_base=4)  # 1 and 4 seconds
    + tenacity.wait_exception(_asked_to_wait),
    stop=tenacity.stop_after_attempt(3),
    reraise=True,
)
