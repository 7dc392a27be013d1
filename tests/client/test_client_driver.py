"""The driver: one step at a time; one that fails is undone whole, and the client stops."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from client import ChatClient, MessageReceived, StoreFailing, StoreUnavailable, StoreWorking
from client.core.cipher import FetchResult, Lists, Request
from client.core.content import text_content
from client.core.engine import Engine
from client.core.events import CaughtUp, Disconnected, Event
from client.core.frames import encode
from client.core.step import Step
from client.driver import Driver
from client.errors import Closed, MessageTooLarge, RateLimited, StoreError, Unreachable
from tests.client.crypto.scene import Device
from tests.client.library import of, online, with_server
from tests.support.backend.people import People
from tests.support.backend.server import Served, until

CHAT = "Qn3jv0dXzq0Yk1mE8a2b9w"
AGES = 1e12  # seconds, after which every timer is over


async def nothing(request: Request) -> FetchResult:
    return FetchResult(request, {})


@contextmanager
def driven(
    fetch: Callable[[Request], Awaitable[FetchResult]] = nothing,
) -> Iterator[tuple[Driver, Device, list[Event]]]:
    device = Device("ravi", "phone", People())
    reported: list[Event] = []
    engine = Engine("ravi", "phone", device.random, device.settings)
    driver = Driver(engine, device.store, device.encryption, reported.append, fetch)
    yield driver, device, reported
    driver.cancel()
    device.db.close()


FAILURES = [
    sqlite3.OperationalError("disk I/O error"),
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
    OverflowError("too large"),
    RecursionError("too deep"),
    KeyError("devices"),
    StoreError("the state of account can't be decrypted"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_step_that_fails_is_taken_back_and_stops_the_client_whatever_failed(
    failure: Exception,
) -> None:
    def act(engine: Engine, step: Step) -> None:
        engine.send(step, "0" * 26, CHAT, text_content("hello"))
        raise failure

    async def run() -> None:
        with driven() as (driver, device, reported):
            outgoing, leave = driver.opened()
            while not outgoing.empty():
                outgoing.get_nowait()
            reported.clear()
            with pytest.raises(StoreError):
                driver.step(act)
            assert device.store.history(CHAT) == []
            assert outgoing.empty()  # nothing of it is sent
            (event,) = reported  # nor reported, but why it ended
            assert isinstance(event, Disconnected)
            assert event.retry_in is None
            assert leave.done()
            with pytest.raises(Closed):
                driver.step(Engine.due)
            with pytest.raises(Closed):
                driver.received([encode({"type": "pong"})])
            driver.closed()

    asyncio.run(run())


def test_a_text_that_is_too_long_stops_nothing() -> None:
    async def run() -> None:
        with driven() as (driver, device, reported):
            with pytest.raises(MessageTooLarge):
                driver.step(Engine.send, "0" * 26, CHAT, text_content("x" * 40_000))
            driver.step(Engine.send, "1" * 26, CHAT, text_content("short"))
            assert device.texts(CHAT) == ["short"]
            assert not any(isinstance(event, Disconnected) for event in reported)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        (KeyError("devices"), None),
        (TypeError(), None),
        (Unreachable("http://", ""), None),
        (RateLimited("rate_limited", "slower", 429, 60.0), 60.0),
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(failure: Exception, wait: float | None) -> None:
    given_up = asyncio.Event()

    async def fetch(request: Request) -> FetchResult:
        raise failure

    async def run() -> None:
        with driven(fetch) as (driver, _, _):
            rejected: list[Request] = []
            waits: list[float | None] = []

            def fetch_failed(
                engine: Engine, step: Step, request: Request, retry_after: float | None
            ) -> None:
                rejected.append(request)
                waits.append(retry_after)
                given_up.set()

            with mock.patch.object(Engine, "fetch_failed", fetch_failed):
                driver.opened()
                driver.received([encode({"type": "synced", "chats": {}})])
                async with asyncio.timeout(60):
                    await given_up.wait()
            (request,) = rejected
            assert isinstance(request, Lists)
            assert request.user == "ravi"
            assert waits == [wait]

    asyncio.run(run())


def test_what_has_ended_or_failed_wakes_its_engine_no_more_and_asks_for_nothing() -> None:
    def damaged(_: Engine, __: Step) -> None:
        raise KeyError

    async def run(end: Callable[[Driver], object]) -> None:
        now = time.monotonic()
        asyncio.get_running_loop().time = lambda: now  # type: ignore[method-assign]
        asking, ended = asyncio.Event(), asyncio.Event()

        async def fetch(request: Request) -> FetchResult:
            asking.set()
            try:
                return await asyncio.Future()
            finally:
                ended.set()

        with driven(fetch) as (driver, _, _):
            driver.opened()
            driver.received([encode({"type": "synced", "chats": {}})])
            await asking.wait()
            with mock.patch.object(Engine, "due") as due:
                now += AGES
                await _turns()
                assert due.called
                due.reset_mock()
                end(driver)
                now += AGES
                await _turns()
                assert ended.is_set() and not due.called

    def fail(driver: Driver) -> None:
        with pytest.raises(StoreError):
            driver.step(damaged)

    for end in (Driver.cancel, fail):
        asyncio.run(run(end))


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "frame",
    [
        "[" * 100_000,
        '{"type": "nudge", "chat": "\\ud83d", "seq": 1}',
        '{"type": "synced", "chats": {"c": {"seq": 1, "after": 0, "complete_to": 1e30}}}',
        '{"type": "receipt", "chat": "c", "user": "\\ud83d", "read": 1}',
        '{"type": "synced", "chats": {"c": {"seq": 1, "after": 0, "complete_to": 1, "members": {"\\ud83d": {}}}}}',
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_a_frame_that_no_server_sends_is_let_pass_and_what_comes_with_it_is_not(frame: str) -> None:
    message: dict[str, Any] = {
        "type": "message", "chat": CHAT, "seq": 1, "message_id": "0" * 26, "sender": "raju",
        "sender_device": "phone", "sent_at": 1, "alg": "olm.v1", "payload": None,
    }  # fmt: skip

    async def run() -> None:
        with driven() as (driver, device, reported):
            driver.opened()
            driver.received([frame, encode(message), encode({"type": "synced", "chats": {}})])
            assert [stored.seq for stored in device.store.history(CHAT)] == [1]
            assert any(isinstance(event, CaughtUp) for event in reported)

    asyncio.run(run())


@pytest.mark.slow
def test_a_store_that_is_locked_or_full_is_reported_once_and_the_client_goes_on(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "ravi", store=tmp_path / "s.sqlite") as ravi,
        ):
            chat = await raju.chats.direct("ravi")
            with closing(sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await raju.send("ravi", "while it is locked")
                failing = await ravi.wait_for(of(StoreFailing))
                assert isinstance(failing, StoreFailing) and "locked" in failing.reason
                with pytest.raises(StoreUnavailable):
                    await ravi.send(chat, "not written")
                other.execute("ROLLBACK")
            await ravi.wait_for(of(MessageReceived, text="while it is locked"))
            await ravi.wait_for(of(StoreWorking))
            db = ravi._this.store.db
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages}")  # as if the disk were full
            large = "x" * 15_000
            for _ in range(3):
                await raju.send("ravi", large)
            await until(lambda: len(_events(ravi, StoreFailing)) == 2)
            db.execute("PRAGMA max_page_count = 100000")
            await until(lambda: [m.text for m in ravi.messages.history(chat)].count(large) == 3)
            await ravi.send(chat, "again")
            await raju.wait_for(of(MessageReceived, text="again"))
            assert len(_events(ravi, StoreFailing)) == len(_events(ravi, StoreWorking)) == 2

    with_server(scenario)


@pytest.mark.slow  # SQLite waits for the lock
def test_a_client_that_starts_with_a_locked_store_waits_and_says_so_once(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        path = tmp_path / "s.sqlite"
        async with online(server, "ravi", store=path):
            pass
        ravi = ChatClient(server.url, "ravi", "password", "phone", path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            starting = asyncio.create_task(ravi.__aenter__())
            await ravi.wait_for(of(StoreFailing))
            await asyncio.sleep(1.5)
            assert not starting.done()
            other.execute("ROLLBACK")
        await starting
        assert ravi.online
        assert len(_events(ravi, StoreFailing)) == 1
        await ravi.close()

    with_server(scenario)


def _events(client: ChatClient, kind: type) -> list[Event]:
    return [event for event in client._this.feed._past if isinstance(event, kind)]
