"""The load balancer's own responses: which status code stands for what, and that the counts of
requests in flight are right in every ending."""

import asyncio
import re
from typing import Any

import pytest
from tests.balancer.scene import CHECKED, OK, balancing, responding, until
from tests.rows import rows

POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
IMPATIENT = {"idle_timeout.timeout_seconds": "1"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def status_of(response: bytes) -> int:
    return int(response[9:12])


MALFORMED = {
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "an overflowing length": POST + b"Content-Length: 18446744073709551616\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "chunked twice": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before the coding": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "an empty coding": POST + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "a bare CR in a value": POST + b"A: b\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a value": POST + b"A: b\x00c\r\n\r\n",
    "a NUL in a name": POST + b"A\x00: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
    "the same host twice": b"GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n",
    "a space in the host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "a host that is no address": b"GET http://[::1/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a header over 16 K": POST + b"A: " + b"b" * 16_400 + b"\r\n\r\n",
    "headers over 64 K": POST
    + b"".join(b"A%d: %b\r\n" % (n, b"b" * 9_000) for n in range(8))
    + b"\r\n",
    "a header that never ends": POST + b"A: " + b"b" * 200_000,
    "a name that never ends": POST + b"A" * 200_000,
}
# Ends of bodies; the request has begun, and the target has seen its head.
BAD_BODIES = {
    "a chunk size that ends with LF": b"3\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk size with a space before": b" 3\r\nabc\r\n0\r\n\r\n",
    "a chunk size that is no number": b"x\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size that overflows": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a length among the trailers": b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
    "a chunk extension that never ends": b"3;" + b"x" * 200_000,
    "a trailer that never ends": b"0\r\nA: " + b"x" * 200_000,
}


@rows("name", MALFORMED)
def test_a_malformed_request_is_400_and_goes_nowhere(name: str) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a")
            smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
            response = await scene.exchange(MALFORMED[name] + smuggled)
            head, _, page = response.partition(b"\r\n\r\n")
            assert status_of(head) == 400
            assert b"\r\nServer: awselb/2.0\r\n" in head
            assert b"\r\nConnection: close" in head
            assert b"\r\nDate: " in head
            assert page.count(b"400 Bad Request") == 2
            assert b"HTTP/1.1" not in page
            assert not backend.heads

    run(scenario)


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_malformed_body_is_400_and_the_target_never_gets_its_end(name: str) -> None:
    async def scenario() -> None:
        rest: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def script(_head: bytes, reader: Any, _writer: Any) -> None:
            try:
                rest.set_result(await reader.read(-1))
            except ConnectionError:
                rest.set_result(b"")

        async with balancing() as scene:
            await scene.add_raw("web", "a", script)
            reader, writer = await scene.connect()
            writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
            await until(lambda: scene.raw_backends[0].heads)
            writer.write(BAD_BODIES[name] + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            async with asyncio.timeout(15):
                assert status_of(await reader.read(-1)) == 400
            seen = await rest
            assert not seen.endswith(b"0\r\n\r\n")
            assert b"smuggled" not in seen
            assert scene.in_flight() == 0
            writer.close()

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"A" * 128 + b" / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"GET /" + b"a" * 16_400 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET /?" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (
            b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: %b\r\n\r\n" % b", ".join([b"::1"] * 31),
            463,
        ),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc+proto\r\n\r\n", 464),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\n\r\n", 464),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: deflate\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: gzip;a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: identity, chunked\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: chunked;a\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: unknown\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"GET / HTTP/3\r\nHost: h\r\n\r\n", 505),
    ],
)
def test_what_the_load_balancer_rejects_by_its_own_code(request_: bytes, status: int) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a")
            assert status_of(await scene.exchange(request_)) == status
            assert not backend.heads

    run(scenario)


def test_what_is_just_within_the_limits_passes() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a")
            close = b"Connection: close\r\n"
            hops = b", ".join([b"10.0.0.1"] * 30)
            for head in (
                b"GET /%b HTTP/1.1\r\nHost: h\r\n" % (b"a" * 16_300),
                POST + b"A: " + b"b" * 16_300 + b"\r\n",
                POST + b"".join(b"A%d: %b\r\n" % (n, b"b" * 9_000) for n in range(7)),
                POST + b"X-Forwarded-For: " + hops + b"\r\n",
                POST + b"Transfer-Encoding: identity\r\n",
                # a custom method is routed: "Condition types for listener rules", user guide
                b"PROPFIND / HTTP/1.1\r\nHost: h\r\n",
                b"A" * 127 + b" / HTTP/1.1\r\nHost: h\r\n",
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc-web+proto\r\n",
            ):
                assert status_of(await scene.exchange(head + close + b"\r\n")) == 200
            assert len(backend.heads) == 8
            assert hops + b", 127.0.0.1\r\n" in backend.heads[3]
            assert b"ransfer-" not in backend.heads[4]

    run(scenario)


def test_a_group_without_targets_is_503_as_it_was_recorded() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            response = await scene.exchange(POST + b"Connection: close\r\n\r\n")
            head, _, page = response.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 Service Temporarily Unavailable\r\n")
            assert b"\r\nContent-Length: 162\r\n" in head
            assert page.count(b"503 Service Temporarily Unavailable") == 2

    run(scenario)


