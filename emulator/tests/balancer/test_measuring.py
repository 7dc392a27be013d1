"""Which requests the load balancer's metrics count: its own responses, and its targets'.

Source: "CloudWatch metrics for your Application Load Balancer", user guide. RequestCount "is only
incremented for requests where the load balancer node was able to choose a target";
HTTPCode_ELB_4XX_Count has requests that "were not received by the target, other than in the case
where the load balancer returns an HTTP 460 error code".
"""

import asyncio
from collections import Counter
from typing import Any

import pytest
from tests.balancer.scene import LAMBDA, balancing, responding, until
from tests.rows import rows

from emulator.balancer.measuring import count
from emulator.metrics.store import is_measured

POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
UNFINISHED = POST + b"Content-Length: 10\r\n\r\nabc"
IMPATIENT = {"idle_timeout.timeout_seconds": "1"}
OVER_1_MB = POST + b"Content-Length: 1048577\r\n\r\n"


class Measured:
    """What is counted for the load balancer as a whole; without times, which differ."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def __call__(self, _space: str, name: str, _value: float, dimensions: Any) -> None:
        if set(dimensions) == {"LoadBalancer"} and name != "TargetResponseTime":
            self.names[name] += 1


def counts(codes: str) -> dict[str, int]:
    return {f"HTTPCode_{code}_Count": 1 for code in codes.split()}


REQUESTS = {
    "a target's 200": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", POST + b"\r\n", "Target_2XX"),
    "a target's 404": (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", POST + b"\r\n", "Target_4XX"),
    "no response": (b"", POST + b"\r\n", "ELB_5XX ELB_502"),
    "a client that stops": (None, UNFINISHED, "ELB_4XX"),
    "a body that is none": (None, POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "ELB_4XX"),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_each_request_to_a_target_is_counted_once_and_its_status_once(name: str) -> None:
    response, request, code = REQUESTS[name]

    async def waits(_head: bytes, reader: Any, _writer: Any) -> None:
        await reader.read(-1)

    async def scenario() -> None:
        measured = Measured()
        async with balancing(attributes=IMPATIENT, measure=measured) as scene:
            script = waits if response is None else responding(response)
            await scene.add_raw("web", "a", script)
            close = request.replace(b"Host: h", b"Host: h\r\nConnection: close")
            await scene.exchange(close)
            assert measured.names == {"RequestCount": 1, **counts(code)}

    asyncio.run(scenario())


@pytest.mark.parametrize(("request_", "status"), [(UNFINISHED, "400"), (POST + b"\r\n", "460")])
def test_a_client_that_leaves_is_counted_as_the_load_balancers_own(
    request_: bytes, status: str
) -> None:
    """It is 400 in the request's body, and 460 after it."""

    async def waits(_head: bytes, reader: Any, _writer: Any) -> None:
        await reader.read(-1)

    async def scenario() -> None:
        measured = Measured()
        async with balancing(measure=measured) as scene:
            backend = await scene.add_raw("web", "a", waits)
            _, writer = await scene.connect()
            writer.write(request_)
            await until(lambda: backend.heads)
            writer.transport.abort()
            await until(lambda: scene.in_flight() == 0)
            assert measured.names == {"RequestCount": 1, "HTTPCode_ELB_4XX_Count": 1}
            assert scene.counted() == {status: 1}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("response", "request_", "code"),
    [
        ({"statusCode": 200}, POST + b"\r\n", "Target_2XX"),
        ({"statusCode": 503}, POST + b"\r\n", "Target_5XX"),
        ({"statusCode": "200"}, POST + b"\r\n", "ELB_5XX ELB_502"),
        ({}, OVER_1_MB, "ELB_4XX"),
    ],
)
def test_a_functions_requests_are_counted_in_the_same_way(
    response: Any, request_: bytes, code: str
) -> None:
    async def function(_event: Any) -> Any:
        return response

    async def scenario() -> None:
        measured = Measured()
        groups = {"lambda": (LAMBDA, 1)}
        async with balancing(groups, function=function, measure=measured) as scene:
            await scene.exchange(request_.replace(b"Host: h", b"Host: h\r\nConnection: close"))
            assert measured.names == {"RequestCount": 1, **counts(code)}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (POST + b"\r\n", "ELB_5XX ELB_503"),  # no target is registered
        (b"GET / HTTP/1.1\r\n\r\n", "ELB_4XX"),
        (b"\x16\x03\x01", "ELB_4XX"),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "ELB_5XX"),
    ],
)
def test_a_response_without_a_target_is_the_load_balancers_own_alone(
    request_: bytes, code: str
) -> None:
    async def scenario() -> None:
        measured = Measured()
        async with balancing(measure=measured) as scene:
            await scene.exchange(request_.replace(b"Host: h", b"Host: h\r\nConnection: close"))
            assert measured.names == counts(code)

    asyncio.run(scenario())


@rows(
    ("own", "codes"),
    [
        (None, ""),
        (200, ""),
        (301, "ELB_3XX"),
        (400, "ELB_4XX"),
        (460, "ELB_4XX"),
        (500, "ELB_5XX ELB_500"),
        (501, "ELB_5XX"),
        (502, "ELB_5XX ELB_502"),
        (503, "ELB_5XX ELB_503"),
        (504, "ELB_5XX ELB_504"),
        (505, "ELB_5XX"),
    ],
)
def test_some_of_the_load_balancers_own_statuses_have_a_metric_of_their_own(
    own: int | None, codes: str
) -> None:
    measured = Measured()
    count(measured, "loadbalancer/app/b/1", None, None, 0.0, own)
    assert measured.names == counts(codes)
    assert all(is_measured("AWS/ApplicationELB", name) for name in measured.names)


def test_a_redirect_is_counted_as_the_load_balancers_own() -> None:
    redirect = {"Type": "redirect", "RedirectConfig": {"Path": "/x", "StatusCode": "HTTP_302"}}

    async def scenario() -> None:
        measured = Measured()
        async with balancing(default=lambda _weights: redirect, measure=measured) as scene:
            await scene.exchange(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert measured.names == counts("ELB_3XX")

    asyncio.run(scenario())
