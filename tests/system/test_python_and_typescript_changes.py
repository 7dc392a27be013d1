"""Both clients through the running system, while devices, members and keys change."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client import ChatClient, State
from client.core.events import EmojiShown, VerificationRequested, Verified
from tests.support.running_system import PASSWORD
from tests.support.typescript_client import Browser
from tests.system.both_clients import Make, Name, Open, Story, node, of, readable, run_story, runner
from tests.system.telling import reached, received, texts

pytestmark = pytest.mark.xdist_group("story")
__all__ = ["node", "run_story", "runner"]  # fixtures


@pytest.mark.deep
def test_a_device_that_was_added_a_second_ago_gets_the_message(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with device(ravi) as python, browser(raju) as web:
            chat = await python.chats.direct(raju)
            group = await python.chats.group([raju])
            for here in (chat, group):
                await python.send(here, f"before, python, {here}")
                await web.received(f"before, python, {here}")
                await web.send(here, f"before, web, {here}")
                await python.wait_for(received(f"before, web, {here}"))
            async with browser(raju, "tablet") as tablet, device(ravi, "laptop") as laptop:
                for here in (chat, group):
                    await python.send(here, f"after, python, {here}")
                    await web.send(here, f"after, web, {here}")
                for here in (chat, group):
                    for text in (f"after, python, {here}", f"after, web, {here}"):
                        await laptop.wait_for(readable(text))
                        await anyhow(tablet, text)

    run_story(story)


async def anyhow(web: Browser, text: str) -> None:
    """It has the text, at once or as a copy."""
    waits = [
        asyncio.ensure_future(web.event(kind, text=text))
        for kind in ("message", "message_readable")
    ]
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in rest:
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
    for one in done:
        one.result()


@pytest.mark.deep
@pytest.mark.parametrize("remover", ["python", "web"])
def test_a_removed_member_reads_nothing_more_and_a_new_one_nothing_from_before(
    device: Make, name: Name, run_story: Callable[[Story], None], remover: str
) -> None:
    async def story(browser: Open) -> None:
        async with (
            device(name("ravi")) as ravi,
            browser(name("raju")) as raju,
            browser(name("meena")) as meena,
            device(name("anil")) as anil,
        ):
            group = await ravi.chats.group([raju.user, anil.user])
            await ravi.people.change_admins(group, appoint=[raju.user])  # who may remove others
            await ravi.send(group, "before meena")
            await raju.received("before meena")

            async def change(**change: list[str]) -> None:
                if remover == "python":
                    await ravi.chats.change_members(group, **change)
                else:
                    await raju.do("changeMembers", group, change)

            await change(add=[meena.user])
            await ravi.send(group, "hello meena, says ravi")
            await raju.send(group, "hello meena, says raju")
            for text in ("hello meena, says ravi", "hello meena, says raju"):
                await anyhow(meena, text)
            await meena.send(group, "hello all")
            await ravi.wait_for(received("hello all"))
            await raju.received("hello all")
            await change(remove=[meena.user, anil.user])
            await ravi.send(group, "without them, says ravi")
            await raju.received("without them, says ravi")
            await raju.send(group, "without them, says raju")
            await ravi.wait_for(received("without them, says raju"))
            gone = {"before meena", "without them, says ravi", "without them, says raju"}
            assert not gone & set(await meena.texts(group))
            assert not {one for one in texts(anil, group) if one and one.startswith("without")}

    run_story(story)


@pytest.mark.deep
@pytest.mark.parametrize("adder", ["python", "web"])
def test_who_is_added_gets_what_it_asks_for_but_nothing_from_before(
    device: Make, name: Name, run_story: Callable[[Story], None], adder: str
) -> None:
    async def story(browser: Open) -> None:
        async with (
            device(name("ravi")) as ravi,
            browser(name("raju")) as raju,
            browser(name("meena")) as meena,
        ):
            group = await ravi.chats.group([raju.user])
            writer: ChatClient | Browser = ravi if adder == "python" else raju
            before = await writer.send(group, "before meena")
            if adder == "python":
                await ravi.wait_for(reached(before, State.SENT))
                await ravi.chats.change_members(group, add=[meena.user])
            else:
                await raju.event("state", messageId=before, state=State.SENT)
                await raju.do("changeMembers", group, {"add": [meena.user]})
            hello = await writer.send(group, "hello meena")
            await anyhow(meena, "hello meena")
            await meena.do("abort")
            for message_id in (before, hello):
                await meena.do("loseText", group, [writer.user, writer.device, message_id])
            await meena.__aenter__()
            await meena.event("message_readable", text="hello meena")
            assert "before meena" not in await meena.texts(group)

    run_story(story)


@pytest.mark.deep
def test_who_lost_its_sessions_asks_and_gets_what_it_could_not_read(
    device: Make, name: Name, run_story: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with browser(raju) as web:
            async with device(ravi) as python:
                chat = await python.chats.direct(raju)
                await python.send(chat, "1")
                await web.received("1")
                await web.send(chat, "2")
                await python.wait_for(received("2"))
                await web.do("abort")
                await web.do("loseSessions")
                await web.__aenter__()
                await python.send(chat, "3")
                await web.event("message_readable", text="3")
                await web.send(chat, "4")
                await python.wait_for(received("4"))
            with sqlite3.connect(tmp_path / f"{ravi}-phone.sqlite") as database:
                database.execute("DELETE FROM olm_sessions")
            database.close()
            async with device(ravi) as python:
                await web.send(chat, "5")
                await python.wait_for(readable("5"))
                await python.send(chat, "6")
                await web.received("6")
                assert texts(python, chat) == await web.texts(chat) == list("123456")

    run_story(story)


@pytest.mark.deep
def test_safety_numbers_and_emoji_are_the_same_on_both_sides(
    device: Make, name: Name, run_story: Callable[[Story], None]
) -> None:
    async def story(browser: Open) -> None:
        async with device(name("raju")) as python, browser(name("ravi")) as web:
            chat = await python.chats.direct(web.user)
            assert await web.do("direct", python.user) == chat  # nothing is compared in a request
            shown = await web.do("safetyNumber", python.user)
            number = await python.verification.safety_number(web.user)
            assert shown == {"digits": number.digits, "qr": number.code}
            wrong = shown["digits"].translate(str.maketrans("0123456789", "1234567890"))
            assert not await python.verification.compare_safety_number(web.user, wrong)
            assert await python.verification.compare_safety_number(web.user, shown["qr"])
            assert await web.do("compareSafetyNumber", python.user, number.digits)

            await web.do("compare", chat, f"{python.user}/{python.device}")
            await python.wait_for(of(VerificationRequested))
            await python.verification.compare(web.user)
            emoji = await python.wait_for(of(EmojiShown))
            assert isinstance(emoji, EmojiShown)
            there = await web.event("comparison", stage="comparing")
            assert there["emoji"] == [meaning for _, meaning in emoji.emoji]
            python.verification.decide(web.user, True)
            await web.do("decide", f"{python.user}/{python.device}", True)
            await python.wait_for(of(Verified))
            await web.event("comparison", stage="verified")

    run_story(story)


@pytest.mark.deep
def test_another_identity_of_a_device_stops_sending_until_it_is_accepted(
    device: Make, name: Name, run_story: Callable[[Story], None], tmp_path: Path, endpoints: Any
) -> None:
    async def story(browser: Open) -> None:
        ravi, raju = name("ravi"), name("raju")
        async with browser(raju) as web:
            async with device(ravi) as python:
                chat = await python.chats.direct(raju)
                await web.send(chat, "to the first phone")
                await python.wait_for(received("to the first phone"))
            store = tmp_path / "another-phone.sqlite"
            async with ChatClient(endpoints["api"], ravi, PASSWORD, "phone", store) as another:
                await web.event("identity_changed", user=ravi, device="phone")
                waiting = await web.send(chat, "to whoever you are")
                await web.event("held", chat=chat)
                await another.send(chat, "it is me")
                event = await web.event("message", unreadable="identity_changed")
                assert event.get("text") is None
                await web.do("accept", ravi)
                await web.event("message_readable", text="it is me")
                await another.wait_for(readable("to whoever you are"))
                await web.event("state", messageId=waiting, state=State.DELIVERED.value)

    run_story(story)
