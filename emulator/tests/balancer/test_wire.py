"""The load balancer's HTTP, byte by byte."""

import asyncio
import re
from typing import Any

import pytest
from tests.balancer.scene import CHECKED, OK, balancing, body_of, until

from emulator.balancer.listener.actions import FixedResponse
from emulator.balancer.listener.rules import Rule
from emulator.balancer.request_handler import RequestHandler
from emulator.balancer.settings import BalancerSettings
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.wire.engine import Engine
from emulator.balancer.wire.shared import RequestCallbacks, Shared
from emulator.clock import Clock
from emulator.traces.ring import Ring

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def statuses(responses: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", responses)]


async def mirror(head: bytes, reader: Any, writer: Any) -> None:
    """Responds with the request line and the body."""
    text = head.split(b" HTTP/1.1")[0] + b" " + await body_of(head, reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))


def test_pipelined_requests_get_responses_in_their_order() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backends = [await scene.add_raw("web", name, mirror) for name in "abc"]
            requests = b"".join(
                b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nbody%d" % (n, n)
                for n in range(9)
            )
            responses = await scene.exchange(requests + LAST)
            assert statuses(responses) == [200] * 10
            assert re.findall(rb"/(\d) body(\d)", responses) == [
                (b"%d" % n, b"%d" % n) for n in range(9)
            ]
            assert sorted(len(backend.heads) for backend in backends) == [3, 3, 4]

    run(scenario)


def test_ten_thousand_requests_in_one_piece_get_responses_one_by_one() -> None:
    async def scenario() -> None:
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
        async with balancing(default=lambda _weights: fixed) as scene:
            assert statuses(await scene.exchange(GET * 10_000 + LAST)) == [200] * 10_001

    run(scenario)


def test_a_pipelined_request_waits_while_the_first_one_streams() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            release = asyncio.Event()

            async def slow(head: bytes, _reader: Any, writer: Any) -> None:
                if b"/last" not in head:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
                    await release.wait()
                    writer.write(b"cd")
                else:
                    writer.write(OK)

            backend = await scene.add_raw("web", "a", slow)
            exchange = asyncio.create_task(scene.exchange(GET + LAST))
            await until(lambda: backend.heads)
            assert scene.in_flight() == 1
            release.set()
            responses = await exchange
            assert responses.index(b"abcd") < responses.index(b"ok")
            assert scene.in_flight() == 0

    run(scenario)


def test_connections_to_a_target_are_used_again() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a")
            for _ in range(5):
                assert statuses(await scene.exchange(LAST)) == [200]
            assert (backend.connections, len(backend.heads)) == (1, 5)

    run(scenario)


