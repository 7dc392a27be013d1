"""The web client's page: built before the system starts, and the people that it talks with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext

from client import ChatClient
from client.core.events import Event, MessageReceived
from lambdas.api.page import DESCRIPTION, FOLDER
from tests.support.typescript_client import NODE, WEB

T = TypeVar("T")


def build(_to: Path | None = None) -> Path:
    """The built page, from where the load balancer's targets serve it, made anew if its sources have
    changed. To be called before the system starts, which takes what is there."""
    made = FOLDER / DESCRIPTION
    since = made.stat().st_mtime if made.is_file() else 0.0
    sources = [path for folder in ("src", "build") for path in (WEB / folder).rglob("*")]
    if all(path.stat().st_mtime < since for path in [*sources, WEB / "package.json"]):
        return FOLDER
    npm = NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    assert (WEB / "node_modules").exists(), "web/ has no dependencies yet: run `make web`"
    command = [str(NODE), str(npm), "run", "--silent", "page"]
    environment = {**os.environ, "PATH": f"{NODE.parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return FOLDER


def serve(_context: BrowserContext, _files: Path, _endpoints: dict[str, Any]) -> None:
    """The load balancer does."""


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

    def wait_sent(
        self, sender: ChatClient, chat: str, text: str, receiver: ChatClient
    ) -> MessageReceived:
        """The text as `receiver` got it."""

        async def sent() -> Event:
            got = asyncio.ensure_future(
                receiver.wait_for(
                    lambda event: isinstance(event, MessageReceived) and event.text == text
                )
            )
            await asyncio.sleep(0)  # it listens before the text can arrive
            await sender.send(chat, text)
            return await got

        heard = self.run(sent())
        assert isinstance(heard, MessageReceived)
        return heard

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
