"""Verification as a program uses it: real ratchets, the library, and a backend in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client import (
    CannotVerify,
    ChatClient,
    ControlReceived,
    EmojiShown,
    IdentityChanged,
    MessageReceived,
    SendingHeld,
    Stage,
    Trust,
    VerificationCancelled,
    VerificationRequested,
    Verified,
)
from tests.client.library import QUICK, compare, of, online, verified, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


def test_two_people_compare_emoji_and_are_verified_and_stay_so(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "ravi.sqlite"
        async with online(server, "raju") as raju:
            async with online(server, "ravi", store=store) as ravi:
                await compare(ravi, raju)
                here = await ravi.wait_for(of(EmojiShown, user="raju", device="phone"))
                there = await raju.wait_for(of(EmojiShown, user="ravi", device="phone"))
                assert isinstance(here, EmojiShown)
                assert isinstance(there, EmojiShown)
                assert here.emoji == there.emoji
                assert len(here.emoji) == 7
                ravi.verification.decide("raju", match=True)
                assert ravi.verification.comparisons() == {"raju/phone": Stage.CONFIRMED}
                raju.verification.decide("ravi", match=True)
                await ravi.wait_for(of(Verified, user="raju"))
                await raju.wait_for(of(Verified, user="ravi"))
                assert ravi.verification.comparisons() == raju.verification.comparisons() == {}
            async with online(server, "ravi", store=store) as ravi:
                assert (
                    ravi.verification.trust("raju")
                    is raju.verification.trust("ravi")
                    is Trust.VERIFIED
                )

    with_server(scenario)


def test_nothing_of_it_is_shown_as_a_message() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await verified(ravi, raju)
            await ravi.send("raju", "hello")
            await raju.wait_for(of(MessageReceived, text="hello"))
            for client in (ravi, raju):
                (chat,) = client.chats.all()
                assert [message.text for message in client.messages.history(chat.chat)] == ["hello"]
            assert raju.chats.all()[0].unread == 1

    with_server(scenario)


def test_in_a_group_no_comparison_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever a client sends there: whoever asks there could be anybody of the group."""

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            group = await ravi.chats.group(["raju"])
            await ravi.send(group, "we meet")
            await raju.wait_for(of(MessageReceived, text="we meet"))

            async def in_the_group(_user: str) -> str:
                return group

            monkeypatch.setattr(ravi.chats, "direct", in_the_group)
            await ravi.verification.compare("raju", "phone")
            await raju.wait_for(of(ControlReceived))
            await ravi.send(group, "did you see that?")
            await raju.wait_for(of(MessageReceived, text="did you see that?"))
            assert ravi.verification.comparisons() == {"raju/phone": Stage.REQUESTED}
            assert raju.verification.comparisons() == {}

    with_server(scenario)


def test_steps_wait_in_order_while_it_is_asked_what_their_chat_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            ask, may_be_asked = raju.chats.refresh, asyncio.Event()
            asked: list[str] = []

            async def slowly() -> None:
                asked.append("chats")
                await may_be_asked.wait()
                await ask()

            monkeypatch.setattr(raju.chats, "refresh", slowly)
            await ravi.chats.direct("raju")
            await ravi.verification.compare("raju", "phone")
            ravi.verification.decide(
                "raju", match=False
            )  # two steps: it is asked for, and given up
            await ravi.send("raju", "hello")
            await raju.wait_for(of(MessageReceived, text="hello"))
            assert raju.verification.comparisons() == {}
            may_be_asked.set()
            await raju.wait_for(of(VerificationCancelled))
            steps = (VerificationRequested, VerificationCancelled)
            assert (
                tuple(type(each) for each in raju._this.feed._past if isinstance(each, steps))
                == steps
            )
            assert (asked, raju.verification.comparisons()) == (["chats"], {})

    with_server(scenario)


def test_emoji_that_differ_verify_nobody() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await compare(ravi, raju)
            ravi.verification.decide("raju", match=True)
            raju.verification.decide("ravi", match=False)
            cancelled = of(VerificationCancelled, reason="mismatched_sas")
            assert not getattr(await raju.wait_for(cancelled), "by_peer", None)
            assert getattr(await ravi.wait_for(cancelled), "by_peer", None)
            assert ravi.verification.trust("raju") is raju.verification.trust("ravi") is Trust.SEEN

    with_server(scenario)


