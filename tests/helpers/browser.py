"""A headless Chromium over its debugging pipe: enough to open a page, run scripts and listen."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1400,1000",
    "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    """Return the path of Chromium, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class GoneError(Exception):
    """The frame or the context that a command was for is no more: another document loads."""


class Page:
    """One tab. Every message that it sent is kept in `events`."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, file: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.call("Page.navigate", url=file.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == self._number:
                return _result(received)
            self.events.append(received)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self._evaluate(script)

    def run_in_frame(self, script: str, seconds: float = 20) -> Any:
        """Return the value of an expression in the page's only frame, once that shows a text.

        A frame that is still on its way to its document loses the context that a script was
        sent to: such a script is sent again.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                if self._run_in_frame("document.body?.innerText.trim() > ''"):
                    return self._run_in_frame(script)
            except GoneError:
                pass
            assert time.monotonic() < end, f"the frame never showed a text for: {script}"
            time.sleep(0.05)

    def wait_for(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def problems(self) -> list[str]:
        """Return what the page complained of: exceptions, errors and warnings of the console."""
        found = []
        for event in self.events:
            told = json.dumps(event.get("params", {}))
            if event["method"] == "Runtime.exceptionThrown":
                found.append(told)
            if event["method"] == "Log.entryAdded":
                found += [told] if event["params"]["entry"]["level"] == "error" else []
            if event["method"] == "Runtime.consoleAPICalled":
                found += [told] if event["params"]["type"] == "error" else []
        return found

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def _run_in_frame(self, script: str) -> Any:
        (frame,) = self.call("Page.getFrameTree")["frameTree"]["childFrames"]
        world = self.call("Page.createIsolatedWorld", frameId=frame["frame"]["id"])
        return self._evaluate(script, contextId=world["executionContextId"])

    def _evaluate(self, script: str, **where: Any) -> Any:
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, **where)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._reads, 1 << 20)
            assert read, "Chromium ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received


def _result(received: dict[str, Any]) -> dict[str, Any]:
    error = received.get("error", {}).get("message", "")
    if error.startswith(("Cannot find context", "No frame")):
        raise GoneError(error)
    assert not error, received
    result: dict[str, Any] = received["result"]
    return result


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Start Chromium with a fresh profile folder and give its page."""
    command = find_chromium()
    assert command is not None
    theirs_in, ours_out = _pipe()
    ours_in, theirs_out = _pipe()

    def wire() -> None:
        os.dup2(theirs_in, 3)
        os.dup2(theirs_out, 4)

    process = subprocess.Popen(
        [command, *OPTIONS, f"--user-data-dir={profile}"],
        preexec_fn=wire,  # noqa: PLW1509  the only way to hand over the pipe; no threads here
        pass_fds=(3, 4),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    page = Page(ours_in, ours_out)
    try:
        page.attach()
        yield page
    finally:
        process.kill()
        process.wait()
        for end in (theirs_in, ours_out, ours_in, theirs_out):
            os.close(end)


def _pipe() -> tuple[int, int]:
    """Return a pipe whose ends are not 3 or 4, which Chromium wants for itself."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]
