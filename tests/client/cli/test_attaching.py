"""/file and /save: what is sent arrives, and what is saved replaces nothing and leaves its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.core.attachment import FileDescription
from client.core.events import MessageReceived
from tests.client.cli.person import Person
from tests.client.cli.screens import person
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served, until

pytestmark = pytest.mark.slow


def test_a_file_is_sent_shown_and_saved_beside_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sent").mkdir()
    sent = tmp_path / "sent" / "report.pdf"
    sent.write_bytes(b"words" * 1_000)

    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            chat = await ravi.chats.direct("raju")
            here, there = Person(ravi), Person(raju)
            here.room.open(chat)
            notice = await here.types(f"/file {sent}")
            assert notice == ["* report.pdf is encrypted, and goes out when it is uploaded"]
            await raju.wait_for(of(MessageReceived))
            there.room.open(chat)
            (line,) = await there.types("/history")
            assert line == "1 ravi: [file report.pdf, 5.0 kB]"
            for name in ("report.pdf", "report (1).pdf"):
                assert await there.types("/save 1") == [f"* saved as {name}"]
                assert (tmp_path / name).read_bytes() == sent.read_bytes()
            assert await there.types(f"/save . {tmp_path / 'mine'}") == [
                f"* saved as {tmp_path / 'mine'}"
            ]
            (again,) = await there.types(f"/save 1 {tmp_path / 'mine'}")
            assert again.endswith("mine is there already, and is not replaced")
            (nowhere,) = await there.types("/save 1 no/such/folder")
            assert "can't be written" in nowhere
            assert await here.types("/uploads") == ["* no file waits for its upload"]

    with_server(scenario)


def test_a_name_that_leads_elsewhere_is_saved_in_the_folder_and_no_link_is_followed(
    tmp_path: Path,
) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    (folder / "_outside").symlink_to(outside)

    async def scenario(server: Served) -> None:
        async with online(server, "raju") as raju, online(server, "ravi") as ravi:
            await ravi.messages.send_file("raju", b"x", FileDescription(name="../outside"))
            event = await raju.wait_for(of(MessageReceived))
            there = Person(raju)
            there.room.open(getattr(event, "chat", ""))
            saved = folder / "_outside (1)"
            assert await there.types(f"/save 1 {folder}") == [f"* saved as {saved}"]
            assert not outside.exists()

    with_server(scenario)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/file", "! /file PATH: the file that you send"),
        ("/file no-such-file", "can't be read"),
        ("/file {empty}", "is empty"),
        ("/file {folder}", "can't be read"),
        ("/save", "! which one? /history shows the numbers, and . is the last"),
        ("/save 7", "! there is no message 7"),
        ("/save 1", "! there is no file in that message"),
        ("/uploads all", "! /uploads, or /uploads stop"),
    ],
)
def test_a_file_that_can_not_be_sent_or_saved_is_reported(
    tmp_path: Path, line: str, problem: str
) -> None:
    empty = tmp_path / "empty"
    empty.touch()

    async def scenario(server: Served) -> None:
        async with online(server, "raju"), online(server, "ravi") as ravi:
            here = Person(ravi)
            here.room.open(await ravi.chats.direct("raju"))
            await ravi.send(here.room.chat or "", "no file")
            await until(lambda: ravi.messages.unaccepted == 0)
            (notice,) = await here.types(line.format(empty=empty, folder=tmp_path))
            assert problem in notice

    with_server(scenario)


def test_the_terminal_shows_how_far_a_file_is_and_what_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(range(256)) * 8_000)

    async def scenario(server: Served) -> None:
        async with person(server, "raju"), person(server, "ravi", to="raju") as ravi:
            await ravi.shows("raju is online")
            ravi.screen.progress("sending a file: 50 %")
            await ravi.shows("sending a file: 50 %")
            reported: list[str] = []  # what is drawn of it here may be gone before anybody looks
            monkeypatch.setattr(ravi.screen, "progress", reported.append)
            server.aws.objects.failing += [503] * 1_000
            ravi.keyboard.send_text(f"/file {file}\r")
            await until(lambda: any(text.startswith("sending a file: ") for text in reported))
            ravi.keyboard.send_text("/uploads\r")
            await ravi.shows("big.bin, 2.1 MB, waits for its upload")
            ravi.keyboard.send_text("/uploads stop\r")
            await ravi.shows("big.bin is not sent")
            server.aws.objects.failing.clear()
            ravi.keyboard.send_text(f"/file {file}\r")
            await ravi.shows("[file big.bin, 2.0 MB]")

    with_server(scenario)