def test_a_redirect_without_a_host_names_the_load_balancer() -> None:
    async def scenario() -> None:
        config = {"Path": "/there", "StatusCode": "HTTP_302"}
        default = {"Type": "redirect", "RedirectConfig": config}
        async with balancing(default=lambda _weights: default) as scene:
            response = await scene.exchange(b"GET / HTTP/1.0\r\n\r\n")
            assert f"\r\nLocation: http://127.0.0.1:{scene.port}/there\r\n".encode() in response

    run(scenario)


def test_a_redirect_to_an_overlong_address_is_507() -> None:
    async def scenario() -> None:
        config = {"Path": "/there/#{path}", "StatusCode": "HTTP_302"}
        default = {"Type": "redirect", "RedirectConfig": config}
        async with balancing(default=lambda _weights: default) as scene:
            request = b"GET /%b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            longest = 8 * 1024 - len(f"http://h:{scene.port}/there/")
            assert status_of(await scene.exchange(request % (b"a" * longest))) == 302
            assert status_of(await scene.exchange(request % (b"a" * (longest + 1)))) == 507

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"", 408),
        (b"GET / HTT", 408),
        (POST, 408),
        (POST + b"Content-Length: 3\r\n\r\nab", 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab", 408),
    ],
)
def test_a_client_that_stops_sending_gets_408(request_: bytes, status: int) -> None:
    async def scenario() -> None:
        async with balancing(attributes=IMPATIENT) as scene:

            async def script(_head: bytes, reader: Any, _writer: Any) -> None:
                await reader.read(-1)

            await scene.add_raw("web", "a", script)
            assert status_of(await scene.exchange(request_)) == status
            assert scene.in_flight() == 0
            assert set(scene.counted()) <= {"408"}

    run(scenario)


def test_an_idle_connection_is_closed_without_a_response() -> None:
    async def scenario() -> None:
        async with balancing(attributes=IMPATIENT) as scene:
            await scene.add_raw("web", "a")
            response = await scene.exchange(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert response.count(b"HTTP/1.1") == 1
            assert response.endswith(b"ok")

    run(scenario)


def test_a_response_before_the_request_is_whole_is_passed_on_and_the_rest_thrown_away() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            too_large = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"

            async def script(head: bytes, _reader: Any, writer: Any) -> None:
                writer.write(OK if b"/last" in head else too_large)

            backend = await scene.add_raw("web", "a", script)
            reader, writer = await scene.connect()
            writer.write(POST + b"Content-Length: 100000\r\n\r\nabc")
            assert status_of(await reader.readuntil(b"no")) == 413
            assert scene.in_flight() == 0
            writer.write(b"x" * 99_997)
            writer.write(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert status_of(await reader.read(-1)) == 200
            assert backend.connections == 2  # the first one had half a request on it
            writer.close()
            assert scene.counted() == {"413": 1, "200": 1}

    run(scenario)


def test_a_target_taken_out_after_its_delay_gives_502_and_loses_its_connections() -> None:
    async def scenario() -> None:
        delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
        groups = {"web": ({**CHECKED, "TargetGroupAttributes": delay}, 1)}
        async with balancing(groups) as scene:
            backend = await scene.add_raw("web", "a", responding(b"", "hangs"))
            exchange = asyncio.create_task(scene.exchange(POST + b"Connection: close\r\n\r\n"))
            await until(lambda: backend.heads)
            await scene.provider.targets.deregister(scene.arns["web"], "a")
            assert status_of(await exchange) == 502
            await until(lambda: backend.open == 0)

    run(scenario)


def test_stopping_while_busy_ends_what_is_under_way_and_counts_it() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", responding(b"", "hangs"))
            exchange = asyncio.create_task(scene.exchange(POST + b"\r\n"))
            await until(lambda: backend.heads)
            await scene.provider.stop()
            assert await exchange == b""
            assert scene.in_flight() == 0

    run(scenario)


def test_requests_that_two_servers_might_end_elsewhere_get_connections_of_their_own() -> None:
    async def scenario() -> None:
        doubtful = [
            b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
            b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: h\r\nContent.Length: 5\r\n\r\n",
        ]
        acceptable = b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nX: \xff\r\nConnection: close\r\n\r\n"

        async def script(head: bytes, reader: Any, writer: Any) -> None:
            body = re.search(rb"Content-Length: (\d+)", head)
            if body:
                await reader.readexactly(int(body[1]))
            if b"chunked\r\n" in head and b"_" not in head:
                await reader.readuntil(b"0\r\n\r\n")
            writer.write(OK)

        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", script)
            for request in doubtful:
                response = await scene.exchange(
                    request + b"GET /second HTTP/1.1\r\nHost: h\r\n\r\n"
                )
                assert response.count(b"HTTP/1.1 200") == 1
                assert b"Connection: close" in response
            assert backend.connections == len(backend.heads) == len(doubtful)
            assert all(b"Connection: close\r\n" in head for head in backend.heads)
            for _ in range(2):
                assert status_of(await scene.exchange(acceptable)) == 200
            assert backend.connections == len(doubtful) + 1
        strict = {"routing.http.desync_mitigation_mode": "strictest"}
        async with balancing(attributes=strict) as scene:
            backend = await scene.add_raw("web", "a", script)
            for request in [*doubtful, acceptable]:
                assert status_of(await scene.exchange(request)) == 400
            assert not backend.heads

    run(scenario)
