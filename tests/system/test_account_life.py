"""What a user does with an account, over the whole system: sign out, password, export, delete."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import ChatClient, Unauthorized
from client.core.events import MembersChanged, SignedOut
from emulator.runtime.endpoints import Endpoints
from tests.client.library import of
from tests.support.running_system import PASSWORD, WITHIN
from tests.system.telling import received, run
from tools import operator

pytestmark = pytest.mark.xdist_group("story")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
NEW = "Another-Horse-8"


def status(endpoints: dict[str, Any], route: str, user: str, password: str) -> int:
    body = {"username": user, "password": password}
    return httpx.post(f"{endpoints['api']}/api/{route}", json=body, timeout=WITHIN).status_code


@pytest.mark.deep
def test_a_removed_device_is_out_at_once(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi = name("ravi")
        async with device(ravi) as own, device(ravi, "laptop") as stolen:
            await own.devices.remove("laptop")
            assert isinstance(await stolen.wait_for(of(SignedOut)), SignedOut)

    run(story())


@pytest.mark.deep
def test_signing_out_and_a_new_password_end_what_they_say(
    device: Make, name: Name, endpoints: dict[str, Any]
) -> None:
    ravi = name("ravi")

    async def story() -> None:
        async with device(ravi) as own:
            async with device(ravi, "laptop") as laptop:
                await laptop.sign_out()
            assert [each.device for each in await own.devices.of(ravi)] == []
            await own.account.change_password(PASSWORD, NEW)
            assert {each.item["item"] for each in await own.account.stored_items()} >= {"devices"}
            with pytest.raises(Unauthorized):
                await device(ravi, "tablet").sign_up_or_in()
            await own.sign_out(everywhere=True)

    run(story())
    assert status(endpoints, "sign-in", ravi, NEW) == 200


def test_an_operator_puts_somebody_out_lets_them_in_again_and_deletes_them(
    device: Make,
    name: Name,
    endpoints: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ravi = name("ravi")
    Endpoints(**endpoints).write(tmp_path)
    monkeypatch.setattr(operator, "STATE", tmp_path)

    async def story() -> None:
        async with device(ravi) as own:
            assert await asyncio.to_thread(operator.main, ["disable", ravi]) == 0
            await own.wait_for(of(SignedOut))
        with pytest.raises(Unauthorized):
            await device(ravi, "tablet").sign_up_or_in()
        assert await asyncio.to_thread(operator.main, ["enable", ravi]) == 0
        async with device(ravi) as own:
            assert await asyncio.to_thread(operator.main, ["delete", ravi, "--yes"]) == 0
            await own.wait_for(of(SignedOut))

    run(story())
    assert status(endpoints, "sign-up", ravi, PASSWORD) == 409


@pytest.mark.deep
def test_a_deleted_account_leaves_its_chats_and_its_name_stays_taken(
    device: Make, name: Name, endpoints: dict[str, Any]
) -> None:
    ravi, raju = name("ravi"), name("raju")

    async def story() -> None:
        async with device(ravi) as gone, device(raju) as peer:
            group = await gone.chats.group([raju], "g")
            await gone.send(group, "the last one")
            await peer.wait_for(received("the last one"))
            await gone.delete_account(PASSWORD)
            left = await peer.wait_for(of(MembersChanged))
            assert isinstance(left, MembersChanged) and ravi in left.left

    run(story())
    assert status(endpoints, "sign-up", ravi, PASSWORD) == 409
    assert status(endpoints, "sign-in", ravi, PASSWORD) == 401
