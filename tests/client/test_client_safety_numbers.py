"""Safety numbers as a program uses them: what they verify, and when they change."""

from __future__ import annotations

import pytest

from client import (
    IdentityChanged,
    MessageReceived,
    SendingHeld,
    Trust,
    Unreachable,
)
from client.api import Api
from client.core.cipher import FetchResult, Lists, Request
from client.core.engine import Engine
from client.core.frames import DevicesChanged
from client.directory import fetch
from tests.client.library import of, online, verified, with_server
from tests.support.backend.server import Served

pytestmark = pytest.mark.slow


def test_a_safety_number_is_the_same_on_both_sides_and_verifies_all_devices() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "raju", "laptop") as laptop,
            online(server, "ravi") as ravi,
        ):
            number = await ravi.verification.safety_number("raju")
            assert (
                number
                == await raju.verification.safety_number("ravi")
                == await laptop.verification.safety_number("ravi")
            )
            assert ravi.verification.trust("raju") is Trust.SEEN
            assert await ravi.verification.compare_safety_number("raju", number.code)
            assert {one.trust for one in await ravi.devices.of("raju")} == {Trust.VERIFIED}
            assert raju.verification.trust("ravi") is Trust.SEEN  # each compares for itself

    with_server(scenario)


def test_a_comparison_of_emoji_says_of_the_other_devices_nothing() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as phone,
            online(server, "raju", "laptop"),
            online(server, "ravi") as ravi,
        ):
            await verified(ravi, phone)
            assert ravi.verification.trust("raju") is Trust.SEEN
            number = (await phone.verification.safety_number("ravi")).digits
            assert await ravi.verification.compare_safety_number("raju", number)
            assert ravi.verification.trust("raju") is Trust.VERIFIED

    with_server(scenario)


def test_lists_are_asked_for_anew_before_a_number_is_made_or_compared() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            number = (await raju.verification.safety_number("ravi")).digits
            lists = {"GET /api/users/ravi/devices", "GET /api/users/raju/devices"}
            for asking in (
                lambda: ravi.verification.safety_number("raju"),
                lambda: ravi.verification.compare_safety_number("raju", number),
            ):
                server.calls.clear()
                await asking()
                assert lists.issubset(server.lines)

    with_server(scenario)


def test_a_list_that_changed_while_it_was_asked_for_is_asked_for_again() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:
            await ravi.devices.of("raju")
            fetched = fetch
            looks = []

            async def slow(api: Api, request: Request) -> FetchResult:
                response = await fetched(api, request)
                looks.append(request)
                if len(looks) == 1:
                    changed = DevicesChanged("raju")
                    ravi._this.driver.step(Engine.received, changed)
                return response

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("client.devices.fetch", slow)
                assert [one.device for one in await ravi.devices.of("raju")] == ["phone"]
            assert len([one for one in looks if isinstance(one, Lists)]) >= 2

    with_server(scenario)


def test_a_number_that_differs_verifies_nobody() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:
            digits = (await ravi.verification.safety_number("raju")).digits
            other = "1" if digits[0] == "0" else "0"
            assert not await ravi.verification.compare_safety_number("raju", other + digits[1:])
            with pytest.raises(ValueError, match="no safety number"):
                await ravi.verification.compare_safety_number("raju", "hello")
            assert ravi.verification.trust("raju") is Trust.SEEN

    with_server(scenario)


def test_changed_keys_are_accepted_by_comparing_the_new_number() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            async with online(server, "raju"):
                old = await ravi.verification.safety_number("raju")
                await ravi.send("raju", "before")
            async with online(server, "raju") as anew:
                await ravi.devices.of("raju")
                await ravi.wait_for(of(IdentityChanged, user="raju"))
                await ravi.send("raju", "after")
                await ravi.wait_for(of(SendingHeld, users=("raju",)))
                assert not await ravi.verification.compare_safety_number("raju", old.digits)
                assert ravi.verification.trust("raju") is Trust.CHANGED
                new = await anew.verification.safety_number("ravi")
                assert await ravi.verification.compare_safety_number("raju", new.digits)
                assert ravi.verification.trust("raju") is Trust.VERIFIED
                await anew.wait_for(of(MessageReceived, text="after"))

    with_server(scenario)


def test_a_number_can_be_shown_while_the_backend_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(*_: object) -> None:
        raise Unreachable("http://127.0.0.1", "nobody there")

    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:
            number = await ravi.verification.safety_number("raju")
            monkeypatch.setattr("client.devices.fetch", unreachable)
            assert await ravi.verification.safety_number("raju") == number
            with pytest.raises(Unreachable):
                await ravi.verification.safety_number("meena")

    with_server(scenario)
