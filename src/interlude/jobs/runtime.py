"""The folder of locks and sockets that this user's processes on this machine share."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def runtime_folder() -> Path:
    """Return this user's folder for locks and sockets, to which no other user can write.

    Raises PermissionError when another user made it.
    """
    folder = Path(tempfile.gettempdir()) / f"interlude-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def owner(process: int) -> str:
    """Return what INTERLUDE_WARM_FOR says of the process with which a warm server ends.

    Raises PermissionError as `runtime_folder`.
    """
    return str(runtime_folder() / str(process))
