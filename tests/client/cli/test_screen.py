"""The full-screen chat: what it draws, by the cells that prompt_toolkit would put out."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from client import ChatClient
from client.cli import screen
from client.cli.bubbles import Line, fitted, lay_out, wrap
from client.cli.screen import Entry
from client.cli.text import LONGEST_LINE
from client.core.ticks import State
from client.errors import StoreUnavailable
from client.store.history import StoredMessage
from tests.client.cli.screens import QUICK, person, raju_online
from tests.client.library import with_server
from tests.support.backend.server import Served, until


@pytest.mark.slow
def test_an_own_line_turns_from_sent_to_delivered_to_a_blue_read(tmp_path: Path) -> None:
    store = tmp_path / "raju.db"

    async def scenario(server: Served) -> None:
        async with raju_online(server, store):
            pass
        async with person(server, "ravi", "raju") as ravi:
            await ravi.shows("raju")
            server.faults.from_client = lambda user, frame: frame["action"] != "send"
            ravi.keyboard.send_text("hello\r")
            await ravi.shows("hello", "◷")
            server.faults.from_client = lambda user, frame: True
            await server.drop("ravi")
            await ravi.shows("hello", "✓")
            assert "✓✓" not in "\n".join(ravi.rows())
            async with raju_online(server, store) as raju:
                await ravi.shows("✓✓")
                assert "tick.read" not in ravi.style_of("✓✓")
                raju.messages.mark_read(await raju.chats.direct("ravi"), 1)
                await until(lambda: "tick.read" in ravi.style_of("✓✓"))

    with_server(scenario)


@pytest.mark.slow
def test_what_stands_on_the_screen_is_read_what_is_scrolled_away_is_not() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi") as ravi:
            await until(lambda: ravi.client.online)
            async with raju_online(server) as raju:
                for n in range(40):
                    await raju.send("ravi", f"line {n}")
                await ravi.shows("line 39")
                chat = await raju.chats.direct("ravi")
                await until(lambda: server.member(chat, "ravi")["read"] == 40)
                ravi.keyboard.send_text("\x1b[5~")  # PageUp
                await ravi.shows("newer messages below: PageDown", "line 20")
                await raju.send("ravi", "line 40")
                await until(lambda: server.member(chat, "ravi")["delivered"].get("phone") == 41)
                assert server.member(chat, "ravi")["read"] == 40
                ravi.keyboard.send_text("\x1b[6~\x1b[6~")  # PageDown
                await ravi.shows("line 40")
                await until(lambda: server.member(chat, "ravi")["read"] == 41)

    with_server(scenario)


@pytest.mark.slow
def test_who_is_there_and_who_is_typing_stands_on_top() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi") as ravi:
            await until(lambda: ravi.client.online)
            async with raju_online(server) as raju:
                await raju.send("ravi", "hi")
                await ravi.shows("raju is online", "hi")
                raju.messages.typing(await raju.chats.direct("ravi"))
                await ravi.shows("raju is typing…")
                await raju.send("ravi", "there")
                await ravi.shows("raju is online", "there")
                ravi.keyboard.send_text("t")
                await until(
                    lambda: any(f["action"] == "typing" for u, f in server.frames if u == "ravi")
                )
            await ravi.shows("raju was last seen")

    with_server(scenario)


@pytest.mark.slow
def test_notices_and_problems_have_their_place() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi") as ravi:
            await ravi.shows("no chat is open")
            ravi.keyboard.send_text("/nope\r")
            await ravi.shows("! there is no /nope", "› /nope")
            ravi.keyboard.send_text("\x15/help\r")  # Ctrl-U empties the line
            await ravi.shows("/quit", "leaves, as Ctrl-D does")
            assert "! there is" not in "\n".join(ravi.rows())
            await server.drop("ravi")
            await until(lambda: server.lines.count("POST /api/tickets") == 2)
            ravi.keyboard.send_text("\x04")  # Ctrl-D
            await until(lambda: not ravi.screen.app.is_running)

    with_server(scenario)


# -- bubbles


def message(
    sender: str, text: str | None, state: State | None = None, **fields: str
) -> StoredMessage:
    name = fields.get("id", "id")
    reason = fields.get("reason")
    return StoredMessage("c", 1, name, sender, "phone", 1_700_000_000.0, text, state, reason)


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


def test_own_messages_stand_right_others_left() -> None:
    messages = [message("raju", "hi"), message("ravi", "hello", State.DELIVERED)]
    day, blank, theirs, between, own = plain(lay_out(messages, "ravi", 40, {}, group=False))
    assert day.strip().endswith("2023")
    assert (blank, between) == ("", "")
    assert theirs.startswith(" hi ")
    assert own.endswith(" ✓✓")
    assert len(own) == 40


@pytest.mark.slow
def test_what_a_third_one_wrote_into_a_direct_chat_stands_under_its_name() -> None:
    async def scenario(server: Served) -> None:
        async with (
            person(server, "ravi", "raju") as ravi,
            raju_online(server) as raju,
            ChatClient(server.url, "mira", "password", settings=QUICK),
        ):
            await ravi.shows("raju")
            await raju.send("ravi", "it is me")
            await ravi.shows("it is me")
            assert "raju" not in "\n".join(ravi.rows()[1:])
            (chat,) = server.chats
            server.put_into(chat, "mira")
            frame = {"chat": chat, "message_id": "0" * 26, "alg": "olm.v1", "to": {}}
            server.handle(server.connections("mira")[0], {"action": "send", **frame})
            await ravi.shows("mira", "raju", "its sender is not")

    with_server(scenario)


def test_in_a_group_a_name_stands_over_each_turn() -> None:
    messages = [message("raju", "a"), message("raju", "b"), message("meena", "c")]
    lines = plain(lay_out(messages, "ravi", 40, {}, group=True))
    assert [line for line in lines if line in ("raju", "meena")] == ["raju", "meena"]


def test_a_failed_message_says_why() -> None:
    failed = message("ravi", "hello", State.FAILED, reason="not_found: no such chat")
    lines = plain(lay_out([failed], "ravi", 60, {}, group=False))
    assert lines[-2].rstrip().endswith("✗")
    assert lines[-1].strip() == "not sent: no such chat"


def test_notices_stand_where_they_were_made() -> None:
    messages = [message("raju", "a", id="1"), message("raju", "b", id="2")]
    lines = plain(lay_out(messages, "ravi", 40, {"1": ["meena wrote"]}, group=False))
    kept = [line.strip() for line in lines]
    assert kept.index("meena wrote") == next(n for n, s in enumerate(kept) if s.startswith("b")) - 1


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("", 10, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefghij b", 4, ["a", "abcd", "efgh", "ij b"]),
        ("one\n\ntwo", 10, ["one", "", "two"]),
        ("日本語日本語", 4, ["日本", "語日", "本語"]),
    ],
)
def test_text_wraps_at_spaces_and_counts_cells(text: str, width: int, rows: list[str]) -> None:
    assert wrap(text, width) == rows


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [("was last seen", 20, "was last seen"), (" was last seen", 12, " was last …"), ("was", 2, "")],
)
def test_what_does_not_fit_on_top_ends_after_a_word(text: str, columns: int, shown: str) -> None:
    assert fitted(text, columns) == shown


@pytest.mark.slow
def test_a_command_that_led_to_nothing_stays_typed() -> None:
    async def scenario(server: Served) -> None:
        async with raju_online(server), person(server, "ravi", "raju") as ravi:
            await until(lambda: ravi.room.chat is not None)
            for rejected in ("/group club r", "/remove", "/devices X", "/nothing"):
                ravi.keyboard.send_text(f"{rejected}\r")
                await ravi.shows("!", f"› {rejected}")
                ravi.keyboard.send_text("\x15")  # Ctrl-U empties the line
                await until(lambda: ravi.screen._buffer.text == "")
            ravi.keyboard.send_text("/help\r")
            await until(lambda: ravi.screen._problem == "")
            assert ravi.screen._buffer.text == ""

    with_server(scenario)


@pytest.mark.slow
def test_a_paste_that_is_too_long_is_rejected_at_once_and_the_typed_line_stays() -> None:
    async def scenario(server: Served) -> None:
        async with raju_online(server), person(server, "ravi", "raju") as ravi:
            await until(lambda: ravi.room.chat is not None)
            ravi.keyboard.send_text("before ")
            await ravi.shows("before")
            changes = 0

            def changed(_: object) -> None:
                nonlocal changes
                changes += 1

            ravi.screen._buffer.on_text_changed += changed
            paste = f"\x1b[200~{'x' * 100_000}\x1b[201~"
            await asyncio.to_thread(ravi.keyboard.send_text, paste)  # a pipe takes 64 KB at once
            await ravi.shows("at most 30,000 characters")
            assert changes < 10  # each one copies and draws the text
            assert ravi.screen._buffer.text == "before "
            ravi.keyboard.send_text("and after\r")
            await ravi.shows("before and after")

    with_server(scenario)


@pytest.mark.slow
def test_a_paste_that_comes_key_by_key_keeps_few_steps_of_undo_and_is_not_sent_in_part() -> None:
    rejected: list[int] = []
    entry = Entry(lambda: rejected.append(1), multiline=False)
    tracemalloc.start()
    for _ in range(LONGEST_LINE + 50):
        entry.save_to_undo_stack()
        entry.insert_text("x")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000  # it took gigabytes
    tracemalloc.stop()
    assert len(rejected) == 49
    assert len(entry.text) == LONGEST_LINE + 1  # which is rejected when it is entered


@pytest.mark.slow
def test_typing_is_reported_once_a_second_however_fast_one_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock: Any = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(screen, "time", clock)

    async def scenario(server: Served) -> None:
        async with person(server, "ravi", "raju") as ravi, raju_online(server):
            await until(lambda: ravi.room.chat is not None)
            reported: list[float] = []
            ravi.screen._typed = lambda: reported.append(clock.now)
            ravi.screen._typed_at = 0.0
            ravi.keyboard.send_text("yyyyyyyy")
            await ravi.shows("yyyyyyyy")
            clock.now += 1.0
            ravi.keyboard.send_text("zzzzzzzz")
            await ravi.shows("yyyyyyyyzzzzzzzz")
            assert reported == [100.0, 101.0]

    with_server(scenario)


@pytest.mark.slow
def test_a_text_that_could_not_be_written_stays_typed(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with raju_online(server), person(server, "ravi", "raju") as ravi:
            await until(lambda: ravi.room.chat is not None)
            refuse, plain = StoreUnavailable("the disk is full"), ravi.client.send
            with mock.patch.object(ravi.client, "send", side_effect=refuse):
                ravi.keyboard.send_text("precious\r")
                await ravi.shows("! the disk is full", "› precious")
            assert ravi.client.send == plain
            ravi.keyboard.send_text("\r")
            await until(lambda: ravi.screen._buffer.text == "")
            await ravi.shows("precious")

    with_server(scenario)


@pytest.mark.slow
def test_the_tab_key_completes_a_command_or_shows_which_there_are() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi") as ravi:
            await until(lambda: ravi.client.online)
            ravi.keyboard.send_text("/rep\t")
            await until(lambda: ravi.screen._buffer.text == "/reply ")
            ravi.keyboard.send_text("x\t")  # what stands behind a command is its own
            await until(lambda: ravi.screen._buffer.text == "/reply x")
            ravi.screen._buffer.text = ""
            ravi.keyboard.send_text("/de\t")
            await ravi.shows("/decline", "/delete", "/devices")

    with_server(scenario)


@pytest.mark.slow
def test_what_others_and_the_backend_say_steers_nothing_on_the_screen() -> None:
    async def scenario(server: Served) -> None:
        async with person(server, "ravi") as ravi:
            await until(lambda: ravi.client.online)
            forged = "x\u2028\x1b[2J\u202ey"
            screen = ravi.screen
            screen.opened("c", forged, [])
            for tell in (screen.typing, screen.presence, screen.connection, screen.notice):
                tell(forged)
            screen.problem(forged)
            message = StoredMessage("c", 1, "0" * 26, forged, "p", 5.0, forged, None, None)
            drawn = "".join(
                text for line in lay_out([message], "ravi", 60, {}, group=True) for _, text in line
            )
            parts = [*screen._header(), *screen._foot(), ("", drawn), *screen._conversation()]
            assert not set("\u2028\x1b\u202e") & set("".join(part[1] for part in parts))

    with_server(scenario)
