"""What a device receives of a chat's members, and what it asks for."""

from __future__ import annotations

from typing import Any

from client.core.engine import Engine
from tests.client.crypto.scene import Scene


def receives(scene: Scene, who: str, frame: Any) -> None:
    scene[who].step(Engine.received, frame)
    scene.settle()


def asks(scene: Scene, who: str, chat: str, *message_ids: str) -> None:
    """The ids are given: a device knows none of the messages from before it joined."""
    scene[who].step(Engine.send_to_device, chat, "ravi/phone", "request", {"of": [*message_ids]})
    scene.settle(seconds=1)


def member(scene: Scene, who: str, chat: str) -> None:
    """The device has been notified that it is in the chat."""
    scene[who].store.describe(chat, "group")
    members = scene.backend.members(chat)
    scene[who].step(Engine.chat_is, chat, members)
    scene.settle()


def quietly(scene: Scene, chat: str, user: str) -> None:
    """Nobody is notified of it."""
    scene.backend.faults.lose("devices_changed")
    scene.backend.change_members(chat, [user], [])
    scene.backend.faults.lose_nothing()


def gets_nothing(scene: Scene, who: str, chat: str, *message_ids: str) -> None:
    """The device asks for these messages, and can read none of the chat afterwards."""
    asks(scene, who, chat, *message_ids)
    assert [text for text in scene[who].texts(chat) if text is not None] == []
