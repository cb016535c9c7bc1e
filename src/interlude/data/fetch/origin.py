"""Where the rows of a task and the files of a model are now. Reads none of their content.

No heavy imports: a study looks for the origins of all its tasks at each start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlude.data.fetch.archives import find_archive
from interlude.data.fetch.mirror import Entry, find_mirrored, path_of, recut
from interlude.data.fetch.own import own_files
from interlude.data.fetch.places import Places
from interlude.data.fetch.weights import INDEX, names_in_index
from interlude.data.groups import GROUP
from interlude.files import WEIGHTS
from interlude.forms import declaration_of
from interlude.plan.evaluated import Evaluated
from interlude.plan.models import Model
from interlude.plan.tasks import Task

MIRROR = "mirror"
PYTHON = "*.py"  # the files of a metric

CONFIG = "config.json"  # of a model
# A tokenizer has one of these; without, transformers makes up one that knows no word.
VOCABULARY = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
)
TOKENIZER = (
    *VOCABULARY,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
)


@dataclass(frozen=True)
class Origin:
    """Where the content of a task or a model is.

    kind: mirror, archive, files, own, hub; of a model archives, folder, hub.
    files: the local files to read, by split or name.
    stands_for: what decides the content beside them: a pin, what is asked of the hub, how a mirror
    is cut; fits into JSON.
    entries: of a mirror's manifest, by split.
    """

    kind: str
    files: dict[str, Path] = field(default_factory=dict)
    stands_for: Any = None
    entries: dict[str, Entry] = field(default_factory=dict)


Found = tuple[Task, Origin]  # the task as the origin serves it: a mirror may cut it in another way


def find_origin(task: Task, places: Places) -> Found:
    """Return the origin of a task's rows: the mirror if it holds them, else the declared one.

    InputError when files that the user must supply are missing, or the mirror is not valid.
    """
    return find_in_mirror(task, places) or (task, declared_origin(task, places))


def find_in_mirror(task: Task, places: Places) -> Found | None:
    """Return the mirror as the origin of a task; None when there is none that holds it."""
    if places.mirror is None:
        return None
    mirrored = find_mirrored(task, places.mirror, places.slices)
    if mirrored is None:
        return None
    served, entries = mirrored
    files = {split: path_of(places.mirror, entry) for split, entry in entries.items()}
    return served, Origin(MIRROR, files, served.data_declaration(), entries)


def may_have_groups(task: Task, slices: Path) -> bool:
    """Return whether rows of a task may belong together, whichever origin serves it.

    slices: `config/mirrors/partial.yaml`.
    """
    cut_by = task.split_by or recut(task, slices).split_by
    return cut_by is not None or GROUP in declaration_of(task.form).columns


def declared_origin(task: Task, places: Places) -> Origin:
    """Return the origin that a task's file declares; InputError where it is not there."""
    source = task.source
    if source.files is not None:
        return Origin("files", {split: Path(name) for split, name in source.files.items()})
    if source.own is not None:
        return Origin("own", own_files(task, places.own_data))
    if source.hub is not None:
        return Origin("hub", stands_for=source.hub.model_dump())
    pin = find_archive(str(source.archive), places.registry)
    return Origin("archive", stands_for=pin.sha256)


def model_origin(model: Model, registry: Path) -> Origin:
    """Return the origin of a model.

    registry: `config/archives.yaml`. InputError when it lacks an archive, or when weights are in
    several files and their index is broken.
    """
    if model.folder is not None:
        return Origin("folder", _files_of_model(Path(model.folder)))
    if model.hub is not None:
        return Origin("hub", stands_for=model.hub.model_dump())
    names = [place.archive for place in model.archives or []]
    return Origin("archives", stands_for=[find_archive(name, registry).sha256 for name in names])


def metric_origin(metric: Evaluated) -> Origin:
    """Return the origin of a metric of evaluate."""
    if metric.hub is not None:
        return Origin("hub", stands_for=metric.hub.model_dump())
    files = sorted(Path(str(metric.folder)).glob(PYTHON))
    return Origin("folder", {path.name: path for path in files})


def _files_of_model(folder: Path) -> dict[str, Path]:
    """Return the files of a model by name, those that are there."""
    weights, index = [WEIGHTS], folder / INDEX
    if not (folder / WEIGHTS).exists() and index.exists():
        weights = [INDEX, *names_in_index(index)]
    paths = (folder / name for name in (CONFIG, *weights, *TOKENIZER))
    return {path.name: path for path in paths if path.exists()}
