"""A hub on loopback, and a client that knows no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.hub_server import Hub
from huggingface_hub import constants


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between the tries, which no test waits."""
    seconds: list[float] = []
    monkeypatch.setattr("interlude.data.fetch.hub_tries.TRIES.sleep", seconds.append)
    return seconds


@pytest.fixture
def hub(tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub; the client of this process asks it, with an empty cache and no token."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()
