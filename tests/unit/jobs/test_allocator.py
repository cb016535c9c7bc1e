"""Memory that was freed stays with the process: a second use of it faults in no pages."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[3] / "src"
PAGES = 4096  # of 4 KiB in each of the blocks below
FAULTS = """
import resource, sys
from interlude.jobs.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    blocks = [bytearray(b"x") * 2**24 for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_freed_memory_is_taken_again_without_page_faults() -> None:
    assert page_faults("kept") < 2 * 4 * PAGES
    assert page_faults("given back") > 10 * 4 * PAGES


def page_faults(what: str) -> int:
    command = [sys.executable, "-c", FAULTS, what]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    return int(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
