"""Emoji that a stranger wants to compare: nothing responds before the user has accepted the request."""

from __future__ import annotations

import pytest

from client import MessageReceived
from client.core.events import ControlReceived, EmojiShown
from tests.client.library import of, online, with_server
from tests.support.backend.server import Served

pytestmark = pytest.mark.slow


def test_what_a_stranger_wants_to_compare_is_not_taken_up_before_the_request_is_accepted() -> None:
    async def scenario(server: Served) -> None:
        server.acquainted = False
        async with online(server, "ravi") as ravi, online(server, "raju") as raju:
            chat = await ravi.chats.direct("raju")
            await ravi.send("raju", "hello")
            await raju.wait_for(of(MessageReceived, text="hello"))
            await ravi.verification.compare("raju", "phone")
            await raju.wait_for(of(ControlReceived))
            await ravi.send("raju", "did you see that?")
            await raju.wait_for(of(MessageReceived, text="did you see that?"))
            assert raju.verification.comparisons() == {}
            await raju.people.accept(chat)
            await raju.verification.compare("ravi", "phone")
            await ravi.wait_for(of(EmojiShown))

    with_server(scenario)
