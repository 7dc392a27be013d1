"""Requests that are sent and counted, against small servers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from tests.rows import rows

from emulator import load
from emulator.listening import HOST, HttpListener
from emulator.load import Load, Tally

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def server(handle: Handler) -> AsyncIterator[str]:
    listener = HttpListener(handle, 0, "a server")
    await listener.start()
    try:
        yield listener.url
    finally:
        await listener.stop()


def sent(wanted: Load, handle: Handler, **options: Any) -> Tally:
    async def scenario() -> Tally:
        async with server(handle) as url:
            return await load.send(url, wanted, **options)

    return asyncio.run(scenario())


class Turns:
    """Two instances respond in turn, and the load balancer itself every fifth time."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        turn = len(self.requests)
        if turn % 5 == 0:
            return web.Response(status=502)
        return web.Response(headers={"x-served-by": f"small/{turn % 2}"})


def test_every_request_is_counted_by_its_status_and_by_who_responded() -> None:
    replies: list[load.Reply] = []
    turns = Turns()
    tally = sent(Load(100, 7, "/api/chats?limit=1"), turns, watch=replies.append)
    assert {request.raw_path for request in turns.requests} == {"/api/chats?limit=1"}
    figures = tally.as_json()
    assert set(figures) == {"sent", "statuses", "served_by", "seconds", "p50_ms", "p99_ms"}
    assert figures["sent"] == len(replies) == 100
    assert figures["statuses"] == {"200": 80, "502": 20}
    assert figures["served_by"] == {"small/0": 40, "small/1": 40}
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_as_many_are_under_way_as_were_asked_for_and_no_more() -> None:
    now, most, full = 0, 0, asyncio.Event()

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 4:
            full.set()
        await full.wait()
        now -= 1
        return web.Response()

    assert sent(Load(40, 4), handle).statuses == {"200": 40}
    assert most == 4


@pytest.mark.parametrize("through", ["alb", "nlb"])
def test_a_connection_that_breaks_counts_as_none_and_is_not_tried_again(through: str) -> None:
    asked = 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked % 2 == 0 and request.transport is not None:
            request.transport.abort()
        return web.Response()

    tally = sent(Load(10, 1, through=through), handle)
    assert tally.statuses == {"200": 5, "none": 5}
    assert asked == 10


def test_where_nobody_listens_every_request_is_none_and_there_are_no_latencies() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        tally = asyncio.run(load.send(f"http://{HOST}:{probe.getsockname()[1]}", Load(5, 2)))
    figures = tally.as_json()
    assert figures["statuses"] == {"none": 5}
    assert (figures["served_by"], figures["p50_ms"], figures["p99_ms"]) == ({}, None, None)


@pytest.mark.parametrize("keeps", [True, False])
def test_each_client_keeps_the_cookies_it_was_given_if_it_should(keeps: bool) -> None:
    came: list[str | None] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        cookie = request.headers.get("Cookie")
        came.append(cookie)
        response = web.Response()
        if cookie is None:
            # base64, as the balancer's are: some clients would put it in quotes, and not be recognized
            response.headers["Set-Cookie"] = f"AWSALB={len(came)}/+==; Path=/"
        return response

    sent(Load(30, 3, cookies=keeps), handle)
    assert came.count(None) == (3 if keeps else 30)
    assert set(came) - {None} == ({f"AWSALB={n}/+==" for n in (1, 2, 3)} if keeps else set())


def test_through_the_nlb_each_client_has_an_address_and_each_request_a_connection() -> None:
    peers: list[tuple[str, int]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    assert sent(Load(12, 3, through="nlb"), handle).statuses == {"200": 12}
    assert len(set(peers)) == 12
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.1.1", 0))
        except OSError:
            assert {host for host, _ in peers} == {HOST}  # as on macOS
        else:
            assert {host for host, _ in peers} == {"127.0.1.1", "127.0.1.2", "127.0.1.3"}


def test_it_stops_early_when_it_is_stopped() -> None:
    async def scenario() -> None:
        enough = asyncio.Event()

        async def handle(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response()

        def watch(_: load.Reply) -> None:
            if len(seen) == 20:
                enough.set()
            seen.append(1)

        seen: list[int] = []
        async with server(handle) as url:
            tally = await load.send(url, Load(10_000, 4), watch=watch, until=enough, pause=0.001)
        assert 20 < len(tally.replies) < 30

    asyncio.run(scenario())


def test_a_request_that_hangs_is_given_up_at_the_stop_and_not_counted() -> None:
    async def scenario() -> None:
        enough, asked = asyncio.Event(), 0

        async def handle(_: web.BaseRequest) -> web.StreamResponse:
            nonlocal asked
            asked += 1
            if asked <= 10:
                return web.Response()
            if asked == 14:
                enough.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets that event")

        async with server(handle) as url:
            tally = await load.send(url, Load(1000, 4), until=enough, patience=0.01)
        # one whose time is up would be "none"
        assert (asked, tally.statuses) == (14, {"200": 10})

    asyncio.run(scenario())


@rows(
    ("body", "message"),
    [
        ({"requests": 0}, "requests is a number from 1 to 10000, got 0"),
        ({"requests": 10_001}, "requests is a number"),
        ({"requests": "10"}, "requests is a number"),
        ({"requests": True}, "requests is a number"),
        ({"requests": 1.5}, "requests is a number"),
        ({"concurrency": 101}, "concurrency is a number from 1 to 100"),
        ({"concurrency": None}, "concurrency is a number"),
        ({"through": "elb"}, "through is alb or nlb, got 'elb'"),
        ({"through": ["alb"]}, "through is alb or nlb"),
        ({"cookies": "yes"}, "cookies is true or false"),
        ({"cookies": 1}, "cookies is true or false"),
        ({"path": "api/health"}, "path is one slash"),
        ({"path": "//elsewhere.example/"}, "path is one slash"),
        ({"path": "/a b"}, "path is one slash"),
        ({"path": "/a\r\nHost: b"}, "path is one slash"),
        ({"path": "/" + "a" * 2048}, "path is one slash"),
        ({"path": 5}, "path is one slash"),
        ({"concurency": 5}, "and no concurency"),
    ],
)
def test_an_invalid_load_is_rejected_with_a_sentence(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load.read_load(body)


def test_every_field_of_a_load_may_be_left_out() -> None:
    assert load.read_load({}) == Load(1000, 10, "/", "alb", False)
    assert load.read_load({}, "/api/health").path == "/api/health"


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([7.0], 99, 7.0),
        ([1.0, 2.0], 50, 1.0),
        ([float(n) for n in range(1, 101)], 50, 50.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 1001)], 99, 990.0),
    ],
)
def test_percentiles_are_of_the_nearest_rank(
    values: list[float], percent: float, expected: float | None
) -> None:
    assert load.percentile(values, percent) == expected
