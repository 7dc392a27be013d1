"""A client that signs in: at its start, and again when its token or its device is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from client import (
    ChatClient,
    Disconnected,
    SignedOut,
    Unauthorized,
)
from tests.client.library import QUICK, again, of, online, with_server
from tests.support.backend.faults import Request, Response
from tests.support.backend.server import Served

pytestmark = pytest.mark.slow


def test_an_expired_token_does_not_keep_it_from_reconnecting() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            server.expire_tokens()
            await server.drop("ravi")
            await ravi.wait_for(of(Disconnected))
            await again(ravi)

    with_server(scenario)


def test_a_device_registers_again_with_a_backend_that_has_lost_it() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            server.forget_device("ravi", "phone")
            await server.drop("ravi")
            await again(ravi)
            assert "phone" in server.listed("ravi")

    with_server(scenario)


def test_without_a_way_to_sign_in_again_it_stops_and_says_so(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "ravi.sqlite"
        async with online(server, "ravi", store=store):
            pass
        async with ChatClient(server.url, "ravi", store=store, settings=QUICK) as ravi:
            server.sign_everybody_out()
            await server.drop("ravi")
            await ravi.wait_for(of(SignedOut))

    with_server(scenario)


def test_the_password_is_asked_for_only_when_it_is_needed(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        asked = []

        def ask() -> str:
            asked.append(1)
            return "password"

        for _ in range(3):
            store = tmp_path / "ravi.sqlite"
            async with ChatClient(server.url, "ravi", ask, store=store, settings=QUICK):
                pass
        assert len(asked) == 1

    with_server(scenario)


def test_another_device_that_signs_the_user_up_at_the_same_moment_does_no_harm() -> None:
    async def scenario(server: Served) -> None:
        def overtaken(request: Request, truth: Response) -> Response:
            if (request.path, truth.status) == ("/api/sign-in", 401):
                server.sign_up("ravi")  # the other one was faster
            return truth

        server.faults.responds = overtaken
        async with ChatClient(server.url, "ravi", "password") as ravi:
            assert ravi.online

    with_server(scenario)


def test_a_wrong_password_of_an_existing_user_is_rejected() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi"):
            pass
        with pytest.raises(Unauthorized, match="password is wrong"):
            async with ChatClient(server.url, "ravi", "something else"):
                pass

    with_server(scenario)
