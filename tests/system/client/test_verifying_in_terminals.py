"""/verify, /yes and /no in two terminals: the real command as a process, against the real handlers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.backend.server import PATIENCE, Served
from tests.system.client.terminal import Command, command, with_server


async def line(terminal: Command, part: str) -> str:
    """The next line that contains `part`."""
    assert terminal.process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while True:
            got = await terminal.process.stdout.readline()
            assert got, f"ended without {part!r}: {terminal.lines} {await terminal.errors()}"
            terminal.lines.append(got.decode().rstrip("\n"))
            if part in terminal.lines[-1]:
                return terminal.lines[-1]


def digits(lines: list[str]) -> str:
    return "".join(x[2:] for x in lines if x[2:].replace(" ", "").isdecimal())


@pytest.mark.deep
def test_two_people_in_two_terminals_verify_each_other(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
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


@pytest.mark.deep
def test_after_the_emoji_the_devices_that_were_not_compared_are_named(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
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


@pytest.mark.deep
def test_a_declined_a_failed_and_a_broken_off_comparison_are_reported_to_both(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served, folder: Path) -> None:
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


@pytest.mark.deep
def test_what_can_not_be_done_is_reported_in_one_line(tmp_path: Path) -> None:
    async def scenario(server: Served, folder: Path) -> None:
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
