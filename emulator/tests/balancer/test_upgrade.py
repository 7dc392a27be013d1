"""WebSockets through the load balancer: to containers, and not to functions."""

import asyncio
from typing import Any

from tests.balancer.scene import CHECKED, LAMBDA, OK, balancing, until
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def run(scenario: Any) -> None:
    asyncio.run(scenario())


async def echo(head: bytes, reader: Any, writer: Any) -> None:
    """After 101, what comes goes back; "bye" ends it."""
    writer.write(SWITCH + b"first")
    while (data := await reader.read(65536)) and data != b"bye":
        writer.write(data)
        await writer.drain()
    writer.close()


def test_bytes_go_both_ways_until_the_target_closes() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", echo)
            reader, writer = await scene.connect()
            writer.write(UPGRADE + b"early")  # before the response, and passed on after it
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
            assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in head
            assert await reader.readexactly(10) == b"firstearly"
            assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in backend.heads[0]
            assert b"X-Forwarded-For: 127.0.0.1\r\n" in backend.heads[0]
            assert scene.in_flight() == 1
            writer.write(b"x" * 1_000_000)
            assert await reader.readexactly(1_000_000) == b"x" * 1_000_000
            writer.write(b"bye")
            assert await reader.read(-1) == b""
            writer.close()
            await until(lambda: scene.in_flight() == 0)
            assert scene.counted() == {"101": 1}

    run(scenario)


def test_a_client_that_leaves_ends_the_tunnel() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", echo)
            reader, writer = await scene.connect()
            writer.write(UPGRADE)
            await reader.readuntil(b"first")
            writer.transport.abort()
            await until(lambda: scene.in_flight() == 0 and backend.open == 0)

    run(scenario)


def test_a_tunnel_that_idles_is_closed() -> None:
    async def scenario() -> None:
        async with balancing(attributes={"idle_timeout.timeout_seconds": "1"}) as scene:
            await scene.add_raw("web", "a", echo)
            reader, writer = await scene.connect()
            writer.write(UPGRADE)
            await reader.readuntil(b"first")
            async with asyncio.timeout(15):
                assert await reader.read(-1) == b""
            assert scene.in_flight() == 0
            writer.close()

    run(scenario)


def test_stopping_and_taking_the_target_out_end_tunnels() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            for name in "ab":
                await scene.add_raw("web", name, echo)
            both = [await scene.connect() for _ in range(2)]
            for reader, writer in both:
                writer.write(UPGRADE)
                await reader.readuntil(b"first")
            scene.provider.targets.remove(scene.arns["web"], "a")
            assert await both[0][0].read(-1) == b""
            assert scene.in_flight() == 1
            await scene.provider.stop()
            assert await both[1][0].read(-1) == b""
            assert scene.in_flight() == 0
            for _, writer in both:
                writer.close()

    run(scenario)


def test_a_target_that_declines_responds_as_to_any_request() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def declines(_head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(OK.replace(b"200 OK", b"403 Forbidden"))

            await scene.add_raw("web", "a", declines)
            response = await scene.exchange(UPGRADE)
            assert response.startswith(b"HTTP/1.1 403 Forbidden\r\n")
            assert b"Connection: close\r\n" in response
            assert scene.in_flight() == 0

    run(scenario)


def test_a_real_websocket_client_and_server_talk_through_it() -> None:
    async def scenario() -> None:
        async def handle(connection: Any) -> None:
            async for message in connection:
                await connection.send(message)

        def health(connection: Any, request: Any) -> Any:
            return connection.respond(200, "ok") if request.path == "/health" else None

        async with (
            balancing({"web": (CHECKED, 1)}) as scene,
            serve(handle, "127.0.0.1", 0, process_request=health) as server,
        ):
            port = next(iter(server.sockets)).getsockname()[1]
            scene.provider.targets.register(scene.arns["web"], "a", "127.0.0.1", port)
            await scene.until_state("web", "a", "healthy")
            url = scene.provider.url.replace("http", "ws") + "/chat"
            async with connect(url) as client:
                for size in (1, 1_000, 500_000):
                    await client.send("x" * size)
                    assert await client.recv() == "x" * size
                assert scene.in_flight() == 1
            await until(lambda: scene.in_flight() == 0)

    run(scenario)


def test_many_tunnels_at_once_keep_apart() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            for name in "ab":
                await scene.add_raw("web", name, echo)

            async def one(number: int) -> None:
                reader, writer = await scene.connect()
                writer.write(UPGRADE)
                await reader.readuntil(b"first")
                for n in range(20):
                    text = b"%d-%d;" % (number, n)
                    writer.write(text)
                    assert await reader.readexactly(len(text)) == text
                writer.close()

            async with asyncio.timeout(30):
                await asyncio.gather(*(one(number) for number in range(30)))
            await until(lambda: scene.in_flight() == 0)

    run(scenario)


def test_a_function_is_not_called_for_an_upgrade() -> None:
    async def scenario() -> None:
        async def function(_event: dict[str, Any]) -> None:
            raise AssertionError("called")

        async with balancing({"lambda": (LAMBDA, 1)}, function=function) as scene:
            response = await scene.exchange(UPGRADE)
            assert response.startswith(b"HTTP/1.1 400 ")
            assert scene.in_flight() == 0
            try:
                async with connect(scene.provider.url.replace("http", "ws")):
                    raise AssertionError("connected")
            except ConnectionClosed:
                raise
            except Exception as rejected:  # InvalidStatus has the response
                assert rejected.response.status_code == 400  # type: ignore[attr-defined]

    run(scenario)


def test_an_upgrade_with_a_body_is_an_ordinary_request() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def script(head: bytes, reader: Any, writer: Any) -> None:
                if b"Content-Length: 5" in head:
                    assert await reader.readexactly(5) == b"hello"
                writer.write(OK)

            backend = await scene.add_raw("web", "a", script)
            body = b"Content-Length: 5\r\n\r\nhello"
            last = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            for method in (b"GET", b"POST"):
                with_body = UPGRADE.replace(b"GET", method).replace(b"\r\n\r\n", b"\r\n" + body)
                responses = await scene.exchange(with_body + (last if method == b"POST" else b""))
                assert responses.count(b"HTTP/1.1 200") == (2 if method == b"POST" else 1)
            assert not any(b"Upgrade" in head for head in backend.heads)
            assert [head.split(b" ")[1] for head in backend.heads] == [b"/chat", b"/chat", b"/last"]

    run(scenario)


def test_a_target_that_declined_gets_no_other_request_on_that_connection() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a")
            for _ in range(2):
                assert (await scene.exchange(UPGRADE)).startswith(b"HTTP/1.1 200")
            assert backend.connections == 2

    run(scenario)
