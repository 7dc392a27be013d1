"""Requests to the REST API: which are repeated, after which pauses, and when the token is renewed.

web/test/requests.test.ts has the same tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from client import requests
from client.errors import ApiError, RateLimited, ServerFault, Unauthorized, Unreachable
from client.requests import Requests, Tokens

OK = httpx.Response(200, json={"fine": True})
FAULT = httpx.Response(503)
LOST = httpx.ConnectError("lost")
UNAUTHORIZED = httpx.Response(401)
Served = httpx.Response | httpx.HTTPError


def limited(retry_after: object = None) -> httpx.Response:
    error = {"code": "rate_limited", "message": "slower"}
    said = {} if retry_after is None else {"retry_after": retry_after}
    return httpx.Response(429, json={"error": error | said})


class Least:
    """Pauses are as short as chance makes them."""

    def uniform(self, low: float, _high: float) -> float:
        return low


class Backend:
    """Stands in for httpx: `responses` in turn; `tokens` are those of the requests that came."""

    def __init__(self, *responses: Served, token: str | None = "old") -> None:
        self.responses = list(responses)
        self.tokens: list[str | None] = []
        self.renewed = 0
        self.came = asyncio.Event()
        self.kept = Tokens(token)
        self.requests = Requests("http://x", self.kept, cast(Any, Least()), 0.2, self._renew)
        self.requests._http = cast(Any, self)

    async def _renew(self) -> None:
        self.renewed += 1
        await asyncio.sleep(0)
        self.kept.access = f"new {self.renewed}"

    async def request(self, *_: object, headers: dict[str, str], **__: object) -> httpx.Response:
        self.tokens.append(headers.get("authorization", "").removeprefix("Bearer ") or None)
        self.came.set()
        response = self.responses.pop(0)
        await asyncio.sleep(0)
        if isinstance(response, httpx.HTTPError):
            raise response
        return response

    async def call(self, *, repeat: bool = False, open_route: bool = False) -> object:
        return await self.requests.call("GET", "/api/x", repeat=repeat, open_route=open_route)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds of each pause."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    resting = SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    monkeypatch.setattr(requests, "asyncio", resting)
    yield found


@pytest.mark.parametrize(
    ("responses", "repeat", "raised", "requested", "waited"),
    [
        ([FAULT, OK], True, None, 2, 0),
        ([LOST, FAULT, OK], True, None, 3, 0),
        ([FAULT, FAULT, LOST], True, Unreachable, 3, 0),
        ([FAULT], False, ServerFault, 1, 0),
        ([LOST], False, Unreachable, 1, 0),
        ([httpx.Response(400)], True, ApiError, 1, 0),
        ([limited(3), OK], True, None, 2, 3),
        ([limited(5), FAULT, OK], True, None, 3, 5),
        ([limited(5.1)], True, RateLimited, 1, 0),
        ([limited(3)] * 3, True, RateLimited, 3, 6),  # nothing follows the last one
        ([limited(3)], False, RateLimited, 1, 0),
        *[([limited(wrong)], True, RateLimited, 1, 0) for wrong in (None, 0, -1, True, "3")],
    ],
)
def test_what_may_be_repeated_is_three_times_and_waits_for_as_long_as_it_is_asked_to(
    waits: list[float],
    responses: list[Served],
    repeat: bool,
    raised: type[Exception] | None,
    requested: int,
    waited: float,
) -> None:
    backend = Backend(*responses)
    call = backend.call(repeat=repeat)
    if raised is None:
        assert asyncio.run(cast(Any, call)) == {"fine": True}
    else:
        with pytest.raises(raised):
            asyncio.run(cast(Any, call))
    assert (len(backend.tokens), sum(waits)) == (requested, waited)


@pytest.mark.parametrize(
    ("responses", "token", "open_route", "fails", "tokens"),
    [
        ([OK], "old", False, False, ["old"]),
        ([UNAUTHORIZED, OK], "old", False, False, ["old", "new 1"]),
        ([UNAUTHORIZED, UNAUTHORIZED], "old", False, True, ["old", "new 1"]),
        ([OK], None, False, False, ["new 1"]),
        ([OK], "old", True, False, [None]),
        ([UNAUTHORIZED], "old", True, True, [None]),
    ],
)
def test_a_token_that_is_rejected_is_renewed_once(
    responses: list[Served],
    token: str | None,
    open_route: bool,
    fails: bool,
    tokens: list[str | None],
) -> None:
    backend = Backend(*responses, token=token)
    call = backend.call(open_route=open_route)
    if fails:
        with pytest.raises(Unauthorized):
            asyncio.run(cast(Any, call))
    else:
        asyncio.run(cast(Any, call))
    assert backend.tokens == tokens


def test_calls_that_were_rejected_with_the_same_token_share_its_renewal() -> None:
    backend = Backend(*[UNAUTHORIZED] * 3, *[OK] * 3)

    async def together() -> None:
        await asyncio.gather(*(backend.call() for _ in range(3)))

    asyncio.run(together())
    assert (backend.renewed, backend.tokens) == (1, ["old"] * 3 + ["new 1"] * 3)


def test_a_call_that_is_rejected_after_the_renewal_takes_the_token_of_it() -> None:
    backend = Backend(UNAUTHORIZED, OK)

    async def late() -> None:
        call = asyncio.create_task(cast(Any, backend.call()))
        await backend.came.wait()
        backend.kept.access = "newer"  # by another call
        await call

    asyncio.run(late())
    assert (backend.renewed, backend.tokens) == (0, ["old", "newer"])