def test_an_idle_connection_that_the_target_has_closed_is_not_chosen() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def once(_head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(OK)
                await writer.drain()
                writer.close()  # without notice

            backend = await scene.add_raw("web", "a", once)
            for n in range(5):
                assert statuses(await scene.exchange(LAST)) == [200]
                await until(lambda: backend.open == 0)
                assert backend.connections == n + 1

    run(scenario)


def test_a_target_that_sends_something_unasked_loses_its_connection() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def twice(_head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(OK + OK.replace(b"ok", b"no"))

            backend = await scene.add_raw("web", "a", twice)
            for _ in range(3):
                assert (await scene.exchange(LAST)).endswith(b"ok")
            assert backend.connections == 3

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "keeps"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive, Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_the_client_decides_whether_its_connection_stays_open(request_: bytes, keeps: bool) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add_raw("web", "a")
            reader, writer = await scene.connect()
            writer.write(request_)
            head = await reader.readuntil(b"\r\n\r\n")
            assert (b"Connection: keep-alive" if keeps else b"Connection: close") in head
            assert await reader.readexactly(2) == b"ok"
            if keeps:
                writer.write(LAST)
                assert statuses(await reader.read(-1)) == [200]
            else:
                assert await reader.read(-1) == b""
            writer.close()

    run(scenario)


def test_http_1_0_gets_a_host_upstream_and_no_chunks_back() -> None:
    async def scenario() -> None:
        async with balancing() as scene:

            async def chunked(_head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
                writer.write(b"0\r\n\r\n")

            backend = await scene.add_raw("web", "a", chunked)
            response = await scene.exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            head, _, body = response.partition(b"\r\n\r\n")
            assert body == b"ok"
            assert b"Connection: close" in head
            assert b"ransfer-" not in head
            assert backend.heads[0].startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d" % scene.port)

    run(scenario)


def test_100_continue_is_sent_at_once_and_the_header_goes_no_further() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", mirror)
            reader, writer = await scene.connect()
            writer.write(
                b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            )
            received = await reader.readuntil(b"\r\n\r\n")
            assert received == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hi")
            assert statuses(await reader.readuntil(b"hi")) == [200]
            assert b"xpect" not in backend.heads[0]
            writer.close()

    run(scenario)


def test_after_the_client_keep_alive_one_more_request_gets_a_response_and_the_connection_closed() -> (
    None
):
    async def scenario() -> None:
        now = 0.0
        fixed = Rule(1, (), FixedResponse(200, "text/plain", "ok"))
        unused: Any = None  # nothing is checked, forwarded or invoked
        handler = RequestHandler([fixed], unused)
        settings = BalancerSettings(client_keep_alive_seconds=60)
        registrar = Registrar(unused, Clock())
        shared = Shared(registrar, unused, settings, bytes, RequestCallbacks(), lambda: now)
        engine = Engine(handler, shared, 0)
        await engine.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        for elapsed in (0.0, 60.0):
            now = elapsed
            writer.write(GET)
            assert b"Connection: keep-alive" in await reader.readuntil(b"ok")
        now = 61.0
        writer.write(GET)
        assert b"Connection: close" in await reader.read(-1)
        writer.close()
        await engine.stop()

    run(scenario)


def test_an_offer_of_http_2_is_not_taken_up_and_the_body_is_one() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", mirror)
            offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
            smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
            responses = await scene.exchange(
                b"POST /1 HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b"
                % (offer, len(smuggled), smuggled)
                + b"POST /2 HTTP/1.1\r\nHost: h\r\n%bTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
                % offer
                + b"GET /3 HTTP/1.1\r\nHost: h\r\n%b\r\n" % offer * 2
                + LAST
            )
            assert statuses(responses) == [200] * 5
            assert [head.split(b" ")[1] for head in backend.heads] == [
                b"/1",
                b"/2",
                b"/3",
                b"/3",
                b"/last",
            ]
            assert not any(b"pgrade" in head or b"HTTP2" in head for head in backend.heads)
            assert b"/2 ab" in responses

    run(scenario)


def test_listener_attributes_set_headers_on_every_response() -> None:
    async def scenario() -> None:
        added = {
            "routing.http.response.x_frame_options.header_value": "DENY",
            "routing.http.response.server.enabled": "false",
        }

        async def script(_head: bytes, _reader: Any, writer: Any) -> None:
            writer.write(
                OK.replace(b"\r\n\r\n", b"\r\nx-frame-options: ALLOW\r\nServer: s\r\n\r\n")
            )

        async with balancing(listener_attributes=added) as scene:
            none = await scene.exchange(LAST)
            await scene.add_raw("web", "a", script)
            response = await scene.exchange(LAST)
            for each in (none, response):
                assert re.findall(rb"(?i)x-frame-options: (\w+)", each) == [b"DENY"]
            assert statuses(none) == [503]
            assert b"awselb" not in none
            assert b"Server: s\r\n" in response

    run(scenario)


def test_stopping_lets_what_is_under_way_finish_and_closes_what_idles() -> None:
    async def scenario() -> None:
        release = asyncio.Event()

        async def script(head: bytes, _reader: Any, writer: Any) -> None:
            if b"/last" in head:
                await release.wait()
            writer.write(OK)

        async with balancing({"web": (CHECKED, 1)}) as scene:
            backend = await scene.add_raw("web", "a", script)
            idle_reader, idle_writer = await scene.connect()
            idle_writer.write(GET)
            await idle_reader.readuntil(b"ok")
            exchange = asyncio.create_task(scene.exchange(LAST))
            await until(lambda: len(backend.heads) == 2)
            stopped = asyncio.create_task(scene.provider.stop())
            assert await idle_reader.read(-1) == b""
            release.set()
            assert statuses(await exchange) == [200]
            await stopped
            assert scene.in_flight() == 0
            idle_writer.close()

    run(scenario)


def test_each_request_that_a_container_served_is_recorded_with_its_trace() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            scene.provider._ring = ring = Ring(lambda: 0.0)
            backend = await scene.add_raw("web", "a")
            reader, writer = await scene.connect()
            writer.write(b"GET /api/chats?x=1 HTTP/1.1\r\nHost: h\r\n\r\n")
            await reader.readuntil(b"ok")
            writer.close()
            (record,) = ring
            assert (record.kind, record.name, record.by) == ("request", "a", "a")
            assert (record.given, record.result) == ("GET /api/chats?x=1", "200")
            assert f"Root={record.id}".encode() in backend.heads[0]

    run(scenario)
