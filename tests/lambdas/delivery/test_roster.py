import itertools

from lambdas.delivery.roster import Roster, behind, floor, known_floor
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
        assert floor(roster, registered) == min(ravi, phone, desk)
        assert known_floor(roster) >= floor(roster, registered)


def test_the_floor_waits_for_new_devices_and_for_users_without_any() -> None:
    roster = _roster(ravi=_member(phone=9), raju=_member(phone=9))
    both = {"ravi": {"phone": DEVICE}, "raju": {"phone": DEVICE}}
    assert floor(roster, both) == 9
    assert floor(roster, {**both, "raju": {"phone": DEVICE, "new": DEVICE}}) == 0
    assert floor(roster, {**both, "raju": {}}) == 0
    assert floor(roster, {"ravi": {"phone": DEVICE}}) == 0
    assert floor(_roster(), {}) == known_floor(_roster()) == 0


def test_a_new_member_holds_back_only_what_came_after_joining() -> None:
    roster = _roster(ravi=_member(phone=9), mira=_member(joined_seq=5))
    registered = {"ravi": {"phone": DEVICE}, "mira": {"phone": DEVICE}}
    assert floor(roster, registered) == 5


def test_a_member_whose_item_is_missing_holds_everything_back() -> None:
    roster = Roster("c", 0, frozenset({"ravi", "raju"}), {"ravi": _member(phone=9)})
    registered = {"ravi": {"phone": DEVICE}, "raju": {"phone": DEVICE}}
    assert floor(roster, registered) == known_floor(roster) == 0


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
