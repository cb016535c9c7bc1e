"""What both sides share: how a script is run."""

from __future__ import annotations

import runpy
import sys

STREAMS = (0, 1, 2)


def run_script(arguments: list[str]) -> None:
    """Run a script in this process; it ends as the script ends."""
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")
