"""A socket that a task holds, by a clock that the test moves: its bounds, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from lambdas.connections import Outcome
from lambdas.sockets.draining import drain
from lambdas.sockets.events import Connected
from lambdas.sockets.held import CLOSE_SECONDS, QUEUED_BYTES, STALLED_SECONDS, Held, Registry

DELIVERED, FAILED, GONE = Outcome.DELIVERED, Outcome.FAILED, Outcome.GONE


class Client:
    """One that takes a message when the test says so; `now` is the time of the event loop."""

    def __init__(self, id: str = "id") -> None:
        self.now = 100.0
        self.took: list[Any] = []
        self.cut_off = 0
        self._room = asyncio.Semaphore(0)
        asyncio.get_running_loop().time = lambda: self.now  # type: ignore[method-assign]
        self.held = Held(Connected(id, "", "", 0.0), self._send, self._abort)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._room.acquire()
        self.took.append(message.get("text") or (message["code"], message["reason"]))

    def _abort(self) -> None:
        self.cut_off += 1

    async def takes(self, messages: int) -> None:
        for _ in range(messages):
            self._room.release()
        await self.turns()

    @staticmethod
    async def turns() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def passes(self, seconds: float) -> None:
        self.now += seconds
        await self.turns()


def run(story: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    async def with_client() -> None:
        await story(Client())

    asyncio.run(with_client())


def test_what_waits_is_bounded_by_its_bytes_and_not_by_its_characters() -> None:
    async def story(client: Client) -> None:
        post = client.held.post
        assert post("\u20ac" * (QUEUED_BYTES // 3)) is DELIVERED  # three bytes each
        rest = QUEUED_BYTES % 3
        assert [post("x" * (rest + 1)), post("x" * rest), post("y")] == [FAILED, DELIVERED, FAILED]
        await client.takes(2)
        assert [post("x" * QUEUED_BYTES), post("y")] == [DELIVERED, FAILED]  # there is room again

    run(story)


@pytest.mark.parametrize(
    ("since_it_began", "since_it_took_one", "outcome"),
    [
        (STALLED_SECONDS - 0.1, None, FAILED),
        (STALLED_SECONDS, None, GONE),
        (STALLED_SECONDS, STALLED_SECONDS - 0.1, FAILED),
        (STALLED_SECONDS, STALLED_SECONDS, GONE),
    ],
)
def test_who_takes_nothing_for_so_long_is_closed_by_what_finds_no_room(
    since_it_began: float, since_it_took_one: float | None, outcome: Outcome
) -> None:
    async def story(client: Client) -> None:
        post = client.held.post
        await client.passes(50)  # an idle connection stalls nobody
        assert [post("x"), post("y" * (QUEUED_BYTES - 1))] == [DELIVERED] * 2
        await client.passes(since_it_began)
        if since_it_took_one is not None:
            await client.takes(1)
            await client.passes(since_it_took_one)
        assert post("zz") is outcome
        closed = (1013, "the client does not read")
        assert client.held.ended == (closed if outcome is GONE else None)
        await client.takes(3)
        waited = since_it_took_one is None  # the second one: what is on its way goes out
        assert len(client.took) == (3 if outcome is GONE and not waited else 2)
        assert client.took[-1] == (closed if outcome is GONE else "y" * (QUEUED_BYTES - 1))

    run(story)


def test_a_close_comes_after_what_was_posted_and_once_and_cuts_off_who_does_not_take_it() -> None:
    async def story(client: Client) -> None:
        held = client.held
        assert held.post("first") is DELIVERED
        held.close(1001, "Going away")
        held.close(1012, "the server restarts")
        assert held.post("second") is GONE
        assert held.ended == (1001, "Going away")
        await client.passes(CLOSE_SECONDS - 0.1)
        assert client.cut_off == 0
        await client.takes(2)
        assert client.took == ["first", (1001, "Going away")]
        await client.passes(0.2)
        assert client.cut_off == 1

    run(story)


@pytest.mark.parametrize("error", [OSError(), RuntimeError()])
def test_a_socket_that_is_closed_meanwhile_takes_no_more_posts(error: Exception) -> None:
    async def story(client: Client) -> None:
        async def send(_: Any) -> None:
            raise error

        client.held.send = send
        assert [client.held.post("1"), client.held.post("2")] == [DELIVERED] * 2
        await client.turns()
        assert client.held.post("3") is GONE

    run(story)


def test_the_response_to_a_frame_waits_for_room_and_for_no_client_that_is_gone() -> None:
    async def story(client: Client) -> None:
        client.held.post("x" * QUEUED_BYTES)
        waiting = asyncio.create_task(client.held.respond("response"))
        await client.turns()
        assert not waiting.done()
        await client.takes(2)
        assert client.took[-1] == "response"
        client.held.close(1000)
        await client.held.respond("late")
        await client.takes(2)
        assert client.took[-1] == (1000, "")

    run(story)


def test_a_registry_finds_what_is_open_and_counts_what_is_not_gone_yet() -> None:
    async def story(client: Client) -> None:
        registry, other = Registry(), Client("other")
        for each in (client, other):
            registry.add(each.held)
        other.held.closing = True
        assert registry.find("id") is client.held
        assert [registry.find("other"), registry.find("third")] == [None, None]
        assert (len(registry), list(registry)) == (2, [client.held, other.held])
        for _ in range(2):
            registry.remove(other.held)
        assert list(registry) == [client.held]

    run(story)


def test_a_task_drains_in_another_order_and_pauses_between_its_slices_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happened: list[Any] = []

    class Socket:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self, *how: Any) -> None:
            happened.append((self.name, *how))

    async def sleep(seconds: float) -> None:
        happened.append(seconds)

    sockets: Any = [Socket(name) for name in ("first", "second", "third")]
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(drain(sockets, 1.0, lambda left: left.reverse()))
    first, second, third = ((each.name, 1012, "the server restarts") for each in sockets)
    assert happened == [third, first, 0.5, second]
    happened.clear()
    asyncio.run(drain(sockets, 6.0, lambda left: left.reverse()))
    assert happened == [third, 2.0, second, 2.0, first], "few take all the time that there is"
