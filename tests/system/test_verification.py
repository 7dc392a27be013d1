"""Two people make sure that nobody sits between them, over the running system."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client import (
    ChatClient,
    DevicesChanged,
    EmojiShown,
    IdentityChanged,
    MessageReceived,
    SendingHeld,
    State,
    StateChanged,
    Trust,
    VerificationCancelled,
    VerificationRequested,
    Verified,
)
from client.core.events import Event
from tests.system.telling import run

pytestmark = pytest.mark.xdist_group("story")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]


def of(kind: type, **fields: Any) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, kind)
        and all(getattr(event, name) == value for name, value in fields.items())
    )


async def emoji(here: ChatClient, there: ChatClient) -> EmojiShown:
    event = await here.wait_for(of(EmojiShown, user=there.user, device=there.device))
    assert isinstance(event, EmojiShown)
    return event


async def acquainted(one: ChatClient, other: ChatClient) -> None:
    """Neither is a stranger: nothing is compared in a request."""
    await one.chats.direct(other.user)
    await other.chats.direct(one.user)


async def compare(one: ChatClient, other: ChatClient) -> None:
    """Until both show the same emoji."""
    await acquainted(one, other)
    await one.verification.compare(other.user)
    await other.wait_for(of(VerificationRequested, user=one.user))
    await other.verification.compare(one.user)
    assert (await emoji(one, other)).emoji == (await emoji(other, one)).emoji


async def verify(one: ChatClient, other: ChatClient) -> None:
    await compare(one, other)
    one.verification.decide(other.user, match=True)
    other.verification.decide(one.user, match=True)
    await one.wait_for(of(Verified, user=other.user))
    await other.wait_for(of(Verified, user=one.user))


def test_two_people_compare_emoji_and_see_the_same_safety_number(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a, device(raju) as b:
            number = await a.verification.safety_number(raju)
            assert number == await b.verification.safety_number(ravi)
            assert len(number.digits) == 60
            await verify(a, b)
            assert a.verification.trust(raju) is b.verification.trust(ravi) is Trust.VERIFIED
            message = await a.send(raju, "now I know that it is you")
            await b.wait_for(of(MessageReceived, text="now I know that it is you"))
            await a.wait_for(of(StateChanged, message_id=message, state=State.DELIVERED))
            for client, other in ((a, raju), (b, ravi)):
                shown = client.messages.history(await client.chats.direct(other))
                assert [one.text for one in shown] == ["now I know that it is you"]

    run(story())


@pytest.mark.deep
def test_the_other_one_may_be_away_when_asked(device: Make, name: Name) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a:
            async with device(raju) as b:
                await acquainted(a, b)
            await a.verification.compare(raju)
            async with device(raju) as b:
                await b.wait_for(of(VerificationRequested, user=ravi))
                await b.verification.compare(ravi)
                await emoji(a, b)
                a.verification.decide(raju, match=False)
                await b.wait_for(of(VerificationCancelled, reason="mismatched_sas"))
                assert b.verification.trust(ravi) is Trust.SEEN

    run(story())


@pytest.mark.deep
def test_a_changed_identity_stops_sending_until_it_is_accepted(
    device: Make, name: Name, tmp_path: Path, endpoints: dict[str, Any]
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a:
            async with device(raju) as b:
                await verify(a, b)
                before = await a.verification.safety_number(raju)
            anew = ChatClient(
                endpoints["api"], raju, "Correct-horse-7", "phone", tmp_path / "anew.sqlite"
            )
            async with anew as b:
                chat = await a.chats.direct(raju)
                held = await a.send(raju, "is it still you?")
                await a.wait_for(of(IdentityChanged, user=raju, device="phone"))
                await a.wait_for(of(SendingHeld, chat=chat, users=(raju,)))
                assert a.verification.trust(raju) is Trust.CHANGED
                number = await a.verification.safety_number(raju)
                assert number == await b.verification.safety_number(ravi)
                assert number != before
                with pytest.raises(TimeoutError):
                    await a.wait_for(of(StateChanged, message_id=held), timeout=2)
                assert not [one for one in b.chats.all() if b.messages.history(one.chat)]

                assert a.verification.accept(raju, a.devices.known(raju))
                await b.wait_for(of(MessageReceived, text="is it still you?"))
                await a.wait_for(of(StateChanged, message_id=held, state=State.DELIVERED))
                assert a.verification.trust(raju) is Trust.SEEN  # accepted is not compared

    run(story())


@pytest.mark.deep
def test_a_verified_user_s_new_device_gets_nothing_until_it_is_accepted(
    device: Make, name: Name
) -> None:
    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as a, device(raju) as phone:
            number = await a.verification.safety_number(raju)
            assert await a.verification.compare_safety_number(raju, number.code)
            await a.send(raju, "hello")  # who shares a chat is notified of devices
            await phone.wait_for(of(MessageReceived, text="hello"))
            async with device(raju, "laptop") as laptop:
                await a.wait_for(of(DevicesChanged, user=raju))
                await a.send(raju, "who reads this?")
                await a.wait_for(of(IdentityChanged, user=raju, device="laptop"))
                await a.wait_for(of(SendingHeld, users=(raju,)))
                number = await a.verification.safety_number(raju)
                assert number == await laptop.verification.safety_number(ravi)
                assert await a.verification.compare_safety_number(raju, number.digits)
                for one in (phone, laptop):
                    await one.wait_for(of(MessageReceived, text="who reads this?"))
                assert {one.trust for one in await a.devices.of(raju)} == {Trust.VERIFIED}

    run(story())
