"""The config of a model folder, which has its family and its sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig

from interlude.errors import InputError


def read_config(model: Path) -> Any:
    """Return the config of a model folder; InputError for one of no family of transformers.

    Code that comes with a model is never run.
    """
    try:
        return AutoConfig.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{model}/config.json: no family that transformers has by itself, or no config. "
            f"Code of a model is never run. ({reason})"
        ) from None
