"""Linking on the command line: one terminal shows a code, another one takes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client import CannotLink, ChatClient, Trust
from client.cli.linking import label, link_device
from client.cli.options import Options, parse
from client.cli.own_account import OwnAccount
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

    async def ask(self: OwnAccount, prompt: str) -> str:
        return passwords[0]

    monkeypatch.setattr(OwnAccount, "_ask", ask)
    return passwords


def test_a_terminal_is_linked_by_another_one(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:
            lines, asked = list[str](), list[str]()
            new = options(server, tmp_path)

            def ask(question: str) -> str:
                asked.append(question)
                return "y"

            linking = asyncio.create_task(link_device(new, ask, lines.append))
            await until(lambda: any("/link " in line for line in lines))
            assert sum("▀" in line or "█" in line for line in lines) > 10  # the code to scan
            shown = await Person(ravi).types(f"/link {code_in(lines)}")
            assert shown[0].startswith(f"* {label()} ({new.device}) wants to be a device of ravi")
            assert shown[-1] == f"* {new.device} is let in, and verified; /unlink removes it"
            await linking
            assert asked == ["this becomes a device of ravi, let in by phone; is that you? [y/N] "]
            assert lines[-1] == "* linked; now: make chat user=ravi"
            later = parse(
                ["--user", "ravi", "--api", server.url, "--data", str(tmp_path)], tmp_path
            )
            assert later.device == new.device
            client = ChatClient(server.url, "ravi", None, later.device, later.store, settings=QUICK)
            async with client:
                await client.devices("ravi")
                assert client.trust("ravi") is Trust.VERIFIED

    with_server(scenario)


def test_who_says_no_or_has_a_device_here_gets_none(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        async with online(server, "ravi") as ravi:

            async def linked(answer: str) -> list[str]:
                lines: list[str] = []
                new = options(server, tmp_path)
                linking = asyncio.create_task(link_device(new, lambda _: answer, lines.append))
                await until(lambda: any("/link " in line for line in lines))
                await Person(ravi).types(f"/link {code_in(lines)}")
                await linking
                return lines

            assert "nothing was changed here" in (await linked(""))[-1]
            assert stores(tmp_path) == []
            await linked("yes")
            with pytest.raises(CannotLink, match="has a device here already"):
                await linked("yes")

    with_server(scenario)


def test_what_can_not_be_linked_is_said_in_words(typed_passwords: list[str]) -> None:
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
            linking = asyncio.create_task(
                link_device(options(server, tmp_path), lambda _: "y", lines.append)
            )
            await until(lambda: any("/link " in line for line in lines))
            shown = await Person(ravi).types(f"/link {code_in(lines)}")
            assert shown[-1] == "* nothing is linked"
            linking.cancel()
            await asyncio.gather(linking, return_exceptions=True)

    with_server(scenario)
