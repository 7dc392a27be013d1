"""Targets that fail, and what the client gets and the target is counted as."""

import asyncio
import socket
from typing import Any

import pytest
from tests.balancer.scene import BEGUN, Script, balancing, responding

from emulator.balancer.wire import pool

POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
IMPATIENT = {"idle_timeout.timeout_seconds": "1"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def status_of(response: bytes) -> int:
    return int(response[9:12])


# What a target does instead of responding, and what comes of it: the client's status, or None for
# a response that breaks off, and what the target's request is counted as.
FAULTS: dict[str, tuple[Script, int | None, str]] = {
    "closes": (responding(b""), 502, "none"),
    "resets": (responding(b"", "resets"), 502, "none"),
    "hangs": (responding(b"", "hangs"), 504, "none"),
    "closes in its head": (responding(b"HTTP/1.1 200 OK\r\nContent-"), 502, "none"),
    "hangs in its head": (responding(b"HTTP/1.1 200 OK\r\nContent-", "hangs"), 504, "none"),
    "closes in its body": (responding(BEGUN), None, "none"),
    "resets in its body": (responding(BEGUN, "resets"), None, "none"),
    "hangs in its body": (responding(BEGUN, "hangs"), None, "none"),
    "closes in a chunk": (
        responding(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
        None,
        "none",
    ),
    "begins with a bad chunk": (
        responding(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        502,
        "none",
    ),
    "says nonsense": (responding(b"hello\r\n\r\n"), 502, "none"),
    "speaks HTTP/2": (responding(b"HTTP/2.0 200 OK\r\n\r\n"), 502, "none"),
    "has status 99": (responding(b"HTTP/1.1 99 Low\r\n\r\n"), 502, "none"),
    "has a folded header": (responding(b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), 502, "none"),
    "has a NUL in a header": (responding(b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n"), 502, "none"),
    "ends lines with LF": (responding(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"), 502, "none"),
    "has two lengths": (
        responding(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"),
        502,
        "none",
    ),
    "has both lengths": (
        responding(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        502,
        "none",
    ),
    "has another coding": (
        responding(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        502,
        "none",
    ),
    "has a head over 32 K": (
        responding(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 33_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        502,
        "none",
    ),
    "has a head that never ends": (
        responding(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 500_000),
        502,
        "none",
    ),
    "switches protocols unasked": (
        responding(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        502,
        "none",
    ),
    "has a status below 100": (
        responding(b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"),
        502,
        "none",
    ),
    "has a status over 599": (
        responding(b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"),
        502,
        "none",
    ),
    "has a status of its own": (
        responding(b"HTTP/1.1 599 Own\r\nContent-Length: 0\r\n\r\n"),
        599,
        "599",
    ),
    "fails": (responding(b"HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n"), 500, "500"),
}


@pytest.mark.parametrize("body", [b"", b"Content-Length: 3\r\n"])
@pytest.mark.parametrize("name", FAULTS)
def test_what_the_client_gets_from_a_failing_target(name: str, body: bytes) -> None:
    script, status, counted = FAULTS[name]

    async def scenario() -> None:
        async with balancing(attributes=IMPATIENT) as scene:
            await scene.add_raw("web", "a", script)
            request = POST + b"Connection: close\r\n" + body + b"\r\n" + (b"abc" if body else b"")
            response = await scene.exchange(request)
            if status is None:
                assert response.startswith(b"HTTP/1.1 200")
                assert b"abc" in response
                assert not response.endswith(b"0\r\n\r\n")
            else:
                assert status_of(response) == status
            assert scene.in_flight() == 0
            assert scene.counted() == {counted: 1}

    run(scenario)


def test_a_target_that_refuses_is_502_and_one_that_does_not_accept_504(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        async with balancing(attributes=IMPATIENT) as scene:
            backend = await scene.add_raw("web", "a")
            await backend.stop()
            request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            assert status_of(await scene.exchange(request)) == 502
            # a full backlog: connections are neither taken nor refused
            monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.2)
            with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
                fillers = []
                for _ in range(4):
                    filler = socket.socket()
                    filler.setblocking(False)
                    filler.connect_ex(full.getsockname())
                    fillers.append(filler)
                scene.provider.targets.remove(scene.arns["web"], "a")
                port = full.getsockname()[1]
                scene.provider.targets.register(scene.arns["web"], "b", "127.0.0.1", port)
                assert status_of(await scene.exchange(request)) == 504
                for filler in fillers:
                    filler.close()
            assert scene.in_flight() == 0

    run(scenario)
