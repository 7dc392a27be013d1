"""The key directory over DynamoDB: every one-time key is handed out exactly once, in order."""

from typing import Any

import pytest

from lambdas.errors import ChatError
from lambdas.keys.decisions import Claim, DeviceKeys, FormerDevice, SignedKey
from lambdas.keys.directory import Change, Directory
from lambdas.tables import Table, user_key
from tests.lambdas.keys.owner import IDENTITY, Ravi
from tests.support.lambdas.rest import Phone, key, new_name


def test_keys_are_handed_out_in_the_order_of_their_upload(ravi: Ravi) -> None:
    assert ravi.upload(range(12, 9, -1)) == 3
    assert ravi.upload(range(3)) == 6
    assert ravi.claims(7) == [
        "id12", "id11", "id10", "id0", "id1", "id2", None,
    ]  # fmt: skip


def test_a_claim_says_what_is_left(ravi: Ravi) -> None:
    ravi.upload(range(2))
    first = Claim(SignedKey("id0", key(0), "signed 0"), fallback=False, remaining=1)
    assert ravi.directory.claim(ravi.name, "phone") == first
    assert ravi.upload(range(2, 4)) == 3


def test_then_the_fallback_key_is_handed_out_again_and_again(ravi: Ravi) -> None:
    assert ravi.upload(range(1), fallback=50) == 1
    assert ravi.claim() == "id0"
    for again in (False, True):
        fallback = ravi.directory.claim(ravi.name, "phone")
        assert fallback == Claim(
            SignedKey("id50", key(50), "signed 50"), fallback=True, remaining=0, again=again
        )
    ravi.upload(range(1, 2))
    assert ravi.claim() == "id1"


def test_the_same_fallback_key_again_is_still_used_and_another_one_is_not(
    ravi: Ravi,
) -> None:
    def used() -> bool:
        item = ravi.table.get(user_key(ravi.name, "fallback#phone"))
        assert item is not None
        return bool(item["used"])

    ravi.upload(range(0), fallback=50)
    assert not used()
    ravi.claim()
    assert used()
    ravi.upload(range(0), fallback=50)
    assert used()
    ravi.upload(range(0), fallback=51)
    assert not used()
    assert ravi.claim() == "id51"


def test_a_repeated_upload_changes_nothing(ravi: Ravi) -> None:
    assert ravi.upload(range(5)) == 5
    assert ravi.upload(range(5)) == 5
    assert ravi.claims(6) == ["id0", "id1", "id2", "id3", "id4", None]


def test_a_key_that_was_handed_out_is_never_taken_in_again(ravi: Ravi) -> None:
    ravi.upload(range(3))
    ravi.claim()
    assert ravi.upload(range(4)) == 3
    assert ravi.claims(4) == ["id1", "id2", "id3", None]
    assert ravi.upload(range(4)) == 0
    renamed = SignedKey("another id", key(0), "signed")
    assert ravi.directory.upload(ravi.name, "phone", IDENTITY.ed25519, [renamed], None) == 0


def test_not_even_when_its_device_was_removed_and_registered_again(ravi: Ravi) -> None:
    ravi.upload(range(2))
    ravi.claim()
    ravi.directory.remove(ravi.name, "phone")
    ravi.register()
    assert ravi.upload(range(3)) == 1
    assert ravi.claims(2) == ["id2", None]


def test_a_hundred_keys_wait_and_one_more_is_rejected(ravi: Ravi) -> None:
    assert ravi.upload(range(100)) == 100
    with pytest.raises(ChatError, match="at most 100"):
        ravi.upload(range(100, 101))
    assert ravi.claim() == "id0"
    assert ravi.upload(range(100, 101)) == 100
    assert ravi.claims(100) == [f"id{number}" for number in range(1, 101)]


