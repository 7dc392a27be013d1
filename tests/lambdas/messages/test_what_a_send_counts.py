"""What operators see of sends, and of a queue or a memory that would slow them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lambdas.messages import send
from lambdas.notifications import push_jobs
from lambdas.presence.fan_out import deliver
from tests.support.lambdas import given, when
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.connection_api import GONE


def test_a_send_counts_what_was_delivered_and_how_many_milliseconds_that_took(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("ravi", "raju"):
        given.online(world, user)
    given.user(world, "raju", "desk")
    given.connected(world, "raju", "desk")
    chat = given.direct_chat(world, "ravi", "raju")
    counted: list[Any] = []
    monkeypatch.setattr(send, "count", lambda *given: counted.append(given))
    monkeypatch.setattr(send, "took", lambda *given: counted.append(given))

    def late(*given: Any, **named: Any) -> Any:
        world.clock.pass_seconds(0.25)
        return deliver(*given, **named)

    monkeypatch.setattr("lambdas.messages.send.deliver", late)
    world.api.answers[world.connections["raju", "desk"]] = GONE
    assert when.sends(world, "ravi", chat)["type"] == "accepted"
    assert counted == [
        ("MessagesAccepted",),
        ("MessagesDelivered", 1),
        ("DeliveryTime", 250.0),
    ]
    counted.clear()
    world.api.answers[world.connections["raju", "phone"]] = GONE
    assert when.sends(world, "ravi", chat)["type"] == "accepted"
    assert counted == [("MessagesAccepted",), ("MessagesDelivered", 0)]


def test_a_queue_that_takes_no_jobs_in_time_holds_up_no_response(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is stored, and the delivery watch queues the jobs again."""
    given.online(world, "ravi")
    given.online(world, "raju", "desk")  # which can't be woken
    given.user(world, "mira", "phone")
    chat = given.group(world, "ravi", "raju", "mira")
    free = threading.Event()

    def wake(*_: Any) -> Any:
        free.wait(30)
        return []

    monkeypatch.setattr(push_jobs, "wake", wake)
    monkeypatch.setattr(send, "RESPOND_WITHIN_SECONDS", 0.0)
    try:
        assert when.sends(world, "ravi", chat)["type"] == "accepted"
    finally:
        free.set()
