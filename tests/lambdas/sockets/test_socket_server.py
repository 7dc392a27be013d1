"""The process of a task: what its WebSocket protocol cuts off, when it drains, what it reports."""

from __future__ import annotations

import asyncio
import base64
import signal
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from lambdas.settings import Settings
from lambdas.sockets import server
from lambdas.sockets.server import (
    REPORT_SECONDS,
    UNREAD_PINGS,
    Protocol,
    Server,
    config_of,
)
from tests.lambdas.sockets.application import OWN
from tests.lambdas.sockets.scene import until

MASK = b"\0\0\0\0"
PING = b"\x89\x80" + MASK
TEXT = b"\x81\x84" + MASK + b"last"
UPGRADE = "\r\n".join(
    (
        "GET /sockets HTTP/1.1",
        "Host: task",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    )
).encode()


class Transport(asyncio.Transport):
    """Of a TCP connection: what happened to it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.closing = False

    def write(self, data: Any) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closing


class Opened:
    """An open WebSocket, without a network; `read` is what the application gets of it."""

    def __init__(self) -> None:
        config = config_of(self._application, Settings({}), 8080)
        config.interface = "asgi3"  # of a method uvicorn can not tell
        config.load()
        self.read: list[Any] = []
        self.accepted = False
        self.transport = Transport()
        self.protocol = Protocol(config, ServerState(), {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.transport)
        self.protocol.data_received(UPGRADE)

    async def _application(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.accepted = True
        while not self.read or self.read[-1] != "websocket.disconnect":
            message = await receive()
            self.read.append(message.get("text", message["type"]))


@pytest.mark.parametrize("cut_off", [False, True])
def test_what_a_client_sent_before_it_left_is_read_unless_it_was_cut_off(cut_off: bool) -> None:
    async def story() -> None:
        opened = Opened()
        await until(lambda: opened.accepted)
        opened.protocol.data_received(TEXT)
        if cut_off:
            opened.protocol._cut_off()
        opened.protocol.connection_lost(None)
        await until(lambda: opened.read and opened.read[-1] == "websocket.disconnect")
        assert opened.read[:-1] == ([] if cut_off else ["last"])

    asyncio.run(story())


def test_a_client_has_its_pings_again_each_time_it_has_read_the_pongs() -> None:
    async def story() -> None:
        opened = Opened()
        await until(lambda: opened.accepted)
        for _ in range(2):
            opened.protocol.pause_writing()
            opened.protocol.data_received(PING * UNREAD_PINGS)
            assert not opened.transport.aborted
            opened.protocol.resume_writing()
        opened.protocol.pause_writing()
        opened.protocol.data_received(PING * (UNREAD_PINGS + 1))
        assert opened.transport.aborted

    asyncio.run(story())


def test_who_does_not_answer_a_ping_is_cut_off_whatever_waits_for_them() -> None:
    async def story() -> None:
        opened = Opened()
        await until(lambda: opened.accepted)
        opened.protocol.keepalive_timeout()
        assert opened.transport.aborted

    asyncio.run(story())


class Draining:
    """In place of `drain`: it ends when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sockets: Any = SimpleNamespace(registry=object(), draining=False)
        self.found: list[tuple[Any, float, bool]] = []
        self.begun, self.ends = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(server, "drain", self._drain)

    async def _drain(self, held: Any, seconds: float, _shuffle: Any) -> None:
        self.found.append((held, seconds, self.sockets.draining))
        self.begun.set()
        await self.ends.wait()


def test_a_process_that_is_to_stop_drains_first_and_ends_at_once_at_a_second_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        for again in (None, signal.SIGTERM, signal.SIGINT):
            draining = Draining(monkeypatch)
            process = Server(uvicorn.Config(lambda: None), draining.sockets, 25.0)
            process.handle_exit(signal.SIGTERM, None)
            await asyncio.wait_for(draining.begun.wait(), 30)
            assert draining.found == [(draining.sockets.registry, 25.0, True)]
            assert not process.should_exit
            if again is not None:
                process.handle_exit(again, None)
                assert process.should_exit
            draining.ends.set()
            await process._end
            assert process.should_exit

    asyncio.run(story())


def test_a_task_that_the_load_balancer_drains_opens_nothing_more_and_closes_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        draining = Draining(monkeypatch)
        draining.ends.set()
        states = iter(["healthy", "draining"])
        asked: list[Any] = []

        def state(*given: Any) -> str:
            asked.append(given)
            return next(states)

        monkeypatch.setattr(server, "state_of_target", state)
        clients: Any = SimpleNamespace(
            settings=Settings({"HEALTH_SECONDS": "0"}), load_balancing="client"
        )
        await server.let_go(clients, draining.sockets, "group", OWN, 600.0)
        assert asked == [("client", "group", OWN)] * 2
        assert draining.found == [(draining.sockets.registry, 600.0, True)]

    asyncio.run(story())


def test_a_task_reports_its_sockets_and_the_worst_lag_of_each_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    late = iter([0.0, 0.25, *[0.0] * (REPORT_SECONDS - 2), *[0.125] * REPORT_SECONDS])
    reported: list[Any] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        try:
            now += seconds + next(late)
        except StopIteration:
            raise asyncio.CancelledError from None

    async def story() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        monkeypatch.setattr(server, "gauge", lambda *given: reported.append(given))
        registry: Any = ["first", "second"]
        with pytest.raises(asyncio.CancelledError):
            await server.report(registry)

    asyncio.run(story())
    assert [(name, value) for name, value, *_ in reported] == [
        ("ConnectionsHeld", 2),
        ("LoopLag", 250.0),
        ("ConnectionsHeld", 2),
        ("LoopLag", 125.0),
    ]