def test_devices_do_not_mix(ravi: Ravi) -> None:
    ravi.register("phone2")
    ravi.upload(range(2))
    ravi.upload(range(2, 4), device="phone2")
    assert ravi.claims(3, "phone2") == ["id2", "id3", None]
    ravi.directory.remove(ravi.name, "phone")
    assert set(ravi.directory.get(ravi.name, ["phone", "phone2"])) == {"phone2"}


def test_a_key_that_was_deleted_meanwhile_is_passed_over(ravi: Ravi) -> None:
    ravi.upload(range(3), fallback=50)
    first, *_ = ravi.items("otk#")
    ravi.table.delete(user_key(ravi.name, first))
    assert ravi.claims(3) == ["id1", "id2", "id50"]
    ravi.upload(range(3, 4))
    (last,) = ravi.items("otk#")
    ravi.table.delete(user_key(ravi.name, last))
    assert ravi.claim() == "id50"


def test_a_device_that_is_not_there_has_no_keys(ravi: Ravi) -> None:
    assert ravi.claim("tablet") is None
    assert ravi.directory.claim("nobody", "phone") is None
    assert ravi.directory.get("nobody", ["phone"]) == {}
    with pytest.raises(ChatError, match="no device tablet"):
        ravi.upload(range(1), device="tablet")


@pytest.mark.parametrize("stored", ["none", "empty"])
def test_an_introduction_is_stored_with_an_identity_that_has_none_and_never_replaced(
    ravi: Ravi, stored: str
) -> None:
    def introduced() -> object:
        return ravi.directory.get(ravi.name, ["phone"])["phone"].introduction

    if stored == "none":  # as a version stored it that knew of no introductions
        ravi.table.update(user_key(ravi.name, "device#phone"), "REMOVE introduction")
    ravi.upload(range(2))
    first, second = ({"by": by, "signature": "signed"} for by in ("desk", "web"))
    assert ravi.register(identity=IDENTITY._replace(introduction=first)) is Change.SAME
    assert introduced() == first
    assert ravi.register(identity=IDENTITY._replace(introduction=second)) is Change.SAME
    assert ravi.register() is Change.SAME
    assert introduced() == first
    assert ravi.claims(2) == ["id0", "id1"]


