"""What the data and the model of a study are to be made from today, and which folders are stale.

For the main process of a study: only it looks at origins and hashes files. Jobs, some of them on
nodes that cannot reach an origin, read the manifests of what was made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlude.data.fetch.contents import Contents
from interlude.data.fetch.origin import (
    CONFIG,
    MIRROR,
    Origin,
    declared_origin,
    find_in_mirror,
    find_origin,
    metric_origin,
    model_origin,
)
from interlude.data.fetch.places import Places
from interlude.data.fetch.weights import INDEX
from interlude.data.made_from import (
    MadeFrom,
    code_of,
    contents_of,
    declared_of_model,
    declared_of_task,
    generated_made_from,
    metric_made_from,
)
from interlude.errors import InputError
from interlude.files import MANIFEST, WEIGHTS, read_manifest, write_json
from interlude.plan.evaluated import Evaluated
from interlude.plan.generated import Generated
from interlude.plan.models import HubModel, Model, load_model
from interlude.plan.tasks import HubData, Task

MODELS = Path("results/models")
METRICS = Path("results/metrics")
REMEMBERED = Path("results/origins.json")
UNKNOWN = "unknown"  # where there is neither an origin nor anything made from it
COMMIT_DIGITS = 40
PATIENCE = 5.0  # seconds for all questions to the hub together


@dataclass(frozen=True)
class Made:
    """A folder of normalised data or of a model, and what it is to be made from.

    manifest: None where the folder is not made yet, empty where it cannot be read.
    known: what it was made from; remembered where it is gone.
    wanted: what it is to be made from today; None where there is neither an origin nor `known`.
    asked: what its file asks of the hub; None for another origin.
    """

    folder: Path
    manifest: dict[str, Any] | None
    known: MadeFrom | None
    wanted: MadeFrom | None
    asked: dict[str, Any] | None

    @property
    def is_stale(self) -> bool:
        """Whether it was made from something else than `wanted`."""
        return self.manifest is not None and self.wanted not in (None, self.known)

    @property
    def commit(self) -> str | None:
        """The commit of the hub that it was made from, where what is asked for may move."""
        match self.manifest, self.asked:
            case (
                {"source": {"hub": {"id": name, "revision": revision, "commit": str(commit)}}},
                {"id": asked, "revision": wanted},
            ) if (name, revision) == (asked, wanted) and len(wanted) != COMMIT_DIGITS:
                return commit
        return None


class Origins:
    """What the folders of data and models are to be made from.

    made: the folders of a study; none outside the main process, where manifests are read instead.
    texts: text file -> the SHA-256 of its contents.
    """

    def __init__(
        self,
        made: Iterable[Made] = (),
        normalised: Path = Places.normalised,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self._made = {str(each.folder): each for each in made}
        self._normalised = normalised
        self._texts = texts or {}
        self._looked_at: set[str] = set()
        self._asking = 0.0  # seconds spent on questions to the hub

    def of_task(self, task: str) -> str:
        """Return what a task's normalised data are to be made from."""
        return self._of(self._normalised / task)

    def of_texts(self, file: str, encoded: Path) -> str:
        """Return what the encoding of a text file is to be made from.

        encoded: its folder, whose manifest is read where the text file is not known.
        """
        manifest = _manifest_of(encoded) or {}
        return self._texts.get(file) or str(manifest.get("made_from") or UNKNOWN)

    def of_model(self, model: str) -> str:
        """Return what a prepared model is to be made from."""
        return self._of(MODELS / model)

    def of_metric(self, metric: str) -> str:
        """Return what a prepared metric of evaluate is to be made from, by its digest."""
        return self._of(METRICS / metric)

    def _of(self, folder: Path) -> str:
        made = self._made.get(str(folder))
        wanted = _made_from(_manifest_of(folder)) if made is None else made.wanted
        return str(wanted or UNKNOWN)

    def is_stale(self, folder: Path) -> bool:
        """Return whether a folder exists that is to be made from something else today."""
        made = self._made.get(str(folder))
        return made is not None and made.is_stale

    def look_at(self, file: str, forced: set[str], ask: bool, say: Callable[[str], None]) -> None:
        """Add a manifest to the forced ones if it was made from something else than today's origin.

        ask: ask the hub, too, whether a revision has moved: that is reported, not forced.
        """
        made = self._made.get(str(Path(file).parent))
        if made is None or file in self._looked_at:
            return
        self._looked_at.add(file)
        if made.is_stale:
            forced.add(file)
            say(f"{made.folder}: made anew: {_change(made)}.")
        elif ask and made.commit and (now := self._commit_now(made)) not in (None, made.commit):
            say(_moved(made, str(now)))

    def remember(self) -> None:
        """Save what everything is to be made from, for when an origin is gone."""
        wanted = {folder: str(made.wanted) for folder, made in self._made.items() if made.wanted}
        if wanted:
            write_json(REMEMBERED, _remembered() | wanted)

    def accept(self) -> None:
        """Record what is stale as up to date, as the user asks with `snakemake --touch`."""
        for made in self._made.values():
            if made.is_stale:
                accepted = {**(made.manifest or {}), "made_from": str(made.wanted)}
                write_json(made.folder / MANIFEST, accepted)

    def _commit_now(self, made: Made) -> str | None:
        """Return the commit that the hub would send; None where it does not say in time."""
        from interlude.data.fetch.hub import commit_of  # noqa: PLC0415  takes a second to import

        remaining = PATIENCE - self._asking
        if remaining <= 0 or made.asked is None:
            return None
        started = time.monotonic()
        kind = "model" if made.folder.parent == MODELS else "dataset"
        commit = commit_of(kind, made.asked, remaining)
        self._asking += time.monotonic() - started
        return commit


