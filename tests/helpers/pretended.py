"""GPUs that are not there, as far as nvidia-smi tells of them."""

from __future__ import annotations

import os
from pathlib import Path

PROGRAM = """#!/bin/sh
case "$*" in
-L) cat << 'END'
{listed}
END
;;
"--query-gpu=uuid,memory.total --format=csv,noheader,nounits") cat << 'END'
{memory}
END
;;
*) exit 2 ;;
esac
"""


def pretend_gpus(folder: Path, uuids: list[str], mebi: int = 81_559) -> str:
    """Put an nvidia-smi that tells of these GPUs into a folder; return a PATH that begins with it.

    mebi: memory of each, in MiB; an H100 has as much.
    """
    listed = [f"GPU {number}: NVIDIA H100 (UUID: {uuid})" for number, uuid in enumerate(uuids)]
    memory = [f"{uuid}, {mebi}" for uuid in uuids]
    program = folder / "nvidia-smi"
    program.write_text(PROGRAM.format(listed="\n".join(listed), memory="\n".join(memory)))
    program.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])
