"""The REST side of the protocol: one method for each route."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from client.errors import ApiError, ServerFault, Unauthorized, Unreachable, from_status

ATTEMPTS = 3
TIMEOUT = httpx.Timeout(15.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Opens one WebSocket within `expires_in` seconds."""

    ticket: str
    url: str
    expires_in: float
    reconnect_window: float | None


@dataclass(slots=True)
class Tokens:
    access: str | None = None
    refresh: str | None = None


class Api:
    """Calls raise ApiError (by status) or Unreachable.

    Calls that may be repeated without harm are, on a lost connection or a server fault. A 401
    makes it get a new access token once: by the refresh token, then by `sign_in_again`.
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        *,
        random: Random,
        saved: Callable[[Tokens], None] = lambda tokens: None,
        sign_in_again: Callable[[], Awaitable[None]] | None = None,
        pause: float = 0.2,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.tokens = tokens
        self._saved, self._sign_in_again = saved, sign_in_again
        self._random, self._pause = random, pause
        self._renewing = asyncio.Lock()
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    # -- accounts and tokens

    async def health(self) -> dict[str, Any]:
        return await self._call("GET", "/api/health", open_route=True, repeat=True)

    async def sign_up(self, user: str, password: str) -> None:
        body = {"username": user, "password": password}
        await self._call("POST", "/api/sign-up", body, open_route=True)

    async def sign_in(self, user: str, password: str) -> None:
        body = {"username": user, "password": password}
        answer = await self._call("POST", "/api/sign-in", body, open_route=True, repeat=True)
        self._keep(answer["access_token"], answer["refresh_token"])

    async def refresh(self) -> None:
        """A new access token for the refresh token. Unauthorized if there is none."""
        if not self.tokens.refresh:
            raise Unauthorized("unauthorized", "not signed in", 401)
        body = {"refresh_token": self.tokens.refresh}
        answer = await self._call("POST", "/api/token", body, open_route=True, repeat=True)
        self._keep(answer["access_token"], self.tokens.refresh)

    # -- devices and keys

    async def register(self, device: str, registration: Mapping[str, Any]) -> None:
        await self._call("PUT", f"/api/devices/{device}", registration, repeat=True)

    async def remove_device(self, device: str) -> None:
        await self._call("DELETE", f"/api/devices/{device}", repeat=True)

    async def devices(self, user: str) -> dict[str, Any]:
        answer = await self._call("GET", f"/api/users/{user}/devices", repeat=True)
        return _object(answer, "devices")

    async def upload_keys(self, device: str, body: Mapping[str, Any]) -> int:
        """How many one-time keys the directory has left for the device."""
        asking = not body["one_time_keys"]
        path = f"/api/devices/{device}/one-time-keys"
        answer = await self._call("POST", path, body, repeat=asking)
        return int(answer["remaining"])

    async def claim(self, devices: Iterable[str]) -> dict[str, Any]:
        """Not repeated: each call uses keys up."""
        answer = await self._call("POST", "/api/keys/claim", {"devices": sorted(devices)})
        return _object(answer, "keys")

    # -- chats

    async def direct(self, user: str) -> dict[str, Any]:
        """Two users have one direct chat, however often it is asked for."""
        body = {"kind": "direct", "with": user}
        return _chat(await self._call("POST", "/api/chats", body, repeat=True))

    async def group(self, members: Iterable[str]) -> dict[str, Any]:
        body = {"kind": "group", "members": sorted(members)}
        return _chat(await self._call("POST", "/api/chats", body))

    async def chats(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = {"cursor": cursor} if cursor else {}
            answer = await self._call("GET", "/api/chats", query=query, repeat=True)
            found += [_chat(chat) for chat in answer.get("chats", ())]
            cursor = answer.get("cursor")
            if not cursor:
                return found

    async def change_members(
        self, chat: str, add: Iterable[str], remove: Iterable[str]
    ) -> list[str]:
        body = {"add": sorted(add), "remove": sorted(remove)}
        body = {name: users for name, users in body.items() if users}
        answer = await self._call("POST", f"/api/chats/{chat}/members", body, repeat=True)
        return _members(answer)

    async def messages(self, chat: str, device: str, after: int, limit: int) -> dict[str, Any]:
        """As `sync` would send them to `device`: {messages, complete_to, missing, more}."""
        query = {"device": device, "after": after, "limit": limit}
        return await self._call("GET", f"/api/chats/{chat}/messages", query=query, repeat=True)

    async def ticket(self, device: str) -> Ticket:
        answer = await self._call("POST", "/api/tickets", {"device": device}, repeat=True)
        window = answer.get("reconnect_window")
        return Ticket(
            answer["ticket"],
            answer["url"],
            float(answer["expires_in"]),
            None if window is None else float(window),
        )

    # -- one call

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        open_route: bool = False,
        repeat: bool = False,
    ) -> dict[str, Any]:
        token = None if open_route else self.tokens.access
        if open_route or token:
            try:
                return await self._repeat(method, path, body, query, token, repeat)
            except Unauthorized:
                if open_route:
                    raise
        await self._renew(token)
        return await self._repeat(method, path, body, query, self.tokens.access, repeat)

    async def _renew(self, refused: str | None) -> None:
        """One renewal serves all calls that were refused with the same token."""
        async with self._renewing:
            if self.tokens.access != refused:
                return
            try:
                await self.refresh()
            except (Unauthorized, ApiError) as error:
                if isinstance(error, ServerFault) or self._sign_in_again is None:
                    raise
                await self._sign_in_again()

    async def _repeat(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        token: str | None,
        repeat: bool,
    ) -> dict[str, Any]:
        for attempt in range(ATTEMPTS if repeat else 1):
            if attempt:
                await asyncio.sleep(self._random.uniform(0, self._pause * 2**attempt))
            try:
                return await self._once(method, path, body, query, token)
            except (Unreachable, ServerFault) as error:
                failure = error
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
            answer = await self._http.request(
                method, path, json=body, params=query, headers=headers
            )
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(self.base_url, reason) from error
        return _document(answer)

    def _keep(self, access: str, refresh: str) -> None:
        self.tokens.access, self.tokens.refresh = access, refresh
        self._saved(self.tokens)


def _object(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = answer.get(name)
    if not isinstance(value, dict):
        raise ServerFault("internal", f"the answer has no {name}", 200)
    return value


def _members(answer: Mapping[str, Any]) -> list[str]:
    members = answer.get("members")
    if not isinstance(members, list) or not all(isinstance(user, str) for user in members):
        raise ServerFault("internal", "the answer has no members", 200)
    return members


def _chat(answer: dict[str, Any]) -> dict[str, Any]:
    _members(answer)
    if not isinstance(answer.get("chat"), str):
        raise ServerFault("internal", "the answer has no chat", 200)
    return answer


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json() if answer.content else {}
    except ValueError:
        document = None
    if answer.is_success and isinstance(document, dict):
        return document
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        raise from_status(answer.status_code, str(error.get("code")), str(error.get("message")))
    status = answer.status_code
    if answer.is_success:
        raise ServerFault("internal", "the answer is not a JSON object", status)
    raise from_status(status, "internal" if status >= 500 else "bad_request", answer.reason_phrase)