def test_who_is_away_is_waited_for_and_asked_on_coming_back(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "raju.sqlite"
        async with online(server, "raju", store=store):
            pass
        async with online(server, "ravi") as ravi:
            await ravi.verification.compare("raju")
            await until(lambda: ravi.verification.comparisons() == {"raju/phone": Stage.REQUESTED})
            async with online(server, "raju", store=store) as raju:
                await raju.wait_for(of(VerificationRequested, user="ravi"))
                await raju.verification.compare("ravi")
                await ravi.wait_for(of(EmojiShown, user="raju"))

    with_server(scenario)


def test_both_may_ask_at_once() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await asyncio.gather(
                ravi.verification.compare("raju"), raju.verification.compare("ravi")
            )
            here = await ravi.wait_for(of(EmojiShown, user="raju"))
            there = await raju.wait_for(of(EmojiShown, user="ravi"))
            assert getattr(here, "emoji", 1) == getattr(there, "emoji", 2)

    with_server(scenario)


def test_who_leaves_in_the_middle_says_so() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            async with online(server, "raju") as raju:
                await compare(ravi, raju)
            await ravi.wait_for(of(VerificationCancelled, reason="user", by_peer=True))

    with_server(scenario)


def test_who_crashes_in_the_middle_has_forgotten_it_and_may_begin_again(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        store = tmp_path / "raju.sqlite"
        async with online(server, "ravi") as ravi:
            raju = ChatClient(server.url, "raju", "password", store=store, settings=QUICK)
            await raju.sign_up_or_in()
            await raju.connect()
            await compare(ravi, raju)
            await raju.abort()
            async with online(server, "raju", store=store) as raju:
                ravi.verification.decide(
                    "raju", match=True
                )  # its mac means nothing to raju any more
                await ravi.wait_for(of(VerificationCancelled, reason="unknown_transaction"))
                await verified(ravi, raju)

    with_server(scenario)


def test_keys_that_change_in_the_middle_end_it() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            await compare(ravi, raju)
            async with online(server, "raju"):  # the same device, made anew: raju is displaced
                await ravi.devices.of("raju")
                await ravi.wait_for(of(VerificationCancelled, reason="identity_changed"))
                with pytest.raises(CannotVerify, match="not accepted"):
                    await ravi.verification.compare("raju")

    with_server(scenario)


def test_a_comparison_that_nobody_answers_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await ravi.verification.compare("raju")
            await raju.wait_for(of(VerificationRequested, user="ravi"))
            monkeypatch.setattr("client.crypto.sas.STEP_LIFE", 0.3)
            await raju.verification.compare("ravi")
            await ravi.wait_for(of(VerificationCancelled, reason="timeout"))
            await raju.wait_for(of(VerificationCancelled, reason="timeout"))

    with_server(scenario)


def test_a_verified_user_s_new_device_waits_for_acceptance() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as phone, online(server, "ravi") as ravi:
            await verified(ravi, phone)
            async with online(server, "raju", "laptop") as laptop:
                await ravi.devices.of("raju")
                await ravi.wait_for(of(IdentityChanged, user="raju", device="laptop"))
                chat = await ravi.chats.direct("raju")
                await ravi.send("raju", "to you")
                await ravi.wait_for(of(SendingHeld, chat=chat, users=("raju",)))
                assert ravi.verification.accept("raju", ravi.devices.known("raju"))
                await laptop.wait_for(of(MessageReceived, text="to you"))
                trusts = {one.device: one.trust for one in await ravi.devices.of("raju")}
                assert trusts == {"phone": Trust.VERIFIED, "laptop": Trust.SEEN}
                assert (
                    await ravi.verification.compare("raju")
                ).device == "laptop"  # the one that is left

    with_server(scenario)


def test_a_user_s_own_devices_can_be_compared() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju"),
            online(server, "ravi") as phone,
            online(server, "ravi", "laptop") as laptop,
        ):
            with pytest.raises(CannotVerify, match="meet in a chat"):
                await phone.verification.compare("ravi")
            await phone.send("raju", "hello")
            await laptop.wait_for(of(MessageReceived, text="hello"))
            await verified(laptop, phone)

    with_server(scenario)


def test_own_devices_meet_in_a_chat_that_is_surely_no_request_if_there_is_one() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "mira"), online(server, "ravi") as ravi:
            sure = await ravi.chats.direct("raju")
            await ravi.send("raju", "hello")
            unsure = await ravi.chats.direct("mira")
            await ravi.send("mira", "hello")
            await until(lambda: [each.chat for each in ravi.chats.all()] == [sure, unsure])
            with ravi._this.store.transaction() as db:  # as of a version that did not ask
                db.execute("UPDATE chats SET request = NULL WHERE chat = ?", (unsure,))
            assert await ravi.verification._common_chat("ravi") == sure

    with_server(scenario)


@pytest.mark.parametrize("known", [True, False])
def test_emoji_are_compared_with_a_stranger_only_once_its_request_is_accepted(known: bool) -> None:
    async def scenario(server: Served) -> None:
        server.acquainted = False
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.direct("raju")
            if known:
                await ravi.send("raju", "hello")
                await raju.wait_for(of(MessageReceived, text="hello"))
            for _ in range(2):
                with pytest.raises(CannotVerify, match="accept the request of ravi first"):
                    await raju.verification.compare("ravi")
            (listed,) = await raju._this.api.chats()
            assert (listed.chat, listed.request) == (chat, True)
            await raju.people.accept(chat)
            await compare(raju, ravi)

    with_server(scenario)


@pytest.mark.parametrize("device", ["phone", "tablet", None])
def test_there_has_to_be_somebody_to_compare_with(device: str | None) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            for user in ("nobody", "ravi"):
                with pytest.raises(CannotVerify, match="no device"):
                    await ravi.verification.compare(user, device)
                with pytest.raises(CannotVerify):
                    await ravi.verification.safety_number(user)
            for match in (True, False):
                with pytest.raises(CannotVerify, match="no comparison"):
                    ravi.verification.decide("raju", match, device)
            if device != "tablet":
                await ravi.verification.compare("raju", device)
                with pytest.raises(CannotVerify, match="no emoji"):
                    ravi.verification.decide("raju", match=True)
                with pytest.raises(CannotVerify, match="under way"):
                    await ravi.verification.compare("raju")
                await raju.wait_for(of(VerificationRequested, user="ravi"))

    with_server(scenario)


def test_of_several_devices_one_has_to_be_named_unless_it_has_asked() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju"),
            online(server, "raju", "laptop") as laptop,
            online(server, "ravi") as ravi,
        ):
            with pytest.raises(CannotVerify, match="laptop, phone; name one"):
                await ravi.verification.compare("raju")
            await laptop.verification.compare("ravi")
            await ravi.wait_for(of(VerificationRequested, device="laptop"))
            assert (await ravi.verification.compare("raju")).device == "laptop"

    with_server(scenario)
