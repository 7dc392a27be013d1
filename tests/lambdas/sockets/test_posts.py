"""Posts to clients that are slow, and to tasks that have ended, are frozen or can't be asked."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from typing import Any

import pytest

from lambdas import connections
from lambdas.connections import Connections, Outcome, Post
from lambdas.post_key import PostKey
from lambdas.sockets import direct, held
from lambdas.sockets.direct import DirectConnections
from lambdas.sockets.events import Connected
from lambdas.sockets.held import QUEUED_BYTES, Held, Registry
from lambdas.sockets.ids import RANDOM_BYTES, Holder, new_id
from tests.lambdas.sockets.scene import SECRET, client, run, running, until
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend

pytestmark = pytest.mark.slow

OWN = Holder("127.0.0.1", 9)
LARGE = "x" * 127_000  # as a sync posts them


class Slow:
    """A client that reads one frame when the test says so."""

    def __init__(self, holder: Holder = OWN) -> None:
        self.read: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self._room = asyncio.Semaphore(0)
        identity = Connected(new_id(holder, b"x" * RANDOM_BYTES), "", "", 0.0)
        self.held = Held(identity, self._send, lambda: None)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._room.acquire()
        self.sent.append(message)

    async def reads(self, frames: int) -> None:
        before = len(self.sent)
        for _ in range(frames):
            self._room.release()
        await until(lambda: len(self.sent) == before + frames)


def test_a_client_that_reads_slower_than_it_is_posted_to_stays_connected() -> None:
    """A sync is cut short, and goes on where it ended."""

    async def story() -> None:
        slow = Slow()
        post = slow.held.post
        assert [post(LARGE) for _ in range(4)] == [Outcome.DELIVERED] * 2 + [Outcome.FAILED] * 2
        await slow.reads(1)
        await until(lambda: post(LARGE) is Outcome.DELIVERED)
        assert post(LARGE) is Outcome.FAILED
        await slow.reads(2)
        assert post("last") is Outcome.DELIVERED
        await slow.reads(1)
        assert [message["text"] for message in slow.sent] == [LARGE] * 3 + ["last"]

    run(story())


def test_a_client_that_has_read_nothing_for_a_while_is_closed_by_the_post_that_finds_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        slow = Slow()
        post = slow.held.post
        assert [post(LARGE) for _ in range(3)] == [Outcome.DELIVERED] * 2 + [Outcome.FAILED]
        monkeypatch.setattr(held, "STALLED_SECONDS", 0.0)
        assert [post(LARGE) for _ in range(2)] == [Outcome.GONE] * 2
        assert slow.held.ended == (1013, "the client does not read")
        slow.held._cut_off()

    run(story())


def test_the_response_to_a_frame_waits_for_room() -> None:
    async def story() -> None:
        slow = Slow()
        for _ in range(2):
            slow.held.post(LARGE)
        responds = asyncio.create_task(slow.held.respond("x" * (QUEUED_BYTES - len(LARGE))))
        await asyncio.sleep(0)
        assert slow.held.post("x" * (QUEUED_BYTES - len(LARGE))) is Outcome.FAILED
        await slow.reads(2)
        await responds
        await slow.reads(1)
        assert len(slow.sent) == 3

    run(story())


def test_a_slow_client_gets_all_that_was_delivered_to_it_in_order(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, client(world, task, "ravi") as slow:
            await until(task.ids)
            (connection_id,) = task.ids()
            slow.transport.pause_reading()
            delivered = 0
            outcome = Outcome.DELIVERED
            for number in range(1_000):  # what the kernel takes differs from machine to machine
                text = json.dumps({"number": number, "x": "x" * 100_000})
                post = Post(connection_id, text)
                (outcome,) = await asyncio.to_thread(task.connections.post_all, [post], 30.0)
                if outcome is not Outcome.DELIVERED:
                    break
                delivered += 1
            assert outcome is Outcome.FAILED
            far = Connections(task.posts, "us-east-1", lambda: ("sockets", SECRET, None))
            assert await asyncio.to_thread(far.post, Post(connection_id, "x" * 120_000)) is outcome
            assert task.ids() == [connection_id]
            slow.transport.resume_reading()
            numbers = [json.loads(await slow.recv())["number"] for _ in range(delivered)]
            assert numbers == list(range(delivered))

    run(story())


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(direct, "count", found.append)
    return found


def posting(registry: Registry | None = None) -> DirectConnections:
    loop = asyncio.get_running_loop()
    key = PostKey(lambda _: SECRET)
    return DirectConnections(OWN, registry or Registry(), loop, "us-east-1", key)


@pytest.mark.parametrize(
    "fault, outcome",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Outcome.GONE),
        (TimeoutError("timed out"), Outcome.GONE),
        (OSError(errno.EHOSTUNREACH, "no route to the host"), Outcome.GONE),
        (OSError(errno.ENETUNREACH, "no route to the network"), Outcome.GONE),
        (OSError(errno.EMFILE, "too many open files"), Outcome.FAILED),
        (OSError(errno.ENOBUFS, "no buffers"), Outcome.FAILED),
        (OSError(errno.EADDRNOTAVAIL, "no ports left"), Outcome.FAILED),
        (socket.gaierror(socket.EAI_AGAIN, "no name"), Outcome.FAILED),
    ],
)
def test_a_task_is_dead_only_if_the_network_says_that_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch, failed: list[str], fault: OSError, outcome: Outcome
) -> None:
    def connect(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(Connections, "_http", connect)

    async def story() -> None:
        post = Post(new_id(Holder("10.0.0.7", 8090), b"x" * RANDOM_BYTES), "{}")
        tasks = posting()
        for _ in range(2):
            assert await asyncio.to_thread(tasks.post, post) is outcome
        # once a minute where nobody is there
        assert failed == ["PostsFailed"] * (1 if outcome is Outcome.GONE else 2)

    run(story())


def frozen() -> tuple[socket.socket, Holder]:
    """A task whose kernel accepts connections, and which does nothing with them."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1_024)
    listening.settimeout(0)
    return listening, Holder(*listening.getsockname())


