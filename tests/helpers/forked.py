"""Run snakemake in a fork of a process that has imported it: half of a dry run is imports."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# What snakemake loads before and while it reads a Snakefile; nothing of the package, which a
# project has a copy of.
PRELOADED = ["snakemake.cli", "snakemake.report", "pydantic", "yaml"]


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run snakemake in a folder and return its status and what it printed, stderr in stdout."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.NamedTemporaryFile() as output:
        given = (list(arguments), str(folder), dict(environment), output.name)
        process = context.Process(target=_be_snakemake, args=given)
        process.start()
        process.join()
        printed = Path(output.name).read_text(encoding="utf8")
    status = process.exitcode or 0
    return subprocess.CompletedProcess(["snakemake", *arguments], status, printed, None)


def _be_snakemake(
    arguments: list[str], folder: str, environment: dict[str, str], output: str
) -> None:
    """Be a snakemake that was started from a shell; the process ends with it."""
    printed = os.open(output, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(printed, stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main  # noqa: PLC0415  in the fork alone

    try:
        main(arguments)
    finally:
        atexit._run_exitfuncs()  # a fork does not: temporary folders would stay