def test_an_introduction_is_not_stored_with_an_identity_that_came_meanwhile(
    ravi: Ravi, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IDENTITY._replace(curve25519=key(2), ed25519=Phone("other").ed25519)
    add = Directory._add_introduction

    def late(directory: Directory, user: str, device: str, keys: DeviceKeys) -> None:
        assert ravi.register(identity=other) is Change.CHANGED
        add(directory, user, device, keys)

    monkeypatch.setattr(Directory, "_add_introduction", late)
    introduction = {"by": "desk", "signature": "signed"}
    assert ravi.register(identity=IDENTITY._replace(introduction=introduction)) is Change.SAME
    assert ravi.directory.get(ravi.name, ["phone"])["phone"] == other


def test_the_same_identity_again_changes_nothing(ravi: Ravi) -> None:
    ravi.upload(range(2), fallback=50)
    assert ravi.register() is Change.SAME
    assert ravi.directory.get(ravi.name, ["phone"]) == {"phone": IDENTITY}
    assert ravi.claim() == "id0"


def test_another_identity_voids_the_keys_that_the_old_one_signed(
    ravi: Ravi,
) -> None:
    ravi.upload(range(3), fallback=50)
    ravi.claim()
    changed = IDENTITY._replace(ed25519=Phone("ravi").ed25519)
    assert ravi.register(identity=changed) is Change.CHANGED
    assert ravi.directory.get(ravi.name, ["phone"]) == {"phone": changed}
    assert ravi.claim() is None
    assert ravi.items("otk#") == []
    assert ravi.items("fallback#") == []
    with pytest.raises(ChatError) as error:
        ravi.upload(range(10, 11))  # still signed by the old identity
    assert error.value.code == "conflict"
    ravi.upload(range(10, 12), signer=changed.ed25519)
    assert ravi.claims(3) == ["id10", "id11", None]


def test_however_many_keys_are_voided_the_new_ones_come_first(ravi: Ravi) -> None:
    ravi.upload(range(30), fallback=50)
    changed = IDENTITY._replace(ed25519=Phone("ravi").ed25519)
    ravi.register(identity=changed)
    assert ravi.items("otk#") == []
    assert ravi.upload(range(60, 62), signer=changed.ed25519) == 2
    assert ravi.claims(3) == ["id60", "id61", None]


def test_former_keys_are_listed_as_long_as_their_messages_live(table: Table) -> None:
    now = [1_795_000_000.0]
    user, changed = new_name("ravi"), IDENTITY._replace(ed25519=Phone("ravi").ed25519)
    directory = Directory(table, clock=lambda: now[0], message_seconds=60)
    assert directory.put(user, "phone", IDENTITY) is Change.NEW
    assert directory.put(user, "phone", IDENTITY) is Change.SAME and directory.former(user) == []
    assert directory.put(user, "phone", changed) is Change.CHANGED
    first = FormerDevice("phone", IDENTITY, 1_795_000_060)
    assert directory.former(user) == [first]
    assert first.as_protocol()["until"] == 1_795_000_060_000
    now[0] += 59
    directory.remove(user, "phone")
    second = FormerDevice("phone", changed, 1_795_000_119)
    assert sorted(directory.former(user), key=lambda each: each.until) == [first, second]
    now[0] += 1
    assert directory.former(user) == [second]
    assert directory.get(user, ["phone"]) == {}


def test_an_identity_changes_in_all_its_parts(ravi: Ravi) -> None:
    for changed in (
        IDENTITY._replace(curve25519=key(2), signature="of the second"),
        IDENTITY._replace(curve25519=key(3), ed25519=key(4), signature="of the third"),
    ):
        assert ravi.register(identity=changed) is Change.CHANGED
        assert ravi.directory.get(ravi.name, ["phone", "desk"]) == {"phone": changed}


def test_a_removed_device_leaves_nothing_to_claim(ravi: Ravi) -> None:
    ravi.upload(range(3), fallback=50)
    ravi.directory.remove(ravi.name, "phone")
    ravi.directory.remove(ravi.name, "phone")
    assert ravi.claim() is None
    assert ravi.items("otk#") == ravi.items("fallback#") == ravi.items("device#") == []


def test_a_device_that_is_removed_leaves_the_keys_of_one_with_a_longer_name(ravi: Ravi) -> None:
    ravi.register("phone2")
    ravi.upload(range(2), fallback=50, device="phone2")
    ravi.directory.remove(ravi.name, "phone")
    assert ravi.claims(3, "phone2") == ["id0", "id1", "id50"]


def test_a_new_identity_keeps_the_keys_that_it_has_uploaded_already(ravi: Ravi) -> None:
    """By another request, while the one that registers it deletes those of the old one."""
    ravi.upload(range(3), fallback=50)
    changed = IDENTITY._replace(ed25519=Phone("any").ed25519)

    class Slow(Directory):
        def _forget_keys(self, *given: Any, **options: Any) -> None:
            ravi.upload(range(10, 12), fallback=51, signer=changed.ed25519)
            super()._forget_keys(*given, **options)

    assert Slow(ravi.table).put(ravi.name, "phone", changed) is Change.CHANGED
    assert ravi.claims(3) == ["id10", "id11", "id51"]


def test_no_key_of_the_old_identity_is_handed_out_while_they_are_deleted(ravi: Ravi) -> None:
    ravi.upload(range(3), fallback=50)
    claimed: list[str | None] = []

    class Slow(Directory):
        def _forget_keys(self, *given: Any, **options: Any) -> None:
            claimed.extend(ravi.claims(2))
            super()._forget_keys(*given, **options)

    changed = IDENTITY._replace(ed25519=Phone("any").ed25519)
    Slow(ravi.table).put(ravi.name, "phone", changed)
    assert claimed == [None, None]
