"""The roster of a chat: its members' watermarks, and which messages a device lacks."""

import itertools

from lambdas.delivery.roster import Roster, behind, floor, known_floor, left_behind
from lambdas.presence.devices import Device
from lambdas.tables import Item

DEVICE = Device()


def _member(joined_seq: int = 0, **delivered: int) -> Item:
    return {"delivered": delivered, "read": 0, "joined_seq": joined_seq}


def _roster(**members: Item) -> Roster:
    return Roster("c", 0, frozenset(members), members)


def _message(seq: int, sender: str = "ravi", device: str = "phone") -> Item:
    return {"chat": "c", "item": f"message#{seq:012d}", "sender": sender, "sender_device": device}


def test_the_floor_is_the_lowest_mark_of_every_registered_device() -> None:
    for ravi, phone, desk in itertools.product(range(3), repeat=3):
        roster = _roster(ravi=_member(phone=ravi), raju=_member(phone=phone, desk=desk, sold=0))
        registered = {"ravi": {"phone": DEVICE}, "raju": {"phone": DEVICE, "desk": DEVICE}}
        assert floor(roster, registered, 0) == min(ravi, phone, desk)
        assert known_floor(roster) >= floor(roster, registered, 0)


def test_the_floor_waits_for_new_devices_and_for_users_without_any() -> None:
    roster = _roster(ravi=_member(phone=9), raju=_member(phone=9))
    both = {"ravi": {"phone": DEVICE}, "raju": {"phone": DEVICE}}
    assert floor(roster, both, 0) == 9
    assert floor(roster, {**both, "raju": {"phone": DEVICE, "new": DEVICE}}, 0) == 0
    assert floor(roster, {**both, "raju": {}}, 0) == 0
    assert floor(roster, {"ravi": {"phone": DEVICE}}, 0) == 0
    assert floor(_roster(), {}, 0) == known_floor(_roster()) == 0


def test_the_floor_does_not_wait_for_devices_unseen_for_longer_than_messages_live() -> None:
    roster = _roster(ravi=_member(phone=9), raju=_member(phone=8, lost=2))
    ravi = {"phone": DEVICE}
    for lost, expected in (
        (Device(last_seen=100), 2),
        (DEVICE, 2),  # nothing is known of when it was seen
        (Device(registered_at=100), 2),  # it may connect for the first time yet
        (Device(connected_at=100, connection_id="c"), 2),  # its lease was never returned
        (Device(last_seen=99, connected_at=98, registered_at=97), 8),
    ):
        seen = Device(last_seen=200)
        registered = {"ravi": {"phone": seen}, "raju": {"phone": seen, "lost": lost}}
        assert floor(roster, registered, 100) == expected
    # nor is a user forgotten who has no other device
    assert floor(roster, {"ravi": ravi, "raju": {"lost": Device(last_seen=1)}}, 100) == 0


def test_marks_that_are_left_behind_are_those_of_unregistered_devices() -> None:
    roster = _roster(
        ravi=_member(phone=9, sold=3, lost=4), raju=_member(phone=1), mira=_member(x=1)
    )
    registered = {"ravi": {"phone": DEVICE, "new": DEVICE}, "raju": {"phone": DEVICE}}
    assert left_behind(roster, registered) == {"ravi": ["lost", "sold"]}  # of mira nothing is known


def test_a_new_member_holds_back_only_what_came_after_joining() -> None:
    roster = _roster(ravi=_member(phone=9), mira=_member(joined_seq=5))
    registered = {"ravi": {"phone": DEVICE}, "mira": {"phone": DEVICE}}
    assert floor(roster, registered, 0) == 5


def test_a_member_whose_item_is_missing_holds_everything_back() -> None:
    roster = Roster("c", 0, frozenset({"ravi", "raju"}), {"ravi": _member(phone=9)})
    registered = {"ravi": {"phone": DEVICE}, "raju": {"phone": DEVICE}}
    assert floor(roster, registered, 0) == known_floor(roster) == 0


def test_behind_is_who_has_not_acknowledged_and_did_not_send() -> None:
    roster = _roster(
        ravi=_member(phone=0, desk=1),
        raju=_member(phone=2),
        mira=_member(joined_seq=1),
        anna=_member(phone=9),
    )
    registered = {
        "ravi": {"phone": DEVICE, "desk": DEVICE},
        "raju": {"phone": DEVICE},
        "mira": {"tablet": DEVICE},
        "zoe": {"phone": DEVICE},
    }
    news = [_message(3, "raju"), _message(1), _message(2)]
    found = behind(roster, registered, news)
    seqs = {key: [int(item["item"][-1]) for item in items] for key, items in found.items()}
    assert seqs == {
        ("ravi", "phone"): [3],
        ("ravi", "desk"): [2, 3],
        ("mira", "tablet"): [2, 3],
    }


def test_the_known_floor_is_the_lowest_of_what_each_member_has_on_any_device() -> None:
    assert known_floor(_roster(ravi=_member(phone=5, desk=9), raju=_member(phone=3, old=7))) == 7
    assert known_floor(_roster(raju=_member(phone=7), ravi=_member(phone=9))) == 7
    assert known_floor(Roster("c", 0, frozenset(("ravi", "raju")), {"ravi": _member(a=1)})) == 0


def test_nobody_lacks_what_is_hidden_from_them() -> None:
    roster = _roster(ravi=_member(), raju=_member())
    registered = {"ravi": {"desk": DEVICE}, "raju": {"phone": DEVICE}}
    hidden = {**_message(1), "hidden_from": {"raju"}}
    found = behind(roster, registered, [_message(2), hidden])
    assert found == {("ravi", "desk"): [hidden, _message(2)], ("raju", "phone"): [_message(2)]}


def test_marks_of_every_user_are_left_behind_in_the_order_of_devices() -> None:
    names = [f"d{number}" for number in range(20)]
    roster = _roster(ravi=_member(a=1), raju=_member(**dict.fromkeys(names, 1)), mira=_member(b=1))
    registered = {"ravi": {"a": DEVICE}, "raju": {}, "mira": {"c": DEVICE}}
    assert left_behind(roster, registered) == {"raju": sorted(names), "mira": ["b"]}
