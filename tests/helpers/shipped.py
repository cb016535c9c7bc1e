"""The studies that come with the project, as the planner reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from interlude.plan.study import Study, load_study

ROOT = Path(__file__).parents[2]


def study_of(*names: str) -> Study:
    """Return the study of some files of config/studies, each over the ones before it."""
    config: dict[str, Any] = {}
    for name in names:
        update_config(config, yaml.safe_load((ROOT / f"config/studies/{name}.yaml").read_text()))
    return load_study(config, ROOT, names[-1])
