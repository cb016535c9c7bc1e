"""What many tests share: the tiny model, an encoded task of every form, the finished project."""

from __future__ import annotations

import gc
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from helpers.once import made_once
from helpers.project import Project, copy_prepared, copy_project


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what lasts to the end: a fifth of a test of tables."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model."""
    from helpers.tiny_model import save_model  # noqa: PLC0415  imports torch

    folder = tmp_path_factory.mktemp("model")
    save_model(folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(model: Path) -> Any:
    from interlude.encode.tokenizer import load_tokenizer  # noqa: PLC0415  imports torch

    return load_tokenizer(model)


@pytest.fixture(scope="session")
def encoded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of the encoded task of each form: 24 rows to train on, 16 to validate on."""
    from interlude.encode.encoding import encode_task  # noqa: PLC0415  imports torch

    root = tmp_path_factory.mktemp("encoded")
    for form in tiny.FORMS:
        content = tiny.rows(form, 40)
        parts = {"train": content[:24], "validation": content[24:]}
        data = tiny.write_task(root / "data" / form, form, parts)
        encode_task(data, root / form, form, model, max_length=32)
    return {form: root / form for form in tiny.FORMS}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the tiny study has been run to its end, for real.

    Run once, by the first of pytest's workers that asks; each worker has a copy of its own.
    """
    shared = made_once(
        tmp_path_factory, "finished", lambda folder: copy_project(folder / "interlude").run()
    )
    own = tmp_path_factory.mktemp("finished") / "interlude"
    shutil.copytree(shared / "interlude", own)
    return Project(own)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project without results."""
    return copy_project(tmp_path / "interlude")


@pytest.fixture
def prepared(finished: Project, tmp_path: Path) -> Project:
    """A fresh project with what the tiny study makes before training: it takes half of its time."""
    return copy_prepared(finished, tmp_path / "prepared")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KiB of its own; skips where no disk may be mounted."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        yield folder


@contextmanager
def mounted(folder: Path, *how: str) -> Iterator[None]:
    """Mount something at a folder for a while; the test is skipped where this may not be done."""
    try:
        subprocess.run(["mount", *how, str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing can be mounted here, which takes root: {error}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def read_only() -> Callable[[Path], AbstractContextManager[None]]:
    """A function: make a folder read-only for a while, for root too."""

    @contextmanager
    def within(folder: Path) -> Iterator[None]:
        with mounted(folder, "--bind", str(folder)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
            yield

    return within
