"""`python -m tools.dashboard`: the dashboard as a picture, with the data of people who write.

A system of its own runs for it, on free ports; Chromium draws the console's page of the dashboard,
which is the template's, into docs/pictures/dashboard.png.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
from playwright.async_api import ViewportSize, async_playwright, expect

from client.errors import ApiError
from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints
from tools import own_system
from tools.chaos import people
from tools.chaos.people import Person
from tools.demo.record import program

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "pictures" / "dashboard.png"
SIZE = ViewportSize(width=1280, height=800)
TRIES = 30
SPEED = 20  # an hour of the dashboard is three minutes


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.dashboard", description=__doc__)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--people", type=int, default=8)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        try:
            with own_system.started(PROJECT, state, ["--speed", str(SPEED)]) as system:
                asyncio.run(picture(system, state, given.people, given.seconds))
        except EmulatorError as error:
            print(f"dashboard: {error}", file=sys.stderr)
            return 1
    print(PICTURE.relative_to(PROJECT))
    return 0


async def picture(system: Endpoints, folder: Path, several: int, seconds: float) -> None:
    """Writes PICTURE after so many people have written for so long; a third of them are away."""
    random = Random(7)
    there = [Person(f"person_{n}", system.api, folder / f"{n}.sqlite") for n in range(several)]
    for person in there:
        await person.come()
    await _group(there)
    for person in there[: several // 3]:
        await person.go()
    present = there[several // 3 :]
    writing = [asyncio.create_task(people.write(each, 1.0, random)) for each in present]
    await asyncio.sleep(seconds)
    await _draw(f"{system.console}/_local/view/dashboard")
    for task in writing:
        task.cancel()
    await asyncio.gather(*writing, return_exceptions=True)
    for person in present:
        await person.go()


async def _group(members: Sequence[Person]) -> None:
    """One that all are in; on a machine with much to do a request may fail and is made again."""
    clients = [each.client for each in members if each.client is not None]
    for client in clients:
        await _again(partial(client.people.settings, {"groups": "everybody"}))
    others = [each.name for each in members[1:]]
    chat = await _again(partial(clients[0].chats.group, others))
    for person in members:
        person.chats.append(chat)


async def _again(request: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(TRIES):
        with contextlib.suppress(ApiError, httpx.HTTPError):
            return await request()
        await asyncio.sleep(1)
    raise EmulatorError("the people could not come together: see the system's logs")


async def _draw(address: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = await browser.new_page(viewport=SIZE)
        await page.goto(address)
        await expect(page.locator("figure").first).to_be_visible()
        await page.screenshot(path=PICTURE, full_page=True)
        await browser.close()


if __name__ == "__main__":
    sys.exit(main())
