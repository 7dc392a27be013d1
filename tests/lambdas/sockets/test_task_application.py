"""Upgrades and frames of a task's clients, by ASGI's messages alone: room, pace, and the end."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from lambdas.sockets import app, server
from lambdas.sockets.app import OLDEST_SECONDS
from lambdas.sockets.direct import PATH
from lambdas.sockets.events import Connected
from lambdas.sockets.held import Held
from lambdas.sockets.ids import holder_of
from tests.lambdas.sockets.application import NOW, OWN, THREADS, Application, Client
from tests.lambdas.sockets.scene import run, until


def test_a_task_has_room_again_for_each_socket_that_ended_or_was_rejected() -> None:
    async def story() -> None:
        application = Application(most=1)
        handlers, sockets = application.handlers, application.sockets

        def fault() -> int:
            raise ZeroDivisionError

        for opens, status in ((lambda: 403, 403), (lambda: 200, 101)):
            handlers.opens = opens
            for _ in range(2):
                client = Client(application)
                assert await client.answered() == status
                if status == 101:
                    await until(application.held)
                    assert await Client(application).answered() == 503
                    await client.leaves()
        handlers.opens = fault
        with pytest.raises(ZeroDivisionError):
            await Client(application).served
        assert sockets._opening == len(sockets.registry) == 0

    run(story())


def test_sockets_that_are_opening_count_as_much_as_open_ones() -> None:
    async def story() -> None:
        application = Application(most=1)
        opened = threading.Event()
        application.handlers.opens = lambda: 200 if opened.wait(30) else 500
        first = Client(application)
        await until(lambda: application.handlers.opened)
        assert await Client(application).answered() == 503
        opened.set()
        assert await first.answered() == 101
        await first.leaves()

    run(story())


def test_a_socket_is_that_of_the_address_which_the_load_balancer_saw() -> None:
    """What stands before it in the header, the client may have sent."""

    async def story() -> None:
        application = Application()
        forwarded = (b"x-forwarded-for", b"203.0.113.1, 198.51.100.7")
        for headers in ([forwarded, (b"user-agent", b"phone")], []):
            await Client(application, headers=headers).answered()
        (first, upgrade), (second, _) = application.handlers.opened
        assert (first.source_ip, first.user_agent) == ("198.51.100.7", "phone")
        assert (second.source_ip, second.user_agent) == ("10.0.0.9", "")
        assert upgrade.source_ip == first.source_ip
        assert (first.at, holder_of(first.id)) == (NOW, OWN)

    run(story())


@pytest.mark.parametrize(("path", "status"), [(PATH, 101), (f"{PATH}/", 101), ("/chat", 404)])
def test_a_socket_opens_at_one_path(path: str, status: int) -> None:
    async def story() -> None:
        application = Application()
        assert await Client(application, path).answered() == status
        assert len(application.handlers.opened) == (status == 101)

    run(story())


def test_a_lease_is_returned_however_a_socket_ends() -> None:
    """Its client leaves, before or after the response to the upgrade, or does not read, or its
    task stops."""

    async def story() -> None:
        application = Application()
        ended = application.handlers.ended
        client = Client(application)
        await until(application.held)
        await client.leaves()
        assert ended == [(1001, "over")]

        client = Client(application)
        client.has_left = True
        await client.served  # nothing is raised
        assert ended[1:] == [(1006, "Connection closed abnormally")]

        client = Client(application)
        await until(application.held)
        application.held()[0].close(1012, "the server restarts")
        await client.leaves()
        assert ended[2:] == [(1012, "the server restarts")]

        client = Client(application)
        await until(application.held)
        busy = threading.Event()
        for _ in range(THREADS):  # so that the handler has to wait
            application.threads.submit(busy.wait, 30)
        leaving = asyncio.create_task(client.leaves())
        await until(lambda: not application.held())
        leaving.cancel()  # and with it what it waits for
        with pytest.raises(asyncio.CancelledError):
            await leaving
        busy.set()
        await until(lambda: len(ended) == 4)
        assert application.held() == []

    run(story())


def test_nothing_of_a_socket_that_has_ended_waits_for_its_age(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        later, timers = loop.call_later, []

        def call_later(*asked: Any) -> Any:
            timers.append(later(*asked))
            return timers[-1]

        application = Application()
        monkeypatch.setattr(loop, "call_later", call_later)
        monkeypatch.setattr(Held, "close", lambda *_: None)
        client = Client(application)
        await until(application.held)
        monkeypatch.undo()
        aging = [timer for timer in timers if timer.when() > loop.time() + 3_600]
        await client.leaves()
        assert [timer.cancelled() for timer in aging] == [True]

    run(story())


@pytest.mark.parametrize("random", [b"\0", b"\x7f", b"\xff"])
def test_the_age_at_which_a_socket_ends_is_between_the_two_whatever_is_drawn(
    random: bytes,
) -> None:
    youngest, oldest = OLDEST_SECONDS
    lifetime = Application(random=lambda size: random * size).sockets._lifetime()
    assert youngest <= lifetime < oldest
    assert (lifetime > (youngest + oldest) / 2) == (random == b"\xff")


def test_each_frame_is_answered_also_after_one_that_failed() -> None:
    async def story() -> None:
        application = Application()

        def answers(frame: str) -> str | None:
            if frame == "fault":
                raise ZeroDivisionError
            return None if frame == "silent" else f"{frame}!"

        application.handlers.answers = answers
        client = Client(application)
        await until(application.held)
        client.sends(*["fault"] * app.AT_ONCE, *["silent"] * app.AT_ONCE, "last")
        await until(lambda: client.texts() == ["last!"])
        await client.leaves()

    run(story())


def test_one_client_takes_few_of_the_threads_and_others_are_answered_meanwhile() -> None:
    assert app.AT_ONCE * 5 <= server.THREADS

    async def story() -> None:
        application = Application()
        free, working = threading.Event(), []

        def answers(frame: str) -> str:
            if frame == "slow":
                working.append(frame)
                free.wait(30)
            return f"{frame}!"

        application.handlers.answers = answers
        first, second = Client(application), Client(application)
        await until(lambda: len(application.held()) == 2)
        first.sends(*["slow"] * 20)
        await until(lambda: len(working) == app.AT_ONCE)
        second.sends("quick")
        await until(lambda: second.texts() == ["quick!"])
        assert len(working) == app.AT_ONCE
        free.set()
        await until(lambda: len(first.texts()) == 20)

    run(story())


def test_a_client_has_a_burst_of_frames_and_then_a_pause_before_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        application = Application()
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        held = Held(Connected("id", "", "", 0.0), lambda _: asyncio.sleep(0), lambda: None)
        frames = iter([{"type": "websocket.receive", "text": "x"}] * 41)

        async def receive() -> Any:
            return next(frames, {"type": "websocket.disconnect"})

        application.handlers.answers = lambda _: None
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: 100.0)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        assert await application.sockets._read(held, receive) == (1005, "")
        assert pauses == [0.0] * 40 + [0.05, 0.1]

    asyncio.run(story())


def test_frames_of_bytes_close_a_socket_however_many_there_are() -> None:
    async def story() -> None:
        application = Application()
        client = Client(application)
        await until(application.held)
        client.sends(*[None] * (2 * app.AT_ONCE))
        await until(lambda: client.received[-1]["type"] == "websocket.close")
        assert (client.received[-1]["code"], client.received[-1]["reason"]) == (
            1003,
            "frames are text",
        )
        await client.leaves()
        assert application.handlers.ended == [(1003, "frames are text")]

    run(story())


def test_a_task_that_drains_opens_nothing_and_says_so_to_the_health_check() -> None:
    async def story() -> None:
        application = Application()
        assert [await application.get("/sockets/health"), await application.get("/")] == [200, 404]
        application.sockets.draining = True
        assert await Client(application).answered() == 503
        assert application.handlers.opened == []
        assert await application.get("/sockets/health") == 503

    run(story())
