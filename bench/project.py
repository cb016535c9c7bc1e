"""A copy of this project for studies and plans: the clone's own results stay as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from bench.machine import ROOT, Ended, python, run
from interlude.data.fetch.availability import why_unavailable
from interlude.data.fetch.places import places_of
from interlude.plan.study import Study, load_study

PARTS = ("Snakefile", "config.yaml", "config", "envs", "profiles", "reference", "src", "workflow")


class Project:
    """A project folder with overlays that make a study."""

    def __init__(self, folder: Path, overlays: Sequence[Path]) -> None:
        """Copy the project into a folder, which is emptied."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        self.folder = folder
        self.overlays = [path.resolve() for path in overlays]

    def study(self) -> Study:
        """Return the study as Snakemake has it."""
        config: dict[str, Any] = {}
        for overlay in self.overlays:
            update_config(config, yaml.safe_load(overlay.read_text(encoding="utf8")))
        return load_study(
            config,
            self.folder,
            unavailable=lambda task, told: why_unavailable(task, places_of(told, self.folder)),
        )

    def clear(self) -> None:
        """Remove all results, and what Snakemake knows of them."""
        for name in ("results", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def snakemake(self, *arguments: str) -> Ended:
        """Run Snakemake with the overlays; RuntimeError when it fails."""
        files = ["--configfile", *map(str, self.overlays)]
        return run(python("snakemake", *arguments, *files), threads=1, folder=self.folder)
