"""A system that is started again goes on where it was, also where it was killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from client import ChatClient, State
from tests.support.running_system import PASSWORD, started
from tests.system.telling import reached, received

pytestmark = [pytest.mark.xdist_group("kept"), pytest.mark.deep]


def test_users_chats_and_devices_go_on_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "local"

    def device(endpoints: dict[str, Any], user: str) -> ChatClient:
        store = tmp_path / f"{user}.sqlite"
        return ChatClient(endpoints["api"], user, PASSWORD, "phone", store)

    async def meet(endpoints: dict[str, Any]) -> None:
        async with device(endpoints, "ravi") as a, device(endpoints, "raju") as b:
            await a.people.add("raju")
            await b.people.add("ravi")
            chat = await a.chats.direct("raju")
            sent = await a.send(chat, "before")
            await b.wait_for(received("before"))
            await a.wait_for(reached(sent, State.DELIVERED))

    async def write(endpoints: dict[str, Any], text: str) -> str:
        async with device(endpoints, "ravi") as a:
            sent = await a.send(await a.chats.direct("raju"), text)
            await a.wait_for(reached(sent, State.SENT))
            return sent

    async def fetch(endpoints: dict[str, Any], sent: str, *texts: str) -> None:
        async with device(endpoints, "raju") as b:
            for text in texts:
                await b.wait_for(received(text))
            async with device(endpoints, "ravi") as a:
                await a.wait_for(reached(sent, State.DELIVERED))

    with started(state, kill=True) as endpoints:
        asyncio.run(meet(endpoints))
        asyncio.run(write(endpoints, "one"))
        second = asyncio.run(write(endpoints, "two"))
    # whatever of its push, and of the table's stream, was not handled is handled now
    with started(state) as endpoints:
        asyncio.run(fetch(endpoints, second, "one", "two"))
