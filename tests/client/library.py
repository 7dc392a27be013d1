"""The library against the real handlers, and what tests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from client import (
    ChatClient,
    Connected,
    Settings,
    Stage,
    Verified,
)
from client.core.events import Event
from client.crypto import account
from tests.support.backend.server import PATIENCE, Served, one_backend, until

QUICK = Settings(gap_grace=0.02, own_gap_grace=0.05, reconnect_base=0.02, resend_after=0.3)


def with_server(scenario: Callable[[Served], Awaitable[None]]) -> None:
    async def run() -> None:
        async with one_backend() as server, asyncio.timeout(PATIENCE):
            await scenario(server)

    with pytest.MonkeyPatch.context() as patch:
        # few others claim them here, and to make and check 50 takes most of a registration
        patch.setattr(account, "KEYS_WANTED", 25)
        asyncio.run(run())


@asynccontextmanager
async def online(
    server: Served, user: str, device: str = "phone", store: Path | str = ":memory:"
) -> AsyncIterator[ChatClient]:
    client = ChatClient(server.url, user, "password", device, store, settings=QUICK)
    async with client:
        yield client


def of(kind: type, **fields: Any) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, kind)
        and all(getattr(event, name) == value for name, value in fields.items())
    )


async def again(client: ChatClient) -> None:
    """Until it is connected for the second time."""
    count = 0

    def second(event: Event) -> bool:
        nonlocal count
        count += isinstance(event, Connected)
        return count == 2

    await client.wait_for(second)


async def compare(one: ChatClient, other: ChatClient) -> None:
    """Until both show emoji."""
    await one.verification.compare(other.user, other.device)
    asks = f"{one.user}/{one.device}"
    await until(lambda: other.verification.comparisons().get(asks) is Stage.ASKED)
    await other.verification.compare(one.user, one.device)
    for here, there in ((one, other), (other, one)):
        await until(partial(_compares, here, f"{there.user}/{there.device}"))


def _compares(client: ChatClient, device: str) -> bool:
    return client.verification.comparisons().get(device) is Stage.COMPARING


async def verified(one: ChatClient, other: ChatClient) -> None:
    await compare(one, other)
    one.verification.decide(other.user, match=True, device=other.device)
    other.verification.decide(one.user, match=True, device=one.device)
    await one.wait_for(of(Verified, user=other.user, device=other.device))
    await other.wait_for(of(Verified, user=one.user, device=one.device))
