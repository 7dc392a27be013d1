"""Send to receive on this machine, before and after 10,000 messages were stored.

From the sender's `send` to the frame at the recipient's socket, over local mode's gateway and
functions; one message at a time, so that queueing does not count.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.local_system import fresh_directory, running
from bench.table import Row, quantile, within
from client import ChatClient
from client.core.ulid import ulid

STORED = 10_000
SAMPLES = 300
WARM_UP = 60
SETTLE_SECONDS = 15  # the delivery watch looks at what was stored all at once, and is done by then
PASSWORD = "Correct-horse-7"


def rows() -> list[Row]:
    with fresh_directory() as directory, running(directory) as system:
        empty, full = asyncio.run(_measure(system.endpoints))
    before, after = quantile(empty, 0.5), quantile(full, 0.5)
    return [
        within("send to receive, p50", before, 50, "ms", ".1f"),
        Row("send to receive, p99", f"{quantile(empty, 0.99):.1f} ms"),
        within(f"the same with {STORED:,} stored messages, p50", after, 50, "ms", ".1f"),
        Row(f"the same with {STORED:,} stored messages, p99", f"{quantile(full, 0.99):.1f} ms"),
        within("ratio of the two p50", after / before, 1.3, "x"),
    ]


async def _measure(endpoints: dict[str, Any]) -> tuple[list[float], list[float]]:
    suffix = secrets.token_hex(3)
    ravi, raju = f"ravi_{suffix}", f"raju_{suffix}"
    async with (
        ChatClient(endpoints["api"], ravi, PASSWORD) as a,
        ChatClient(endpoints["api"], raju, PASSWORD),
    ):
        chat = await a.direct(raju)
    async with (
        _socket(endpoints, ravi) as sender,
        _socket(endpoints, raju) as recipient,
    ):
        await _exchange(sender, recipient, chat, WARM_UP)
        empty = await _exchange(sender, recipient, chat, SAMPLES)
        await asyncio.to_thread(_store, endpoints["aws"], chat)
        await asyncio.sleep(SETTLE_SECONDS)
        await _exchange(sender, recipient, chat, WARM_UP)
        return empty, await _exchange(sender, recipient, chat, SAMPLES)


async def _exchange(
    sender: ClientConnection, recipient: ClientConnection, chat: str, count: int
) -> list[float]:
    """Milliseconds of each of `count` messages, sent one after another and acknowledged."""
    taken = []
    for _ in range(count):
        message_id = ulid(int(time.time() * 1000), secrets.SystemRandom())
        frame = {
            "action": "send",
            "message_id": message_id,
            "chat": chat,
            "alg": "test.v0",
            "payload": "eA" * 150,
        }
        started = time.perf_counter()
        await sender.send(json.dumps(frame))
        message = await _until(recipient, message_id)
        taken.append((time.perf_counter() - started) * 1000)
        await _until(sender, message_id)  # accepted: one message at a time
        receipt = {"action": "receipt", "chat": chat, "delivered": message["seq"], "senders": []}
        if message["seq"] % 10 == 0:
            await recipient.send(json.dumps(receipt))
    return taken


async def _until(connection: ClientConnection, message_id: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await connection.recv())
        if frame["type"] == "error":
            raise RuntimeError(f"the backend refused: {frame}")
        if frame.get("message_id") == message_id:
            return frame


@asynccontextmanager
async def _socket(endpoints: dict[str, Any], user: str) -> AsyncIterator[ClientConnection]:
    async with httpx.AsyncClient(base_url=endpoints["api"], timeout=30) as http:
        signed_in = await http.post("/api/sign-in", json={"username": user, "password": PASSWORD})
        token = signed_in.json()["access_token"]
        made = await http.post(
            "/api/tickets",
            json={"device": "phone"},
            headers={"authorization": f"Bearer {token}"},
        )
        ticket = made.json()
    protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket['ticket']}")]
    async with connect(ticket["url"], subprotocols=protocols) as connection:
        yield connection


def _store(endpoint: str, chat: str) -> None:
    """Puts STORED messages into another chat's log and this one's, behind the backend's back."""
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if "Chats" in name]
    expires = str(int(time.time()) + 86_400)
    for start in range(0, STORED, 25):
        items = [
            {
                "chat": {"S": f"{chat}-{n % 100}"},
                "item": {"S": f"message#{n:012d}"},
                "message_id": {"S": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
                "sender": {"S": "ravi"},
                "sender_device": {"S": "phone"},
                "sent_at": {"N": "1700000000000"},
                "alg": {"S": "test.v0"},
                "payload": {"S": "eA" * 150},
                "expires_at": {"N": expires},
            }
            for n in range(start, start + 25)
        ]
        dynamodb.batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]}
        )
