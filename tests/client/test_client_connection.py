"""The library over real sockets, against a backend that misbehaves on demand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from client import (
    ChatClient,
    Closed,
    Disconnected,
    Displaced,
    MessageReceived,
    PresenceChanged,
    Settings,
    State,
    StateChanged,
    StoreError,
    TypingSeen,
    Unreachable,
)
from client.core.bodies_generated import TicketResponse
from client.core.engine import Engine
from client.core.events import Event
from client.crypto import account
from client.store import Store
from lambdas.frames import Frame
from tests.client.library import again, of, with_server
from tests.support.backend.faults import Request, Response
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow

QUICK = Settings(
    gap_grace=0.02, own_gap_grace=0.05, reconnect_base=0.02, resend_after=0.3, sync_backoff=0.05
)


@asynccontextmanager
async def online(
    server: Served, *users: str, settings: Settings = QUICK, **options: Any
) -> AsyncIterator[list[ChatClient]]:
    clients = [
        ChatClient(server.url, user, "password", settings=settings, **options) for user in users
    ]
    try:
        for client in clients:
            await client.__aenter__()
        yield clients
    finally:
        for client in clients:
            await client.close()


def reached(name: str, state: State) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, StateChanged) and event.message_id == name and event.state is state
    )


def texts(client: ChatClient, chat: str) -> list[str | None]:
    return [message.text for message in client.messages.history(chat, limit=1000)]


def test_two_people_talk_and_see_each_tick() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            name = await ravi.send("raju", "hello")
            seen = await raju.wait_for(of(MessageReceived, text="hello"))
            assert isinstance(seen, MessageReceived)
            await ravi.wait_for(reached(name, State.SENT))
            await ravi.wait_for(reached(name, State.DELIVERED))
            raju.messages.mark_read(seen.chat, seen.seq)
            await ravi.wait_for(reached(name, State.READ))

    with_server(scenario)


def test_lines_written_in_one_go_keep_their_order() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            lines = [f"line {n}" for n in range(50)]
            for line in lines:
                await ravi.send("raju", line)
            await raju.wait_for(of(MessageReceived, text=lines[-1]))
            assert texts(raju, await raju.chats.direct("ravi")) == lines

    with_server(scenario)


def test_repeated_and_reordered_frames_show_every_message_once_in_order() -> None:
    async def scenario(server: Served) -> None:
        held: list[Frame] = []

        def shape(user: str, frame: Frame) -> list[Frame]:
            if user != "raju" or frame["type"] != "message":
                return [frame]
            if frame["seq"] % 3 == 1:  # held back until the next one has gone
                held.append(frame)
                return []
            return [frame, frame, *[held.pop() for _ in held[:]]]

        # a resend would take a place of its own, which raju never shows
        once = replace(QUICK, resend_after=3600.0)
        async with online(server, "ravi", "raju", settings=once) as (ravi, raju):
            chat = await ravi.chats.direct("raju")
            server.faults.to_client = shape
            for n in range(30):
                last = await ravi.send(chat, f"line {n}")
            await ravi.wait_for(reached(last, State.DELIVERED))
            shown = [e.seq for e in await events_so_far(raju) if isinstance(e, MessageReceived)]
            assert shown == list(range(1, 31))

    with_server(scenario)


async def events_so_far(client: ChatClient) -> list[Event]:
    seen: list[Event] = []

    def note(event: Event) -> bool:
        seen.append(event)
        return False

    with pytest.raises(TimeoutError):
        await client.wait_for(note, timeout=0)
    return seen


def test_posts_that_got_lost_are_fetched_when_the_next_one_shows_the_gap() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            chat = await ravi.chats.direct("raju")
            server.faults.lose("message")
            for n in range(3):
                lost = await ravi.send(chat, f"lost {n}")
            await ravi.wait_for(reached(lost, State.SENT))
            server.faults.lose_nothing()
            await ravi.send(chat, "seen")
            await raju.wait_for(of(MessageReceived, text="seen"))
            assert texts(raju, chat) == ["lost 0", "lost 1", "lost 2", "seen"]

    with_server(scenario)


def test_a_lost_connection_is_made_again_and_brings_what_was_missed() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            chat = await ravi.chats.direct("raju")
            await ravi.send(chat, "before")
            await raju.wait_for(of(MessageReceived, text="before"))
            await server.drop("raju")
            await raju.wait_for(of(Disconnected))
            await ravi.send(chat, "meanwhile")
            await raju.wait_for(of(MessageReceived, text="meanwhile"))
            assert texts(raju, chat) == ["before", "meanwhile"]

    with_server(scenario)


def test_a_message_whose_acceptance_got_lost_is_shown_once() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            chat = await ravi.chats.direct("raju")
            server.faults.lose("accepted")
            name = await ravi.send(chat, "once")
            await raju.wait_for(of(MessageReceived, text="once"))
            server.faults.lose_nothing()
            await ravi.wait_for(reached(name, State.SENT))  # by a resend
            await ravi.send(chat, "after")
            await raju.wait_for(of(MessageReceived, text="after"))
            assert texts(raju, chat) == texts(ravi, chat) == ["once", "after"]
            assert server.head(chat)["seq"] == 2  # the resend kept its place

    with_server(scenario)


def test_what_was_written_offline_goes_out_at_the_next_start(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "ravi.sqlite"
        async with online(server, "raju") as (raju,):
            ravi = ChatClient(server.url, "ravi", "password", store=store, settings=QUICK)
            await ravi.sign_up_or_in()
            await ravi.connect()
            chat = await ravi.chats.direct("raju")
            await server.drop("ravi")
            await ravi.wait_for(of(Disconnected))
            server.faults.from_client = lambda user, frame: frame["action"] != "send"
            await ravi.send(chat, "from the lift")
            await ravi.abort()
            server.faults.from_client = lambda user, frame: True
            ravi = ChatClient(server.url, "ravi", None, store=store, settings=QUICK)
            async with ravi:
                await raju.wait_for(of(MessageReceived, text="from the lift"))
                assert texts(raju, chat) == ["from the lift"]

    with_server(scenario)


def test_an_abrupt_end_loses_nothing_and_shows_nothing_twice(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as (ravi,):
            store = tmp_path / "raju.sqlite"
            for round_ in range(5):
                raju = ChatClient(server.url, "raju", "password", store=store, settings=QUICK)
                await raju.sign_up_or_in()
                await raju.connect()
                for n in range(10):
                    await ravi.send("raju", f"{round_}-{n}")
                await raju.wait_for(of(MessageReceived, text=f"{round_}-{round_ * 2}"))
                await raju.abort()
            raju = ChatClient(server.url, "raju", "password", store=store, settings=QUICK)
            async with raju:
                await ravi.send("raju", "end")
                await raju.wait_for(of(MessageReceived, text="end"))
                expected = [f"{round_}-{n}" for round_ in range(5) for n in range(10)]
                assert texts(raju, await raju.chats.direct("ravi")) == [*expected, "end"]

    with_server(scenario)


def test_the_same_device_elsewhere_stops_this_one() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as (first,), online(server, "ravi") as (second,):
            await first.wait_for(of(Displaced))
            await first.wait_for(
                lambda event: isinstance(event, Disconnected) and event.retry_in is None
            )
            assert not first.online
            assert second.online

    with_server(scenario)


def test_presence_and_typing_are_reported() -> None:
    async def scenario(server: Served) -> None:
        server.sign_up("raju")
        async with online(server, "ravi") as (ravi,):
            ravi.people.watch(["raju"])
            await ravi.wait_for(of(PresenceChanged))
            async with online(server, "raju") as (raju,):
                await ravi.wait_for(
                    lambda event: isinstance(event, PresenceChanged) and event.online
                )
                raju.messages.typing(await raju.chats.direct("ravi"))
                await ravi.wait_for(of(TypingSeen))

    with_server(scenario)


def test_a_group_is_made_changed_and_named_for_oneself() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju", "meena") as (ravi, raju, meena):
            chat = await ravi.chats.group(["raju"], "family")
            assert [one.name for one in ravi.chats.all()] == ["family"]
            assert await ravi.chats.change_members(chat, add=["meena"]) == ["meena", "raju", "ravi"]
            name = await ravi.send(chat, "welcome")
            await raju.wait_for(of(MessageReceived, text="welcome"))
            await meena.wait_for(of(MessageReceived, text="welcome"))
            await ravi.wait_for(reached(name, State.DELIVERED))
            assert await ravi.chats.change_members(chat, remove=["meena"]) == ["raju", "ravi"]
            assert ravi.chats.members(chat) == ["raju", "ravi"]

    with_server(scenario)


def test_keys_are_replenished_when_the_server_says_they_run_low() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"):
            server.lose_one_time_keys("raju", "phone", left=15)
            server.tell({"type": "keys_low", "remaining": 15, "fallback_used": False}, "raju")
            await until(lambda: len(server.one_time_keys("raju", "phone")) == account.KEYS_WANTED)

    with_server(scenario)


def test_unknown_and_broken_frames_do_not_disturb() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            for frame in ({"type": "confetti"}, {"type": "nudge", "chat": 7}, {"no": "type"}):
                server.tell(frame, "raju")
            await ravi.send("raju", "still here")
            await raju.wait_for(of(MessageReceived, text="still here"))

    with_server(scenario)


def test_a_sync_by_hand_returns_when_everything_is_here() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            chat = await ravi.chats.direct("raju")
            server.faults.lose("message")
            for n in range(120):
                last = await ravi.send(chat, f"line {n}")
            await ravi.wait_for(reached(last, State.SENT), timeout=20)
            server.faults.lose_nothing()
            await raju.sync()
            assert texts(raju, chat) == [f"line {n}" for n in range(120)]

    with_server(scenario)


def test_a_planned_reconnect_takes_its_ticket_before_it_leaves() -> None:
    async def scenario(server: Served) -> None:
        online: list[bool] = []  # at each ticket

        def note(request: Request, truth: Response) -> Response:
            if request.line == "POST /api/tickets":
                online.append(bool(server.connections("ravi")))
            return truth

        server.faults.responds = note
        settings = Settings(reconnect_between=(0.3, 0.4))
        async with ChatClient(server.url, "ravi", "password", settings=settings) as ravi:
            await again(ravi)
            assert online[:2] == [False, True]
            seen = await events_so_far(ravi)
            assert not any(isinstance(event, Disconnected) for event in seen)

    with_server(scenario)


def test_a_store_that_fails_stops_the_client_and_says_so() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            db: sqlite3.Connection = raju._this.store.db
            db.execute("DROP TABLE messages")  # as a broken disk would
            await ravi.send("raju", "hello")
            await raju.wait_for(
                lambda event: isinstance(event, Disconnected) and "written" in event.reason
            )
            with pytest.raises(Closed):
                raju.messages.mark_read("c", 1)

    with_server(scenario)


def test_a_store_that_fails_while_closing_is_let_go_all_the_same(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        path = tmp_path / "s.sqlite"
        ravi = ChatClient(server.url, "ravi", "password", store=path, settings=QUICK)
        await ravi.__aenter__()
        full = mock.patch.object(Engine, "closing", side_effect=sqlite3.OperationalError("full"))
        with full, pytest.raises(StoreError, match="full"):
            await ravi.close()
        assert ravi._running is not None
        assert ravi._running.done()
        Store.open(path, "ravi", "phone").close()

    with_server(scenario)


def test_a_ticket_of_another_shape_is_reported_and_the_next_one_is_used() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi", "raju") as (ravi, raju):
            assert raju._connection is not None
            real, responses = raju.account.ticket, [KeyError("ticket")]

            async def ticket() -> TicketResponse:
                if responses:
                    raise responses.pop()
                return await real()

            raju._connection._ticket = ticket
            await server.drop("raju")
            await raju.wait_for(
                lambda event: isinstance(event, Disconnected) and "KeyError" in event.reason
            )
            await ravi.send("raju", "still here")
            await raju.wait_for(of(MessageReceived, text="still here"))

    with_server(scenario)


def test_a_backend_that_is_not_there_is_reported_at_once() -> None:
    async def scenario(server: Served) -> None:
        with pytest.raises(Unreachable):
            async with ChatClient("http://127.0.0.1:1", "ravi", "password"):
                pass

    with_server(scenario)


def test_waiting_for_an_event_that_does_not_come_reports_those_that_did() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as (ravi,):
            with pytest.raises(TimeoutError, match="Connected"):
                await ravi.wait_for(of(MessageReceived), timeout=0.05)

    with_server(scenario)
