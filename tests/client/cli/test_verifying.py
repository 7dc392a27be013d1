"""/safety, /verify, /yes and /no: what people type and read."""

from __future__ import annotations

import pytest

from client.cli import qr
from client.cli.bubbles import Line, lay_out
from client.cli.lines import Lines
from client.cli.verifying import REASONS, Verifying
from client.core.events import EmojiShown, VerificationCancelled, VerificationRequested
from client.crypto.emoji import EMOJI
from tests.client.cli.screens import person, raju_online
from tests.client.library import with_server
from tests.support.backend.server import Served


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


@pytest.mark.slow
def test_a_long_warning_is_shown_whole_on_the_screen() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi", "raju") as ravi, raju_online(server):
            await ravi.shows("raju")
            ravi.keyboard.send_text(f"/safety raju {'1' * 60}\r")
            await ravi.shows("! the numbers differ", "NOT verified", "and read along")
            ravi.keyboard.send_text("/safety raju\r")
            await ravi.shows("█", "nobody sits in between")
            assert "code" in ravi.style_of("█")

    with_server(scenario)
