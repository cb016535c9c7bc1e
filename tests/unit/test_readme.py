"""The numbers of the README are those of the study in docs/demo/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_and_heatmap_are_what_the_shipped_study_gives() -> None:
    command = [sys.executable, "docs/demo/make.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
