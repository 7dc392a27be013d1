"""A backend that has lost its data: a client says so once, and starts anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from client import ChatClient
from client.core.events import BeganAnew, Event
from client.errors import NotAMember, Unauthorized
from tests.client.library import online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def reported(client: ChatClient) -> AsyncIterator[list[Event]]:
    """The client's events from then on."""
    found: list[Event] = []

    async def listen() -> None:
        async for event in client.events():
            found.append(event)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    yield found
    listening.cancel()


def times(events: list[Event]) -> int:
    return sum(isinstance(each, BeganAnew) for each in events)


async def talk(one: ChatClient, other: ChatClient, text: str) -> str:
    await one.send(other.user, text)
    chat = await one.chats.direct(other.user)
    await until(lambda: any(each.text == text for each in other.messages.history(chat)))
    return chat


def test_connected_clients_sign_up_again_and_go_on_in_a_new_chat() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            before = await talk(ravi, raju, "before")
            async with reported(ravi) as of_ravi, reported(raju) as of_raju:
                server.lose_data()
                await until(lambda: times(of_ravi) == times(of_raju) == 1)
                await until(lambda: all(server.connections(each) for each in ("ravi", "raju")))
                after = await talk(ravi, raju, "after")
                await talk(raju, ravi, "and back")
                assert times(of_ravi) == times(of_raju) == 1
            assert after != before
            assert [each.text for each in ravi.messages.history(before)] == ["before"]
            with pytest.raises(NotAMember):
                await ravi.send(before, "nobody there")
            left = {each.chat: each.left for each in ravi.chats.all()}
            assert left == {before: True, after: False}

    with_server(scenario)


def test_a_client_that_starts_finds_it_too(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "ravi.db"
        async with online(server, "raju") as raju:
            async with online(server, "ravi", store=store) as ravi:
                before = await talk(ravi, raju, "before")
            server.lose_data()
            async with online(server, "ravi", store=store) as ravi:
                assert [each.left for each in ravi.chats.all()] == [True]
                await until(lambda: bool(server.connections("raju")))
                assert await talk(ravi, raju, "after") != before

    with_server(scenario)


def test_a_wrong_password_begins_nothing_anew() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await talk(ravi, raju, "before")
            wrong = ChatClient(server.url, "ravi", "wrong password", "tablet", ":memory:")
            with pytest.raises(Unauthorized):
                await wrong.sign_up_or_in()
            await wrong.close()

    with_server(scenario)