def find_origins(
    tasks: Mapping[str, Task],
    model_files: Mapping[str, Path],
    places: Places,
    text_files: Iterable[str] = (),
) -> Origins:
    """Return what the tasks and models of a study are to be made from today.

    tasks, model_files: with the corpora and generators of tasks that are generated. Where an origin
    is gone, what was made from it stays valid. InputError for a model file that is not valid.
    """
    contents, remembered = Contents(), _remembered()
    fetched = [task for task in tasks.values() if task.source.generated is None]
    made = [_data(task, places, contents, remembered) for task in fetched]
    made += [
        _model(MODELS / name, load_model(file), places, contents, remembered)
        for name, file in model_files.items()
    ]
    made += [
        _metric(task.evaluate, contents, remembered)
        for task in tasks.values()
        if task.evaluate is not None
    ]
    wanted = {each.folder: each.wanted for each in made}
    made += [
        _generated(task, task.source.generated, wanted, places, contents, remembered)
        for task in tasks.values()
        if task.source.generated is not None
    ]
    texts = {file: contents.sha256(Path(file)) for file in text_files if Path(file).is_file()}
    contents.save()
    return Origins(made, places.normalised, texts)


def _data(task: Task, places: Places, contents: Contents, remembered: Mapping[str, str]) -> Made:
    folder = places.normalised / task.name
    manifest, known = _known(folder, remembered)
    declared = declared_of_task(task)

    def same() -> Origin | None:
        """Return the origin of before: data stay as they are when a mirror comes or goes."""
        if known is None or known.kind != MIRROR:
            return declared_origin(task, places)
        in_mirror = find_in_mirror(task, places)
        return in_mirror and in_mirror[1]

    def first() -> Origin:
        """Return the origin that data are made from anew."""
        return find_origin(task, places)[1]

    def now(find: Callable[[], Origin | None]) -> MadeFrom | None:
        return _now(find, declared, code_of(task), contents)

    wanted = None
    if known is not None and (manifest is not None or known.kind == MIRROR):
        wanted = _kept(known, declared, now(same))
    wanted = wanted or now(first) or (known and replace(known, declared=declared))
    return Made(folder, manifest, known, wanted, _asked(task.source.hub))


