"""Comparing emoji: what each step leads to, and what becomes of whatever does not belong there."""

from collections.abc import Callable
from typing import Any

import pytest

from client.core.events import EmojiShown, VerificationRequested
from client.crypto.envelope import Device
from client.crypto.sas import REQUEST_LIFE, STEP_LIFE, Stage
from tests.client.crypto.comparing import (
    CHAT,
    MIRA,
    RAJU,
    RAVI,
    Fields,
    Side,
    comparing,
    names,
    pair,
    reached,
)
from tests.support.rows import rows


def test_two_who_see_the_same_emoji_and_say_so_are_verified() -> None:
    raju, ravi = pair()
    start = raju.start()
    assert names(start) == ["start"]
    assert raju.stage is Stage.REQUESTED
    assert ravi.receives(*start) == []
    assert ravi.reported == [VerificationRequested("raju", "phone")]
    accept = ravi.start()
    assert names(accept) == ["accept"]
    key = raju.receives(*accept)
    assert names(key) == ["key"]
    response = ravi.receives(*key)
    assert names(response) == ["key"]
    assert raju.receives(*response) == []
    assert raju.emoji == ravi.emoji
    assert len(raju.emoji) == 7
    mac = raju.confirms(True)
    assert names(mac) == ["mac"]
    assert ravi.receives(*mac) == []
    rest = ravi.confirms(True)
    assert names(rest) == ["mac", "done"]
    done = raju.receives(*rest)
    assert names(done) == ["done"]
    assert raju.verified
    assert not ravi.verified
    assert ravi.receives(*done) == []
    assert ravi.verified
    assert raju.machine.open() == ravi.machine.open() == []


def test_emoji_that_differ_leave_nobody_verified() -> None:
    raju, ravi = pair()
    comparing(raju, ravi)
    ravi.receives(*raju.confirms(True))
    assert raju.receives(*ravi.confirms(False)) == []
    assert ravi.cancelled == [("mismatched_sas", False)]
    assert raju.cancelled == [("mismatched_sas", True)]


def test_a_directory_that_gave_another_key_makes_other_emoji() -> None:
    raju, ravi = Side(RAJU, MIRA, 1), Side(RAVI, RAJU, 2)
    comparing(raju, ravi)
    assert raju.emoji != ravi.emoji


def test_people_who_say_yes_without_looking_do_not_verify_a_key_that_is_not_the_other_s() -> None:
    raju, ravi = Side(RAJU, MIRA, 1), Side(RAVI, RAJU, 2)
    comparing(raju, ravi)
    ravi.receives(*raju.confirms(True))
    raju.receives(*ravi.confirms(True))
    assert raju.cancelled == [("mismatched_mac", False)]
    assert not raju.verified
    ravi.receives(*raju.sent)
    assert not ravi.verified


def test_a_key_chosen_after_the_other_s_was_seen_does_not_fit_the_commitment() -> None:
    raju, ravi = pair()
    ravi.receives(*raju.start())
    raju.receives(*ravi.start())
    other = Side(RAVI, RAJU, 3)
    other.receives(raju.sent[0])
    other.start()
    (key,) = other.receives(raju.sent[1])
    assert names(raju.receives(key)) == ["cancel"]
    assert raju.cancelled == [("mismatched_commitment", False)]


@rows(
    "key",
    ["", "no base64!", "A" * 43, "AQ" + "A" * 41, "é" * 43, "\ud800", None, 7, ["x"]],
)
def test_what_is_no_key_ends_it(key: object) -> None:
    raju, ravi = pair()
    ravi.receives(*raju.start())
    raju.receives(*ravi.start())
    assert names(ravi.receives({**raju.sent[1], "key": key})) == ["cancel"]
    assert ravi.cancelled == [("invalid_message", False)]


@pytest.mark.parametrize(
    ("macs", "reason"),
    [
        (None, "invalid_message"),
        ({}, "invalid_message"),
        ({"ed25519": 7}, "invalid_message"),
        ({"ed25519": "\ud800"}, "invalid_message"),
        ({"ed25519": ""}, "mismatched_mac"),
        ({"ed25519": "A" * 43}, "mismatched_mac"),
    ],
)
def test_a_mac_that_does_not_fit_ends_it(macs: object, reason: str) -> None:
    raju, ravi = pair()
    comparing(raju, ravi)
    (mac,) = raju.confirms(True)
    ravi.confirms(True)
    assert names(ravi.receives({**mac, "macs": macs})) == ["cancel"]
    assert ravi.cancelled == [(reason, False)]


