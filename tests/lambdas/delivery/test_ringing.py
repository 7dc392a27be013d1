"""The truth table of a ring: one text, one device, and everything that may be true of them."""

from itertools import product

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
