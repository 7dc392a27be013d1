"""Requests to @connections of a task, by ASGI's messages alone: what is taken, and the response."""

from __future__ import annotations

import pytest

from lambdas.connections import Outcome
from lambdas.post_key import CURRENT, PREVIOUS, PostKey
from lambdas.sockets.app import MESSAGE_BYTES
from tests.lambdas.sockets.application import ELSEWHERE, Application
from tests.lambdas.sockets.scene import run


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([b"{", b'"a": 1', b"}"], 200),
        ([b"x" * (MESSAGE_BYTES - 1), b"x"], 200),
        ([b"x" * MESSAGE_BYTES, b"x"], 413),
        ([b"\xff"], 400),
    ],
)
def test_a_post_is_taken_whole_up_to_the_size_of_a_message(parts: list[bytes], status: int) -> None:
    async def story() -> None:
        application = Application()
        assert await application.post(*parts) == status
        asked = [("POST", ELSEWHERE, b"".join(parts))]
        assert application.elsewhere.asked == (asked if status == 200 else [])

    run(story())


@pytest.mark.parametrize(
    ("method", "outcome", "status"),
    [
        ("POST", Outcome.DELIVERED, 200),
        ("DELETE", Outcome.DELIVERED, 204),
        ("POST", Outcome.GONE, 410),
        ("DELETE", Outcome.GONE, 410),
        ("POST", Outcome.FAILED, 503),
        ("GET", Outcome.DELIVERED, 403),
        ("PUT", Outcome.DELIVERED, 403),
    ],
)
def test_the_response_to_a_signed_request_says_what_became_of_it(
    method: str, outcome: Outcome, status: int
) -> None:
    async def story() -> None:
        application = Application()
        application.elsewhere.outcome = outcome
        assert await application.post(b"{}", method=method) == status
        assert len(application.elsewhere.asked) == (status != 403)

    run(story())


def test_a_task_takes_signatures_with_the_value_before_the_newest_too() -> None:
    """A poster that has just read that one does not read again so soon."""

    async def story() -> None:
        key = PostKey({CURRENT: "2", PREVIOUS: "1"}.get, lambda: 0.0)
        key.renew()
        application = Application(key=key)
        statuses = [await application.post(b"{}", secret=secret) for secret in ("2", "1", "0")]
        assert statuses == [200, 200, 403]

    run(story())
