"""Catching up: what `sync` posts to a device that was absent, what it costs, and how long it takes.

The cost comes from the real handler over an emulated DynamoDB, the seconds from the emulator: from
`sync` on an open connection to the last `synced`, without what a client does with the messages.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench import local_system
from bench.cost import FUNCTIONS, Bill, bill
from bench.local_system import fresh_directory, running
from bench.scene import add_chat, add_users, emulated
from bench.table import Row, within
from lambdas.attribute_values import to_wire
from lambdas.messages.chats import new_head, new_member, row
from lambdas.messages.message import stored
from lambdas.messages.sync import sync
from lambdas.tables import HEAD, Item, chat_key

SIZES = (1_000, 10_000)
PAYLOAD = "eA" * 300
PASSWORD = "Correct-horse-7"
POSTS = {1_000: 40.0}
SECONDS = {1_000: 0.3}
TRIES = 3  # of which the fastest counts: the first starts the function


def rows() -> list[Row]:
    result = [row for size in SIZES for row in _cost_rows(size)]
    with fresh_directory() as directory, running(directory) as system:
        for size in SIZES:
            seconds, _ = asyncio.run(measure(system.endpoints, size))
            name = f"{size:,} absent messages of {len(PAYLOAD)} bytes, the emulator"
            limit = SECONDS.get(size)
            result.append(
                within(name, seconds, limit, "s") if limit else Row(name, f"{seconds:.2f} s")
            )
    return result


def _log(chat: str, size: int) -> Iterator[Item]:
    now = int(time.time())
    for seq in range(1, size + 1):
        frame = {"chat": chat, "message_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "alg": "megolm.v1"}
        yield stored(
            {**frame, "payload": PAYLOAD},
            seq=seq,
            sender="ravi",
            sender_device="phone",
            sent_at=(now - 60) * 1000,
            expires_at=now + 86_400,
        )


def _cost_rows(size: int) -> list[Row]:
    bills, posts = _bills(size)
    dollars = sum(one.dollars_per_million for one in bills)
    metered = sum(one.websocket_messages for one in bills)
    reads = sum(one.reads for one in bills)
    figure = (
        f"{posts} posts in {len(bills)} syncs, {metered} WebSocket messages, {reads:g} RRU: "
        f"{dollars / size:.2f} US$ per million messages"
    )
    limit = POSTS.get(size)
    name = f"{size:,} absent messages of {len(PAYLOAD)} bytes"
    if limit is None:
        return [Row(name, figure)]
    return [Row(name, figure, f"≤ {limit:g} posts", posts <= limit)]


def _bills(size: int) -> tuple[list[Bill], int]:
    """Of each sync until nothing is left, and the number of posts."""
    bills: list[Bill] = []
    with emulated() as services:
        users = ["member_000", "member_001"]
        add_users(services, users, online=True)
        chat = add_chat(services, users)
        services.chats.batch_write(puts=_log(chat, size))
        services.chats.update(chat_key(chat, HEAD), "SET seq = :size", size=size)
        now = time.time()
        vars(services)["now"] = lambda: now  # the emulated table is slow, DynamoDB is not
        frame: dict[str, Any] = {"action": "sync"}
        while frame:
            one, response = bill(services, {"sync": sync}, users[1], frame, FUNCTIONS.sync.memory)
            bills.append(one)
            place = response["chats"][chat]
            asked = {"action": "sync", "chats": {chat: place["complete_to"]}}
            frame = asked if place["complete_to"] < size else {}
    return bills, sum(one.posts for one in bills)


async def measure(endpoints: dict[str, Any], size: int) -> tuple[float, int]:
    """Seconds to everything, the best of TRIES, and the posts."""
    async with _chat(endpoints) as (api, user, chat):
        await asyncio.to_thread(_store, endpoints["aws"], user, chat, size)
        return min([await _catch_up(api, chat, size) for _ in range(TRIES)])


async def measure_pages(endpoints: dict[str, Any], size: int) -> list[float]:
    """Seconds of each page of a sync of so many chats, with a message in one of ten."""
    async with _chat(endpoints) as (api, user, chat):
        await asyncio.to_thread(_store, endpoints["aws"], user, chat, 1)
        peer = f"{user}_peer"
        await asyncio.to_thread(_store_chats, endpoints["aws"], user, peer, size)
        return await _pages(api, size)


@asynccontextmanager
async def _chat(endpoints: dict[str, Any]) -> AsyncIterator[tuple[httpx.AsyncClient, str, str]]:
    """A new user's client, the user, and a new chat of the user's."""
    suffix = secrets.token_hex(3)
    ravi, raju = f"ravi_{suffix}", f"raju_{suffix}"
    async with httpx.AsyncClient(base_url=endpoints["api"], trust_env=False, timeout=60) as api:
        for user in (ravi, raju):
            account = {"username": user, "password": PASSWORD}
            (await api.post("/api/sign-up", json=account)).raise_for_status()
        tokens = (await api.post("/api/sign-in", json=account)).raise_for_status().json()
        api.headers["authorization"] = f"Bearer {tokens['access_token']}"
        wanted = {"kind": "direct", "with": ravi}
        chat = (await api.post("/api/chats", json=wanted)).raise_for_status().json()["chat"]
        yield api, raju, chat


@asynccontextmanager
async def _connected(api: httpx.AsyncClient) -> AsyncIterator[ClientConnection]:
    ticket = (await api.post("/api/tickets", json={"device": "phone"})).raise_for_status().json()
    protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket['ticket']}")]
    async with connect(ticket["url"], subprotocols=protocols, max_size=1 << 18, proxy=None) as line:
        yield line


async def _sync(line: ClientConnection, **asked: Any) -> tuple[dict[str, Any], int, int]:
    """`synced`, the messages that came before it, and the posts that they took."""
    await line.send(json.dumps({"action": "sync", **asked}))
    received = posts = 0
    while True:
        frame = json.loads(await line.recv())
        if frame.get("type") == "synced":
            return frame, received, posts
        if frame.get("type") not in ("messages", "nudge"):
            raise RuntimeError(f"the response is {frame}")
        messages = len(frame.get("messages", ()))
        received, posts = received + messages, posts + bool(messages)


async def _catch_up(api: httpx.AsyncClient, chat: str, size: int) -> tuple[float, int]:
    async with _connected(api) as line:
        started, received, complete_to, posts = time.perf_counter(), 0, 0, 0
        while complete_to < size:
            asked = {"chats": {chat: complete_to}} if complete_to else {}
            synced, messages, sent = await _sync(line, **asked)
            received, posts = received + messages, posts + sent
            complete_to = synced["chats"][chat]["complete_to"]
        if received != size:
            raise RuntimeError(f"{received} of {size} messages came")
        return time.perf_counter() - started, posts


async def _pages(api: httpx.AsyncClient, size: int) -> list[float]:
    async with _connected(api) as line:
        seconds: list[float] = []
        chats, asked = 0, dict[str, Any]()
        while not seconds or asked:
            started = time.perf_counter()
            synced, _, _ = await _sync(line, **asked)
            seconds.append(time.perf_counter() - started)
            chats += len(synced["chats"])
            asked = {"cursor": synced["cursor"]} if "cursor" in synced else {}
        if chats != size + 1:
            raise RuntimeError(f"{chats} of {size + 1} chats came")
        return seconds


def _dynamodb(endpoint: str) -> tuple[Any, str, str]:
    """A client, and the names of the tables Chats and Users."""
    dynamodb = local_system.dynamodb(endpoint)
    names = dynamodb.list_tables()["TableNames"]
    chats, users = (next(name for name in names if kind in name) for kind in ("Chats", "Users"))
    return dynamodb, chats, users


def _write(dynamodb: Any, table: str, items: Iterable[Item]) -> None:
    puts: list[Any] = [{"PutRequest": {"Item": to_wire(item)}} for item in items]
    for start in range(0, len(puts), 25):
        dynamodb.batch_write_item(RequestItems={table: puts[start : start + 25]})


def _store_chats(endpoint: str, user: str, peer: str, size: int) -> None:
    """Direct chats of the user, one of ten with a message, behind the backend's back."""
    dynamodb, chats, users = _dynamodb(endpoint)
    names = [f"chat{number:06}" for number in range(size)]
    _write(dynamodb, users, [row(chat, user) for chat in names])
    members = [new_member(chat, each, 0) for chat in names for each in (user, peer)]
    heads = [new_head(chat, "direct", [user, peer]) for chat in names]
    for head in heads[::10]:
        head["seq"] = 1
    texts = [text for chat in names[::10] for text in _log(chat, 1)]
    _write(dynamodb, chats, [*heads, *members, *texts])


def _store(endpoint: str, user: str, chat: str, size: int) -> None:
    """Registers the user's phone and fills the log of the chat, behind the backend's back."""
    dynamodb, chats, users = _dynamodb(endpoint)
    dynamodb.update_item(
        TableName=users,
        Key=to_wire({"user": user, "item": "devices"}),
        UpdateExpression="SET devices.phone = :entry",
        ExpressionAttributeValues=to_wire({":entry": {}}),
    )
    _write(dynamodb, chats, _log(chat, size))
    dynamodb.update_item(
        TableName=chats,
        Key=to_wire(dict(chat_key(chat, HEAD))),
        UpdateExpression="SET seq = :size",
        ExpressionAttributeValues=to_wire({":size": size}),
    )
