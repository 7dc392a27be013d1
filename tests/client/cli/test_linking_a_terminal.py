"""Linking on the command line: one terminal shows a code, another one takes it."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest
from vodozemac import Account

from client import CannotLink, ChatClient, Trust
from client.cli import linking
from client.cli import main as command
from client.cli.linking import Say, agree, label, show_code
from client.cli.options import Options, parse
from client.cli.own_account import OwnAccount
from client.crypto.link import Confirmation
from client.linking import Linked
from tests.client.cli.person import Person
from tests.client.library import QUICK, online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


def options(server: Served, folder: Path) -> Options:
    return parse(["link", "--api", server.url, "--data", str(folder)], folder)


def stores(folder: Path) -> list[Path]:
    return list(folder.glob("*.sqlite"))


def code_in(lines: list[str]) -> str:
    (line,) = (line for line in lines if "/link " in line)
    return line.partition("/link ")[2]


@pytest.fixture(autouse=True)
def typed_passwords(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed where a password is asked; there is no terminal here."""
    passwords = ["password"]

    async def ask(prompt: str, *, seen: bool = False) -> str:
        return passwords[0]

    monkeypatch.setattr(OwnAccount.__init__, "__defaults__", (ask,))
    return passwords


def test_a_terminal_is_linked_by_another_one(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            lines, asked = list[str](), list[str]()
            new = options(server, tmp_path)

            def ask(question: str) -> str:
                asked.append(question)
                return "y"

            showing = asyncio.create_task(show_code(new, lines.append))
            await until(lambda: any("/link " in line for line in lines))
            assert sum("▀" in line or "█" in line for line in lines) > 10  # the code to scan
            shown = await Person(ravi).types(f"/link {code_in(lines)}")
            assert shown[0].startswith(f"* {label()} ({new.device}) wants to be a device of ravi")
            assert shown[-1] == f"* {new.device} is let in, and verified; /unlink removes it"
            agree(new, await showing, ask, lines.append)
            assert asked == ["this becomes a device of ravi, let in by phone; is that you? [y/N] "]
            assert lines[-1] == "* linked; now: make chat user=ravi"
            later = parse(
                ["--user", "ravi", "--api", server.url, "--data", str(tmp_path)], tmp_path
            )
            assert later.device == new.device
            client = ChatClient(server.url, "ravi", None, later.device, later.store, settings=QUICK)
            async with client:
                await client.devices.of("ravi")
                assert client.verification.trust("ravi") is Trust.VERIFIED

    with_server(scenario)


def test_who_says_no_or_has_a_device_here_gets_none(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:

            async def linked(answer: str) -> list[str]:
                lines: list[str] = []
                new = options(server, tmp_path)
                showing = asyncio.create_task(show_code(new, lines.append))
                await until(lambda: any("/link " in line for line in lines))
                await Person(ravi).types(f"/link {code_in(lines)}")
                agree(new, await showing, lambda _: answer, lines.append)
                return lines

            assert "nothing was changed here" in (await linked(""))[-1]
            assert stores(tmp_path) == []
            await linked("yes")
            with pytest.raises(CannotLink, match="has a device here already"):
                await linked("yes")

    with_server(scenario)


@pytest.mark.parametrize(
    ("typed", "status"), [("y", 0), ("", 0), (EOFError(), 0), (KeyboardInterrupt(), 130)]
)
def test_end_of_input_is_no_and_the_question_can_be_interrupted(
    typed: str | BaseException,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored: list[Path] = []

    def ask(question: str) -> str:
        with pytest.raises(RuntimeError):  # in an event loop Ctrl-C waits for what is typed
            asyncio.get_running_loop()
        assert threading.current_thread() is threading.main_thread()
        if isinstance(typed, BaseException):
            raise typed
        return typed

    async def confirmed(options: Options, say: Say) -> Linked:
        made = Confirmation("A" * 32, "ravi", "web", "phone", "token", {})
        return Linked(made, Account())

    def install(self: Linked, store: Path, passphrase: str | None = None) -> None:
        stored.append(store)

    monkeypatch.setattr(linking, "show_code", confirmed)
    monkeypatch.setattr(Linked, "install", install)
    monkeypatch.setattr(command, "link_device", partial(linking.link_device, ask=ask))
    assert command.main(["link", "--api", "http://nowhere", "--data", str(tmp_path)]) == status
    assert stored == ([tmp_path / "ravi-web.sqlite"] if typed == "y" else [])
    assert ("nothing was changed" in capsys.readouterr().out) is (status == 0 and typed != "y")


def test_what_can_not_be_linked_is_explained_in_words(typed_passwords: list[str]) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            person = Person(ravi)
            assert (await person.types("/link"))[0].startswith("! /link CODE")
            assert (await person.types("/link HELLO"))[0].startswith("! this is no code")
            assert (await person.types("/link " + "A" * 32))[0].startswith(
                "! this code has expired"
            )

    with_server(scenario)


def test_without_a_password_nothing_is_linked(tmp_path: Path, typed_passwords: list[str]) -> None:
    typed_passwords[0] = ""

    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            lines: list[str] = []
            showing = asyncio.create_task(show_code(options(server, tmp_path), lines.append))
            await until(lambda: any("/link " in line for line in lines))
            shown = await Person(ravi).types(f"/link {code_in(lines)}")
            assert shown[-1] == "* nothing is linked"
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    with_server(scenario)
