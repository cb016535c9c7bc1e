"""A package index on loopback with one wheel, and faults on request."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOGIN_PAGE = b"<!doctype html><title>Log in</title><form>user <input></form>"


class Index(ThreadingHTTPServer):
    """The server. `faults["page"]` and `faults["file"]` list faults, each used up by one request.

    Faults: a status such as 503; ("status", seconds) for one with Retry-After; "html" (a login
    page); "truncate" (half of the body); "trickle" (a byte now and then); "silence" (no answer).
    """

    def __init__(self, file: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.file, self.content = file, b""
        self.faults: dict[str, list[Any]] = {"page": [], "file": []}
        self.asked: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"


class _Handler(BaseHTTPRequestHandler):
    server: Index

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        what = "file" if self.path.endswith(".whl") else "page"
        self.server.asked.append(what)
        waiting = self.server.faults[what]
        body = self.server.content if what == "file" else self._page()
        self._answer(body, waiting.pop(0) if waiting else None)

    def _page(self) -> bytes:
        return f'<!doctype html><a href="/{self.server.file}">{self.server.file}</a>'.encode()

    def _answer(self, body: bytes, fault: Any) -> None:
        if fault == "silence":
            self.server.closing.wait(60)
        elif fault == "trickle":
            self._send(200, b"", length=len(body))
            while not self.server.closing.wait(0.05):
                self.wfile.write(body[:1])
        elif fault == "truncate":
            self._send(200, body[: len(body) // 2], length=len(body))
        elif fault == "html":
            self._send(200, LOGIN_PAGE)
        elif isinstance(fault, tuple):
            self._send(fault[0], b"", headers={"Retry-After": str(fault[1])})
        elif fault is not None:
            self._send(fault, b"")
        else:
            self._send(200, body)

    def _send(
        self, status: int, body: bytes, length: int | None = None, headers: Any = None
    ) -> None:
        self.send_response(status)
        kind = "application/octet-stream" if self.path.endswith(".whl") else "text/html"
        length = len(body) if length is None else length
        about = {"Content-Type": kind, "Content-Length": str(length)}
        for key, value in (about | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
