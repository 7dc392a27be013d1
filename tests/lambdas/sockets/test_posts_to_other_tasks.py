"""Which task a post goes to, what is known of that task by then, and what is counted as failed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.connections import Connections, Outcome, Post
from lambdas.post_key import CURRENT, READ_INTERVAL_SECONDS, PostKey
from lambdas.signing import Credentials
from lambdas.sockets import direct
from lambdas.sockets.direct import (
    DEAD_SECONDS,
    SLOW_SECONDS,
    DirectConnections,
    NoResponse,
    Unreachable,
)
from lambdas.sockets.held import Registry
from lambdas.sockets.ids import RANDOM_BYTES, Holder, new_id
from tests.lambdas.sockets.scene import SECRET

OWN, OTHER = Holder("10.0.0.1", 8090), Holder("10.0.0.2", 8090)
DELIVERED, FAILED, GONE = Outcome.DELIVERED, Outcome.FAILED, Outcome.GONE


def post(holder: Holder) -> Post:
    return Post(new_id(holder, b"x" * RANDOM_BYTES), "{}")


class Scene:
    """The posts of one task, by a clock that the test moves; `responds` is what the other does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.asked = 0
        self.failed: list[str] = []
        self.responds: Outcome | Exception = DELIVERED
        monkeypatch.setattr(direct, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(direct, "count", self.failed.append)
        monkeypatch.setattr(direct.OneTask, "_request", lambda *_: self._respond())

    def _respond(self) -> Outcome:
        self.asked += 1
        if isinstance(self.responds, Exception):
            raise self.responds
        return self.responds


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def direct_connections(key: PostKey | None = None) -> DirectConnections:
    """Of a task whose event loop has ended."""
    loop = asyncio.new_event_loop()
    loop.close()
    return DirectConnections(OWN, Registry(), loop, "us-east-1", key or PostKey(lambda _: SECRET))


def test_an_address_without_a_task_is_asked_again_after_a_minute(scene: Scene) -> None:
    """It may be that of another task by then."""
    tasks, scene.responds = direct_connections(), Unreachable()
    assert [tasks.post(post(OTHER)) for _ in range(3)] == [GONE] * 3
    scene.responds, scene.now = DELIVERED, 100.0 + DEAD_SECONDS - 0.1
    assert (tasks.post(post(OTHER)), scene.asked) == (GONE, 1)
    scene.now += 0.1
    assert (tasks.post(post(OTHER)), scene.asked) == (DELIVERED, 2)


def test_a_task_that_responds_again_is_slow_no_more(scene: Scene) -> None:
    tasks, scene.responds = direct_connections(), NoResponse()
    assert [tasks.post(post(OTHER)) for _ in range(3)] == [FAILED] * 3
    scene.responds, scene.now = DELIVERED, 100.0 + SLOW_SECONDS - 0.1
    assert (tasks.post(post(OTHER)), scene.asked) == (FAILED, 1)
    scene.now += 0.2
    assert [tasks.post(post(OTHER)) for _ in range(3)] == [DELIVERED] * 3
    assert scene.asked == 4


@pytest.mark.parametrize(
    ("responds", "outcome", "counted"),
    [(DELIVERED, DELIVERED, 0), (GONE, GONE, 0), (FAILED, FAILED, 1), (NoResponse(), FAILED, 1)],
)
def test_a_client_that_is_gone_is_no_failure_of_the_network(
    scene: Scene, responds: Any, outcome: Outcome, counted: int
) -> None:
    scene.responds = responds
    assert direct_connections().post(post(OTHER)) is outcome
    assert scene.failed == ["PostsFailed"] * counted


def test_posts_to_one_task_share_its_connections() -> None:
    tasks = direct_connections()
    assert tasks._task(OTHER) is tasks._task(OTHER)
    assert tasks._task(OTHER) is not tasks._task(Holder("10.0.0.2", 8091))


def test_a_task_with_an_older_key_reads_it_again_and_posts_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(_: Any, _method: str, _path: str, _body: bytes, by: Credentials, _until: float) -> int:
        return 200 if by[1] == "new" else 403

    stages = {CURRENT: "old"}
    key = PostKey(stages.get, lambda: READ_INTERVAL_SECONDS)
    assert key.values == ("old",)
    stages[CURRENT] = "new"
    monkeypatch.setattr(Connections, "_send", send)
    assert direct_connections(key).post(post(OTHER)) is DELIVERED


def test_a_task_that_has_stopped_or_is_far_behind_fails_posts_to_its_own_sockets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are not gone: the lease of a connection that is gone ends."""
    monkeypatch.setattr(direct, "LOCAL_SECONDS", 0.01)

    async def behind() -> None:
        loop = asyncio.get_running_loop()
        tasks = DirectConnections(OWN, Registry(), loop, "us-east-1", PostKey(lambda _: SECRET))
        assert tasks.post(post(OWN)) is FAILED  # in the event loop, which does nothing meanwhile
        for within in (0.01, -1.0):
            assert tasks.post_all([post(OWN)] * 2, within) == [FAILED] * 2

    asyncio.run(behind())
    stopped = direct_connections()
    assert stopped.post(post(OWN)) is FAILED
    assert stopped.post_all([post(OWN)] * 2) == [FAILED] * 2
