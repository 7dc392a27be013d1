"""A browser that Playwright has no program for here, driven by the WebDriver protocol: WebKitGTK, by
Debian's packages webkit2gtk-driver and xvfb (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from emulator.listening import free_port

MINI_BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
READY_WITHIN = 300.0  # seconds
ENDED_WITHIN = 30.0
ENTER = "\ue007"  # https://www.w3.org/TR/webdriver2/#keyboard-actions


def lacks_webkit() -> str | None:
    """What this machine lacks to run WebKit."""
    programs = [each for each in ("WebKitWebDriver", "Xvfb") if shutil.which(each) is None]
    if not programs and _mini_browser() is None:
        programs = ["MiniBrowser"]
    return f"no {programs[0]}: install webkit2gtk-driver and xvfb" if programs else None


def _mini_browser() -> Path | None:
    return next(iter(sorted(Path("/").glob(MINI_BROWSERS.removeprefix("/")))), None)


class Driven:
    """One window of the browser."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http, self._session = http, session

    def go(self, url: str) -> None:
        self._post("url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a JavaScript function, or of its promise."""
        body = "const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);"
        body += f"Promise.resolve(({script})(...given)).then(done, (error) => done(String(error)))"
        return self._post("execute/async", script=body, args=list(arguments))

    def wait_for(self, script: str, *arguments: Any) -> Any:
        """The first value of the function that is true."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            found = self.run(script, *arguments)
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"it has not become true: {script}, {self.run(TEXT)}")

    def press(self, *keys: str) -> None:
        """Each key goes to what has the focus."""
        actions = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self._post("actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def _post(self, path: str, **body: Any) -> Any:
        response = self._http.post(f"/session/{self._session}/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()["value"]


SCREEN = ("-screen", "0", "1400x1000x24")
TEXT = "() => document.body.innerText.slice(0, 500)"


@contextmanager
def webkit(folder: Path) -> Iterator[Driven]:
    """A window of WebKit, with a profile in `folder`."""
    display, port = f":{os.getpid() % 40_000 + 1_000}", free_port()
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    screen = {**os.environ, **home, "DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}
    options = {"binary": str(_mini_browser()), "args": ["--automation"]}
    wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
    with ExitStack() as stack:
        stack.enter_context(_running("Xvfb", display, "-noreset", *SCREEN))
        _until(lambda: _listens(display), "the screen does not respond")
        stack.enter_context(_running("WebKitWebDriver", f"--port={port}", env=screen))
        url = f"http://127.0.0.1:{port}"
        http = stack.enter_context(
            httpx.Client(base_url=url, timeout=READY_WITHIN, trust_env=False)
        )
        _until(lambda: http.get("/status").status_code == 200, "the driver does not respond")
        response = http.post("/session", json={"capabilities": wanted})
        assert response.status_code == 200, response.text
        session = response.json()["value"]["sessionId"]
        stack.callback(lambda: http.delete(f"/session/{session}"))
        yield Driven(http, session)


@contextmanager
def _running(*command: str, env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(display: str) -> bool:
    """Whether the X server takes connections: at a path, or at that name without a file (Linux)."""
    path = f"/tmp/.X11-unix/X{display.removeprefix(':')}"
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(address) == 0:
                return True
    return False


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(otherwise)
