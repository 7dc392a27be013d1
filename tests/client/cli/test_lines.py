"""What the command line client reads and writes, line by line."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from client.cli.lines import Lines, input_lines
from client.cli.options import UsageError, parse
from client.cli.text import one_line, visible
from client.core.events import MessageReadable, MessageReceived


@pytest.mark.parametrize(
    "arguments",
    [["--user", "Ravi!"], ["phone", "../raju"], ["--user", "ravi", "--device", "../phone"]],
)
def test_names_that_are_none_are_refused_before_anything_is_made_of_them(
    arguments: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"is no (user|device) name"):
        parse(arguments, tmp_path)


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


def test_looking_at_a_phone_makes_no_device(tmp_path: Path) -> None:
    parse(["phone", "ravi", "--data", str(tmp_path / "here")], tmp_path)
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain नमस्ते 👩‍👩‍👧", "plain नमस्ते 👩‍👩‍👧"),
        ("\x1b[2J\x1b]0;owned\x07", "\ufffd[2J\ufffd]0;owned\ufffd"),
        ("hi\rraju: fake", "hi\ufffdraju: fake"),
        ("\u202eevil", "\ufffdevil"),
        ("\x9b31m", "\ufffd31m"),
        (None, "(waiting for this message)"),
    ],
)
def test_what_others_write_cannot_steer_the_terminal(text: str | None, shown: str) -> None:
    assert visible(text) == shown


def test_why_a_message_waits_is_said_in_its_place() -> None:
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
        lines = [line async for line in input_lines(reading)]
        assert lines == ["one", "zwölf", "👋🏽 three", "last"]
        os.close(reading)

    asyncio.run(scenario())
