"""What one client, or one stranger, may take of a task, and for how long a socket is held."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given as data
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from lambdas.connections import sign
from lambdas.presence.devices import LEASE_SECONDS
from lambdas.sockets import app
from lambdas.sockets.app import Sockets
from lambdas.sockets.direct import PATH
from lambdas.sockets.events import Connected, Upgrade
from lambdas.sockets.held import Held
from lambdas.sockets.pace import Pace
from lambdas.sockets.routes import ROUTES, Dispatcher
from lambdas.telemetry import about, logger
from tests.lambdas.sockets.scene import (
    PROTOCOL,
    SECRET,
    RunningTask,
    client,
    run,
    running,
    ticket_of,
    until,
)
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend

MASK = b"\0\0\0\0"
PING = bytes([0x89, 0x80 | 125]) + MASK + b"x" * 125
BEGIN, CONTINUE = bytes([0x01, 0x80]) + MASK, bytes([0x00, 0x80]) + MASK
EMPTY_TEXT = bytes([0x81, 0x80]) + MASK


@asynccontextmanager
async def raw(world: Backend, task: RunningTask) -> AsyncIterator[asyncio.StreamWriter]:
    """An open WebSocket whose client reads nothing more."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, tuple(task.holder))
    reader, writer = await asyncio.open_connection(sock=plain, limit=4096)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = (
        f"GET {PATH} HTTP/1.1",
        "Host: task",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {PROTOCOL}, ticket.{ticket_of(world, 'ravi')}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        yield writer
    finally:
        writer.transport.abort()


@pytest.mark.slow
@pytest.mark.parametrize(
    "first, chunk, most",
    [
        pytest.param(b"", PING * 400, 1_000, id="pings, while it reads no pong"),
        pytest.param(BEGIN, CONTINUE * 1_000, 50, id="empty fragments of one message"),
        pytest.param(b"", EMPTY_TEXT * 20_000, 50, id="thousands of frames at once"),
    ],
)
def test_a_client_that_would_fill_the_memory_is_cut_off(
    world: Backend, first: bytes, chunk: bytes, most: int
) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, raw(world, task) as writer:
            await until(task.ids)
            writer.write(first)
            with pytest.raises(ConnectionError):
                for _ in range(most):  # what the kernel takes differs from machine to machine
                    writer.write(chunk)
                    await writer.drain()
                async with asyncio.timeout(20):
                    while True:
                        writer.write(PING)
                        await writer.drain()
                        await asyncio.sleep(0.01)
            await until(lambda: task.ids() == [])

    run(story())


@pytest.mark.slow
def test_pings_of_a_client_that_reads_are_answered_however_many(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, client(world, task, "ravi") as opened:
            for pong in [await opened.ping() for _ in range(200)]:
                await pong

    run(story())


@pytest.mark.slow
def test_an_old_socket_is_closed_as_by_api_gateway(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "OLDEST_SECONDS", (0.0, 0.1))

    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, client(world, task, "ravi") as opened:
            with pytest.raises(ConnectionClosed) as error:
                await opened.recv()
            found = error.value.rcvd
            assert found is not None and (found.code, found.reason) == (1001, "Going away")
            await until(lambda: task.ids() == [])

    run(story())


def test_a_socket_ends_before_its_lease_and_after_its_client_would_go_by_itself() -> None:
    youngest, oldest = app.OLDEST_SECONDS
    opening = 10  # a lease counts from the upgrade, the age from the end of $connect
    assert 110 * 60 <= youngest < oldest < LEASE_SECONDS - opening


@pytest.mark.slow
def test_a_socket_that_opens_while_its_task_begins_to_drain_is_closed(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task:
            accepts = task.sockets._dispatcher.open

            def open_late(*asked: Any) -> Any:
                task.sockets.draining = True
                return accepts(*asked)

            monkeypatch.setattr(task.sockets._dispatcher, "open", open_late)
            async with client(world, task, "ravi") as opened:
                with pytest.raises(ConnectionClosed) as error:
                    await opened.recv()
                assert error.value.rcvd is not None and error.value.rcvd.code == 1012

    run(story())


@data(st.lists(st.floats(0, 3), max_size=200))
def test_frames_come_at_the_rate_at_most_after_a_burst(pauses: list[float]) -> None:
    """However the client pauses between them."""
    now, pace = 0.0, Pace(40, 20, 0.0)
    read: list[float] = []
    for pause in pauses:
        now += pause
        now += pace.wait(now)
        read.append(now)
    for start, first in enumerate(read):
        for number, at in enumerate(read[start:], 1):
            assert number <= 40 + 20 * (at - first) + 1.001


def test_a_frame_waits_only_once_the_burst_is_used_up() -> None:
    pace = Pace(40, 20, 0.0)
    waits = [pace.wait(0.0) for _ in range(42)]
    assert waits == [0.0] * 40 + [0.05, 0.1]
    assert pace.wait(60.0) == 0.0


@pytest.mark.slow
def test_a_task_reads_the_next_frame_of_a_client_at_that_pace(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        due: list[float] = []

        class Slow(Pace):
            def wait(self, now: float) -> float:
                due.append(now + 0.01)
                return 0.01

        async def receive() -> dict[str, Any]:
            assert loop.time() >= due[-1] - 0.002  # of the loop's clock
            if len(due) == 5:
                return {"type": "websocket.disconnect", "code": 1000}
            return {"type": "websocket.receive", "text": '{"action": "ping"}'}

        async def send(_: Any) -> None:
            pass

        monkeypatch.setattr(app, "Pace", Slow)
        held = Held(Connected("id", "", "", 0.0), send, lambda: None)
        async with running(world) as task:
            assert await Sockets._read(task.sockets, held, receive) == (1000, "")
        assert len(due) == 5

    run(story())


def test_the_log_lines_of_one_client_never_name_the_one_before() -> None:
    found: list[dict[str, object]] = []

    def handler(_event: Any, _context: Any) -> dict[str, Any]:
        found.append(dict(logger.thread_safe_get_current_keys()))
        statement = {"Effect": "Allow"}
        policy = {"policyDocument": {"Statement": [statement]}, "principalId": "x", "context": {}}
        return {**policy, "statusCode": 200}

    dispatcher = Dispatcher(lambda: 0.0, lambda: "id", dict.fromkeys(ROUTES, handler), handler)
    connected = Connected("id", "", "", 0.0)
    upgrade = Upgrade([("sec-websocket-protocol", "chat.v1")], "")
    for act in (
        lambda: dispatcher.open(connected, upgrade),
        lambda: dispatcher.message(connected, "{}"),
        lambda: dispatcher.disconnect(connected, 1000, ""),
    ):
        about("ravi", "phone")
        act()
    assert found == [{}] * 4


@pytest.mark.slow
@pytest.mark.parametrize("signed, status", [(False, b"403"), (True, b"408")])
def test_a_body_that_does_not_come_holds_nobody_up(
    world: Backend, monkeypatch: pytest.MonkeyPatch, signed: bool, status: bytes
) -> None:
    """A stranger's is not read at all."""
    monkeypatch.setattr(app, "BODY_SECONDS", 0.1 if signed else 60.0)

    async def story() -> None:
        async with running(world) as task:
            path = f"{PATH}/@connections/AAAA"
            headers = {"host": "task"}
            if signed:
                headers = sign(
                    method="POST",
                    host="task",
                    path=path,
                    body=b"",
                    region="us-east-1",
                    credentials=("sockets", SECRET, None),
                    now=world.aws.now(),
                )
            lines = [f"POST {path} HTTP/1.1", "content-length: 100000"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            reader, writer = await asyncio.open_connection(*task.holder)
            writer.write("\r\n".join((*lines, "", "")).encode())
            assert status in await asyncio.wait_for(reader.readline(), 30)
            writer.transport.abort()

    run(story())
