"""People with the real client, who write to their groups until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from client import ChatClient, ClientError, MessageReceived, State, StateChanged
from tools.chaos.verdict import Sent, Shown

PASSWORD = "Correct-horse-7"  # noqa: S105 - of accounts that end with the run
MOST = 1_000_000  # messages of a history
AT_ONCE = 4  # people who come at the same time: each makes keys and a user
FULL = 1_000  # texts that wait for acceptance, until which somebody goes on writing


@dataclass
class Person:
    """`asleep`: away from the beginning of the faults to their end, with a phone that rings.
    `coming`: its client is starting, which takes seconds on a busy machine."""

    name: str
    api: str
    store: Path
    asleep: bool = False
    chats: list[str] = field(default_factory=list)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> chat, text
    accepted: set[str] = field(default_factory=set)
    shown: list[Shown] = field(default_factory=list)
    life: int = 0
    coming: bool = False
    token: str = ""
    client: ChatClient | None = None
    _listening: asyncio.Task[None] | None = None

    async def come(self) -> ChatClient:
        """Starts the client, which goes on trying to connect once it is registered."""
        self.coming = True
        try:
            return await self._come()
        finally:
            self.coming = False

    async def _come(self) -> ChatClient:
        self.life += 1
        self.client = client = ChatClient(self.api, self.name, PASSWORD, "phone", self.store)
        self._listening = asyncio.create_task(self._listen(client, self.life))
        await asyncio.sleep(0)
        while True:
            try:
                await client.sign_up_or_in()
                await client.connect(timeout=20)
                break
            except TimeoutError:  # it goes on by itself
                break
            except ClientError:
                await asyncio.sleep(1)
        self.token = client.devices.push_token or ""
        return client

    async def go(self) -> None:
        """Ends the client as its user would."""
        if self.client is not None:
            await self.client.close()
        await self._quiet()

    async def crash(self) -> None:
        """Ends it as a crash does; the store stays as it is then."""
        if self.client is not None:
            await self.client.abort()
        await self._quiet()

    async def write(self, text: str, random: Random) -> None:
        client = self.client
        if client is None or not self.chats or client.messages.unaccepted > FULL:
            return
        chat = random.choice(self.chats)
        with contextlib.suppress(ClientError):
            self.sent[await client.send(chat, text)] = (chat, text)

    def history(self) -> dict[str, tuple[int, str | None]]:
        """message_id -> seq and text, of what others wrote; own accepted ones are noted."""
        found = {}
        for chat in self.chats:
            for each in self.client.messages.history(chat, MOST) if self.client else ():
                if each.seq is None:
                    continue
                if each.sender == self.name:
                    self.accepted.add(each.message_id)
                else:
                    found[each.message_id] = (each.seq, each.text)
        return found

    def as_sent(self) -> list[Sent]:
        return [
            Sent(message_id, chat, self.name, text, message_id in self.accepted)
            for message_id, (chat, text) in self.sent.items()
        ]

    async def _quiet(self) -> None:
        self.client = None
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self, client: ChatClient, life: int) -> None:
        async for event in client.events():
            if isinstance(event, MessageReceived) and not event.own:
                self.shown.append(Shown(event.chat, event.seq, event.message_id, life))
            elif isinstance(event, StateChanged) and event.state is not State.FAILED and event.seq:
                self.accepted.add(event.message_id)


async def arrive(people: list[Person], groups: int, random: Random) -> dict[str, list[str]]:
    """Everybody signs up and connects; the members of each of so many groups."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def comes(person: Person) -> None:
        async with slots:
            client = await person.come()
            await client.people.settings({"groups": "everybody"})

    await asyncio.gather(*map(comes, people))
    members = {}
    order = [*people, *random.sample(people, len(people))]  # everybody is in two of them
    size = max(2, len(order) // groups)
    for number in range(groups):
        several = list(
            {each.name: each for each in order[number * size : (number + 1) * size]}.values()
        )
        if len(several) < 2:
            continue
        first, client = next((each, each.client) for each in several if each.client is not None)
        chat = await client.chats.group([each.name for each in several if each is not first])
        members[chat] = [each.name for each in several]
        for each in several:
            each.chats.append(chat)
    return members


async def write(person: Person, pause: float, random: Random) -> None:
    """A text each `pause` seconds on average, until it is cancelled."""
    number = 0
    while True:
        await asyncio.sleep(random.expovariate(1 / pause))
        number += 1
        await person.write(f"{person.name} {number}", random)
