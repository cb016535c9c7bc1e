"""GPUs that are not there, as far as nvidia-smi tells of them."""

from __future__ import annotations

import os
from pathlib import Path


def pretend_gpus(folder: Path, uuids: list[str]) -> str:
    """Put an nvidia-smi that lists these GPUs into a folder; return a PATH that begins with it."""
    listed = [f"GPU {number}: NVIDIA H100 (UUID: {uuid})" for number, uuid in enumerate(uuids)]
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in listed))
    program.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])
