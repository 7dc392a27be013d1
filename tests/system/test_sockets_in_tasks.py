"""The project's story where tasks hold the sockets, and what happens to it when a task ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from client import ChatClient, State
from tests.support.running_system import System, started
from tests.system.conftest import contexts
from tests.system.telling import reached, received, run
from tests.system.test_two_people import (
    test_two_people_chat_one_leaves_is_woken_by_a_push_and_comes_back as the_story,
)

# a second system; tests/lambdas/sockets/test_tasks.py runs tasks in its own process
pytestmark = [pytest.mark.xdist_group("sockets"), pytest.mark.deep]

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
POOL = "sockets"


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Of a system of this file's own, in place of the one that other tests share."""
    settings = {"websocket.plane": "containers", "websocket.tasks.drain": "10"}
    with started(tmp_path_factory.mktemp("tasks"), *contexts(settings)) as found:
        yield found


def gone(task: str) -> Callable[[dict[str, Any]], bool]:
    return lambda state: task not in str(state["pools"])


def test_the_story_is_the_same_on_this_file_s_system(
    device: Make, name: Name, phone: Callable[[str], list[dict[str, Any]]], wait_until: Any
) -> None:
    the_story(device, name, phone, wait_until)


def test_clients_connect_to_the_load_balancer(endpoints: dict[str, Any]) -> None:
    assert endpoints["websocket"] == endpoints["api"].replace("http", "ws") + "/sockets"


@pytest.mark.parametrize("action", ["kill", "drain"])
def test_when_a_task_ends_its_clients_go_to_another_and_nothing_is_lost(
    endpoints: dict[str, Any], device: Make, name: Name, action: str
) -> None:
    """Whichever task has their sockets: each of both is ended once."""

    async def story() -> None:
        ravi, raju = name("ravi"), name("raju")
        async with System(endpoints) as system, device(ravi) as a, device(raju) as b:
            chat = await a.chats.direct(raju)
            written: list[str] = []

            async def send(text: str) -> str:
                written.append(text)
                return await a.send(chat, text)

            await send("before")
            await b.wait_for(received("before"))
            for number, task in enumerate(await system.whole(POOL, 2)):
                await system.act(task, action)
                late = [await send(f"{number}.{line}") for line in range(5)]
                for message in late:
                    await a.wait_for(reached(message, State.DELIVERED))
                await system.until(f"{task} has gone", gone(task))
                await system.whole(POOL, 2)
            assert [message.text for message in b.messages.history(chat, limit=100)] == written

    run(story())
