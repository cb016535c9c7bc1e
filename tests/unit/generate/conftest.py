from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.tiny_causal import save_generator, texts


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared generator."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_generator(folder)
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file of 40 texts."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(texts(40)), encoding="utf8")
    return path
