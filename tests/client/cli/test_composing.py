"""Writing at the command line: replies, edits, reactions, deletions, and how others' are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from client import ChatClient
from client.cli.bubbles import lay_out
from client.cli.text import duration, history_line, shown
from client.core.attachment import Attachment
from client.core.content import MessageContent, Reference, text_content
from client.core.view import Reaction
from client.store.history import Quote, StoredMessage
from tests.client.cli.person import Person
from tests.client.library import online, with_server
from tests.support.backend.server import Served, until
from tests.support.rows import rows

# Of a JPEG of 96 x 96 pixels.
HEADER = bytes.fromhex("ffd8ffc00011080060006003011100021101031101")
RAVI = Reference("ravi/phone", "0" * 26)
VIEW = Attachment("picture", "view.png", "image/png", 70, "id", "key", "digest")


def message(content: MessageContent | None, **more: object) -> StoredMessage:
    text = None if content is None else content.text
    of = ("c", 3, "0" * 26, "ravi", "phone", 0.0, text, None, None, content)
    return StoredMessage(*of, **more)  # type: ignore[arg-type]


@rows(
    ("stored", "line"),
    [
        (message(text_content("tea?")), "tea?"),
        (message(text_content("tea?"), edited=True), "tea? (edited)"),
        (message(None, deleted=True), "(deleted)"),
        (message(None), "(waiting for this message)"),
        (
            message(text_content("yes"), reply=Quote(RAVI, "ravi", "tea\n?", here=True)),
            "> ravi: tea ⏎ ? ⏎ yes",
        ),
        (
            message(text_content("fine"), reply=Quote(RAVI, "ravi", "", here=True, file=VIEW)),
            "> ravi: [picture view.png, 70 bytes] ⏎ fine",
        ),
        (
            message(text_content("yes"), reply=Quote(RAVI, "ravi", None, here=False)),
            "> ravi: (not here) ⏎ yes",
        ),
        (
            message(MessageContent("timer", {"seconds": 3600})),
            "(what is written now disappears after 1h)",
        ),
        (message(MessageContent("timer", {"seconds": 0})), "(what is written now stays)"),
        (
            message(MessageContent("chat_name", {"name": "a\u202eb"})),
            "(the group is named a\ufffdb)",
        ),
        (message(MessageContent("chat_picture", {"picture": None})), "(no picture now)"),
        (
            message(MessageContent("unknown", {"v": 1, "kind": "\u001b[2J"})),
            "(a message of a kind that this version does not know)",
        ),
        (message(MessageContent("unreadable")), "(a message that can't be read)"),
    ],
    ids=str,
)
def test_every_kind_is_a_line_of_its_own_and_steers_nothing(
    stored: StoredMessage, line: str
) -> None:
    assert history_line(stored) == f"3 ravi: {line}"


def test_reactions_stand_below_a_bubble_with_who_gave_them() -> None:
    stored = message(
        text_content("tea?"), reactions=(Reaction("raju", "👍"), Reaction("mira", "❤️"))
    )
    rows = [
        "".join(text for _, text in line) for line in lay_out([stored], "mira", 60, {}, group=True)
    ]
    assert rows[-1].strip() == "👍 raju  ❤️ mira"
    assert history_line(stored).endswith("tea? [👍 raju  ❤️ mira]")


@pytest.mark.parametrize(
    ("seconds", "shown_as"), [(30, "30s"), (90, "90s"), (300, "5m"), (7200, "2h"), (604800, "7d")]
)
def test_a_time_is_shown_as_it_is_typed(seconds: int, shown_as: str) -> None:
    assert duration(seconds) == shown_as


@pytest.mark.slow
def test_two_people_answer_react_edit_and_delete_by_numbers() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            one, other = Person(ravi), Person(raju)
            chat = await ravi.chats.direct("raju")
            one.room.open(chat)
            await one.types("tea?")
            await until(lambda: raju.chats.all() and raju.messages.history(chat))
            other.room.open(chat)

            async def sees(client: object, line: str) -> None:
                await until(lambda: line in [shown(each) for each in client.messages.history(chat)])  # type: ignore[attr-defined]

            await other.types("/reply . yes")
            await sees(ravi, "> ravi: tea?\nyes")
            assert await one.types("/edit 1 coffee?") == []
            await sees(raju, "coffee? (edited)")
            assert (await other.types("/react 1 👍")) == []
            await until(
                lambda: ravi.messages.history(chat)[0].reactions == (Reaction("raju", "👍"),)
            )
            assert await other.types("/react 1 no") == ["! this is no reaction that can be sent"]
            assert await other.types("/edit 1 mine") == ["! you can edit only what you wrote"]
            assert await other.types("/delete 1") == ["! you can delete only what you wrote"]
            assert await one.types("/delete .") == []
            await sees(raju, "(deleted)")
            assert "> ravi: (deleted)\nyes" in [shown(each) for each in raju.messages.history(chat)]
            (line,) = await one.types("/expire 8h")
            assert line == "* what is written here from now on disappears 8h after it is read"
            await until(lambda: raju.chats.all()[0].timer == 8 * 3600)
            assert "texts disappear after 8h" in (await other.types("/chats"))[0]

    with_server(scenario)


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/reply 9 yes", "there is no message 9; /history shows their numbers"),
        ("/react", "which one? /history shows the numbers, and . is the last"),
        ("/reply 1", "/reply N TEXT: what you answer"),
        ("/edit 1", "/edit N TEXT: the text that it is to have"),
        ("/expire soon", "/expire TIME: a number with s, m, h or d behind it, or off"),
        ("/expire 900d", "this is no timer that can be sent"),
        ("/name Weekend", "only a group has a name and a picture of its own"),
        ("/profile  ", None),
        ("/picture /nowhere", "/nowhere can't be read"),
        ("/picture me", "/picture [me] FILE: the picture, or off"),
    ],
)
def test_what_can_not_be_done_is_reported(line: str, problem: str | None) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju"):
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            await person.types("hello")
            await until(lambda: ravi.messages.unaccepted == 0)
            lines = await person.types(line)
            if problem is None:
                assert lines == ["* ravi: no name", "* raju: no name"]
            else:
                assert lines[0].startswith(f"! {problem}")

    with_server(scenario)


@pytest.mark.slow
def test_a_picture_is_a_small_one_of_a_known_type(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            person = Person(ravi)
            good, bad, large, wide = (
                tmp_path / name for name in ("a.jpg", "a.svg", "b.jpg", "c.jpg")
            )
            good.write_bytes(HEADER.ljust(5_400, b"\0"))
            bad.write_bytes(b"<svg/>")
            large.write_bytes(HEADER.ljust(5_401, b"\0"))
            wide.write_bytes(HEADER.replace(b"\0\x60\0\x60", b"\x02\x01\0\x60"))
            assert await person.types(f"/picture me {good}") == ["* the picture is set"]
            for wrong in (bad, large, wide):
                (line,) = await person.types(f"/picture me {wrong}")
                assert line == (
                    "! a picture is a JPEG, PNG or WebP of at most 5,400 bytes, and of at most "
                    "512 pixels on a side"
                )
            assert await person.types("/profile Ravi K.") == ["* ravi: Ravi K., with a picture"]
            assert await person.types("/picture me off") == ["* there is no picture now"]
            assert await person.types("/profile off") == ["* ravi: no name"]

    with_server(scenario)


@asynccontextmanager
async def three_friends(server: Served) -> AsyncIterator[tuple[ChatClient, ChatClient, ChatClient]]:
    """Ravi, and two who let him add them to groups."""
    async with (
        online(server, "ravi") as ravi,
        online(server, "raju") as raju,
        online(server, "meena") as meena,
    ):
        for other in (raju, meena):
            await other.people.add("ravi")
        yield ravi, raju, meena


@pytest.mark.slow
def test_it_says_who_has_read_what_one_wrote_and_who_has_got_it() -> None:
    async def scenario(server: Served) -> None:
        async with three_friends(server) as (ravi, raju, meena):
            person = Person(ravi)
            chat = await ravi.chats.group(["raju", "meena"])
            person.room.open(chat)
            await ravi.send(chat, "tea?")
            await until(lambda: raju.messages.unread(chat) and meena.messages.unread(chat))
            raju.messages.mark_read(chat, raju.messages.unread(chat)[-1].seq or 0)
            number = ravi.messages.history(chat)[-1].seq
            expected = ["* read by raju", "* delivered to meena"]
            await until(lambda: ravi.chats.watermarks(chat)["raju"].read == number)
            await until(lambda: ravi.chats.watermarks(chat)["meena"].delivered == number)
            assert await person.types("/info .") == expected
            await raju.send(chat, "yes")
            await until(lambda: ravi.messages.history(chat)[-1].text == "yes")
            assert await person.types(f"/info {ravi.messages.history(chat)[-1].seq}") == [
                "! of what others wrote, nobody tells you who has read it"
            ]

    with_server(scenario)


@pytest.mark.slow
def test_a_message_that_a_block_hid_is_not_reported_as_read() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            person = Person(ravi)
            chat = await ravi.chats.direct("raju")
            await raju.people.accept(chat)
            person.room.open(chat)
            await raju.people.block("ravi")
            await ravi.send(chat, "hidden")
            await until(lambda: ravi.messages.history(chat)[-1].seq is not None)
            hidden = ravi.messages.history(chat)[-1].seq
            await raju.people.add("ravi")
            await ravi.send(chat, "seen")
            await until(lambda: bool(raju.messages.unread(chat)))
            raju.messages.mark_read(chat, raju.messages.unread(chat)[-1].seq or 0)
            await until(lambda: ravi.chats.watermarks(chat)["raju"].read > (hidden or 0))
            assert await person.types("/info .") == ["* read by raju"]
            assert await person.types(f"/info {hidden}") == ["* not delivered yet to raju"]

    with_server(scenario)


@pytest.mark.slow
def test_a_later_member_is_not_reported_to_have_read_earlier_messages() -> None:
    async def scenario(server: Served) -> None:
        async with three_friends(server) as (ravi, raju, meena):
            person = Person(ravi)
            chat = await ravi.chats.group(["raju"])
            person.room.open(chat)
            await ravi.send(chat, "one")
            await until(
                lambda: (
                    ravi.messages.history(chat)[-1].seq is not None
                    and bool(raju.messages.unread(chat))
                )
            )
            first = ravi.messages.history(chat)[-1].seq
            await ravi.chats.change_members(chat, add=["meena"])
            await ravi.send(chat, "two")
            await until(lambda: bool(meena.messages.unread(chat)))
            last = meena.messages.unread(chat)[-1].seq or 0
            meena.messages.mark_read(chat, last)
            await until(lambda: ravi.chats.watermarks(chat)["meena"].read >= last)
            await until(lambda: ravi.chats.watermarks(chat)["raju"].delivered >= last)
            expected = ["* read by meena", "* delivered to raju"]
            assert await person.types("/info .") == expected
            assert await person.types(f"/info {first}") == expected[1:]
            await ravi.chats.change_members(chat, remove=["raju"])
            nobody = "* nobody else who is in this chat was in it then"
            assert await person.types(f"/info {first}") == [nobody]

    with_server(scenario)