@pytest.mark.parametrize("padding", ["", "="])
def test_a_mac_may_come_with_base64_s_padding(padding: str) -> None:
    raju, ravi = pair()
    comparing(raju, ravi)
    (mac,) = raju.confirms(True)
    ravi.receives({**mac, "macs": {"ed25519": mac["macs"]["ed25519"] + padding}})
    raju.receives(*ravi.confirms(True))
    assert raju.verified


@pytest.mark.parametrize(
    ("methods", "reason"),
    [
        (["decimal"], "unknown_method"),
        ([], "unknown_method"),
        (None, "invalid_message"),
        ("emoji", "invalid_message"),
        (["emoji", 7], "invalid_message"),
        (["emoji", "\ud800"], "invalid_message"),
    ],
)
def test_a_start_that_offers_no_emoji_is_rejected(methods: object, reason: str) -> None:
    _, ravi = pair()
    ravi.receives({"txn": "t", "step": "start", "methods": methods})
    assert names(ravi.start()) == ["cancel"]
    assert ravi.cancelled == [(reason, False)]


def test_other_ways_to_compare_may_be_offered_beside_emoji() -> None:
    _, ravi = pair()
    ravi.receives({"txn": "t", "step": "start", "methods": ["decimal", "emoji"], "new": 1})
    assert names(ravi.start()) == ["accept"]


# -- wrong moments


WHOLE: dict[str, Fields] = {
    "start": {"methods": ["emoji", "other"]},
    "accept": {"commitment": "U0Ie6/gYS7CTVLnef7X7p0Cqi4xlqWzFj8n50Wo/4/Q"},
    "key": {"key": "p8KauAuCQfA0tTxof0a/xkHs5S8GkpbOZ3xAr9Y+050"},
    "mac": {"macs": {"ed25519": "aRmR2bMUTjJe5uDYWudLGE1jcRgZVgESvNQ1rfBxJWs"}},
    "done": {},
    "dance": {},
    "": {},
}
FITS = {"asked": "", "agreed": "key", "comparing": "mac", "confirmed": "mac", "proved": "done"}


@rows("stage", FITS)
@rows("step", [*WHOLE, None, 7])
def test_a_step_at_the_wrong_moment_ends_it_on_both_sides(stage: str, step: Any) -> None:
    raju, ravi = reached(stage)
    if step == FITS[stage] and step:
        return
    txn = raju.sent[0]["txn"]
    cancel = ravi.receives({"txn": txn, "step": step, **WHOLE.get(step, {})})
    assert names(cancel) == ["cancel"]
    assert ravi.cancelled == [("unexpected_message", False)]
    raju.receives(*cancel)
    assert raju.cancelled == [("unexpected_message", True)]
    assert not raju.verified
    assert not ravi.verified


@pytest.mark.parametrize("stage", FITS)
def test_a_step_that_comes_twice_is_taken_once(stage: str) -> None:
    raju, ravi = reached(stage)
    before = ravi.stage
    assert ravi.receives(*raju.sent) == []
    assert ravi.stage is before


@pytest.mark.parametrize("stage", FITS)
def test_either_side_may_cancel_at_any_time(stage: str) -> None:
    raju, ravi = reached(stage)
    raju.receives(*ravi.do(ravi.machine.cancel(RAJU.name)))
    assert ravi.cancelled == [("user", False)]
    assert raju.cancelled == [("user", True)]
    assert raju.machine.open() == ravi.machine.open() == []


@pytest.mark.parametrize("reason", [None, 7, "\ud800", "x" * 1000])
def test_any_reason_to_cancel_is_taken(reason: object) -> None:
    raju, ravi = reached("comparing")
    ravi.receives({"txn": raju.sent[0]["txn"], "step": "cancel", "reason": reason})
    assert ravi.cancelled == [(reason if isinstance(reason, str) else "", True)]


def test_done_before_this_user_has_confirmed_is_an_error() -> None:
    raju, ravi = reached("comparing")
    ravi.receives(*raju.confirms(True))
    ravi.receives({"txn": raju.sent[0]["txn"], "step": "done"})
    assert ravi.cancelled == [("unexpected_message", False)]


def test_the_emoji_are_asked_about_only_while_they_are_shown() -> None:
    raju, _ = pair()
    assert raju.confirms(True) == []
    raju.start()
    assert raju.confirms(True) == []
    assert raju.stage is Stage.REQUESTED


