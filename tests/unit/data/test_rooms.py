"""Code that fetches is not among the code that reads and shapes, which makes data anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src"


def loaded_with(module: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded once it has imported one."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["interlude.data.read.rows", "interlude.data.shape.normalise"])
def test_reading_and_shaping_load_nothing_that_fetches(module: str) -> None:
    loaded = loaded_with(module)
    assert module in loaded
    assert [name for name in loaded if name.startswith("interlude.data.fetch")] == []


def test_a_study_finds_its_origins_without_slow_imports() -> None:
    slow = {"torch", "pyarrow", "pandas", "datasets", "huggingface_hub", "transformers"}
    assert slow & loaded_with("interlude.data.origins") == set()
