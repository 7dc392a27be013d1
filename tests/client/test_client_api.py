"""The REST wrapper: errors with their data, tokens renewed, harmless calls repeated."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from client.api import Api
from client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    NotFound,
    RateLimited,
    ServerFault,
    Unauthorized,
    Unreachable,
    from_status,
)
from client.requests import Requests, Tokens
from tests.support.backend.server import Served, one_backend
from tests.support.rows import rows


def with_api(scenario: Callable[[Served, Api], Awaitable[None]]) -> None:
    async def run() -> None:
        async with one_backend() as server:
            api = Api(server.url, Tokens(), random=Random(1), pause=0.001)
            try:
                await scenario(server, api)
            finally:
                await api.close()

    asyncio.run(run())


async def sign_in(api: Api) -> None:
    await api.sign_up("ravi", "password")
    await api.sign_in("ravi", "password")


@rows(
    ("status", "kind"),
    [
        (400, BadRequest), (401, Unauthorized), (404, NotFound), (409, Conflict),
        (429, RateLimited), (500, ServerFault), (502, ServerFault), (418, ApiError),
    ],
)  # fmt: skip
def test_each_status_has_its_error_and_carries_code_message_and_status(
    status: int, kind: type[ApiError]
) -> None:
    error = from_status(status, "some_code", "some words")
    assert type(error) is kind
    assert (error.code, error.message, error.status) == ("some_code", "some words", status)


def test_error_responses_are_raised() -> None:
    async def scenario(server: Served, api: Api) -> None:
        with pytest.raises(BadRequest, match="not long enough"):
            await api.sign_up("ravi", "short")
        await sign_in(api)
        with pytest.raises(Conflict):
            await api.sign_up("ravi", "another password")
        with pytest.raises(Unauthorized):
            await api.sign_in("ravi", "another")
        with pytest.raises(NotFound) as caught:
            await api.direct("nobody")
        assert caught.value.code == "not_found"

    with_api(scenario)


def test_an_expired_token_is_renewed_once_for_all_waiting_calls() -> None:
    async def scenario(server: Served, api: Api) -> None:
        await sign_in(api)
        server.expire_tokens()
        server.calls.clear()
        await asyncio.gather(*(api.chats() for _ in range(5)))
        assert server.lines.count("POST /api/token") == 1

    with_api(scenario)


def test_without_a_good_refresh_token_it_signs_in_again_if_it_can() -> None:
    async def scenario(server: Served, api: Api) -> None:
        await sign_in(api)
        server.sign_everybody_out()
        with pytest.raises(Unauthorized):
            await api.chats()

        async def again() -> None:
            await able.sign_in("ravi", "password")

        able = Api(server.url, Tokens("old", "old"), random=Random(1), sign_in_again=again)
        assert await able.chats() == []
        await able.close()

    with_api(scenario)


def test_tokens_are_handed_to_whoever_keeps_them() -> None:
    async def run() -> None:
        kept: list[tuple[str | None, str | None]] = []
        async with one_backend() as server:
            api = Api(
                server.url,
                Tokens(),
                random=Random(1),
                saved=lambda tokens: kept.append((tokens.access, tokens.refresh)),
            )
            await sign_in(api)
            await api.refresh()
            await api.close()
        assert [refresh for _, refresh in kept] == ["refresh-1", "refresh-1"]
        assert kept[0][0] != kept[1][0]

    asyncio.run(run())


def test_a_harmless_call_is_repeated_after_a_server_fault() -> None:
    async def scenario(server: Served, api: Api) -> None:
        await sign_in(api)
        server.faults.failing += [502, 503]
        assert await api.chats() == []
        server.faults.failing += [500, 500, 500]
        with pytest.raises(ServerFault):
            await api.chats()
        assert server.faults.failing == []

    with_api(scenario)


def test_a_call_that_uses_something_up_is_not_repeated() -> None:
    async def scenario(server: Served, api: Api) -> None:
        await sign_in(api)
        server.calls.clear()
        server.faults.failing += [503]
        with pytest.raises(ServerFault):
            await api.claim(["raju/phone"])
        assert server.lines == ["POST /api/keys/claim"]

    with_api(scenario)


def test_a_group_is_founded_once_however_often_the_response_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, made = Requests._once, list[str]()

    async def lost(self: Requests, method: str, path: str, *rest: Any) -> dict[str, Any]:
        response = await real(self, method, path, *rest)
        if (method, path) == ("POST", "/api/chats"):
            made.append(response["chat"])
            if len(made) == 1:
                raise Unreachable(path, "the response is lost")
        return response

    async def scenario(server: Served, api: Api) -> None:
        for user in ("raju", "ravi"):
            await api.sign_up(user, "password")
        await api.sign_in("ravi", "password")
        monkeypatch.setattr(Requests, "_once", lost)
        first = (await api.group(["raju"])).chat
        assert made == [first, first]
        second = (await api.group(["raju"])).chat
        assert {chat.chat for chat in await api.chats()} == {first, second} and first != second
        kept = [(await api.group(["raju"], "kept-by-the-caller")).chat for _ in range(2)]
        assert kept[0] == kept[1] not in (first, second)

    with_api(scenario)


def test_the_list_of_chats_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(server: Served, api: Api) -> None:
        await sign_in(api)
        monkeypatch.setattr("lambdas.api.chats.CHATS_PER_PAGE", 1)
        names = [server.direct("ravi", f"user{n}") for n in range(4)]
        assert [chat.chat for chat in await api.chats()] == names

    with_api(scenario)


def test_a_backend_that_is_not_there_is_unreachable() -> None:
    async def run(port: int) -> None:
        api = Api(f"http://127.0.0.1:{port}", Tokens(), random=Random(1), pause=0.001)
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port} does not respond"):
            await api.health()
        await api.close()

    with socket.socket() as bound:  # does not listen, so it refuses
        bound.bind(("127.0.0.1", 0))
        asyncio.run(run(bound.getsockname()[1]))
