"""Honest use at its most: no limit that is counted in samples is ever met by it."""

from collections.abc import Iterable
from random import Random

import pytest

from client.core.liveness import Backoff
from client.core.settings import Settings
from lambdas import limits
from lambdas.limits import Limit, after_taking
from lambdas.messages import sync
from lambdas.messages.chats import new_head, new_member, row
from lambdas.messages.message import stored
from lambdas.presence import presence
from lambdas.tables import Item
from tests.support.lambdas import given, then, when
from tests.support.lambdas.backend import Backend

CHATS = 1_000
HOUR = 3_600.0


def _reconnects(seconds: float, seed: int) -> list[float]:
    """When one device asks for a ticket, whose connections all end at once."""
    backoff, times, now = Backoff(Settings(), Random(seed)), [0.0], 0.0
    while now < seconds:
        now += backoff.pause()
        times.append(now)
    return times


def _require_none_limited(limit: Limit, times: Iterable[float], tokens: int = 1) -> None:
    full_at = 0.0
    for now in times:
        taken = after_taking(full_at, now, limit, tokens)
        assert taken.retry_after is None, now
        full_at = taken.full_at


def test_ten_devices_that_reconnect_for_an_hour_are_never_limited() -> None:
    """At each connection a device asks for a ticket, for all that is new, and watches 1,000."""
    devices = [_reconnects(HOUR, seed) for seed in range(10)]
    for times in devices:
        _require_none_limited(limits.SYNCS, times, CHATS // 100)
        _require_none_limited(limits.WATCHES, times, CHATS)
    storm = sorted(time for times in devices for time in times)
    _require_none_limited(limits.TICKETS, storm)
    _require_none_limited(limits.REQUESTS, storm, 10)


def test_an_address_of_ten_thousand_people_renews_their_tokens() -> None:
    """Half of them at once, and everybody in the hour after that."""
    times = [0.0] * 5_000 + [HOUR * number / 10_000 for number in range(1, 10_000)]
    _require_none_limited(limits.TOKENS, times)


@pytest.mark.slow
def test_who_was_away_from_1_000_chats_catches_up_with_a_hundredth_of_the_limit(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SAMPLE", 1)
    hundredth = Limit(limits.SYNCS.at_once // 100, limits.SYNCS.seconds * 100, "too many")
    monkeypatch.setattr(sync, "SYNCS", hundredth)
    given.online(world, "ravi")
    given.user(world, "raju", "phone")
    chats = [f"chat_{number:04}" for number in range(CHATS)]
    now = int(world.clock())
    world.aws.chats.batch_write(
        puts=[each for chat in chats for each in _with_a_message(chat, now)]
    )
    world.aws.users.batch_write(puts=[row(chat, "ravi") for chat in chats])
    seen: set[str] = set()
    cursor, syncs = None, 0
    while syncs == 0 or cursor is not None:
        messages, response = when.syncs(world, "ravi", cursor=cursor)
        assert then.valid(response)["type"] == "synced"
        seen |= {message["chat"] for message in messages}
        cursor, syncs = response.get("cursor"), syncs + 1
    assert seen == set(chats) and syncs < 30


def _with_a_message(chat: str, now: int) -> list[Item]:
    frame = {"chat": chat, "message_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "alg": "megolm.v1"}
    message = stored(
        {**frame, "payload": "aGk"},
        seq=1,
        sender="raju",
        sender_device="phone",
        sent_at=now * 1000,
        expires_at=now + 1_000,
        hidden_from=(),
    )
    head = {**new_head(chat, "group", ["raju", "ravi"]), "seq": 1}
    return [head, message, *(new_member(chat, user, 0) for user in ("raju", "ravi"))]


@pytest.mark.parametrize(
    ("module", "name", "frame", "accepted"),
    [
        (sync, "SYNCS", {"action": "sync"}, 2),
        (presence, "WATCHES", {"action": "watch", "users": ["raju", "mira"]}, 1),  # by the users
    ],
    ids=["sync", "watch"],
)
def test_frames_over_a_limit_are_rejected_with_the_wait(
    world: Backend,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    frame: object,
    accepted: int,
) -> None:
    monkeypatch.setattr(limits, "SAMPLE", 1)
    monkeypatch.setattr(module, name, Limit(2, 30, "too many"))
    given.user(world, "ravi", "phone", "desk")
    answers = [when.raw(world, "ravi", "phone", frame) for _ in range(3)]
    assert sum(each["type"] != "error" for each in answers) == accepted
    then.is_error(then.valid(answers[-1]), "rate_limited")
    assert 0 < answers[-1]["retry_after"] <= 60
    assert when.raw(world, "ravi", "desk", frame)["type"] != "error"
    world.clock.pass_seconds(60)
    assert when.raw(world, "ravi", "phone", frame)["type"] != "error"
