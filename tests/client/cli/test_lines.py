"""What the command line client reads and writes, line by line."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from client.cli import room
from client.cli.lines import InputLines, Lines
from client.cli.main import _while_read
from client.cli.options import UsageError, parse
from client.cli.text import LONGEST_LINE, history_line, one_line, visible
from client.core.events import MessageReadable, MessageReceived, StateChanged
from client.core.ticks import State
from client.errors import ClientError
from client.store.history import StoredMessage
from tests.client.cli.person import Person
from tests.client.library import online, with_server
from tests.support.backend.server import PATIENCE, Served, until
from tests.support.rows import rows


@pytest.mark.parametrize(
    "arguments",
    [
        ["--user", "Ravi!"],
        ["phone", "../raju"],
        ["--user", "ravi", "--device", "../phone"],
        ["--user", "ravi", "--to", "RAJU"],
    ],
)
def test_names_that_are_none_are_rejected_before_anything_is_made_of_them(
    arguments: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"is no (user|device) name"):
        parse(arguments, tmp_path)


def test_nobody_opens_a_chat_with_oneself(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a chat is with somebody else"):
        parse(["--user", "ravi", "--to", "ravi"], tmp_path)


def test_each_installation_names_its_device_once_and_unlike_all_others(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"

    def device(data: Path, *arguments: str) -> str:
        return parse([*arguments, "--data", str(data)], tmp_path).device

    ravi = "--user", "ravi"
    first = device(here, *ravi)
    assert first.startswith("phone-")
    assert device(here, *ravi) == device(here, "phone", "ravi") == first
    assert device(there, *ravi) != first != device(here, "--user", "raju")
    assert device(here, *ravi, "--device", "laptop") == "laptop"
    assert device(here, *ravi) == first


def test_a_new_password_is_asked_for_where_the_command_line_says_so(tmp_path: Path) -> None:
    data = "--data", str(tmp_path)
    assert parse(["--user", "ravi", "--reset-password", *data], tmp_path).reset_password
    assert not parse(["--user", "ravi", *data], tmp_path).reset_password
    assert not parse(["phone", "ravi", *data], tmp_path).reset_password


def test_looking_at_a_phone_makes_no_device(tmp_path: Path) -> None:
    parse(["phone", "ravi", "--data", str(tmp_path / "here")], tmp_path)
    assert not (tmp_path / "here").exists()


@rows(
    ("text", "shown"),
    [
        ("plain नमस्ते 👩‍👩‍👧", "plain नमस्ते 👩‍👩‍👧"),
        ("\x1b[2J\x1b]0;owned\x07", "\ufffd[2J\ufffd]0;owned\ufffd"),
        ("hi\rraju: fake", "hi\ufffdraju: fake"),
        ("\u202eevil", "\ufffdevil"),
        ("\x9b31m", "\ufffd31m"),
        (None, "(waiting for this message)"),
        *((f"hi{each}raju: fake", "hi\ufffdraju: fake") for each in "\v\f\x1c\x85\u2028\u2029"),
        *((f"{each}evil", "\ufffdevil") for each in "\u061c\u200e\u200f\u202a\u2066\u2069"),
    ],
)
def test_what_others_write_cannot_steer_the_terminal(text: str | None, shown: str) -> None:
    assert visible(text) == shown


ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


@rows("end", ENDS)
def test_whatever_others_or_the_backend_say_is_one_line_and_steers_nothing(end: str) -> None:
    lines: list[str] = []
    forged = f"x{end}raju: give me the money\x1b[2J\u202e"
    view = Lines(lines.append)
    read = MessageReceived("c", 3, "0" * 26, forged, "phone", 5.0, forged, False, forged)
    stored = StoredMessage("c", 3, "0" * 26, forged, "phone", 5.0, forged, None, None)
    view.received(read)
    view.opened("c", forged, [stored])
    view.history([stored])
    for state in (State.SENT, State.FAILED):
        view.changed(StateChanged("c", "0" * 26, 3, state, forged, forged))
    for tell in (view.titled, view.typing, view.connection, view.notice, view.problem):
        tell(forged)
    assert len(lines) == 11
    for line in [*lines, one_line(history_line(stored))]:
        assert line.splitlines() == [line]
        assert not {"\x1b", "\u202e"} & set(line)


def test_a_device_name_of_another_program_is_left_and_one_that_a_full_disk_cut_is_made_anew(
    tmp_path: Path,
) -> None:
    arguments, file = ["--user", "ravi", "--data", str(tmp_path)], tmp_path / "ravi-device"
    for foreign in (b"SQLite format 3\0", b"my phone, and others", b"\xff\xfe", b"../phone"):
        file.write_bytes(foreign)
        with pytest.raises(UsageError, match="holds no device name"):
            parse(arguments, tmp_path)
        assert file.read_bytes() == foreign
    file.write_bytes(b"")
    assert parse(arguments, tmp_path).device == file.read_text() != ""


def test_the_reason_why_a_message_waits_is_shown_in_its_place() -> None:
    assert one_line(None, "no\nkey\x07") == "(waiting for this message: no ⏎ key\ufffd)"
    lines: list[str] = []
    event = MessageReceived("c", 3, "0" * 26, "ravi", "phone", 5.0, None, False, "no key yet")
    Lines(lines.append).received(event)
    filled = MessageReadable("c", 3, "0" * 26, "ravi", "phone", 5.0, "hi", False)
    Lines(lines.append).readable(filled)
    assert lines == ["ravi: (waiting for this message: no key yet)", "ravi (earlier): hi"]


def test_a_message_of_several_lines_stays_one_line() -> None:
    assert one_line("one\ntwo") == "one ⏎ two"
    assert visible("one\ntwo") == "one\ntwo"


def test_input_is_cut_into_lines_wherever_the_pieces_end() -> None:
    async def scenario() -> None:
        reading, writing = os.pipe()
        text = "one\nzwölf\n👋🏽 three\nlast".encode()
        for at in range(len(text)):
            os.write(writing, text[at : at + 1])
        os.close(writing)
        source = InputLines(reading)
        lines = [line async for line in source]
        assert lines == ["one", "zwölf", "👋🏽 three", "last"]
        assert source.ended.is_set()
        os.close(reading)

    asyncio.run(scenario())


def test_of_a_line_without_end_only_so_much_is_kept_as_shows_it(tmp_path: Path) -> None:
    """What is kept would be copied again with each piece: minutes for this one."""
    (tmp_path / "input").write_bytes(b"x" * 50_000_000 + b"\nnext\n")

    async def scenario() -> None:
        reading = os.open(tmp_path / "input", os.O_RDONLY)
        first, second = [line async for line in InputLines(reading)]
        assert len(first) == LONGEST_LINE + 1
        assert second == "next"
        os.close(reading)

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_line_that_is_too_long_is_rejected_and_the_next_one_is_sent() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi, online(server, "raju"):
            person = Person(ravi)
            person.room.open(await ravi.chats.direct("raju"))
            shown = await person.types("x" * (LONGEST_LINE + 1))
            assert shown == ["! a line has at most 30,000 characters; this one was not sent"]
            assert await person.types("short") == []

    with_server(scenario)


@pytest.mark.slow
def test_the_wait_for_somebody_who_has_not_signed_up_ends_with_the_input() -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            person = Person(ravi)
            beginning = asyncio.create_task(person.room.begin("nobody_yet"))
            await until(lambda: any("waiting for nobody_yet" in line for line in person.lines))
            person.room.ended.set()
            async with asyncio.timeout(PATIENCE):
                await beginning
            assert await person.types("hello") == ["! nobody_yet has not signed up yet"]

    with_server(scenario)


@pytest.mark.slow
def test_the_wait_for_somebody_ends_when_they_have_a_device_and_not_with_their_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "APPEARS_EVERY", 0.01)

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            person = Person(ravi)
            beginning = asyncio.create_task(person.room.begin("raju"))
            await until(lambda: any("waiting for raju" in line for line in person.lines))
            server.sign_up("raju", "password")
            asked = len(server.calls)
            server.faults.failing.append(500)
            looked = "GET /api/users/raju/devices"
            await until(lambda: person.room.chat or server.lines[asked:].count(looked) > 2)
            assert person.room.chat is None
            async with online(server, "raju"):
                await beginning
                assert person.room.chat is not None
                assert person.lines[-1] == "* chat with raju"

    with_server(scenario)


def test_no_wait_of_the_command_line_outlasts_the_input() -> None:
    async def scenario() -> None:
        reading, writing = os.pipe()
        source = InputLines(reading)
        waiting = asyncio.create_task(_while_read(source, asyncio.sleep(3600), grace=0.05))
        await asyncio.sleep(0.1)
        assert not waiting.done()  # somebody may still type
        os.close(writing)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ClientError, match="at its end"):
                await waiting
            assert await _while_read(source, asyncio.sleep(0, "done"), grace=0.05) == "done"
        os.close(reading)

    asyncio.run(scenario())
