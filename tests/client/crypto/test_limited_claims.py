"""While the backend takes no claims of keys, texts go to the devices that have a session."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from client.core.cipher import Claims, FetchResult
from client.directory import fetch
from client.errors import RateLimited
from tests.client.crypto.scene import Scene, say

RAVI, RAJU, TAB, MIRA = "ravi/phone", "raju/phone", "raju/tab", "mira/phone"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(RAVI, RAJU, MIRA)
    yield made
    made.close()


def begun(scene: Scene, *kinds: str) -> list[str]:
    """Chats in which all have sessions but raju's new device, of which no key can be claimed."""
    users = {"direct": ("ravi", "raju"), "group": ("ravi", "raju", "mira")}
    chats = [getattr(scene, kind)(*users[kind]) for kind in kinds]
    for chat in chats:
        say(scene, RAVI, chat, "before")
    scene.add(TAB).connect()
    for chat, kind in zip(chats, kinds, strict=True):
        scene[TAB].store.describe(chat, kind)
    scene.settle()
    scene[RAVI].claims.clear()
    scene[RAVI].claims_at = scene.backend.now + 120
    return chats


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_text_goes_to_the_devices_that_have_keys_and_to_the_others_once_claims_are_taken(
    scene: Scene, kind: str
) -> None:
    (chat,) = begun(scene, kind)
    say(scene, RAVI, chat, "at once")
    assert scene[RAJU].texts(chat) == ["before", "at once"]
    assert "at once" not in scene[TAB].texts(chat)
    scene.settle(seconds=60)
    say(scene, RAVI, chat, "meanwhile")
    assert scene[RAJU].texts(chat) == ["before", "at once", "meanwhile"]
    assert scene[RAVI].claims == [(TAB,)]  # no more before the backend allows it
    scene.settle(seconds=61)
    scene.settle(seconds=5)
    assert scene[TAB].texts(chat)[-2:] == ["at once", "meanwhile"]


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_limit_that_was_met_in_another_chat_keeps_no_text_back(scene: Scene, kind: str) -> None:
    met, chat = begun(scene, "group", kind)
    say(scene, RAVI, met, "the limit")
    scene[RAVI].claims.clear()
    say(scene, RAVI, chat, "at once")
    assert scene[RAJU].texts(chat) == ["before", "at once"]
    assert scene[RAVI].claims == []
    scene.settle(seconds=121)
    scene.settle(seconds=5)
    assert "at once" in scene[TAB].texts(chat)


@pytest.mark.parametrize(("wait", "retry_after"), [(60.0, 60.0), (None, 0.0)])
def test_claims_that_are_limited_are_a_response_without_keys_and_with_the_time_to_wait(
    wait: float | None, retry_after: float
) -> None:
    class Limited:
        async def claim(self, _: object) -> None:
            raise RateLimited("rate_limited", "slower", 429, wait)

    api: Any = Limited()
    request = Claims(1, "c", (RAJU,), asking=False)
    assert asyncio.run(fetch(api, request)) == FetchResult(request, {}, retry_after=retry_after)
