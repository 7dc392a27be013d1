"""`python -m client` in a pipe: the real command as a process, against the real handlers."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from client.cli.linking import label
from tests.support.backend.server import PATIENCE, Served, until
from tests.system.client.terminal import PASSWORD, command, with_server


def test_two_people_in_two_terminals(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi", "--to", "raju") as ravi:
            await ravi.expect("* online", "* waiting for raju, who has not signed up yet")
            async with command(folder, "--user", "raju") as raju:
                await ravi.expect("* chat with raju")
                await raju.expect("* online")  # so that there are keys of this device
                ravi.type("hello", "नमस्ते 👋🏽")
                await raju.expect("* chat with ravi", "ravi: hello", "ravi: नमस्ते 👋🏽")
                await ravi.expect("sent 1 hello", "sent 2 नमस्ते 👋🏽")
                await ravi.expect("delivered 2", "read 2")
                raju.type("hi")  # the chat opened by itself
                await ravi.expect("raju: hi")
                await raju.expect("sent 3 hi", "delivered 3", "read 3")
                raju.type("/typing")
                await ravi.expect("* raju is typing")
                raju.type("/quit")
                assert await raju.end() == 0
            await until(lambda: not server.connections("raju"))
            ravi.type("while you were away", "/who")
            await ravi.expect("sent 4 while you were away")
            assert await ravi.end() == 0
            assert (await ravi.rest())[-1].startswith("* raju was last seen ")

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_who_was_away_gets_everything_in_order_and_the_sender_sees_it(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "raju") as raju:
            await raju.expect("* no chat is open: /to USER opens one, /help shows the rest")
            assert await raju.end() == 0
        async with command(folder, "--user", "ravi", "--to", "raju") as ravi:
            ravi.type("one", "two", "three", "four", "five")
            assert await ravi.end() == 0  # the end of the input waits for what was written
            assert (await ravi.rest())[-1] == "sent 5 five"
        assert len(server.jobs) == 1  # it waits for all five
        async with command(folder, "--user", "raju") as raju:
            await raju.expect("ravi: one", "ravi: two", "ravi: three", "ravi: four", "ravi: five")
            raju.type("/history 2")
            await raju.expect("4 ravi: four", "5 ravi: five")
            assert await raju.end() == 0
        async with command(folder, "--user", "ravi", "--to", "raju") as ravi:
            await ravi.expect("* chat with raju", "delivered 1", "read 1", "delivered 5", "read 5")
            assert await ravi.end() == 0

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_groups_and_several_chats(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "meena") as meena,
            command(folder, "--user", "ravi") as ravi,
        ):
            for each in (raju, meena, ravi):
                await each.expect("* no chat is open: /to USER opens one, /help shows the rest")
            ravi.type("/group family raju,meena", "dinner?")
            await ravi.expect("* chat with family")
            await raju.expect("ravi: dinner?")
            await meena.expect("ravi: dinner?")
            await ravi.expect("sent 3 dinner?", "delivered 3", "read 3")  # after key and name
            ravi.type("/to raju", "only you")
            await raju.expect("* ravi wrote: /to ravi")
            raju.type("/to ravi")
            await raju.expect("* chat with ravi", "ravi: only you")
            meena.type("yes")
            await ravi.expect("* meena wrote in family: /to family")
            ravi.type("/chats")
            await ravi.expect("* raju, open", "* family, with meena, raju, ravi, 1 unread")
            await meena.expect("sent 5 yes")
            ravi.type("/to family", "/remove meena")
            await ravi.expect("meena: yes", "* in this group now: raju, ravi")
            await ravi.has("* meena left")
            await raju.has("* meena left family")  # which he has not open
            ravi.type("/add meena")
            await ravi.expect("* in this group now: meena, raju, ravi")
            await ravi.has("* meena joined")
            await raju.has("* meena joined family")

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_changed_keys_hold_back_what_is_written_until_they_are_accepted(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi", "--to", "raju") as ravi:
            async with command(folder, "--user", "raju") as raju:
                await raju.expect("* online")
                await ravi.expect("* chat with raju")
                ravi.type("hello")
                await raju.expect("ravi: hello")
                await ravi.expect("read 1")
                raju.type("/quit")
                assert await raju.end() == 0
            for file in (folder / ".local" / "clients").glob("raju-phone*"):
                file.unlink()  # a new phone of the same name
            async with command(folder, "--user", "raju", "--to", "ravi") as raju:
                await raju.expect("* online")
                ravi.type("is that you?")
                await ravi.expect(
                    "! raju/phone shows keys that you don't know: it was made anew, or somebody "
                    "sits in between. What you write to raju waits: /safety raju compares, "
                    "/accept raju accepts them as they are",
                    "! not sent: it waits until you /accept the changed keys of raju",
                )
                ravi.type("/devices raju")
                key = server.listed("raju")["phone"]["keys"]["ed25519"]
                await ravi.expect(f"* phone: {key} (changed)")
                ravi.type("/accept meena", "/accept raju")
                await ravi.expect(
                    "! the keys of meena have not changed",
                    "* the keys of raju are accepted from now on",
                )
                await raju.expect("ravi: is that you?")
                raju.type("/quit")
                assert await raju.end() == 0
            for file in (folder / ".local" / "clients").glob("raju-phone*"):
                file.unlink()
            async with command(folder, "--user", "raju") as raju:
                await raju.expect("* online")
                ravi.type("/devices raju", "/quit")
                key = server.listed("raju")["phone"]["keys"]["ed25519"]
                await ravi.expect(f"* phone: {key} (changed)")
            async with command(folder, "--user", "ravi") as ravi:
                await ravi.expect("* online")
                ravi.type("/accept raju")  # of which this run has shown nothing
                await ravi.expect(
                    "! raju shows keys that you have not seen; /accept raju again:",
                    f"* phone: {key} (changed)",
                )
                ravi.type("/accept raju")
                await ravi.expect("* the keys of raju are accepted from now on")

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_a_new_device_is_announced_reads_what_it_missed_and_can_be_removed(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with (
            command(folder, "--user", "ravi", "--to", "raju") as ravi,
            command(folder, "--user", "raju") as raju,
        ):
            await raju.expect("* online")
            await ravi.expect("* chat with raju")
            ravi.type("before the laptop came")
            await raju.expect("ravi: before the laptop came")
            laptop_options = ("--user", "raju", "--to", "ravi", "--device", "laptop")
            async with command(folder, *laptop_options) as laptop:
                await laptop.expect("ravi (earlier): before the laptop came")
                ravi.type("and after")
                await ravi.expect("* raju has a new device: laptop")
                await laptop.expect("ravi: and after")
                raju.type("/devices")
                keys = server.listed("raju")["laptop"]["keys"]["ed25519"]
                here = f"({label()}, online)"
                await raju.expect(f"* phone {here}: this device", f"* laptop {here}: {keys} (seen)")
                raju.type("/unlink tablet", "/unlink laptop")
                await raju.expect("! you have no other device tablet", "* laptop is removed")
                await laptop.expect("! signed out: raju/laptop was removed from this account")

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_errors_are_reported_in_one_line(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi") as ravi:
            await ravi.expect("* online")
            ravi.type("to nobody", "/to nobody", "/to No!", "/frob", "/group", "/add raju")
            await ravi.expect(
                "! no chat is open: /to USER opens one",
                "! there is no user nobody",
                "! /to USER: a user name is 3 to 32 of a-z, 0-9 and _",
                "! there is no /frob; /help shows what there is",
                "! /group NAME A,B: a name, and who is in it",
                "! open a group first, and name the users: /add raju,meena",
            )

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_a_rejected_message_and_a_lost_connection_are_shown(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with (
            command(folder, "--user", "raju") as raju,
            command(folder, "--user", "ravi", "--to", "raju") as ravi,
        ):
            await raju.expect("* online")
            await ravi.expect("* chat with raju")
            (chat,) = server.chats
            server.take_out(chat, "ravi")
            ravi.type("hello")
            await ravi.expect(f"failed hello: you have no chat {chat}")
            server.put_into(chat, "ravi")
            await server.drop("ravi")
            await ravi.expect("* online")
            assert any(line.startswith("* offline, trying again") for line in ravi.lines)
            async with command(folder, "--user", "ravi", "--data", str(folder / "other")) as other:
                await other.expect("* online")
                await until(lambda: server.connections("ravi"))
                await ravi.expect(
                    "! displaced: ravi/phone connected elsewhere, and this client has stopped; "
                    "start it again to take over"
                )

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi") as ravi:
            await ravi.expect("* online")
            ravi.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(ravi.process.wait(), PATIENCE) == 0
            assert await ravi.errors() == ""
            await until(lambda: not server.connections("ravi"))

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_the_phone_of_a_user_shows_its_pushes(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "phone", "raju") as phone:
            assert await phone.end() == 1
            assert "raju has no device 'phone'" in await phone.errors()
        async with command(folder, "--user", "raju") as raju:
            await raju.expect("* online")
            (token,) = [each.token for each in server.aws.topics.endpoints.values()]
            async with command(folder, "phone", "raju") as phone:  # while raju is in
                assert await phone.end() == 0
                assert await phone.rest() == [f"raju's phone ({token[:8]}…) holds no push"]
        message = {"data": {"message_id": "01A", "chat_id": "c"}}
        push: dict[str, Any] = {"platform": "fcm", "received_at": 0.0, "message": message}
        server.phones[token] = [push, push]
        async with command(folder, "phone", "raju") as phone:
            assert await phone.end() == 0
            head, first, second = await phone.rest()
        assert head == f"raju's phone ({token[:8]}…) holds 2 pushes"
        assert first == second
        assert first.endswith('fcm   {"data": {"chat_id": "c", "message_id": "01A"}}')

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_without_a_running_backend_it_says_how_to_start_one(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        endpoints = folder / ".local" / "endpoints.json"
        endpoints.write_text(json.dumps({"api": "http://127.0.0.1:1", "console": "x"}))
        async with command(folder, "--user", "ravi") as ravi:
            assert await ravi.end() == 1
            assert "start it with: make dev" in await ravi.errors()

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_passwords_come_from_the_option_or_the_environment(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi", "--password", "one password") as ravi:
            assert await ravi.end() == 0
        variables = {"SWITCHBOARD_PASSWORD": "another password"}
        async with command(folder, "--user", "raju", **variables) as raju:
            assert await raju.end() == 0
        async with command(folder, "--user", "meena") as meena:
            assert await meena.end() == 0
            assert "the emulator" in (await meena.rest())[0]
        assert server.aws.pool.passwords == {
            "ravi": "one password", "raju": "another password", "meena": PASSWORD
        }  # fmt: skip
        remote = ("--user", "tara", "--api", server.url.replace("127.0.0.1", "localhost"))
        async with command(folder, *remote) as tara:
            assert await tara.end() == 1
            assert "a password is needed" in await tara.errors()

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_a_passphrase_keeps_the_keys_of_a_device(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        secret = {"SWITCHBOARD_PASSPHRASE": "correct horse"}
        async with command(folder, "--user", "ravi", **secret) as ravi:
            await ravi.expect("* online")
        assert not list((folder / ".local" / "clients").glob("*.key"))
        async with command(folder, "--user", "ravi") as ravi:
            assert await ravi.end() == 1
            assert "is kept under a passphrase; give it" in await ravi.errors()

    with_server(tmp_path, scenario)


@pytest.mark.deep
def test_two_clients_of_one_device_do_not_share_a_file(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
        async with command(folder, "--user", "ravi") as first:
            await first.expect("* online")
            async with command(folder, "--user", "ravi") as second:
                assert await second.end() == 1
                assert "start this one as another device" in await second.errors()
            async with command(folder, "--user", "ravi", "--device", "laptop") as laptop:
                await laptop.expect("* online")

    with_server(tmp_path, scenario)
