"""The truth table of a ring: one text, one device, and everything that may be true of them."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from lambdas.delivery import ringing
from lambdas.messages.heads import Head
from lambdas.notifications.push_jobs import Job, Rings, Unread
from lambdas.presence.devices import device_from
from lambdas.tables import Item, chat_key, message_item

NOW = 1_000_000.0
CONNECTED = {"connection_id": "c", "connected_at": int(NOW * 1000) - 60_000}


def _text(seq: int, **fields: object) -> Item:
    return {
        **chat_key("c", message_item(seq)),
        "message_id": f"m{seq}",
        "sender": "ravi",
        "sender_device": "phone",
        "sent_at": int(NOW * 1000) - 30_000 + seq,
        "expires_at": int(NOW) + 60,
        "payload": "x",
        **fields,
    }


def _head(*, read: int = 0, delivered: int = 0, seq: int = 1) -> Head:
    marks = {"phone": delivered} if delivered else {}
    return Head("c", "raju", "direct", seq, 0, frozenset(("ravi", "raju")), 0, marks, read)


def test_a_device_rings_when_everything_speaks_for_it_and_nothing_against_it() -> None:
    truths = product((False, True), repeat=7)
    for hidden, read, delivered, connected, named, rings, endpoint in truths:
        device = {**(CONNECTED if connected else {}), **({"endpoint_arn": "a"} if endpoint else {})}
        state = Rings(1, 0, 1, 0, {"phone": Unread((), (1,))}) if rings else Rings(begun=1)
        plan = ringing.plan(
            state,
            _head(read=int(read), delivered=int(delivered or read)),
            {"phone": device_from(device)},
            [_text(1, hidden=hidden)],
            Job("raju", "c", ("phone",) if named else ()),
            NOW,
        )
        may_ring = endpoint and not (hidden or read or delivered or rings)
        expected = may_ring and (named or not connected)
        ring = bool(plan.devices and plan.devices["phone"].ring)
        assert ring == expected, (hidden, read, delivered, connected, named, rings, endpoint)
        if endpoint:
            unread = (rings or not hidden) and not read
            assert plan.devices["phone"].after.total == int(unread)
            assert plan.devices["phone"].taken_back == (rings and read)


def test_a_text_counts_until_it_is_read_and_a_hole_is_counted_when_it_fills() -> None:
    devices = {"phone": device_from({"endpoint_arn": "a"})}
    young = int(NOW * 1000) - 1000
    plan = ringing.plan(
        Rings(begun=1),
        _head(seq=3),
        devices,
        [_text(1), _text(3, sent_at=young)],
        Job("raju", "c"),
        NOW,
    )
    assert plan.seq == 1 and plan.devices["phone"].after == Unread((), (1, 3))
    state = Rings(2, 1, plan.seq, 0, {"phone": plan.devices["phone"].after}, plan.recent)
    assert ringing.reads_from(state, _head(seq=3)) == 1
    filled = [_text(2), _text(3, sent_at=young)]
    plan = ringing.plan(state, _head(seq=3), devices, filled, Job("raju", "c"), NOW)
    ring = plan.devices["phone"].ring
    assert plan.seq == 3 and ring and ring["message_id"] == "m2"
    assert plan.devices["phone"].after == Unread((), (1, 2, 3))


def test_what_was_counted_is_read_again_only_where_it_may_ring() -> None:
    state = Rings(2, 1, 9, 0, {"phone": Unread((4, 9), (5,))})
    assert ringing.reads_from(state, _head(seq=9)) == 3
    assert ringing.reads_from(state, _head(seq=9), quiet=True) == 9


def test_who_is_no_member_any_more_has_nothing_unread() -> None:
    state = Rings(2, 1, 5, 0, {"phone": Unread((4,), (5,))})
    devices = {"phone": device_from({"endpoint_arn": "a"})}
    plan = ringing.plan(state, None, devices, [], Job("raju", "c"), NOW)
    assert plan.devices["phone"].taken_back and plan.devices["phone"].after.total == 0


def test_the_count_of_a_chat_has_a_limit() -> None:
    items = [_text(seq) for seq in range(1, 2001)]
    plan = ringing.plan(
        Rings(begun=1),
        _head(seq=2000),
        {"phone": device_from({"endpoint_arn": "a"})},
        items,
        Job("raju", "c"),
        NOW,
    )
    after = plan.devices["phone"].after
    assert after.total == ringing.UNREAD_LIMIT and after.rang[-1] == 2000
    assert len(plan.recent) == ringing.RECENT


@pytest.mark.parametrize("first", [1, 2])
def test_a_phone_rings_once_for_however_many_texts_that_stand_behind_a_hole(first: int) -> None:
    """With `first` 2 the log is counted up to 0 only, as a message may still come to 1."""
    last = ringing.UNREAD_LIMIT + 100
    devices = {"phone": device_from({"endpoint_arn": "a"})}
    state, rung = Rings(begun=1), list[str]()
    for run in range(4):
        newest = last + run // 2  # the third run finds another one
        items = [_text(seq) for seq in range(first, newest + 1)]
        plan = ringing.plan(state, _head(seq=newest), devices, items, Job("raju", "c"), NOW)
        phone = plan.devices["phone"]
        assert plan.seq == (newest if first == 1 else 0)
        assert phone.after.total == ringing.UNREAD_LIMIT and phone.after.rang[-1] == newest
        rung += [phone.ring["message_id"]] if phone.ring else []
        state = Rings(run + 2, run + 1, plan.seq, 0, {"phone": phone.after}, plan.recent)
    assert rung == [f"m{last}", f"m{last + 1}"]


DEVICES = {"phone": device_from({"endpoint_arn": "a"}), "desk": device_from({"endpoint_arn": "b"})}
FIRST, JOB = Rings(begun=1), Job("raju", "c")


def _plan(items: list[Item], rings: Rings = FIRST, job: Job = JOB, **options: Any) -> ringing.Plan:
    head = options.pop("head", _head(seq=9))
    return ringing.plan(rings, head, options.pop("devices", DEVICES), items, job, NOW, **options)


def test_who_is_quiet_is_not_rung_and_has_it_counted() -> None:
    for each in _plan([_text(1)], quiet=True).devices.values():
        assert (each.ring, each.after) == (None, Unread((1,), ()))


def test_a_device_rings_for_the_newest_and_urgently_if_one_is_urgent() -> None:
    for first, second in product((True, False, None), repeat=2):
        fields = [{} if urgent is None else {"urgent": urgent} for urgent in (first, second)]
        items = [_text(seq, **each) for seq, each in enumerate(fields, start=1)]
        for each in _plan(items).devices.values():
            assert each.ring and each.ring["message_id"] == "m2"
            assert each.urgent == (first is not False or second is not False)
            assert each.otherwise == Unread((1, 2), ())  # if the push fails


def test_what_has_expired_or_is_for_another_device_counts_nowhere() -> None:
    items = [_text(1, expires_at=int(NOW)), _text(2, expires_at=int(NOW) + 1)]
    items.append({**_text(3, to={"raju/desk": "x"})})
    plan = _plan(items)
    assert plan.devices["phone"].after.total == 1 and plan.devices["desk"].after.total == 2
    ring = plan.devices["phone"].ring
    assert ring and ring["message_id"] == "m2"


def test_what_was_read_is_taken_back_from_all_but_who_has_read_it() -> None:
    rings = Rings(2, 1, 2, 0, {name: Unread((), (1, 2)) for name in DEVICES})
    plan = _plan([], rings, Job("raju", "c", reader="phone"), head=_head(read=2, seq=2))
    assert {name: each.taken_back for name, each in plan.devices.items()} == {
        "phone": False,
        "desk": True,
    }
    assert plan.devices["desk"].otherwise.rang == (1, 2)  # if that fails it is tried again
    assert plan.devices["phone"].otherwise.total == 0
    assert plan.sends
    half = _plan([], rings, head=_head(read=1, seq=2))
    assert [each.after.rang for each in half.devices.values()] == [(2,), (2,)] and not half.sends


def test_one_device_that_gets_something_is_enough_to_send() -> None:
    devices = {**DEVICES, "phone": device_from({"endpoint_arn": "a", **CONNECTED})}
    plan = _plan([_text(1)], devices=devices)
    assert plan.devices["phone"].ring is None and plan.devices["desk"].ring and plan.sends


@pytest.mark.parametrize(
    ("phone", "desk", "marks", "read", "expected"),
    [
        ((), (), {}, 0, 9),
        ((4, 6), (), {}, 0, 3),
        ((4, 6), (), {"phone": 4}, 0, 5),
        ((4, 6), (), {"phone": 6}, 0, 9),
        ((4, 6), (), {"desk": 6}, 0, 3),
        ((6,), (5,), {}, 0, 4),
        ((6,), (5,), {}, 5, 5),
        ((6,), (5,), {}, 12, 12),
        ((4,), (), {"phone": 2}, 4, 9),
    ],
)
def test_the_log_is_read_from_the_first_text_that_may_ring_yet(
    phone: tuple[int, ...],
    desk: tuple[int, ...],
    marks: dict[str, int],
    read: int,
    expected: int,
) -> None:
    head = replace(_head(seq=12), delivered=marks, read=read)
    rings = Rings(1, 0, 9, 0, {"phone": Unread(phone), "desk": Unread(desk)})
    assert ringing.reads_from(rings, head) == expected


def test_a_text_that_was_sent_again_is_one_and_the_newest_are_known() -> None:
    first = _plan([_text(seq) for seq in range(1, 26)])
    assert sorted(first.recent.values()) == list(range(6, 26))
    shuffled = dict(sorted(first.recent.items()))  # as DynamoDB gives a map back
    rings = Rings(2, 1, 25, 0, {}, shuffled)
    again = [{**_text(25), **chat_key("c", message_item(26))}, _text(27)]
    plan = _plan(again, rings, head=_head(seq=27))
    assert plan.devices["phone"].after == Unread((), (27,))
    assert sorted(plan.recent.values()) == [*range(7, 26), 27]
    another = {**_text(25), **chat_key("c", message_item(26)), "sender_device": "desk"}
    assert _plan([another], rings, head=_head(seq=26)).devices["phone"].after.rang == (26,)


def test_what_counts_is_above_what_was_counted_before() -> None:
    """Text 2 was counted, and is in the log only because it may ring yet."""
    rings = Rings(1, 0, 3, 0, {"phone": Unread((2,), ())})
    plan = _plan([_text(2), _text(3), _text(4)], rings, head=_head(seq=4))
    assert plan.devices["phone"].after == Unread((), (2, 4)) and plan.seq == 4
    assert _plan([], Rings(1, 0, 3), head=_head(seq=5)).seq == 3  # nothing decides 4 and 5 yet
    assert _plan([], Rings(1, 0, 7), head=_head(seq=5)).seq == 7


def test_of_who_is_no_member_everything_is_read() -> None:
    rings = Rings(2, 1, 2, 0, {"phone": Unread((1, 4), (5, 8)), "desk": Unread((3, 7), (2, 9))})
    plan = ringing.plan(rings, None, DEVICES, [], Job("raju", "c"), NOW)
    assert plan.read == 9
    assert all(each.after.total == 0 and each.taken_back for each in plan.devices.values())


def test_the_limit_keeps_the_newest_of_both_kinds() -> None:
    waiting, rang = tuple(range(1, 501, 2)), tuple(range(2, 601, 2))
    rings = Rings(1, 0, 600, 0, {"desk": Unread(waiting, rang)})
    devices = {"desk": device_from({"endpoint_arn": "b", **CONNECTED})}
    after = _plan([], rings, head=_head(seq=600), devices=devices).devices["desk"].after
    kept = sorted([*waiting, *rang])[-500:]
    assert after == Unread(
        tuple(s for s in waiting if s in kept), tuple(s for s in rang if s in kept)
    )
