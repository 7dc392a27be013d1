"""What operators see of deliveries: the metrics of the delivery watch and of receipts."""

import json
from collections import Counter

import pytest

from tests.lambdas.delivery import watched
from tests.support.lambdas import events, given, when
from tests.support.lambdas.backend import Backend


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The sums of the metrics that were written since the last call."""
    sums: Counter[str] = Counter()
    for line in capsys.readouterr().out.splitlines():
        if line.startswith('{"_aws"'):
            written = json.loads(line)
            for directive in written["_aws"]["CloudWatchMetrics"]:
                sums.update(
                    {each["Name"]: sum(written[each["Name"]]) for each in directive["Metrics"]}
                )
    return dict(sums)


def test_the_watch_counts_how_far_messages_have_come_and_whom_it_nudges(
    world: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = watched.written_to_raju(world)
    when.acknowledges(world, "raju", chat, delivered=1)
    given.user(world, "mira", "phone")  # who can be woken
    given.user(world, "lena", "desk")  # who can't
    records = watched.inserted(world, chat, 1, 2, 3)
    for peer, texts in (("mira", 3), ("lena", 4)):
        name = given.direct_chat(world, "ravi", peer)
        for _ in range(texts):
            when.sends(world, "ravi", name)
        records += watched.inserted(world, name, *range(1, texts + 1))
    counted(capsys)
    assert when.delivery_watch_runs(world, *records) == []
    assert counted(capsys) == {
        "Nudges": 1,
        "WatchReached": 1,
        "WatchNudged": 2,
        "WatchWoken": 3,
        "WatchWaiting": 4,
    }


def test_the_watch_counts_the_messages_that_it_purges_and_those_that_expired(
    world: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = watched.written_to_raju(world)
    old = [watched.message(world, chat, seq) for seq in (2, 3)]
    removed = [events.stream_record("REMOVE", 7, old=each, by_ttl=True) for each in old]
    when.acknowledges(world, "ravi", chat, delivered=3)
    when.acknowledges(world, "raju", chat, delivered=3)
    counted(capsys)
    when.delivery_watch_runs(world, watched.acknowledged(world, chat, "raju"))
    assert counted(capsys) == {"MessagesPurged": 3}
    when.delivery_watch_runs(world, *removed)
    assert counted(capsys) == {"WatchExpired": 2}


def test_a_receipt_counts_if_it_moves_a_mark(
    world: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = watched.written_to_raju(world)
    counted(capsys)
    moved = []
    for marks in ({"delivered": 2}, {"delivered": 2}, {"delivered": 1}, {"read": 2}, {"read": 9}):
        frame = {"action": "receipt", "chat": chat, "senders": [], **marks}
        when.raw(world, "raju", "phone", frame)
        moved.append(counted(capsys).get("ReceiptsMoved", 0))
    assert moved == [1, 0, 0, 1, 0]
