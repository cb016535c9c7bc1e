"""A token and passwords in addresses, set while a whole study ran, are in none of its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.project import PASSWORD, Project, secretive


def secrets() -> set[bytes]:
    """Return the token and the passwords in addresses of the environment that studies run in."""
    environment = secretive()
    passwords = {urlsplit(value).password for value in environment.values() if "://" in value}
    return {secret.encode() for secret in (environment["HF_TOKEN"], *passwords) if secret}


def holding(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, hidden ones too, that hold a secret."""
    sought = secrets()
    for path in folder.rglob("*"):
        if path.is_file() and any(secret in path.read_bytes() for secret in sought):
            yield str(path.relative_to(folder))


def test_no_file_of_a_finished_study_holds_a_secret(finished: Project) -> None:
    for kind in (".snakemake/metadata/*", ".snakemake/log/*", "results/logs/train/*.log"):
        assert any(path.is_file() for path in finished.root.glob(kind))
    assert list(holding(finished.root)) == []


def test_a_secret_in_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text(str(secretive()))
    assert list(holding(tmp_path)) == [".hidden"]


def test_a_failing_download_tells_no_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:{PASSWORD}@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    done = project.snakemake("--cores", "1", "results/archives/evals.archive")
    assert "cannot be downloaded" in done.stdout
    assert not [secret for secret in secrets() if secret in done.stdout.encode()]
    assert list(holding(project.root)) == []
