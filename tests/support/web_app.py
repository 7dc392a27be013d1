"""The web client's page in Chromium: built, served as the API's own origin, under a strict policy."""

from __future__ import annotations

import asyncio
import mimetypes
import re
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

from client import ChatClient
from client.core.events import Event
from tests.support.typescript_client import NODE, WEB

T = TypeVar("T")


def build(to: Path) -> Path:
    """The built page, in the folder `to`."""
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    assert vite.is_file(), "web/ has no dependencies yet: run `make web`"
    command = [str(NODE), str(vite), "build", "src/app", "--config", "vite.config.ts"]
    done = subprocess.run([*command, "--outDir", str(to)], cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return to


def policy(websocket: str) -> str:
    """Nothing but what the page needs; `websocket` is where its connection goes."""
    url = urlsplit(websocket)
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "img-src 'self' blob:",
            f"connect-src 'self' {url.scheme}://{url.netloc}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def serve(context: BrowserContext, files: Path, endpoints: dict[str, Any]) -> None:
    """The API's origin has the page at `/`: it may call the API that it comes from."""
    headers = {"content-security-policy": policy(endpoints["websocket"])}
    api = endpoints["api"]

    def fulfil(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/") or "index.html"
        file = files / name
        if not file.is_file():
            route.fulfill(status=404, body="")
            return
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        route.fulfill(path=file, content_type=kind, headers=headers)

    # The page comes from nowhere for Chromium, and such a one may not call this machine.
    context.grant_permissions(["local-network-access"])
    # A pattern, and no function: other requests do not wait for this thread then.
    context.route(re.compile(f"^{re.escape(api)}/(?!api/)"), fulfil)


class Peers:
    """Python clients for tests that are not asynchronous: they live in a thread of their own."""

    def __init__(self, api: str, folder: Path, password: str) -> None:
        self._api, self._folder, self._password = api, folder, password
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._there: list[ChatClient] = []

    def run(self, work: Coroutine[Any, Any, T], within: float = 60.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within)

    def connect(self, user: str, device: str = "phone") -> ChatClient:
        async def enter() -> ChatClient:
            store = self._folder / f"{user}-{device}.sqlite"
            client = ChatClient(self._api, user, self._password, device, store)
            return await client.__aenter__()

        client = self.run(enter())
        self._there.append(client)
        return client

    def wait_for(self, client: ChatClient, fits: Callable[[Event], bool]) -> Event:
        return self.run(client.wait_for(fits))

    def call(self, act: Callable[[], T]) -> T:
        """What is no coroutine but belongs to the clients' thread all the same."""

        async def acted() -> T:
            return act()

        return self.run(acted())

    def close(self) -> None:
        for client in self._there:
            self.run(client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
