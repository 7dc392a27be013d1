"""Requests to the REST API: tokens, repetition, and responses as errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from random import Random
from typing import Any

import httpx

from client.errors import (
    ClientError,
    RateLimited,
    ServerFault,
    Unauthorized,
    Unreachable,
    from_status,
    in_words,
)

ATTEMPTS = 3
WAIT_LIMIT = 5.0  # seconds that a call waits when the backend asks for it; else it fails
TIMEOUT = httpx.Timeout(15.0, connect=5.0)


@dataclass(slots=True)
class Tokens:
    access: str | None = None
    refresh: str | None = None


class Requests:
    """Calls raise ApiError (by status) or Unreachable.

    Calls that may be repeated without harm are, on a lost connection or a server fault. A 401
    makes it `renew` the access token once.
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        random: Random,
        pause: float,
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        self._base_url, self._tokens = base_url.rstrip("/"), tokens
        self._random, self._pause, self._renew_token = random, pause, renew
        self._renewing = asyncio.Lock()
        self._http = httpx.AsyncClient(base_url=self._base_url, timeout=TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        open_route: bool = False,
        repeat: bool = False,
    ) -> dict[str, Any]:
        token = None if open_route else self._tokens.access
        if open_route or token:
            try:
                return await self._repeat(method, path, body, query, token, repeat)
            except Unauthorized:
                if open_route:
                    raise
        await self._renew(token)
        return await self._repeat(method, path, body, query, self._tokens.access, repeat)

    async def with_token(
        self, token: str, method: str, path: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A call that may be repeated, with a token beside the one that is kept."""
        return await self._repeat(method, path, body, None, token, repeat=True)

    async def _renew(self, rejected: str | None) -> None:
        """One renewal serves all calls that were rejected with the same token."""
        async with self._renewing:
            if self._tokens.access != rejected:
                return
            await self._renew_token()

    async def _repeat(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        token: str | None,
        repeat: bool,
    ) -> dict[str, Any]:
        wait = 0.0
        for attempt in range(ATTEMPTS if repeat else 1):
            if attempt:
                await asyncio.sleep(wait + self._random.uniform(0, self._pause * 2**attempt))
            try:
                return await self._once(method, path, body, query, token)
            except (Unreachable, ServerFault) as error:
                failure: ClientError = error
                wait = 0.0
            except RateLimited as error:
                if error.retry_after is None or error.retry_after > WAIT_LIMIT:
                    raise
                failure, wait = error, error.retry_after
        raise failure

    async def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        token: str | None,
    ) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            response = await self._http.request(
                method, path, json=body, params=query, headers=headers
            )
        except httpx.HTTPError as error:
            raise Unreachable(self._base_url, in_words(error)) from error
        return _document(response)


def _wait(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value > 0 else None


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json() if response.content else {}
    except ValueError:
        document = None
    if response.is_success and isinstance(document, dict):
        return document
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        code, message = str(error.get("code")), str(error.get("message"))
        raise from_status(response.status_code, code, message, _wait(error.get("retry_after")))
    status = response.status_code
    if response.is_success:
        raise ServerFault("internal", "the response is not a JSON object", status)
    raise from_status(
        status, "internal" if status >= 500 else "bad_request", response.reason_phrase
    )
