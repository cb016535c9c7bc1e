"""A hub on loopback: a few repositories in memory, and faults on request."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]
Fault = int | str | tuple[int, int] | None
LOGIN_PAGE = b"<!doctype html><title>Log in</title><form>user <input></form>"
API = re.compile(r"/api/(datasets|models|spaces)/(.+)/revision/(.+)")
FILE = re.compile(r"/(datasets/|spaces/)?([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)")


@dataclass
class Repository:
    """Commits by their hash, and the branches and tags that name them."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: Files, ref: str = "main") -> str:
        """Add a commit, point a branch to it, and return its hash."""
        sha = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[sha] = files
        self.refs[ref] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        return self.refs.get(revision, revision if revision in self.commits else None)


class Hub(ThreadingHTTPServer):
    """The server. `faults[path ending]` is a list of faults, each used up by one GET.

    Faults: a status such as 503; (status, seconds) for one with Retry-After; "html" (a page to log
    in, also for the HEAD before it); "corrupt" (another body); half of the body, where "truncate"
    announces all of it and "short" does not; "trickle" (a byte now and then); "silence".
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = defaultdict(Repository)
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.token = "hf_" + "s3cret" * 5
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self, path: str, with_body: bool) -> Fault:
        waiting = [faults for ending, faults in self.faults.items() if path.endswith(ending)]
        if not waiting or not waiting[0]:
            return None
        if with_body:
            return waiting[0].pop(0)
        return "html" if waiting[0][0] == "html" else None


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.requests.append((self.command, path, headers))
        fault = self.server.fault(path, with_body)
        if isinstance(fault, int):
            self._send(fault, b"", {})
        elif isinstance(fault, tuple):
            self._send(fault[0], b"", {"Retry-After": str(fault[1])})
        elif fault == "html":
            self._send(200, LOGIN_PAGE if with_body else b"", {}, length=len(LOGIN_PAGE))
        elif fault == "silence":
            self.server.closing.wait(60)
        elif fault == "trickle":
            self._trickle()
        elif found := API.fullmatch(path):
            self._send_info(*found.groups())
        elif found := FILE.fullmatch(path):
            kind, name, commit, file = found.groups()
            self._send_file((kind or "models/")[:-1], name, commit, file, fault, with_body)
        else:
            self._send(404, b"", {})

    def _repository(self, kind: str, name: str) -> Repository | None:
        repository = self.server.repositories.get(f"{kind}/{name}")
        allowed = f"Bearer {self.server.token}"
        hidden = repository and repository.private and self.headers["Authorization"] != allowed
        return None if hidden else repository

    def _send_info(self, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
        if repository.gated:
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        sha = repository.resolve(revision)
        if sha is None:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        siblings = [_sibling(name, content) for name, content in repository.commits[sha].items()]
        about = {"id": name, "sha": sha, "siblings": siblings}
        return self._send(200, json.dumps(about).encode(), {})

    def _send_file(
        self, kind: str, name: str, commit: str, file: str, fault: Any, with_body: bool
    ) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
        content = repository.commits[commit][file]
        headers = {"ETag": f'"{_etag(file, content)}"', "X-Repo-Commit": commit}
        if not with_body:
            return self._send(200, b"", headers, length=len(content))
        if fault == "corrupt":
            content = bytes(len(content))
        if fault == "short":
            return self._send(200, content[: len(content) // 2], headers)
        start = int((self.headers["Range"] or "bytes=0-")[len("bytes=") :].partition("-")[0])
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self._send(206, content[start:], headers | {"Content-Range": span})
        if fault == "truncate":
            self._send(200, content[: len(content) // 2], headers, length=len(content))
            self.close_connection = True
            return None
        return self._send(200, content, headers)

    def _trickle(self) -> None:
        self._send(200, b"", {}, length=1000)
        while not self.server.closing.wait(0.05):
            self.wfile.write(b"{")

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    about: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": _git_hash(content)}
    if _is_large(name):
        sha256 = hashlib.sha256(content).hexdigest()
        about["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
    return about


def _etag(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if _is_large(name) else _git_hash(content)


def _is_large(name: str) -> bool:
    return name.endswith((".parquet", ".safetensors"))


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
