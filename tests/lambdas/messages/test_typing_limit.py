"""Typing, which is a post for each member: a device that reports it without end is not heard."""

from typing import Any

from lambdas.limits import TYPING
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend

HELD = 3  # frames beyond the limit


def test_a_device_that_reports_typing_without_end_reaches_nobody_by_it(world: Backend) -> None:
    for user in ("ravi", "raju", "meena"):
        given.user(world, user, "phone", "desk")
        given.connected(world, user, "phone")
    given.connected(world, "ravi", "desk")
    chat = given.direct_chat(world, "ravi", "raju")
    other = given.direct_chat(world, "ravi", "meena")

    def types(where: str = chat, device: str = "phone") -> Any:
        return when.raw(world, "ravi", device, {"action": "typing", "chat": where})

    assert [types() for _ in range(TYPING.at_once)] == [None] * TYPING.at_once
    for _ in range(HELD):
        error = types()
        then.is_error(error, "rate_limited")
        assert error["retry_after"] > 0
    assert types(other) is None and types(device="desk") is None
    assert len(world.frames("raju", "phone")) == TYPING.at_once + 1
    world.clock.pass_seconds(TYPING.seconds)
    assert types() is None
    then.is_error(types(), "rate_limited")
    assert len(world.frames("raju", "phone")) == TYPING.at_once + 2
