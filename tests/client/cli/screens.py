"""A person with a screen of 60 by 16 cells and a keyboard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from client import ChatClient, Settings
from client.cli.commands import Commands
from client.cli.room import Room
from client.cli.screen import Screen
from tests.support.backend.server import Served, until

QUICK = Settings(gap_grace=0.02, reconnect_base=0.02)


class Terminal(DummyOutput):
    def __init__(self, columns: int = 60, rows: int = 16) -> None:
        self._size = Size(rows=rows, columns=columns)

    def get_size(self) -> Size:
        return self._size


class Person:
    """A client with a screen of 60 by 16 cells and a keyboard."""

    def __init__(self, client: ChatClient, keyboard: PipeInput) -> None:
        self.client, self.keyboard = client, keyboard
        typed: asyncio.Queue[str] = asyncio.Queue()
        self.screen = Screen(
            client, typed.put_nowait, lambda: self.room.keys_pressed(), lambda: self.room.reading(),
            input=keyboard, output=Terminal(),
        )  # fmt: skip
        self.room = Room(client, self.screen)
        self.commands = Commands(client, self.room, self.screen)
        self.typed = typed

    async def run(self, to: str | None) -> None:
        async def talk() -> None:
            while await self.commands.entered(await self.typed.get()):
                pass
            self.screen.app.exit()

        async def listen() -> None:
            async for event in self.client.events():
                self.room.happened(event)

        tasks = [asyncio.create_task(work()) for work in (talk, listen)]
        drawing = asyncio.create_task(self.screen.app.run_async())
        try:
            await asyncio.sleep(0)
            await self.client.sign_up_or_in()
            await self.client.connect()
            await self.room.begin(to)
            await drawing
        finally:
            for task in (*tasks, drawing):
                task.cancel()
            await asyncio.gather(*tasks, drawing, return_exceptions=True)

    def rows(self) -> list[str]:
        drawn = self.screen.app.renderer.last_rendered_screen
        if drawn is None:
            return []
        cells = drawn.data_buffer
        return ["".join(cells[y][x].char for x in range(60)).rstrip() for y in range(drawn.height)]

    def style_of(self, text: str) -> str:
        """The style of the first cell of `text`, wherever it stands."""
        drawn = self.screen.app.renderer.last_rendered_screen
        assert drawn is not None
        for y, row in enumerate(self.rows()):
            if text in row:
                return drawn.data_buffer[y][row.index(text)].style
        raise AssertionError(f"{text!r} is not on the screen: {self.rows()}")

    async def shows(self, *texts: str) -> None:
        def all_there() -> bool:
            whole = "\n".join(self.rows())
            return all(text in whole for text in texts)

        try:
            await until(all_there)
        except TimeoutError:
            raise AssertionError(f"{texts} not on the screen:\n" + "\n".join(self.rows())) from None


@asynccontextmanager
async def person(server: Served, user: str, to: str | None = None) -> AsyncIterator[Person]:
    client = ChatClient(server.url, user, "password", settings=QUICK)
    with create_pipe_input() as keyboard:
        someone = Person(client, keyboard)
        running = asyncio.create_task(someone.run(to))
        try:
            yield someone
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await client.close()


def raju_online(server: Served, store: Path | str = ":memory:") -> ChatClient:
    return ChatClient(server.url, "raju", "password", store=store, settings=QUICK)
