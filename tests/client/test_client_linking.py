"""Linking a device by the library: real ratchets, real handlers, and what somebody else may try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from client import (
    CannotLink,
    ChatClient,
    Conflict,
    DeviceAdded,
    DevicesChanged,
    MessageReceived,
    NotFound,
    StoreError,
    Trust,
    Unauthorized,
    Unreachable,
)
from client.api import Api
from client.core.bodies_generated import LinkOfferResponse, SignInResponse
from client.crypto import link
from client.linking import Linked, NewDevice
from client.requests import Requests, Tokens
from tests.client.library import QUICK, of, online, verified, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow
PASSWORD = "password"


@asynccontextmanager
async def new_device(server: Served, name: str = "web") -> AsyncIterator[NewDevice]:
    device = NewDevice(server.url, name, "Chrome on Linux")
    try:
        yield device
    finally:
        await device.close()


async def let_in(device: NewDevice, by: ChatClient) -> Linked:
    """The whole of it: shown, scanned, agreed to."""
    seconds = await device.ask()
    offer = await by.linking.offer(link.QR + device.offer.code)
    assert offer == device.offer
    await by.linking.confirm(offer, PASSWORD)
    return await device.confirmed(seconds, pause=0.01)


def opened(server: Served, linked: Linked, folder: Path) -> ChatClient:
    """As the linked device; it has no password."""
    made, store = linked.confirmation, folder / f"{linked.confirmation.device}.sqlite"
    linked.install(store)
    return ChatClient(server.url, made.user, None, made.device, store, settings=QUICK)


def test_a_linked_device_needs_no_password_and_both_have_verified_each_other(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            linked = await let_in(device, ravi)
            assert (linked.confirmation.user, linked.confirmation.by) == ("ravi", "phone")
            async with opened(server, linked, tmp_path) as web:
                added = await ravi.wait_for(of(DeviceAdded, user="ravi", device="web"))
                assert added
                for client, other in ((ravi, "web"), (web, "phone")):
                    await client.devices.of("ravi")
                    (known,) = client.devices.known("ravi")
                    assert (known.device, known.trust) == (other, Trust.VERIFIED)

    with_server(scenario)


def test_a_linked_device_reads_and_writes_at_once(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "ravi") as ravi,
            new_device(server) as device,
        ):
            await ravi.send("raju", "before")
            async with opened(server, await let_in(device, ravi), tmp_path) as web:
                await raju.wait_for(of(DevicesChanged, user="ravi"))
                await raju.send("ravi", "to both")
                for client in (ravi, web):
                    await client.wait_for(of(MessageReceived, text="to both"))
                await web.send("raju", "from the new one")
                for client in (raju, ravi):
                    await client.wait_for(of(MessageReceived, text="from the new one"))

    with_server(scenario)


def test_who_has_verified_a_user_trusts_a_linked_device_without_a_word(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "ravi") as phone,
            online(server, "ravi", "tablet") as tablet,
            new_device(server) as device,
        ):
            await phone.send("raju", "before")
            await raju.wait_for(of(MessageReceived))
            await raju.devices.of("ravi")
            for own in (phone, tablet):
                await verified(raju, own)
            async with opened(server, await let_in(device, phone), tmp_path) as web:
                await raju.wait_for(of(DevicesChanged, user="ravi"))
                await raju.send("ravi", "to all three")
                await raju.wait_for(of(DeviceAdded, user="ravi", device="web"))
                await web.wait_for(of(MessageReceived, text="to all three"))
                assert raju.verification.trust("ravi") is Trust.VERIFIED
            async with online(server, "ravi", "by_password"):
                await raju.devices.of("ravi")
                assert raju.verification.trust("ravi") is Trust.CHANGED

    with_server(scenario)


def test_a_new_device_does_not_come_in_with_a_false_introduction(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            keys = device.offer.curve25519, device.offer.ed25519
            made = (await let_in(device, ravi)).confirmation
            other = ravi.account.keys.introduction("other", *keys)
            for introduction in (other, "A" * 86):
                sealed = link.write(replace(made, introduction=introduction))
                with pytest.raises(CannotLink):
                    link.read(sealed, device.offer, ravi.account.keys.curve25519)
            without = link.write(replace(made, introduction=None))  # an earlier version's
            read = link.read(without, device.offer, ravi.account.keys.curve25519)
            assert read.introduction is None

    with_server(scenario)


def test_the_new_device_learns_of_devices_whose_list_was_never_requested(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as phone,
            online(server, "ravi", "tablet"),
            new_device(server) as device,
        ):
            made = (await let_in(device, phone)).confirmation
            assert set(made.devices) == {"phone", "tablet"}

    with_server(scenario)


def test_the_new_device_knows_of_the_others_what_that_one_knew(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "ravi") as phone,
            online(server, "ravi", "tablet") as tablet,
            online(server, "ravi", "watch"),
            new_device(server) as device,
        ):
            await phone.send("raju", "where own devices meet")
            await raju.wait_for(of(MessageReceived))
            await tablet.sync()
            await phone.devices.of("ravi")
            await verified(phone, tablet)
            async with opened(server, await let_in(device, phone), tmp_path) as web:
                await web.devices.of("ravi")
                known = {one.device: one.trust for one in web.devices.known("ravi")}
                assert known == {
                    "phone": Trust.VERIFIED,
                    "tablet": Trust.VERIFIED,
                    "watch": Trust.SEEN,
                }

    with_server(scenario)


def test_a_wrong_password_lets_nobody_in_and_the_code_stays_good() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            await device.ask()
            offer = await ravi.linking.offer(device.offer.code)
            with pytest.raises(Unauthorized):
                await ravi.linking.confirm(offer, "wrong")
            with pytest.raises(CannotLink, match="expired"):
                await device.confirmed(0, pause=0.01, late=0)
            await ravi.linking.confirm(offer, PASSWORD)
            assert (await device.confirmed(1, pause=0.01)).confirmation.user == "ravi"

    with_server(scenario)


def test_what_is_confirmed_at_the_last_moment_is_found_after_it() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            await device.ask()
            offer = await ravi.linking.offer(device.offer.code)
            server.calls.clear()
            waiting = asyncio.create_task(device.confirmed(0, pause=0.01))
            await until(lambda: len(server.lines) > 1)  # it has asked once, without success
            await ravi.linking.confirm(offer, PASSWORD)
            assert (await waiting).confirmation.user == "ravi"

    with_server(scenario)


def test_waiting_ends_when_the_code_does_and_where_nobody_says_so() -> None:
    async def scenario(server: Served) -> None:
        async with new_device(server) as device:  # which has shown no code
            with pytest.raises(CannotLink, match="expired"):
                await device.confirmed(1000)
            server.faults.failing += [503] * 9
            with pytest.raises(CannotLink, match="expired"):
                await device.confirmed(0, pause=0.01, late=0.02)
            assert len(server.faults.failing) < 9

    with_server(scenario)


def test_a_confirmation_whose_response_is_lost_is_no_use_by_somebody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, sent = Requests._once, list[str]()

    async def lost(self: Requests, method: str, path: str, *rest: Any) -> dict[str, Any]:
        response = await real(self, method, path, *rest)
        if path.endswith("/confirm"):
            sent.append(path)
            if len(sent) == 1:
                raise Unreachable(path, "the response is lost")
        return response

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            monkeypatch.setattr(Requests, "_once", lost)
            assert (await let_in(device, ravi)).confirmation.user == "ravi"
            assert len(sent) == 2

    with_server(scenario)


@pytest.mark.parametrize("ended", ["used", "expired", "here"])
def test_who_can_not_be_let_in_causes_no_sign_in(ended: str) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi,
            online(server, "mallory") as mallory,
            new_device(server, "phone" if ended == "here" else "web") as device,
        ):
            offer = device.offer
            if ended != "expired":
                await device.ask()
            if ended == "used":
                await mallory.linking.confirm(offer, PASSWORD)
            server.calls.clear()
            with pytest.raises(CannotLink) as raised:
                await ravi.linking.confirm(offer, PASSWORD)
            assert raised.value.reason == ended
            assert "POST /api/sign-in" not in server.lines

    with_server(scenario)


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (NotFound("not_found", "gone", 404), CannotLink),
        (Conflict("conflict", "used", 409), CannotLink),
        (Unreachable("http://nowhere", "lost"), Unreachable),
        (asyncio.CancelledError(), asyncio.CancelledError),
    ],
)
def test_the_sign_in_for_a_device_that_is_not_let_in_ends(
    failure: BaseException, raised: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = Api.sign_in_anew, list[SignInResponse]()

    async def noted(self: Api, user: str, password: str) -> SignInResponse:
        made.append(await real(self, user, password))
        return made[-1]

    async def failing(self: Api, code: str, curve25519: str, message: str) -> None:
        raise failure

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            await device.ask()
            monkeypatch.setattr(Api, "sign_in_anew", noted)
            monkeypatch.setattr(Api, "confirm_link", failing)
            with pytest.raises(raised):
                await ravi.linking.confirm(device.offer, PASSWORD)
            (tokens,) = made
            left = Api(server.url, Tokens(refresh=tokens.refresh_token), random=Random(1))
            with pytest.raises(Unauthorized):
                await left.refresh()
            await left.close()
            await ravi._this.api.refresh()  # its own goes on

    with_server(scenario)


def test_who_has_seen_the_code_can_only_offer_an_account_of_their_own() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi,
            online(server, "mallory") as mallory,
            new_device(server) as device,
        ):
            seconds = await device.ask()
            offer = await ravi.linking.offer(device.offer.code)
            await mallory.linking.confirm(offer, PASSWORD)
            with pytest.raises(CannotLink) as raised:
                await ravi.linking.confirm(offer, PASSWORD)
            assert raised.value.reason == "used"
            linked = await device.confirmed(seconds, pause=0.01)
            assert linked.confirmation.user == "mallory"  # which the new device asks its user

    with_server(scenario)


@pytest.mark.parametrize("field", ["device", "label", "curve25519", "ed25519", "one_time_key"])
def test_a_backend_that_changes_an_offer_is_found_out(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Api.link_offer

    async def changed(self: Api, code: str) -> LinkOfferResponse:
        offer = await real(self, code)
        if field in ("curve25519", "ed25519"):
            return replace(offer, keys=replace(offer.keys, **{field: "A" * 43}))
        return replace(offer, **{field: "A" * 43})  # type: ignore[arg-type]

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            await device.ask()
            monkeypatch.setattr(Api, "link_offer", changed)
            with pytest.raises(CannotLink) as raised:
                await ravi.linking.offer(device.offer.code)
            assert raised.value.reason == "false"

    with_server(scenario)


def test_what_was_sealed_for_another_device_or_twice_opens_nothing() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi,
            new_device(server) as device,
            new_device(server, "other") as other,
        ):
            linked = await let_in(device, ravi)
            assert linked.confirmation.device == "web"
            response = await device._api.link_confirmation(device.offer.code)
            assert response.curve25519 and response.message
            for again, sender in (
                (device, response.curve25519),  # its one-time key is used up
                (other, response.curve25519),
                (device, other.offer.curve25519),
            ):
                with pytest.raises(CannotLink) as raised:
                    again._open(sender, response.message)
                assert raised.value.reason == "false"

    with_server(scenario)


def test_a_store_that_has_keys_is_not_given_others(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi,
            new_device(server) as device,
            new_device(server) as second,
        ):
            await opened(server, await let_in(device, ravi), tmp_path).close()
            with pytest.raises(StoreError):
                opened(server, await let_in(second, ravi), tmp_path)

    with_server(scenario)


def test_a_device_that_is_removed_takes_its_own_sign_in_along(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, new_device(server) as device:
            web = opened(server, await let_in(device, ravi), tmp_path)
            async with web:
                await ravi.devices.remove("web")
                await until(lambda: not web.online)
                with pytest.raises(Unauthorized):
                    await web._this.api.refresh()
            assert await ravi.devices.of("ravi") == []
            await ravi._this.api.refresh()

    with_server(scenario)
