"""Put a metric of `evaluate` into a folder from which jobs load it without a network.

Nothing of it is run here. Only its Python files are copied: the library loads no others.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from interlude.data.fetch.hub import fetch_file, open_repository
from interlude.data.fetch.origin import PYTHON, metric_origin
from interlude.data.made_from import metric_made_from
from interlude.errors import InputError, few
from interlude.files import MANIFEST, filling, sha256_of
from interlude.plan.evaluated import Evaluated


def prepare_metric(metric: Evaluated, task: Path, out: Path) -> dict[str, Any]:
    """Write the files of a metric, and a manifest, into `out`; return the manifest.

    task: the file that names it, for messages. Raises InputError where the metric is not there, or
    the hub cannot be reached.
    """
    with filling(out) as work:
        files, source = _files_of(metric, f"{task}: key evaluate")
        for name, path in files.items():
            shutil.copyfile(path, work / name)
        hashes = {name: sha256_of(work / name) for name in files}
        made_from = metric_made_from(metric, metric_origin(metric), hashes)
        manifest = {"source": source, "files": hashes, "made_from": str(made_from)}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf8")
    for path in out.glob(PYTHON):
        if path.name not in hashes:  # of what the metric was before
            path.unlink()
    return manifest


def _files_of(metric: Evaluated, where: str) -> tuple[dict[str, Path], dict[str, Any]]:
    """Return the Python files of a metric by name, and where they come from."""
    if metric.hub is None:
        files = metric_origin(metric).files
        _check_whole(files, metric, f"{where}.folder: {metric.folder}")
        return files, metric.origin
    asked = metric.hub.model_dump()
    repository = open_repository("space", asked, f"{where}.hub")
    names = [name for name in repository.files if name.endswith(".py") and "/" not in name]
    _check_whole(dict.fromkeys(names), metric, repository.where)
    return {name: fetch_file(repository, name) for name in names}, {"hub": repository.origin}


def _check_whole(files: dict[str, Any], metric: Evaluated, where: str) -> None:
    wanted = f"{metric.name}.py"
    if wanted not in files:
        listed = few(sorted(files)) or "no Python file"
        raise InputError(f"{where}: no file {wanted}, which would be the metric. Found: {listed}.")
