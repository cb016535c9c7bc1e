"""Memory that was freed stays with the process: a second use of it faults in no pages."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from interlude.jobs.machine import KEEP_FREED_MEMORY

PAGES = 4096  # of 4 KiB in each of the blocks below
FAULTS = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    blocks = [bytearray(b"x") * 2**24 for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_freed_memory_is_taken_again_without_page_faults() -> None:
    assert page_faults(KEEP_FREED_MEMORY) < 2 * 4 * PAGES
    assert page_faults({}) > 10 * 4 * PAGES


def page_faults(settings: dict[str, str]) -> int:
    others = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", FAULTS]
    return int(
        subprocess.run(command, env=others | settings, check=True, capture_output=True).stdout
    )
