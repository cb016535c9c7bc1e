"""What both sides share: where they meet, and which streams they hand over."""

from __future__ import annotations

import errno
import os
import sys
import zlib

OWNER = "INTERLUDE_WARM_FOR"
STREAMS = (0, 1, 2)
LONGEST_ADDRESS = 103  # bytes in the path of a socket: of macOS; Linux takes four more


def address_of(owner: str) -> str:
    """Return the path of the socket of an owner's server, one for each interpreter.

    owner: a path whose last part is the id of the process, `runtime.owner`. OSError when no socket
    can have so long a path.
    """
    python = f"{sys.executable}\n{os.environ.get('PYTHONPATH')}"
    address = f"{owner}-{zlib.crc32(os.fsencode(python)):08x}.socket"
    if len(os.fsencode(address)) > LONGEST_ADDRESS:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), address)
    return address


def lock_of(address: str) -> str:
    """Return the file that is locked by whoever starts a server."""
    return f"{address.removesuffix('.socket')}.lock"
