from __future__ import annotations

from typing import Any

import pytest

from emulator.aws.sqs_backlog import Backlog


class Message:
    """What a Backlog needs of moto's messages."""

    def __init__(self, body: str, group: str | None) -> None:
        self.body, self.group_id = body, group
        self.receipt_handle: str | None = None
        self.all_receipt_handles: list[str] = []

    def receive(self, backlog: Backlog, handle: str) -> None:
        self.receipt_handle = handle
        self.all_receipt_handles.append(handle)
        backlog.received(self)


def backlog_of(groups: str, *, fifo: bool) -> tuple[Backlog, list[Message]]:
    backlog = Backlog(fifo)
    messages = [Message(f"{group}{n}", group) for n, group in enumerate(groups)]
    for message in messages:
        backlog.append(message)
    return backlog, messages


def bodies(messages: Any) -> list[str]:
    return [message.body for message in messages]


@pytest.mark.parametrize("fifo", [True, False])
def test_messages_come_as_they_arrived_whatever_their_group(fifo: bool) -> None:
    backlog, messages = backlog_of("abacbc", fifo=fifo)
    backlog.remove(messages[2])
    assert bodies(backlog) == ["a0", "b1", "c3", "b4", "c5"]
    assert len(backlog) == 5


def test_a_group_is_passed_without_a_look_at_its_messages() -> None:
    backlog, _ = backlog_of("a" * 2000 + "b", fifo=True)
    given = backlog.outside({"a"})
    backlog._groups["a"].clear()
    assert bodies(given) == ["b2000"]


def test_a_message_is_known_by_each_of_its_handles_until_it_is_removed() -> None:
    backlog, (message, other) = backlog_of("ab", fifo=True)
    message.receive(backlog, "first")
    message.receive(backlog, "second")
    other.receive(backlog, "third")
    assert [backlog.with_handle(each) for each in ("first", "second", "third")] == [
        message,
        message,
        other,
    ]
    backlog.remove(message)
    assert [backlog.with_handle(each) for each in ("first", "second", "third")] == [
        None,
        None,
        other,
    ]