# -- forgotten, replayed, from elsewhere


@pytest.mark.parametrize("step", ["accept", "key", "mac"])
def test_a_device_that_was_started_anew_says_that_it_has_forgotten(step: str) -> None:
    raju, ravi = pair()
    raju.start()
    anew = Side(RAJU, RAVI, 3)
    cancel = anew.receives({"txn": raju.sent[0]["txn"], "step": step, **WHOLE[step]})
    assert names(cancel) == ["cancel"]
    assert anew.machine.open() == []
    ravi.receives(*raju.sent)
    ravi.start()
    ravi.receives(*cancel)
    assert ravi.cancelled == [("unknown_transaction", True)]


@pytest.mark.parametrize("step", ["cancel", "done"])
def test_the_end_of_something_forgotten_is_not_answered(step: str) -> None:
    raju, _ = pair()
    assert raju.receives({"txn": "t", "step": step}) == []
    assert raju.reported == []


def test_an_ended_comparison_can_not_be_played_again() -> None:
    raju, ravi = reached("proved")
    raju.receives(*ravi.sent)
    ravi.receives(*raju.sent)
    assert ravi.verified
    before = len(ravi.reported)
    assert ravi.receives(*raju.sent) == []
    assert len(ravi.reported) == before
    assert ravi.machine.open() == []


@pytest.mark.parametrize("txn", [None, 7, "", "x" * 65, "\ud800", "a b", ["t"]])
def test_a_step_without_a_usable_txn_is_nothing(txn: object) -> None:
    raju, _ = pair()
    assert raju.receives({"txn": txn, "step": "start", "methods": ["emoji"]}) == []
    assert raju.reported == []


def test_a_comparison_stays_in_the_chat_it_began_in() -> None:
    raju, ravi = reached("agreed")
    key = raju.receives(*ravi.sent)
    effects = ravi.machine.received("another chat", RAJU, key[0], 0)
    assert [type(effect).__name__ for effect in effects] == ["Say", "VerificationCancelled"]


def test_another_key_of_the_same_device_ends_it() -> None:
    raju, ravi = reached("agreed")
    (key,) = raju.receives(*ravi.sent)
    ravi.do(ravi.machine.received(CHAT, Device(RAJU.name, MIRA.key), key, 0))
    assert ravi.cancelled == [("identity_changed", False)]


def test_comparisons_with_two_devices_do_not_touch_each_other() -> None:
    raju, ravi = reached("comparing")
    laptop = Device("raju/laptop", MIRA.key)
    step = {"txn": raju.sent[0]["txn"], "step": "mac", **WHOLE["mac"]}
    effects = ravi.machine.received(CHAT, laptop, step, 0)
    assert [type(effect).__name__ for effect in effects] == ["Say"]  # it knows no such comparison
    assert ravi.stage is Stage.COMPARING


# -- time


def confirmed(raju: Side, ravi: Side) -> None:
    comparing(raju, ravi)
    raju.confirms(True)


@pytest.mark.parametrize(
    ("reach", "life"),
    [
        (lambda raju, ravi: raju.start(), REQUEST_LIFE),
        (
            lambda raju, ravi: (ravi.receives(*raju.start()), raju.receives(*ravi.start())),
            STEP_LIFE,
        ),
        (comparing, STEP_LIFE),
        (confirmed, STEP_LIFE),
    ],
)
def test_who_waits_too_long_gives_up_and_says_so(
    reach: Callable[[Side, Side], object], life: float
) -> None:
    raju, ravi = pair()
    reach(raju, ravi)
    assert raju.machine.next_due() == life
    assert raju.waits(life - 1) == []
    assert names(raju.waits(1)) == ["cancel"]
    assert raju.cancelled == [("timeout", False)]
    assert raju.machine.next_due() is None


def test_a_request_waits_for_a_user_who_is_away() -> None:
    raju, ravi = pair()
    ravi.receives(*raju.start())
    assert ravi.waits(STEP_LIFE * 2) == []
    assert names(ravi.start()) == ["accept"]


def test_emoji_are_shown_once_however_much_comes_after_them() -> None:
    raju, ravi = pair()
    comparing(raju, ravi)
    ravi.receives(*raju.confirms(True))
    ravi.waits(1)
    assert sum(isinstance(each, EmojiShown) for each in ravi.reported) == 1
