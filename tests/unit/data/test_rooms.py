"""Code that fetches is not among the code that reads and shapes, which makes data anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize("module", ["interlude.data.read.rows", "interlude.data.shape.normalise"])
def test_reading_and_shaping_load_nothing_that_fetches(module: str) -> None:
    program = f"import sys, {module}; print(*(n for n in sys.modules if n.startswith('interlude')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert module in loaded
    assert [name for name in loaded if name.startswith("interlude.data.fetch")] == []


def test_a_study_finds_its_origins_without_slow_imports() -> None:
    program = "import sys, interlude.data.origins; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    slow = {"torch", "pyarrow", "pandas", "datasets", "huggingface_hub", "transformers"}
    assert slow & set(done.stdout.split()) == set()
