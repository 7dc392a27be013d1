"""/safety and /verify in a direct chat: it is clear whom they are about."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from client.core.events import ChatLeft, MessageReceived, VerificationRequested
from client.crypto.identities import Trust
from tests.client.cli.person import Person
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow

WANTED = "a user name is 3 to 32 of a-z, 0-9 and _"


def test_in_a_direct_chat_it_is_with_the_one_it_is_with() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            shown = await person.types("/safety")
            assert shown == await person.types("/safety raju")
            assert shown[0] == "* your safety number with raju, of all devices of both:"

            number = await ravi.verification.safety_number("raju")
            wrong = number.digits[::-1]
            assert (
                "the numbers differ, so raju is NOT" in (await person.types(f"/safety {wrong}"))[0]
            )
            short = " ".join(number.groups)[:-1]
            assert "! that is no safety number" in (await person.types(f"/safety {short}"))[0]
            assert ravi.verification.trust("raju") is not Trust.VERIFIED
            for same in (" ".join(number.groups), number.digits, number.code):
                assert await person.types(f"/safety {same}") == ["* the numbers are the same"]
            assert ravi.verification.trust("raju") is Trust.VERIFIED

            assert "raju/phone is asked to compare emoji" in (await person.types("/verify"))[0]
            await raju.wait_for(of(VerificationRequested, user="ravi"))

    with_server(scenario)


def test_a_name_counts_all_the_same_also_one_of_digits() -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "ravi") as ravi, online(server, "raju"), online(server, "12345"),
        ):  # fmt: skip
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            shown = await person.types("/safety 12345")
            assert shown[0] == "* your safety number with 12345, of all devices of both:"
            number = " ".join((await ravi.verification.safety_number("12345")).groups)
            assert await person.types(f"/safety 12345 {number}") == ["* the numbers are the same"]
            assert ravi.verification.trust("12345") is Trust.VERIFIED
            assert ravi.verification.trust("raju") is not Trust.VERIFIED

    with_server(scenario)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/remove x", f"! {WANTED}, not x"),
        ("/add raju,Sita-Devi", f"! {WANTED}, not sita-devi"),
        ("/group trip raju,x", f"! {WANTED}, not x"),
        ("/who x", f"! {WANTED}, not x"),
        ("/admin x", f"! {WANTED}, not x"),
        ("/add meena", "! the members of a direct chat don't change"),
        ("/accept raju", "! the keys of raju have not changed"),
        ("/file /nowhere/at/all", "! /nowhere/at/all can't be read: no such file or directory"),
        ("/to RAJU", "* chat with raju"),
    ],
)
def test_texts_for_people_have_no_words_of_programs(typed: str, answer: str) -> None:
    """No code of the protocol, no number of HTTP or the system, no place in a document."""

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju"):
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            assert await person.types(typed) == [answer]

    with_server(scenario)


def test_without_a_direct_chat_a_name_is_needed() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju"):
            person = Person(ravi)
            for chat in (None, await ravi.chats.group(["raju"])):
                if chat is not None:
                    person.room.open(chat)
                assert await person.types("/safety") == [f"! /safety USER: {WANTED}"]
                assert await person.types("/verify") == [f"! /verify USER: {WANTED}"]

    with_server(scenario)


def test_a_group_that_one_was_removed_from_can_be_read_and_not_written_to() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.group(["raju"])
            await ravi.send(chat, "welcome")
            await raju.wait_for(of(MessageReceived, text="welcome"))
            await raju.chats.direct("ravi")
            await ravi.chats.change_members(chat, remove=["raju"])
            await raju.wait_for(of(ChatLeft, chat=chat))
            person = Person(raju)
            assert any(
                "you are no longer a member" in each for each in await person.types("/chats")
            )
            person.room.open(chat)
            assert "ravi: welcome" in person.lines
            assert "* you are no longer a member: this can be read, and nothing be added" in (
                person.lines
            )
            assert (await person.types("/history"))[0].endswith(" ravi: welcome")
            assert await person.types("hello?") == ["! you are no longer a member of this chat"]

    with_server(scenario)


def test_a_text_from_a_pipe_waits_for_a_store_that_is_locked(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with (
            online(server, "raju") as raju,
            online(server, "ravi", store=tmp_path / "s.sqlite") as ravi,
        ):
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            person.lines.clear()
            with closing(sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                writing = asyncio.create_task(person.types("kept"))
                await until(lambda: person.lines != [])
                other.execute("ROLLBACK")
            shown = await writing
            assert len(shown) == 1 and "locked" in shown[0]
            await raju.wait_for(of(MessageReceived, text="kept"))

    with_server(scenario)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/help edit", ["* /edit N TEXT           changes what you wrote; . is your last text"]),
        ("/help /add", ["* /add A,B  /remove A,B  changes who is in the open group"]),
        ("/help no", ["* /yes, /no [USER]"]),
        (
            "/help unblock",
            ["* /block USER            hides what a user writes to you; /unblock USER"],
        ),
        ("/help email", ["* /email ADDRESS", "* /email CODE"]),
        ("/help nothing", ["! there is no /nothing; /help shows what there is"]),
    ],
)
def test_help_says_what_one_command_does(asked: str, shown: list[str]) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            lines = await Person(ravi).types(asked)
            assert len(lines) == len(shown)
            for line, begins in zip(lines, shown, strict=True):
                assert line.startswith(begins)

    with_server(scenario)