def _generated(
    task: Task,
    declared: Generated,
    wanted: Mapping[Path, MadeFrom | None],
    places: Places,
    contents: Contents,
    remembered: Mapping[str, str],
) -> Made:
    """Return what a generated task is to be made from, by what its corpus and generator are."""
    folder = places.normalised / task.name
    manifest, known = _known(folder, remembered)
    corpus: MadeFrom | str | None = None
    if declared.corpus.task is not None:
        corpus = wanted.get(places.normalised / declared.corpus.task)
    else:
        with suppress(OSError):  # the job that would make it reports why it is missing
            corpus = contents.sha256(Path(str(declared.corpus.file)))
    generator = wanted.get(MODELS / declared.generator)
    now = None
    if corpus is not None and generator is not None:
        now = generated_made_from(task, str(corpus), str(generator))
    gone = known and replace(known, declared=declared_of_task(task))
    return Made(folder, manifest, known, now or gone, None)


def _model(
    folder: Path,
    model: Model,
    places: Places,
    contents: Contents,
    remembered: Mapping[str, str],
) -> Made:
    manifest, known = _known(folder, remembered)
    declared = declared_of_model(model)

    def find() -> Origin | None:
        origin = model_origin(model, places.registry)
        is_whole = CONFIG in origin.files and {WEIGHTS, INDEX} & origin.files.keys()
        return origin if is_whole or origin.kind != "folder" else None

    wanted = _now(find, declared, "", contents) or (known and replace(known, declared=declared))
    return Made(folder, manifest, known, wanted, _asked(model.hub))


def _metric(metric: Evaluated, contents: Contents, remembered: Mapping[str, str]) -> Made:
    folder, origin = METRICS / metric.digest, metric_origin(metric)
    manifest, known = _known(folder, remembered)
    now = known
    with suppress(OSError):  # the job that would prepare it reports why it cannot be read
        hashes = {name: contents.sha256(path) for name, path in origin.files.items()}
        if hashes or origin.kind == "hub":
            now = metric_made_from(metric, origin, hashes)
    return Made(folder, manifest, known, now, None)


def _asked(hub: HubData | HubModel | None) -> dict[str, Any] | None:
    return None if hub is None else hub.model_dump()


def _now(
    find: Callable[[], Origin | None], declared: str, code: str, contents: Contents
) -> MadeFrom | None:
    """Return what would be made today; None where the origin is missing.

    The job that would make it reports why.
    """
    try:
        origin = find()
        if origin is None:
            return None
        hashes = {name: contents.sha256(path) for name, path in origin.files.items()}
    except (InputError, OSError):
        return None
    return MadeFrom(origin.kind, declared, contents_of(origin, hashes), code)


def _kept(known: MadeFrom, declared: str, now: MadeFrom | None) -> MadeFrom | None:
    """Return `known` if it is still right, or if its origin is gone and its declaration is the
    same.
    """
    is_gone = now is None and known.declared == declared
    return known if is_gone or now == known else None


def _known(
    folder: Path, remembered: Mapping[str, str]
) -> tuple[dict[str, Any] | None, MadeFrom | None]:
    """Return the manifest of a folder, and what it was made from."""
    manifest = _manifest_of(folder)
    if manifest is None:
        return None, MadeFrom.from_text(remembered.get(str(folder)))
    return manifest, _made_from(manifest)


def _made_from(manifest: Mapping[str, Any] | None) -> MadeFrom | None:
    return MadeFrom.from_text((manifest or {}).get("made_from"))


def _manifest_of(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder: None where there is none, empty where it is broken."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        return read_manifest(folder)
    except InputError:
        return {}


def _remembered() -> dict[str, str]:
    try:
        remembered = json.loads(REMEMBERED.read_bytes())
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _change(made: Made) -> str:
    known, wanted = made.known, made.wanted
    if known is None or wanted is None:
        return "its manifest does not say what it was made from"
    if known.declared != wanted.declared:
        return "its declaration has changed"
    if (known.kind, known.contents) != (wanted.kind, wanted.contents):
        return "its origin has changed"
    return "the code that reads it has changed"


def _moved(made: Made, now: str) -> str:
    asked = made.asked or {}
    return (
        f"note: {asked['id']} at {asked['revision']} has moved on the hub, from "
        f"{str(made.commit)[:8]}, which {made.folder} holds, to {now[:8]}. "
        f"To use the new one, start with --forcerun {made.folder / MANIFEST}"
    )
