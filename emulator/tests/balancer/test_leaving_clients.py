"""Clients that reset, leave or stop reading before their response is whole."""

import asyncio
import errno
from typing import Any

import pytest
from tests.balancer.scene import BEGUN, Scene, balancing, responding, until

POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
IMPATIENT = {"idle_timeout.timeout_seconds": "1"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def status_of(response: bytes) -> int:
    return int(response[9:12])


def test_a_client_that_has_reset_meanwhile_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_transport: Any) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr("asyncio.selector_events._SelectorSocketTransport.write_eof", fails)

    async def scenario() -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: complaints.append(context)
        )
        # in a body, whose rest is awaited after a response
        unfinished = POST + b"Content-Length: 10\r\n\r\nabc"
        async with balancing() as scene:
            await scene.add_raw("web", "a", responding(b""))
            assert status_of(await scene.exchange(unfinished)) == 502
            assert scene.in_flight() == 0
        assert complaints == []

    run(scenario)


async def _leaves_before_the_response(scene: Scene, writer: asyncio.StreamWriter) -> None:
    writer.write(POST + b"\r\n")
    await until(lambda: scene.in_flight() == 1 and scene.raw_backends[0].heads)
    writer.transport.abort()


async def _leaves_in_its_body(scene: Scene, writer: asyncio.StreamWriter) -> None:
    writer.write(POST + b"Content-Length: 10\r\n\r\nabc")
    await until(lambda: scene.in_flight() == 1 and scene.raw_backends[0].heads)
    writer.transport.abort()


async def _closes_in_its_body(scene: Scene, writer: asyncio.StreamWriter) -> None:
    writer.write(POST + b"Content-Length: 10\r\n\r\nabc")
    await until(lambda: scene.in_flight() == 1 and scene.raw_backends[0].heads)
    writer.close()


@pytest.mark.parametrize(
    ("leaves", "status"),  # as AWS's access log has it
    [
        (_leaves_before_the_response, "460"),
        (_leaves_in_its_body, "400"),
        (_closes_in_its_body, "400"),
    ],
)
def test_a_client_that_leaves_is_counted_once_and_the_target_is_notified(
    leaves: Any, status: str
) -> None:
    async def scenario() -> None:
        ended = asyncio.Event()

        async def script(_head: bytes, reader: Any, _writer: Any) -> None:
            try:
                while await reader.read(100):
                    pass
            except ConnectionError:
                pass
            ended.set()

        async with balancing() as scene:
            await scene.add_raw("web", "a", script)
            _, writer = await scene.connect()
            await leaves(scene, writer)
            async with asyncio.timeout(15):
                await ended.wait()
            await until(lambda: scene.in_flight() == 0)
            assert scene.counted() == {status: 1}

    run(scenario)


def test_a_client_that_leaves_during_the_response_is_counted_with_its_status() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add_raw("web", "a", responding(BEGUN, "hangs"))
            reader, writer = await scene.connect()
            writer.write(POST + b"\r\n")
            await reader.readuntil(b"abc")
            assert scene.in_flight() == 1
            writer.transport.abort()
            await until(lambda: scene.in_flight() == 0)
            assert scene.counted() == {"200": 1}

    run(scenario)


def test_a_client_that_stops_reading_is_closed_and_the_target_has_no_error() -> None:
    async def scenario() -> None:
        async def script(_head: bytes, _reader: Any, writer: Any) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n")
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

        async with balancing(attributes=IMPATIENT) as scene:
            await scene.add_raw("web", "a", script)
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.port, limit=1024)
            writer.write(POST + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await until(lambda: scene.in_flight() == 0)
            assert scene.counted() == {"200": 1}
            writer.transport.abort()

    run(scenario)
