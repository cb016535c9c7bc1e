"""Start a server. Apart, since the first of many scripts alone needs these modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start_server(address: str, owner: str) -> None:
    """Start a server and wait until it listens, or has ended. Called by whoever finds none."""
    Path(address).unlink(missing_ok=True)
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    server = subprocess.Popen(
        [sys.executable, "-m", "interlude.jobs.warm.server", address, Path(owner).name],
        env={**os.environ, **single},  # a process with threads must not fork
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None  # noqa: S101  for the type checker
    server.stdout.read()  # closed once it listens
