"""Latency from send to receive on this machine, before and after 10,000 messages were stored.

From the sender's `send` to the text in the recipient's hands, over the emulator's gateway and
functions: encrypted, committed, posted, decrypted and committed. One message at a time, so that
queueing does not count.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx

from bench import local_system
from bench.local_system import fresh_directory, running
from bench.table import Row, quantile, within
from client import ChatClient, MessageReceived, State, StateChanged
from client.core.events import Event

STORED = 10_000
SAMPLES = 300
WARM_UP = 60
QUIET_SECONDS = 5  # without a call of any function: the delivery watch has looked at all that came
SETTLED_WITHIN_SECONDS = 180
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
        ChatClient(endpoints["api"], raju, PASSWORD) as b,
        aclosing(a.events()) as sent,
        aclosing(b.events()) as received,
    ):
        chat = await a.chats.direct(raju)
        talk = _Talk(a, chat, sent, received)
        await talk.exchange(WARM_UP)
        empty = await talk.exchange(SAMPLES)
        await asyncio.to_thread(_store, endpoints["aws"], chat)
        await _settled(endpoints["console"])
        await talk.exchange(WARM_UP)
        return empty, await talk.exchange(SAMPLES)


async def _settled(console: str) -> None:
    """Returns when what 10,000 messages at once have set off is over."""
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(SETTLED_WITHIN_SECONDS):
        calls, quiet_since = -1, time.monotonic()
        while time.monotonic() < quiet_since + QUIET_SECONDS:
            await asyncio.sleep(0.5)
            state = (await http.get(f"{console}/_local/state")).json()
            before, calls = calls, sum(function["invocations"] for function in state["functions"])
            if calls != before:
                quiet_since = time.monotonic()


class _Talk:
    """One writes and the other reads, one message after another."""

    def __init__(
        self,
        sender: ChatClient,
        chat: str,
        sent: AsyncGenerator[Event, None],
        received: AsyncGenerator[Event, None],
    ) -> None:
        self._sender, self._chat = sender, chat
        self._sent, self._received = sent, received

    async def exchange(self, count: int) -> list[float]:
        """Milliseconds of each of `count` messages."""
        return [await self._one() for _ in range(count)]

    async def _one(self) -> float:
        accepted = asyncio.ensure_future(self._accepted())
        arrived = asyncio.ensure_future(self._arrived())
        await asyncio.sleep(0)  # both listen
        started = time.perf_counter()
        await self._sender.send(self._chat, "How are you?")
        ended = await arrived
        await accepted
        return (ended - started) * 1000

    async def _arrived(self) -> float:
        async for event in self._received:
            if isinstance(event, MessageReceived):
                if event.text is None:
                    raise RuntimeError(f"not decrypted: {event}")
                return time.perf_counter()
        raise RuntimeError("the recipient has stopped")

    async def _accepted(self) -> None:
        async for event in self._sent:
            if isinstance(event, StateChanged) and event.state is State.SENT:
                return
        raise RuntimeError("the sender has stopped")


def _store(endpoint: str, chat: str) -> None:
    """Puts STORED messages into another chat's log and this one's, behind the backend's back."""
    dynamodb = local_system.dynamodb(endpoint)
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
                "alg": {"S": "megolm.v1"},
                "payload": {"S": "eA" * 150},
                "expires_at": {"N": expires},
            }
            for n in range(start, start + 25)
        ]
        dynamodb.batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]}
        )
