"""A person at the command line, without a terminal: lines go in, and the lines shown come out."""

from client import ChatClient
from client.cli.commands import Commands
from client.cli.lines import Lines
from client.cli.room import Room


class Person:
    """Somebody who types, and what comes of it."""

    def __init__(self, client: ChatClient) -> None:
        self.client, self.lines = client, list[str]()
        view = Lines(self.lines.append)
        self.room = Room(client, view)
        self._commands = Commands(client, self.room, view)

    async def types(self, line: str) -> list[str]:
        self.lines.clear()
        await self._commands.entered(line)
        return self.lines.copy()
