"""Catching up: what `sync` posts to a device that was absent, what it costs, and how long it takes.

The cost comes from the real handler over an emulated DynamoDB, the seconds from the emulator: from
`sync` on an open connection to the last `synced`, without what a client does with the messages.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from bench.cost import FUNCTIONS, Bill, bill
from bench.local_system import fresh_directory, running
from bench.scene import add_chat, add_users, emulated
from bench.table import Row, within
from lambdas.attribute_values import to_wire
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
            seconds = asyncio.run(_measure(system.endpoints, size))
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
            one, answer = bill(services, {"sync": sync}, users[1], frame, FUNCTIONS.sync.memory)
            bills.append(one)
            place = answer["chats"][chat]
            asked = {"action": "sync", "chats": {chat: place["complete_to"]}}
            frame = asked if place["complete_to"] < size else {}
    return bills, sum(one.posts for one in bills)


async def _measure(endpoints: dict[str, Any], size: int) -> float:
    """Seconds to everything, the best of TRIES."""
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
        await asyncio.to_thread(_store, endpoints["aws"], raju, chat, size)
        return min([await _catch_up(api, chat, size) for _ in range(TRIES)])


async def _catch_up(api: httpx.AsyncClient, chat: str, size: int) -> float:
    ticket = (await api.post("/api/tickets", json={"device": "phone"})).raise_for_status().json()
    protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket['ticket']}")]
    async with connect(ticket["url"], subprotocols=protocols, max_size=1 << 18, proxy=None) as line:
        started, received, complete_to = time.perf_counter(), 0, 0
        while complete_to < size:
            chats = {"chats": {chat: complete_to}} if complete_to else {}
            await line.send(json.dumps({"action": "sync", **chats}))
            frame: dict[str, Any] = {}
            while frame.get("type") != "synced":
                frame = json.loads(await line.recv())
                received += len(frame.get("messages", ()))
                if frame.get("type") not in ("messages", "synced", "nudge"):
                    raise RuntimeError(f"the response is {frame}")
            complete_to = frame["chats"][chat]["complete_to"]
        if received != size:
            raise RuntimeError(f"{received} of {size} messages came")
        return time.perf_counter() - started


def _store(endpoint: str, user: str, chat: str, size: int) -> None:
    """Registers the user's phone and fills the log of the chat, behind the backend's back."""
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    names = dynamodb.list_tables()["TableNames"]
    chats, users = (next(name for name in names if kind in name) for kind in ("Chats", "Users"))
    dynamodb.update_item(
        TableName=users,
        Key=to_wire({"user": user, "item": "devices"}),
        UpdateExpression="SET devices.phone = :entry",
        ExpressionAttributeValues=to_wire({":entry": {}}),
    )
    items: list[Any] = [{"PutRequest": {"Item": to_wire(item)}} for item in _log(chat, size)]
    for start in range(0, size, 25):
        dynamodb.batch_write_item(RequestItems={chats: items[start : start + 25]})
    dynamodb.update_item(
        TableName=chats,
        Key=to_wire(dict(chat_key(chat, HEAD))),
        UpdateExpression="SET seq = :size",
        ExpressionAttributeValues=to_wire({":size": size}),
    )
