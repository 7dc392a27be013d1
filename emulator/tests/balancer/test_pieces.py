"""However a request comes in pieces, and whoever reads slowly, what arrives is whole."""

import asyncio
import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.balancer.scene import OK, Scene, balancing, body_of, until

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def statuses(responses: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", responses)]


REQUEST = (
    b"POST /a%20b?q=1&q=%41 HTTP/1.1\r\nHost: Example.COM\r\nX-Forwarded-For: 203.0.113.9\r\n"
    b"Cookie: a=1\r\nContent-Length: 11\r\n\r\nhello world"
    b"PUT /2 HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\nX-Amzn-Trace-Id: Root=1-a-b\r\n\r\n"
    b"5;e\r\nhello\r\n6\r\n world\r\n0\r\nT: t\r\n\r\n" + LAST
)


async def recorded(scene: Scene, pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    """What reaches the target, without what differs from request to request by itself."""
    seen: list[tuple[bytes, bytes]] = []

    async def script(head: bytes, reader: Any, writer: Any) -> None:
        head = re.sub(rb"(Root|Self)=1-[0-9a-f]{8}-[0-9a-f]{24}", rb"\1=", head)
        seen.append((head, await body_of(head, reader)))
        writer.write(OK)

    (backend,) = scene.raw_backends or [await scene.add_raw("web", "a")]
    backend.script = script
    reader, writer = await scene.connect()
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert statuses(await reader.read(-1)) == [200] * 3
    writer.close()
    return seen


def test_a_request_cut_at_any_byte_reaches_the_target_the_same() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            whole = await recorded(scene, [REQUEST])
            assert [body for _, body in whole] == [b"hello world", b"hello world", b""]
            assert b"Host: example.com:%d\r\n" % scene.port in whole[0][0]
            for at in range(1, len(REQUEST)):
                assert await recorded(scene, [REQUEST[:at], REQUEST[at:]]) == whole

    run(scenario)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, len(REQUEST) - 1)))
def test_a_request_cut_anywhere_reaches_the_target_the_same(cuts: set[int]) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            edges = [0, *sorted(cuts), len(REQUEST)]
            pieces = [REQUEST[a:b] for a, b in itertools.pairwise(edges)]
            assert await recorded(scene, pieces) == await recorded(scene, [REQUEST])

    run(scenario)


def test_a_target_that_does_not_read_stops_the_client_and_loses_nothing() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            go, size = asyncio.Event(), 16 * 1024 * 1024

            async def script(_head: bytes, reader: Any, writer: Any) -> None:
                await go.wait()
                left = size
                while left:
                    left -= len(await reader.read(65536))
                writer.write(OK)

            backend = await scene.add_raw("web", "a", script)
            reader, writer = await scene.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
            sent = 0
            writer.transport.set_write_buffer_limits(0)
            with pytest.raises(TimeoutError):  # nobody takes more
                while True:
                    writer.write(b"x" * 65536)
                    sent += 65536
                    async with asyncio.timeout(1):
                        await writer.drain()
            assert backend.heads
            assert sent < size
            go.set()
            writer.write(b"x" * (size - sent))
            async with asyncio.timeout(30):
                assert statuses(await reader.readuntil(b"ok")) == [200]
            writer.close()
            assert scene.in_flight() == 0

    run(scenario)


def test_a_client_that_does_not_read_stops_the_target_and_loses_nothing() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            size, sent = 16 * 1024 * 1024, 0

            async def script(_head: bytes, _reader: Any, writer: Any) -> None:
                nonlocal sent
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                writer.transport.set_write_buffer_limits(0)
                while sent < size:
                    writer.write(b"x" * 65536)
                    sent += 65536
                    await writer.drain()

            await scene.add_raw("web", "a", script)
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.port, limit=1024)
            writer.write(GET)
            before = -1
            while sent == 0 or sent != before:  # until the target is stopped
                before = sent
                await asyncio.sleep(0.5)
            assert 0 < sent < size
            left = size + len(await reader.readuntil(b"\r\n\r\n")) * 0
            async with asyncio.timeout(30):
                while left:
                    left -= len(await reader.read(65536))
            writer.close()
            await until(lambda: scene.in_flight() == 0)

    run(scenario)
