"""The traffic of people while something is broken."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx

from client import ChatClient, ClientError
from client.errors import RateLimited, ServerFault, Unreachable
from tools.breaking.faults import Traffic

PAUSE = 0.1  # seconds between two acts
AT_ONCE = 8  # who ask the API
IN_GROUP = 6
TEXT = "is it broken?"
Act = Callable[[], Awaitable[object]]


class People:
    """Two new users of an environment; they exist, and know each other, before anything breaks."""

    def __init__(self, api: str, stores: Path) -> None:
        self._api, self._stores = api, stores
        self._password = f"Aa1-{secrets.token_urlsafe(12)}"
        suffix = secrets.token_hex(4)
        self._ravi, self._raju = f"break_a_{suffix}", f"break_b_{suffix}"
        self._clients: list[ChatClient] = []
        self._chat = ""

    @contextlib.asynccontextmanager
    async def there(self, traffic: Traffic) -> AsyncIterator[None]:
        """While the block runs they make the requests of `traffic`; errors are ignored."""
        async with httpx.AsyncClient(base_url=self._api, timeout=5) as http:
            tasks = [asyncio.create_task(_again(act)) for act in await self._acts(traffic, http)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for client in self._clients:
                    await client.abort()

    async def _acts(self, traffic: Traffic, http: httpx.AsyncClient) -> list[Act]:
        """What is done again and again, each beside the others."""
        if traffic is Traffic.NONE:
            return []
        if traffic is Traffic.GROUP:
            await self._gather()
            return [partial(each.send, self._chat, TEXT) for each in self._clients]
        if traffic is Traffic.TEXTS:
            await self._arrive()
            return [partial(self._clients[0].send, self._chat, TEXT)]
        return [await self._request(traffic, http)] * AT_ONCE

    async def _request(self, traffic: Traffic, http: httpx.AsyncClient) -> Act:
        if traffic is Traffic.REQUESTS:
            return lambda: http.get("/api/health")
        await self._arrive()
        credentials = {"username": self._ravi, "password": self._password}
        if traffic is Traffic.SIGN_INS:
            return lambda: http.post("/api/sign-in", json=credentials)
        response = await http.post("/api/sign-in", json=credentials)
        bearer = {"Authorization": f"Bearer {response.json()['access_token']}"}
        return lambda: http.get("/api/chats", headers=bearer)

    async def _arrive(self) -> None:
        ravi, raju = [await self._there(user) for user in (self._ravi, self._raju)]
        await ravi.people.add(self._raju)
        await raju.people.add(self._ravi)
        self._chat = await ravi.chats.direct(self._raju)
        await raju.close()  # so that there is somebody to be pushed to
        self._clients = [ravi]

    async def _gather(self) -> None:
        """Several in a group, of whom each task holds some, if tasks hold sockets."""
        names = [f"{self._ravi}_{number}" for number in range(IN_GROUP)]
        for name in names:
            client = await self._there(name)
            await client.people.settings({"groups": "everybody"})
            self._clients.append(client)
        self._chat = await self._clients[0].chats.group(names[1:])

    async def _there(self, user: str) -> ChatClient:
        """Signed up and connected, once the system has recovered from what was broken before."""
        while True:
            store = self._stores / user
            client = ChatClient(self._api, user, self._password, "break", store, platform="fcm")
            try:
                self._clients.append(await client.__aenter__())
                return client
            except (RateLimited, ServerFault, Unreachable):
                await asyncio.sleep(1)


async def _again(act: Act) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError, ClientError):
            await act()
        await asyncio.sleep(PAUSE)
