"""The versions that results depend on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scikit-learn", "pyarrow")


def versions(*also: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that compute, by name.

    also: packages that compute only what is asked about.
    """
    installed = {name: _version(name) for name in (*PACKAGES, *also)}
    return {"python": platform.python_version(), **installed}


@cache
def _version(package: str) -> str:
    """Return the installed version, which takes 2 ms to read."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
