"""Upgrades byte by byte: what isn't HTTP, and what API Gateway leaves to the functions."""

from __future__ import annotations

import asyncio
import json

from tests.gateway.scene import Scene, running
from tests.rows import rows

UPGRADE = {
    "Host": "localhost",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "chat.v1",
}


def upgrade(more: str = "", without: str = "", **changed: str) -> str:
    headers = {**UPGRADE, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if name != without]
    return f"GET /live HTTP/1.1\r\n{''.join(lines)}{more}\r\n"


async def exchange(scene: Scene, request: str) -> tuple[int, str]:
    """The status and the rest of the head."""
    port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode("latin-1"))
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if " 400 " in head:
                assert json.loads(await reader.read()) == {"message": "Bad Request"}
        return int(head.split(" ")[1]), head
    finally:
        writer.close()


# RFC 9112: 2.2, what is no request; 3.2, "a server MUST respond with a 400 ... to any HTTP/1.1
# request message that lacks a Host header field and to any ... that contains more than one".
@rows(
    "request_",
    [
        upgrade(without="Host"),
        upgrade("Host: localhost\r\n"),
        upgrade("X: a\r\n b\r\n"),
        upgrade("X : a\r\n"),
        upgrade("X: a\x01b\r\n"),
        upgrade("no colon\r\n"),
        upgrade("Content-Length: 3\r\n") + "abc",
        upgrade("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        upgrade().replace("HTTP/1.1", "HTTP/2.0"),
        upgrade().replace("/live", "/live?q=\xe9"),
        upgrade().replace("\r\n", "\n"),
        "\x16\x03\x01\x02\x00\r\n\r\n",
    ],
)
def test_a_malformed_request_is_400_and_reaches_no_function(request_: str) -> None:
    async def scenario() -> None:
        async with running() as scene:
            status, _ = await exchange(scene, request_)
            assert (status, scene.functions.events) == (400, [])

    asyncio.run(scenario())


# API Gateway does not look at what is asked for: "Set up a $connect route that requires a WebSocket
# subprotocol". An empty identity source is 401 without a call: "Control access to WebSocket APIs with
# AWS Lambda REQUEST authorizers".
@rows(("asked", "status"), [("", 401), ("Bearer a.b=", 101), ("a b, ,c", 101), ('"chat"', 101)])
def test_functions_get_the_subprotocols_that_are_asked_for_in_any_form(
    asked: str, status: int
) -> None:
    async def scenario() -> None:
        async with running() as scene:
            found, head = await exchange(scene, upgrade(Sec_WebSocket_Protocol=asked))
            assert found == status
            connects = scene.functions.of("connect")
            assert len(connects) == (1 if status == 101 else 0)
            for event in connects:
                assert event["headers"]["Sec-WebSocket-Protocol"] == asked
                assert "Sec-WebSocket-Protocol: chat.v1\r\n" in head  # as $connect chose

    asyncio.run(scenario())
