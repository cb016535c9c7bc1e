"""Code that fetches is not among the code that reads and shapes, which makes data anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlude.forms import form_names

SOURCES = Path(__file__).parents[3] / "src"


def loaded_with(module: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded once it has imported some."""
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


SLOW = {"torch", "pyarrow", "pandas", "datasets", "huggingface_hub", "transformers"}


def test_a_study_finds_its_origins_without_slow_imports() -> None:
    assert SLOW & loaded_with("interlude.data.origins") == set()


def test_what_task_files_say_of_forms_is_read_without_slow_imports() -> None:
    folders = [name.replace("-", "_") for name in form_names()]
    loaded = loaded_with(", ".join(f"interlude.forms.{name}.declaration" for name in folders))
    assert {*SLOW, "numpy"} & loaded == set()


def test_a_job_reads_its_training_without_what_checks_a_config() -> None:
    assert "pydantic" not in loaded_with("interlude.jobs.arguments")
