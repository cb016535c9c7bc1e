"""Put a pretrained encoder into a folder that transformers can load, weights as safetensors."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlude.data.fetch.archives import (
    Archive,
    fetch,
    find_archive,
    open_zip,
    read_member,
    read_members,
)
from interlude.data.fetch.hub import fetch_file, open_repository
from interlude.data.fetch.origin import CONFIG, TOKENIZER, VOCABULARY, Origin, model_origin
from interlude.data.fetch.weights import INDEX, check_no_pointers, join, names_in_index
from interlude.data.made_from import model_made_from
from interlude.errors import InputError
from interlude.files import WEIGHTS, filling, sha256_of
from interlude.plan.models import Model, Place, load_model

Check = Callable[[Path], None]
GGUF = "model.gguf"  # weights and tokenizer of a generator in one file, until it is converted


def prepare_model(
    declared: Path,
    registry: Path,
    out: Path,
    check: Check | None = None,
    convert: Check | None = None,
) -> dict[str, Any]:
    """Write the model that `config/models/<name>.yaml` declares, and a manifest, into `out`.

    Returns the manifest.

    The archives are tried in their order, and a failing one is named on stderr. `registry` is
    `config/archives.yaml`. check: raises InputError for the folder of a model that cannot be
    trained; nothing is written then. convert: makes of the GGUF file in a folder what transformers
    loads; only generators may be in such a file. Raises InputError when no archive gives the
    declared weights, or when a folder or a hub repository has no safetensors weights.
    """
    model = load_model(declared)
    with filling(out) as work:
        origin = model_origin(model, registry)
        source = _fetched(model, registry, work, f"{declared}: key {origin.kind}")
        with _called(work, f"{declared}: key {origin.kind}: {_shown(model)}"):
            check_no_pointers(work)
            _check_sha256(model, work)
            if convert is not None:
                convert(work)
            if check is not None:
                check(work)
        manifest = _write_manifest(model, origin, source, work)
        for name in set(TOKENIZER) - set(manifest["files"]):
            # transformers would read the files of another model that was here before
            (out / name).unlink(missing_ok=True)
    return manifest


def _fetched(model: Model, registry: Path, work: Path, where: str) -> dict[str, Any]:
    """Bring the files of a model into `work`; return where they come from."""
    if model.folder is not None:
        return _from_folder(model.folder, work, where)
    if model.hub is not None:
        return _from_hub(model, work, where)
    return _from_archives(model, registry, work, where)


@contextmanager
def _called(work: Path, where: str) -> Iterator[None]:
    """Name in an error where files come from, not the temporary folder."""
    try:
        yield
    except InputError as error:
        message = str(error).replace(f"{work}/", "").replace(f"{work}: ", "")
        raise InputError(f"{where}: {message.replace(str(work), 'it')}") from None


def _shown(model: Model) -> str:
    """Return what people call the place of a model."""
    if model.hub is not None:
        return f"{model.hub.id} at {model.hub.revision}"
    return model.folder or model.name


def _from_archives(model: Model, registry: Path, work: Path, where: str) -> dict[str, Any]:
    failures = []
    for place in model.archives or []:
        archive = find_archive(place.archive, registry)
        try:
            files = _read_model(place, archive, model.weights_sha256)
        except InputError as error:
            print(f"warning: {error} Trying the next archive.", file=sys.stderr)
            failures.append(str(error))
            continue
        for name, content in files.items():
            (work / name).write_bytes(content)
        return {"archive": archive.on_record()}
    raise InputError(f"{where}: none of them gives the model. {' '.join(failures)}")


def _read_model(place: Place, archive: Archive, weights_sha256: str | None) -> dict[str, bytes]:
    """Return the files of the model in an archive by name, the weights verified."""
    path = fetch(archive)
    if place.gguf is not None:
        return {GGUF: read_members(path, [place.gguf])[place.gguf]}
    prefix = place.prefix
    with open_zip(path) as outer, _inner(outer, place.inner, str(path)) as members:
        present = set(members.namelist())
        names = [CONFIG, WEIGHTS, *(name for name in TOKENIZER if prefix + name in present)]
        files = {name: read_member(members, prefix + name, str(path)) for name in names}
    actual = hashlib.sha256(files[WEIGHTS]).hexdigest()
    if actual != weights_sha256:
        raise InputError(
            f"{path}: wrong sha256 of {WEIGHTS}: found {actual}, expected {weights_sha256}."
        )
    return files


def _inner(outer: zipfile.ZipFile, name: str | None, where: str) -> zipfile.ZipFile:
    """Return the zip archive inside an archive, or the archive itself when there is none."""
    if name is None:
        return outer
    return open_zip(io.BytesIO(read_member(outer, name, where)), f"{where}: {name}")


def _from_hub(model: Model, work: Path, where: str) -> dict[str, Any]:
    assert model.hub is not None  # noqa: S101  for the type checker
    repository = open_repository("model", model.hub.model_dump(), where)
    present = set(repository.files)
    _take(present, lambda name: fetch_file(repository, name), work, repository.where)
    return {"hub": repository.origin}


def _from_folder(name: str, work: Path, where: str) -> dict[str, Any]:
    folder = Path(name)
    if not folder.is_dir():
        raise InputError(f"{where}: {folder}: no such folder.")
    present = {file.name for file in folder.iterdir()}
    _take(present, lambda name: folder / name, work, f"{where}: {folder}")
    return {"folder": name}


def _take(present: set[str], get: Callable[[str], Path], work: Path, where: str) -> None:
    """Copy the files of a model into `work`, weights in several files as one.

    present: names of the files that there are; get: returns where one of them lies.
    """
    _check_complete(present, where)
    for name in (CONFIG, WEIGHTS, *TOKENIZER):
        if name in present:
            shutil.copyfile(get(name), work / name)
    if WEIGHTS not in present:
        names = names_in_index(get(INDEX))
        for name in set(names) - present:
            raise InputError(f"{where} has no {name}, which {INDEX} lists.")
        join(map(get, names), work / WEIGHTS)


def _check_complete(present: set[str], where: str) -> None:
    """Refuse a set of file names that lacks a part of a model, or has weights only as pickle."""
    pickled = sorted(name for name in present if name.endswith(".bin"))
    has_weights = not present.isdisjoint((WEIGHTS, INDEX))
    if pickled and not has_weights:
        raise InputError(
            f"{where}: found pickled weights ({', '.join(pickled)}), which can run code when they "
            f"are loaded. Allowed: {WEIGHTS}; save_pretrained() of transformers writes it."
        )
    if not has_weights:
        raise InputError(f"{where} has no {WEIGHTS}.")
    if CONFIG not in present:
        raise InputError(f"{where} has no {CONFIG}.")
    if not present & set(VOCABULARY):
        raise InputError(f"{where} has no tokenizer. Allowed: {', '.join(VOCABULARY)}.")


def _check_sha256(model: Model, work: Path) -> None:
    name = GGUF if (work / GGUF).exists() else WEIGHTS
    expected, actual = model.weights_sha256, sha256_of(work / name)
    if expected not in (None, actual):
        raise InputError(
            f"wrong sha256 of {name}: found {actual}, expected {expected} (key weights_sha256)."
        )


def _write_manifest(
    model: Model, origin: Origin, source: dict[str, Any], work: Path
) -> dict[str, Any]:
    files = {file.name: sha256_of(file) for file in sorted(work.iterdir())}
    about = {key: getattr(model, key) for key in ("name", "title", "licence", "citation")}
    commit = source.get("hub", {}).get("commit")
    revision = model.revision or commit or f"sha256:{files[WEIGHTS][:12]}"
    manifest = about | {"revision": revision, "source": source, "files": files}
    hashes = {name: files.get(name) or sha256_of(path) for name, path in origin.files.items()}
    manifest["made_from"] = str(model_made_from(model, origin, hashes))
    (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf8")
    return manifest
