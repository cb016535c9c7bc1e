"""The versions that results depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scikit-learn", "pyarrow")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute, by name."""
    installed = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **installed}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
