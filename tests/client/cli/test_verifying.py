"""/safety, /verify, /yes and /no: what people type and read, on a screen and in pipes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client.cli import qr
from client.cli.bubbles import Line, lay_out
from client.cli.lines import Lines
from client.cli.verifying import REASONS, Verifying
from client.core.events import EmojiShown, VerificationCancelled, VerificationRequested
from client.crypto.emoji import EMOJI
from tests.client.cli.screens import person, raju_online
from tests.client.cli.screens import with_server as with_screen
from tests.client.cli.terminal import Command, command, with_server
from tests.client.fake_server import FakeServer


def reported(event: VerificationCancelled | VerificationRequested | EmojiShown) -> list[str]:
    lines: list[str] = []
    Verifying(None, Lines(lines.append)).happened(event)  # type: ignore[arg-type] # asks nobody
    return lines


# -- words


@pytest.mark.parametrize("reason", ["mismatched_sas", "mismatched_commitment", "mismatched_mac"])
@pytest.mark.parametrize("by_peer", [False, True])
def test_what_may_be_an_attack_is_a_warning_and_says_not_verified(
    reason: str, by_peer: bool
) -> None:
    (line,) = reported(VerificationCancelled("raju", "phone", reason, by_peer))
    assert line.startswith("! ")
    assert "NOT verified" in line
    assert "read along" in line


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_names_the_other_one(reason: str) -> None:
    (line,) = reported(VerificationCancelled("raju", "phone", reason, by_peer=True))
    assert "raju" in line
    assert "{" not in line


@pytest.mark.parametrize("reason", ["unexpected_message", "", "\x1b[2J", "{who.__class__}"])
def test_a_reason_that_is_not_known_is_not_shown(reason: str) -> None:
    (line,) = reported(VerificationCancelled("raju", "phone", reason, by_peer=True))
    assert line == "! the comparison with raju broke off; /verify raju begins again"


def test_an_end_that_somebody_wished_is_no_problem() -> None:
    for reason, by_peer, line in [
        ("user", True, "* raju ended the comparison with you"),
        ("user", False, "* you ended the comparison with raju"),
        ("superseded", False, "* raju began again"),
    ]:
        assert reported(VerificationCancelled("raju", "phone", reason, by_peer)) == [line]


def test_seven_emoji_are_shown_with_their_names() -> None:
    lines = reported(EmojiShown("raju", "phone", EMOJI[:7]))
    assert lines[1:3] == [
        "* 🐶 Dog  🐱 Cat  🦁 Lion  🐎 Horse",
        "* 🦄 Unicorn  🐷 Pig  🐘 Elephant",
    ]
    assert lines[-1].endswith("/yes or /no")


# -- the QR code


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


def test_a_code_on_the_screen_is_dark_on_light_and_never_wrapped() -> None:
    rows = qr.rows("switchboard")
    lines = lay_out([], "ravi", 60, {"": [tuple(rows)]}, group=False)
    assert plain(lines) == rows
    assert {style for line in lines for style, _ in line} == {"class:code"}


def test_a_screen_too_narrow_for_a_code_says_so() -> None:
    lines = lay_out([], "ravi", 20, {"": [tuple(qr.rows("switchboard"))]}, group=False)
    assert "needs 25 columns" in " ".join(line.strip() for line in plain(lines))


def test_a_code_in_lines_is_coloured_on_a_terminal_only() -> None:
    rows = qr.rows("switchboard")
    pipe: list[str] = []
    terminal: list[str] = []
    Lines(pipe.append).code(rows)
    Lines(terminal.append, colours=True).code(rows)
    assert pipe == rows
    assert terminal == [qr.coloured(row) for row in rows]


def test_a_long_warning_is_shown_whole_on_the_screen() -> None:
    async def scenario(server: FakeServer) -> None:
        async with person(server, "ravi", "raju") as ravi, raju_online(server):
            await ravi.shows("raju")
            ravi.keyboard.send_text(f"/safety raju {'1' * 60}\r")
            await ravi.shows("! the numbers differ", "NOT verified", "and read along")
            ravi.keyboard.send_text("/safety raju\r")
            await ravi.shows("█", "nobody sits in between")
            assert "code" in ravi.style_of("█")

    with_screen(scenario)


# -- two terminals


async def line(terminal: Command, part: str) -> str:
    """The next line that contains `part`."""
    assert terminal.process.stdout is not None
    async with asyncio.timeout(15):
        while True:
            got = await terminal.process.stdout.readline()
            assert got, f"ended without {part!r}: {terminal.lines} {await terminal.errors()}"
            terminal.lines.append(got.decode().rstrip("\n"))
            if part in terminal.lines[-1]:
                return terminal.lines[-1]


def digits(lines: list[str]) -> str:
    return "".join(x[2:] for x in lines if x[2:].replace(" ", "").isdecimal())


def test_two_people_in_two_terminals_verify_each_other(tmp_path: Path) -> None:
    async def scenario(server: FakeServer, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "ravi", "--to", "raju") as ravi,
        ):
            await line(raju, "online")
            await line(ravi, "chat with raju")
            ravi.type("/safety raju")
            raju.type("/safety ravi")
            for each, other in ((ravi, "raju"), (raju, "ravi")):
                await line(each, f"if {other} sees the same")
            assert digits(ravi.lines) == digits(raju.lines)
            assert len(digits(ravi.lines).replace(" ", "")) == 60

            ravi.type("/verify raju")
            await line(ravi, "raju/phone is asked to compare emoji")
            await line(raju, "ravi (phone) wants to compare emoji")
            raju.type("/verify ravi")
            shown = []
            for each in (ravi, raju):
                await line(each, "by voice or side by side")
                await line(each, "/yes or /no")
                shown.append(each.lines[-3:-1])
            assert shown[0] == shown[1]
            ravi.type("/yes")
            await line(ravi, "waiting for raju")
            raju.type("/yes")
            assert await line(ravi, "is verified") == "* raju/phone is verified"
            assert await line(raju, "is verified") == "* ravi/phone is verified"
            ravi.type("/devices raju")
            assert (await line(ravi, "phone: ")).endswith("(verified)")

    with_server(tmp_path, scenario)


def test_after_the_emoji_the_devices_that_were_not_compared_are_named(tmp_path: Path) -> None:
    async def scenario(server: FakeServer, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "raju", "--device", "laptop") as laptop,
            command(folder, "--user", "ravi") as ravi,
        ):
            for each in (raju, laptop, ravi):
                await line(each, "online")
            ravi.type("/verify raju phone")
            await line(raju, "wants to compare")
            raju.type("/yes")
            for each in (ravi, raju):
                await line(each, "/yes or /no")
                each.type("/yes")
            await ravi.expect(
                "* raju/phone is verified",
                "* not compared yet: laptop; /safety raju compares all devices at once",
            )
            ravi.type("/safety raju")
            await line(ravi, "if raju sees the same")
            number = digits(ravi.lines).replace(" ", "")
            ravi.type(f"/safety raju {number}")
            await ravi.expect("* the numbers are the same")
            ravi.type("/quit")
            await ravi.end()
            assert not [one for one in await ravi.rest() if "not compared" in one][1:]

    with_server(tmp_path, scenario)


def test_a_declined_a_failed_and_a_broken_off_comparison_are_told_to_both(tmp_path: Path) -> None:
    async def scenario(server: FakeServer, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "ravi") as ravi,
        ):
            await line(raju, "online")
            await line(ravi, "online")
            ravi.type("/verify raju")
            await line(raju, "wants to compare")
            raju.type("/no")
            await line(raju, "you ended the comparison with ravi")
            await line(ravi, "raju ended the comparison with you")

            ravi.type("/verify raju")
            await line(raju, "wants to compare")
            raju.type("/yes")
            await line(raju, "/yes or /no")
            await line(ravi, "/yes or /no")
            ravi.type("/no")
            for each, other in ((ravi, "raju"), (raju, "ravi")):
                assert f"so {other} is NOT verified" in await line(each, "! ")

            ravi.type("/verify raju")
            await line(raju, "wants to compare")
            raju.type("/quit")
            await line(ravi, "raju ended the comparison with you")

    with_server(tmp_path, scenario)


def test_what_can_not_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    async def scenario(server: FakeServer, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "ravi") as ravi,
        ):
            await line(raju, "online")
            await line(ravi, "online")
            for typed, answer in [
                ("/verify", "! /verify USER: a user name is 3 to 32 of a-z, 0-9 and _"),
                ("/safety Raju", "! /safety USER: a user name is 3 to 32 of a-z, 0-9 and _"),
                ("/verify nobody", "! nobody has no device to compare with"),
                ("/verify raju tablet", "! raju has no device tablet to compare with, only: phone"),
                ("/safety ravi", "! a safety number is with somebody else"),
                ("/safety nobody", "! nobody has no device yet"),
                ("/yes", "! there is nothing to say yes or no to now"),
                ("/no raju", "! there is nothing to say yes or no to with raju now"),
            ]:
                ravi.type(typed)
                await ravi.expect(answer)
            ravi.type("/safety raju 123")
            assert "60 digits" in await line(ravi, "! that is no safety number")
            ravi.type("/verify raju")
            await line(ravi, "is asked")
            ravi.type("/verify raju")
            await ravi.expect("! a comparison with raju/phone is under way")

    with_server(tmp_path, scenario)
