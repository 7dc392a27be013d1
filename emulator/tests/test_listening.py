"""Requests whose body stops coming, at every listener."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from tests.gateway.scene import HandClock, moved_on, until

import emulator
from emulator.listening import BODY_SECONDS, HttpListener, read_body

HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\n"
UNFINISHED = {
    "no byte of it": "Content-Length: 4\r\n\r\n",
    "a part of it": "Content-Length: 4\r\n\r\nab",
    "chunks without an end": "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
}


# RFC 9110, 15.5.9: "the server did not receive a complete request message within the time that it
# was prepared to wait"; it closes the connection.
@pytest.mark.parametrize("body", UNFINISHED.values(), ids=UNFINISHED)
def test_a_body_that_stops_coming_is_408_and_the_connection_is_closed(body: str) -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        await request.read()
        raise AssertionError("it is not complete")

    async def scenario() -> None:
        clock = HandClock()
        listener = HttpListener(handle, 0, "a test", clock=clock)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write((HEAD + body).encode())
        read = await moved_on(clock, reader.read())
        assert read.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nConnection: close\r\n" in read
        writer.close()
        await listener.stop()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_body_that_keeps_coming_may_take_any_time_and_so_may_the_response() -> None:
    async def scenario() -> None:
        came, go = bytearray(), asyncio.Event()

        async def handle(request: web.BaseRequest) -> web.Response:
            while piece := await request.content.readany():
                came.extend(piece)
            await go.wait()
            return web.Response(body=bytes(came))

        clock = HandClock()
        listener = HttpListener(handle, 0, "a test", clock=clock)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(f"{HEAD}Content-Length: 9\r\n\r\n".encode())
        for size in range(1, 10):
            writer.write(b"x")
            await until(partial(_has, came, size))
            clock.move(BODY_SECONDS / 2)
            await asyncio.sleep(0.001)
        for _ in range(5):
            clock.move(BODY_SECONDS)
            await asyncio.sleep(0.001)
        go.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await listener.stop()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(body=await read_body(request, 9))

    async def scenario() -> None:
        listener = HttpListener(handle, 0, "a test")
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(f"{HEAD}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(2) == b"hi"
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        old = HEAD.replace("HTTP/1.1", "HTTP/1.0")
        writer.write(f"{old}Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 200 OK\r\n")
        writer.close()
        await listener.stop()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def _has(came: bytearray, size: int) -> bool:
    return len(came) == size


def test_no_listener_takes_what_has_come_of_a_body_for_the_whole() -> None:
    """`StreamReader.read(n)` returns what is there, which is less where a body comes in pieces."""
    root = Path(emulator.__file__).parent
    reads = re.compile(r"\.content\.read\([^)]")
    assert [
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if reads.search(file.read_text(encoding="utf-8"))
    ] == []


def test_every_server_of_aiohttp_responds_by_the_one_rule() -> None:
    root = Path(emulator.__file__).parent
    makers = ("web.Server(", "web.Application(", "web.run_app(")
    made = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if any(maker in file.read_text(encoding="utf-8") for maker in makers)
    }
    assert made == {"listening.py", "aws/front.py"}  # both call `listening.respond`
