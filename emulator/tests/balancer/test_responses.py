"""Responses of every framing, on their way from target to client."""

import asyncio
import re
from typing import Any

import pytest
from tests.balancer.scene import OK, balancing, body_of

LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def statuses(responses: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", responses)]


RESPONSES = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\nT: t\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nok",
    "http 1.0": b"HTTP/1.0 200 OK\r\n\r\nok",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("framing", RESPONSES)
@pytest.mark.parametrize("apart", [True, False])
def test_responses_of_every_framing_arrive_whole(framing: str, apart: bool) -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def script(_head: bytes, _reader: Any, writer: Any) -> None:
                for at in range(len(RESPONSES[framing])) if apart else ():
                    writer.write(RESPONSES[framing][at : at + 1])
                    await asyncio.sleep(0)
                if not apart:
                    writer.write(RESPONSES[framing])
                if framing in ("until the end", "http 1.0"):
                    await writer.drain()
                    writer.close()

            await scene.add_raw("web", "a", script)
            async with scene.session.get(scene.provider.url) as got:
                assert (got.status, await got.text()) == (200, "ok")
                assert "T" not in got.headers
                assert "Link" not in got.headers

    run(scenario)


@pytest.mark.parametrize(
    ("method", "response", "framing"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", b"Content-Length: 7"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"Transfer-Encoding"),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n", None),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", None),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", None),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", b"Content-Length: 7"),
    ],
)
def test_responses_without_a_body_end_with_their_head(
    method: str, response: bytes, framing: bytes | None
) -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def script(head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(OK if b"/last" in head else response)

            backend = await scene.add_raw("web", "a", script)
            both = await scene.exchange(method.encode() + b" / HTTP/1.1\r\nHost: h\r\n\r\n" + LAST)
            first, _, rest = both.partition(b"\r\n\r\n")
            assert first.startswith(response[:12])
            assert (framing in first) if framing else not re.search(rb"Content-L|Transfer", first)
            assert rest.startswith(b"HTTP/1.1 200 OK")
            assert backend.connections == 1

    run(scenario)


def test_a_body_after_a_response_that_has_none_costs_the_connection_and_goes_nowhere() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def script(head: bytes, _reader: Any, writer: Any) -> None:
                body = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

            backend = await scene.add_raw("web", "a", script)
            head = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
            responses = await scene.exchange(
                head + head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            assert statuses(responses) == [200, 200]
            assert b"X: y" not in responses
            assert backend.connections == 2

    run(scenario)


def test_trailers_and_chunk_extensions_go_no_further() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            bodies = []

            async def script(head: bytes, reader: Any, writer: Any) -> None:
                bodies.append(await body_of(head, reader))
                writer.write(OK)

            await scene.add_raw("web", "a", script)
            await scene.exchange(
                b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3;ext=1\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n" + LAST
            )
            assert bodies == [b"abc", b""]

    run(scenario)
