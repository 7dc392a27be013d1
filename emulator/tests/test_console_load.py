"""The console sends requests through the load balancer, and stops."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.consoles import console

from emulator.listening import HttpListener


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_requests_are_sent_through_the_load_balancer_by_one_command_at_a_time() -> None:
    async def scenario() -> None:
        going, enough = asyncio.Event(), asyncio.Event()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            going.set()
            await enough.wait()
            return web.Response(headers={"x-served-by": f"small/{request.path[1:]}"})

        balancer = HttpListener(handle, 0, "a load balancer")
        await balancer.start()
        try:
            async with console(balancer.url) as (http, _containers, _phones):
                order = {"requests": 50, "concurrency": 5, "path": "/a", "through": "alb"}
                first = asyncio.create_task(http.post("/_local/load", json=order))
                await going.wait()
                second = await http.post("/_local/load", json=order)
                assert (second.status_code, second.json()["error"]["code"]) == (409, "conflict")
                enough.set()
                figures = (await first).json()
                assert (figures["sent"], figures["statuses"]) == (50, {"200": 50})
                assert figures["served_by"] == {"small/a": 50}
                third = await http.post("/_local/load", json={**order, "path": "/b"})
                assert third.json()["served_by"] == {"small/b": 50}
        finally:
            await balancer.stop()

    run(scenario)


ENDLESS = {"requests": 10_000, "concurrency": 3}


class Hanging:
    """A load balancer that responds to five requests and no more, but for those to /free."""

    def __init__(self) -> None:
        self.asked = 0
        self.hangs = asyncio.Event()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/free":
            return web.Response()
        self.asked += 1
        if self.asked <= 5:
            return web.Response(headers={"x-served-by": "small/a"})
        if self.asked == 8:  # all three clients wait
            self.hangs.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


@contextlib.asynccontextmanager
async def hanging() -> AsyncIterator[Any]:
    target = Hanging()
    balancer = HttpListener(target, 0, "a load balancer")
    await balancer.start()
    try:
        async with console(balancer.url) as (http, _containers, _phones):
            yield http, target
    finally:
        await balancer.stop()


def test_requests_are_stopped_and_those_sent_until_then_counted() -> None:
    async def scenario() -> None:
        async with hanging() as (http, target):
            sending = asyncio.create_task(http.post("/_local/load", json=ENDLESS))
            await target.hangs.wait()
            stopped = await http.post("/_local/load", json={"stop": True})
            assert (stopped.status_code, stopped.json()) == (200, {"stop": True})
            figures = (await sending).json()
            assert (figures["sent"], figures["statuses"]) == (5, {"200": 5})
            assert figures["served_by"] == {"small/a": 5}
            # where nothing is sent it is no fault
            assert (await http.post("/_local/load", json={"stop": True})).status_code == 200

    run(scenario)


@pytest.mark.parametrize("body", [{"stop": False}, {"stop": 1}, {"stop": True, "requests": 1}])
def test_a_stop_is_true_and_alone(body: Any) -> None:
    async def scenario() -> None:
        async with console() as (http, _containers, _phones):
            response = await http.post("/_local/load", json=body)
            assert response.status_code == 400
            assert '{"stop": true}' in response.json()["error"]["message"]

    run(scenario)


async def until_free(http: Any) -> None:
    """Until the next order to send is taken."""
    order = {"requests": 1, "path": "/free"}
    async with asyncio.timeout(30):
        while (await http.post("/_local/load", json=order)).status_code == 409:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_requests_end_when_nobody_waits_for_the_figures() -> None:
    async def scenario() -> None:
        async with hanging() as (http, target):
            body = json.dumps(ENDLESS).encode()
            _, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
            writer.write(
                b"POST /_local/load HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await target.hangs.wait()
            writer.close()
            await until_free(http)

    run(scenario)


def test_requests_end_after_the_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.console.commands.LONGEST_LOAD", 0.1)

    async def scenario() -> None:
        async with hanging() as (http, _target):
            figures = (await http.post("/_local/load", json=ENDLESS)).json()
            assert figures["sent"] <= 5
            assert "none" not in figures["statuses"]

    run(scenario)


def test_a_load_that_cannot_be_sent_says_why() -> None:
    async def scenario() -> None:
        async with console() as (http, _containers, _phones):
            for body, message in (
                ({"through": "nlb"}, "load_balancer.ip_hash=true adds one"),
                ({"requests": 10_001}, "requests is a number from 1 to 10000, got 10001"),
            ):
                response = await http.post("/_local/load", json=body)
                assert message in response.json()["error"]["message"]

    run(scenario)
