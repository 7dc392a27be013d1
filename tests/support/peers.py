"""Python clients beside the web client's page, which is in Chromium."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from client import ChatClient
from client.core.events import Event
from tests.support.running_system import WITHIN

T = TypeVar("T")


class Peers:
    """Python clients for tests that are not asynchronous: they live in a thread of their own."""

    def __init__(self, api: str, folder: Path, password: str) -> None:
        self._api, self._folder, self._password = api, folder, password
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._there: list[ChatClient] = []

    def run(self, work: Coroutine[Any, Any, T], within: float = 2 * WITHIN) -> T:
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
        """What is no coroutine but belongs to the clients' thread anyway."""

        async def acted() -> T:
            return act()

        return self.run(acted())

    def close(self) -> None:
        for client in self._there:
            self.run(client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
