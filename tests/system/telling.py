"""What stories of clients have in common: their steps, and what is waited for in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from client import ChatClient, MessageReceived, State, StateChanged
from client.core.events import Event
from tests.support.running_system import WITHIN as PATIENCE

WITHIN = 2 * PATIENCE  # seconds, of a whole story
# what is written by people: scripts, emoji, what JSON escapes, 16 KB once encrypted, astral
ANY = ["hello", "नमस्ते राजू 👋🏽", 'Ωμέγα\u0000\u001f\\"/\u2028', "x" * 12_000, "𝕌" * 3_000]


def run(story: Awaitable[None]) -> None:
    async def within() -> None:
        await asyncio.wait_for(story, WITHIN)

    asyncio.run(within())


def received(text: str | None) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, MessageReceived) and event.text == text


def reached(message_id: str, state: State) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, StateChanged) and event.message_id == message_id and event.state is state
    )


def texts(client: ChatClient, chat: str) -> list[str | None]:
    return [message.text for message in client.messages.history(chat, limit=1000)]