def connected_to(listening: socket.socket) -> int:
    """How many connections it has got since it was asked last."""
    for number in range(1_000):
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError


def test_own_sockets_are_posted_to_while_all_threads_wait_for_a_frozen_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_left", lambda _: 30.0)

    async def story() -> None:
        listening, holder = frozen()
        registry = Registry()
        own = Slow()
        registry.add(own.held)
        tasks = posting(registry)
        post = Post(new_id(holder, b"x" * RANDOM_BYTES), "{}")
        waiting = asyncio.create_task(asyncio.to_thread(tasks.post_all, [post] * 200, 30.0))
        await until(lambda: len(tasks._threads._threads) == connections.THREADS)
        posts = [Post(own.held.connected.id, text) for text in ("1", "2", "3")]
        outcomes = await asyncio.to_thread(tasks.post_all, posts, 30.0)
        assert outcomes == [Outcome.DELIVERED] * 3
        await own.reads(3)
        assert [message["text"] for message in own.sent] == ["1", "2", "3"]
        listening.close()  # which breaks what waits, and refuses what comes
        assert set(await waiting) <= {Outcome.GONE, Outcome.FAILED}

    run(story())


def test_outcomes_are_in_the_order_of_the_posts_whichever_task_has_the_socket() -> None:
    async def story() -> None:
        registry = Registry()
        own = Slow()
        registry.add(own.held)
        here, gone = own.held.connected.id, new_id(OWN, b"y" * RANDOM_BYTES)
        tasks = posting(registry)
        ids = [here, gone, "no id", here, gone]
        posts = [Post(each, "{}") for each in ids]
        outcomes = await asyncio.to_thread(tasks.post_all, posts, 30.0)
        assert [each.value for each in outcomes] == [
            "delivered",
            "gone",
            "gone",
            "delivered",
            "gone",
        ]

    run(story())


def test_a_task_that_did_not_answer_is_asked_again_later_and_by_one_post(
    monkeypatch: pytest.MonkeyPatch, failed: list[str]
) -> None:
    monkeypatch.setattr(connections, "_left", lambda _: 0.5)
    monkeypatch.setattr(direct, "SLOW_SECONDS", 3_600.0)

    async def story() -> None:
        listening, holder = frozen()
        with listening:
            tasks = posting()
            post = Post(new_id(holder, b"x" * RANDOM_BYTES), "{}")
            for asked, again in ((1, False), (0, False), (1, True), (0, False)):
                if again:
                    tasks._slow[holder] = 0.0
                assert await asyncio.to_thread(tasks.post, post) is Outcome.FAILED
                assert connected_to(listening) == asked
            assert failed == ["PostsFailed"] * 4
            tasks._slow[holder] = 0.0
            assert [tasks._is_slow(holder) for _ in range(3)] == [False, True, True]

    run(story())
