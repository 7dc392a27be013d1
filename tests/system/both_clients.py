"""Fixtures of stories in which the Python client and the TypeScript client, in Node.js, meet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Self

import pytest

from client import ChatClient, MessageReceived
from client.core.events import Event, MessageReadable
from tests.support.running_system import PASSWORD
from tests.support.typescript_client import Browser, Node
from tests.system.conftest import Meet
from tests.system.telling import WITHIN

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
Open = Callable[..., Browser]
Story = Callable[[Open], Awaitable[None]]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """The event loop of all stories, for the Node process that they share belongs to it."""
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def node(runner: asyncio.Runner) -> Iterator[Node]:
    """Each device in it has a name of its own."""
    started = Node()
    runner.run(started.__aenter__())
    yield started
    runner.run(started.__aexit__(None, None, None))


@pytest.fixture
def run_story(
    endpoints: dict[str, Any], meet: Meet, runner: asyncio.Runner, node: Node
) -> Callable[[Story], None]:
    """Runs a story that opens devices of the TypeScript client by `browser(user, device)`."""

    class Acquainted(Browser):
        async def __aenter__(self) -> Self:
            entered = await super().__aenter__()
            await meet(self.user, self.add_contact)
            return entered

    def run(story: Story) -> None:
        def browser(user: str, device: str = "web") -> Browser:
            return Acquainted(node, endpoints["api"], user, PASSWORD, device)

        runner.run(asyncio.wait_for(story(browser), WITHIN))

    return run


def readable(text: str) -> Callable[[Event], bool]:
    kinds = (MessageReceived, MessageReadable)
    return lambda event: isinstance(event, kinds) and event.text == text


def of(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)
