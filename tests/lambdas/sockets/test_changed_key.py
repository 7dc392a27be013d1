"""A new value of the key that posts are signed with: who reads it when, and which posts fail."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.connections import Connections, Outcome, Post, sign
from lambdas.post_key import CURRENT, PREVIOUS, READ_INTERVAL_SECONDS, PostKey
from lambdas.settings import Aws, Settings
from lambdas.sockets import app
from lambdas.sockets.signatures import is_signed
from tests.lambdas.sockets.scene import client, run, running, until
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend


class Secret:
    """In Secrets Manager: the value, and the one before. Its clock is that of all who read it."""

    def __init__(self, value: str = "1") -> None:
        self.stages = {CURRENT: value}
        self.now = READ_INTERVAL_SECONDS
        self.read: list[str] = []
        self.during: Callable[[], object] = lambda: None  # called by each reading

    def change(self, value: str) -> None:
        self.stages = {CURRENT: value, PREVIOUS: self.stages[CURRENT]}

    def key(self) -> PostKey:
        """What one process has of it."""
        return PostKey(self._stage, lambda: self.now)

    def _stage(self, stage: str) -> str | None:
        self.read.append(stage)
        self.during()
        return self.stages.get(stage)


def poster(url: str, key: PostKey) -> Connections:
    return Connections(url, "us-east-1", key.credentials, renew=key.renew)


@pytest.mark.slow
def test_tasks_and_posters_that_read_it_before_and_after_a_change_reach_each_other(
    world: Backend,
) -> None:
    async def story() -> None:
        secret = Secret()
        given.user(world, "ravi", "phone")
        async with (
            running(world, key=secret.key()) as first,
            client(world, first, "ravi") as ravi,
        ):
            await until(first.ids)
            (id,) = first.ids()
            keys = [secret.key()]
            for value in ("2", "3", "4", "5"):
                keys.append(secret.key())
                for each in reversed(keys):  # all but the first have read an older one
                    reached = poster(first.posts, each).post
                    assert await asyncio.to_thread(reached, Post(id, "{}")) is Outcome.DELIVERED
                    assert await ravi.recv() == "{}"
                secret.change(value)
                secret.now += READ_INTERVAL_SECONDS  # as docs/operations.md says of two changes
            async with running(world, key=secret.key()) as new:  # has the newest, first an older
                through = new.connections.post
                assert await asyncio.to_thread(through, Post(id, "{}")) is Outcome.DELIVERED

    run(story())


@pytest.mark.slow
def test_a_task_that_has_just_read_takes_a_new_key_ten_seconds_later(world: Backend) -> None:
    async def story() -> None:
        secret = Secret()
        given.user(world, "ravi", "phone")
        async with running(world, key=secret.key()) as task, client(world, task, "ravi"):
            await until(task.ids)
            post = Post(task.ids()[0], "{}")
            stranger = poster(task.posts, PostKey(lambda _: "another"))
            assert await asyncio.to_thread(stranger.post, post) is Outcome.FAILED
            before = poster(task.posts, secret.key())
            assert await asyncio.to_thread(before.post, post) is Outcome.DELIVERED
            secret.change("2")
            after = poster(task.posts, secret.key())
            outcomes = []
            for seconds in (0.0, READ_INTERVAL_SECONDS - 0.1, 0.1):
                secret.now += seconds
                outcomes.append(await asyncio.to_thread(after.post, post))
                assert await asyncio.to_thread(before.post, post) is Outcome.DELIVERED
            assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.DELIVERED]

    run(story())


@pytest.mark.slow
def test_who_waits_for_the_same_reading_is_not_rejected(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = threading.Event()
    checked: list[object] = []

    def counted(*given: Any) -> bool:
        checked.append(given)
        if len(checked) == 4:
            several.set()
        return is_signed(*given)

    monkeypatch.setattr(app, "is_signed", counted)

    async def story() -> None:
        secret = Secret()
        given.user(world, "ravi", "phone")
        async with running(world, key=secret.key()) as task, client(world, task, "ravi"):
            await until(task.ids)
            (id,) = task.ids()
            _ = task.sockets._task.key.values
            secret.change("2")
            posts = [Post(id, "{}")] * 12  # fewer than the client holds unread
            after = poster(task.posts, Secret("2").key())
            secret.during = lambda: several.wait(30)
            outcomes = await asyncio.to_thread(after.post_all, posts, 30.0)
            assert outcomes == [Outcome.DELIVERED] * 12

    run(story())


@pytest.mark.slow
def test_a_stranger_causes_one_reading_in_a_while(world: Backend) -> None:
    async def story() -> None:
        secret = Secret()
        async with running(world, key=secret.key()) as task:
            forged = poster(task.posts, PostKey(lambda _: "another"))
            for _ in range(5):
                assert await asyncio.to_thread(forged.post, Post("AAAA", "{}")) is Outcome.FAILED
            assert secret.read == [CURRENT, CURRENT, PREVIOUS]
            secret.now += READ_INTERVAL_SECONDS
            await asyncio.to_thread(forged.post, Post("AAAA", "{}"))
            assert secret.read == [CURRENT, CURRENT, PREVIOUS, CURRENT, PREVIOUS]

    run(story())


@pytest.mark.slow
def test_a_stranger_is_rejected_at_once_while_no_thread_is_free(world: Backend) -> None:
    async def story() -> None:
        secret = Secret()
        async with running(world, key=secret.key()) as task, httpx.AsyncClient() as http:
            path = "/sockets/@connections/AAAA"
            headers = sign(
                method="POST",
                host=task.posts.removeprefix("http://").removesuffix("/sockets"),
                path=path,
                body=b"{}",
                region="us-east-1",
                credentials=("sockets", "another", None),
                now=time.time(),
            )
            url = task.posts.removesuffix("/sockets") + path
            statuses = [(await http.post(url, headers=headers, content=b"{}")).status_code]
            free, busy = threading.Event(), task.sockets._task.threads
            try:
                for _ in range(8):  # as many as scene.py gives it
                    busy.submit(free.wait, 40)
                response = await http.post(url, headers=headers, content=b"{}", timeout=20)
            finally:
                free.set()
            assert [*statuses, response.status_code] == [403, 403]

    run(story())


@pytest.mark.parametrize("fault", [ReadTimeoutError(endpoint_url="there"), None])
def test_a_key_that_can_not_be_read_again_stays_as_it_is(fault: Exception | None) -> None:
    """None: the secret is gone, or has no value."""
    tries = 0

    def read(stage: str) -> str | None:
        nonlocal tries
        tries += stage == CURRENT
        if tries == 1:
            return "1"
        if fault is not None:
            raise fault
        return None

    key = PostKey(read, lambda: READ_INTERVAL_SECONDS)
    assert key.values == ("1",)
    for _ in range(3):
        key.renew()
        assert key.values == ("1",)
        assert key.credentials() == ("sockets", "1", None)
    assert tries == 2  # the next reading is due later, as after one that succeeded


def test_a_secret_without_a_value_is_an_error() -> None:
    with pytest.raises(LookupError, match="no value"):
        _ = PostKey(lambda _: None).values


def test_both_values_come_from_the_stages_of_the_secret(world: Backend) -> None:
    secrets: Any = world.aws.secrets
    arn = secrets.create_secret(Name="posts", SecretString="1")["ARN"]
    settings = {**world.aws.settings.environment, "CONNECTIONS_KEY": arn}
    key = Aws(Settings(settings)).post_key
    read = [key.values]
    secrets.put_secret_value(SecretId=arn, SecretString="2")
    key.renew()
    read.append(key.values)
    assert read == [("1",), ("2", "1")]


def test_a_reading_that_fails_is_no_secret_without_a_value(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws(Settings({**world.aws.settings.environment, "CONNECTIONS_KEY": "posts"}))

    def throttled(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue")

    monkeypatch.setattr(aws.secrets, "get_secret_value", throttled)
    with pytest.raises(ClientError):
        _ = aws.post_key.values
