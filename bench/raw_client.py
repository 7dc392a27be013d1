"""A client that encrypts nothing and keeps nothing, so that a benchmark measures the backend alone.

Its payloads are opaque text of a chosen size. It acknowledges what it receives as often as the
protocol allows.
"""

import asyncio
import contextlib
import json
import random
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from client import ChatClient

PASSWORD = "Correct-horse-7"
DEVICE = "phone"
RESPONSE_WITHIN_SECONDS = 60
REPEATED_AFTER_SECONDS = 10
MESSAGE_BYTES = 128 * 1024  # what API Gateway sends in one WebSocket message


class Rejected(Exception):
    """The backend's response to a send is an error."""


class Account(NamedTuple):
    """A user with a registered device, who is not connected."""

    user: str
    token: str


async def register(api: str, names: Sequence[str]) -> tuple[list[Account], str]:
    """New users with these names, and the chat that they share."""
    users = [f"{name}_{secrets.token_hex(4)}" for name in names]
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(ChatClient(api, user, PASSWORD, DEVICE))
            for user in users
        ]
        for client in clients[1:]:  # otherwise a group would only leave them an invitation
            await client.people.settings({"groups": "everybody"})
        first, others = clients[0], users[1:]
        chat = await (
            first.chats.direct(*others) if len(others) == 1 else first.chats.group(others)
        )
    async with httpx.AsyncClient(base_url=api, trust_env=False, timeout=30) as http:
        responses = [
            await http.post("/api/sign-in", json={"username": user, "password": PASSWORD})
            for user in users
        ]
    tokens = [response.raise_for_status().json()["access_token"] for response in responses]
    return [Account(*each) for each in zip(users, tokens, strict=True)], chat


class RawClient:
    """One open connection. `received` is called with each message of others as it arrives."""

    def __init__(
        self, account: Account, connection: ClientConnection, received: Callable[[float], None]
    ) -> None:
        self.user = account.user
        self._connection = connection
        self._received = received
        self._accepted: dict[str | None, asyncio.Future[float]] = {}
        self._synced: asyncio.Future[dict[str, Any]] | None = None
        self._seen: dict[str, int] = {}
        self._senders: dict[str, set[str]] = {}
        self.messages = self.frames = self.errors = 0
        self.on_message: Callable[[dict[str, Any]], None] = lambda frame: None

    async def send(self, chat: str, payload: str, message_id: str | None = None) -> float:
        """Returns when it was accepted, in seconds of time.perf_counter(). Raises Rejected."""
        message_id = message_id or str(uuid.uuid4())
        accepted = asyncio.get_running_loop().create_future()
        self._accepted[message_id] = accepted
        frame = {"message_id": message_id, "chat": chat, "alg": "megolm.v1", "payload": payload}
        try:
            async with asyncio.timeout(RESPONSE_WITHIN_SECONDS):
                while True:  # repeated until it is accepted, as the protocol has it
                    await self._write({"action": "send", **frame})
                    done, _ = await asyncio.wait({accepted}, timeout=REPEATED_AFTER_SECONDS)
                    if done:
                        at: float = accepted.result()
                        return at
        finally:
            self._accepted.pop(message_id, None)  # nobody waits for a response that comes later

    async def sync(self, chat: str) -> dict[str, Any]:
        """The `synced` frame after what followed this chat's last message here."""
        self._synced = asyncio.get_running_loop().create_future()
        await self._write({"action": "sync", "chats": {chat: self._seen.get(chat, 0)}})
        async with asyncio.timeout(RESPONSE_WITHIN_SECONDS):
            return await self._synced

    async def read(self) -> None:
        async for text in self._connection:
            self.frames += 1
            self._take(json.loads(text))

    async def acknowledge(self, interval: float) -> None:
        """Sends receipts for each chat at most once in so many seconds, until it is cancelled."""
        await asyncio.sleep(interval * random.random())
        while True:
            await asyncio.sleep(interval)
            for chat, senders in self._senders.items():
                frame = {"chat": chat, "delivered": self._seen[chat], "senders": sorted(senders)}
                await self._write({"action": "receipt", **frame})
            self._senders = {}

    def _take(self, frame: dict[str, Any]) -> None:
        if frame.get("type") == "accepted":
            self._take_accepted(frame)
        elif frame.get("type") == "message":
            self._take_message(frame)
        elif frame.get("type") == "messages":
            for each in frame["messages"]:
                self._take_message(each)
        elif frame.get("type") == "synced" and self._synced is not None:
            self._seen |= {chat: each["complete_to"] for chat, each in frame["chats"].items()}
            self._synced.set_result(frame)
        elif frame.get("type") in (None, "error"):  # API Gateway's own have no type
            self.errors += 1
            if accepted := self._accepted.pop(frame.get("message_id"), None):
                accepted.set_exception(Rejected(f"{frame['code']}: {frame['message']}"))

    def _take_accepted(self, frame: dict[str, Any]) -> None:
        if accepted := self._accepted.pop(frame["message_id"], None):  # else a repeated one
            accepted.set_result(time.perf_counter())

    def _take_message(self, frame: dict[str, Any]) -> None:
        chat = frame["chat"]
        self.messages += 1
        self._seen[chat] = max(self._seen.get(chat, 0), frame["seq"])
        self._senders.setdefault(chat, set()).add(frame["sender"])
        self._received(time.perf_counter())
        self.on_message(frame)

    async def _write(self, frame: dict[str, Any]) -> None:
        await self._connection.send(json.dumps(frame))


@asynccontextmanager
async def connected(
    api: str,
    account: Account,
    *,
    receipts: float | None = None,
    received: Callable[[float], None] = lambda at: None,
) -> AsyncIterator[RawClient]:
    """Gives a client whose connection is open; each `receipts` seconds it acknowledges."""
    headers = {"authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(base_url=api, trust_env=False, timeout=30) as http:
        response = await http.post("/api/tickets", json={"device": DEVICE}, headers=headers)
    ticket = response.raise_for_status().json()
    protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket['ticket']}")]
    async with connect(
        ticket["url"], subprotocols=protocols, max_size=MESSAGE_BYTES, proxy=None
    ) as connection:
        client = RawClient(account, connection, received)
        tasks = [asyncio.create_task(client.read())]
        if receipts is not None:
            tasks.append(asyncio.create_task(client.acknowledge(receipts)))
        try:
            yield client
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
