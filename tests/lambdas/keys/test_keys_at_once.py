"""One-time keys that many claim and upload at once: each is handed out once, and stored once."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.errors import ChatError
from lambdas.keys.directory import Directory
from lambdas.tables import Item, Key, Table, user_key
from tests.lambdas.keys.owner import IDENTITY, Ravi, signed
from tests.support.lambdas.rest import Phone

THREADS = 8


def claimed_by_all(take: Callable[[], str | None]) -> list[str]:
    """What eight claimers get, each until there is nothing left."""

    def all_of_it(_claimer: int) -> list[str]:
        return list(iter(take, None))

    with ThreadPoolExecutor(THREADS) as claimers:
        return [id for ids in claimers.map(all_of_it, range(THREADS)) for id in ids]


def test_eight_claimers_at_once_never_get_the_same_key(ravi: Ravi) -> None:
    ravi.upload(range(100))
    claimed = claimed_by_all(ravi.claim)
    assert len(claimed) == len(set(claimed)) == 100


def test_claims_while_the_device_uploads_lose_no_key_and_repeat_none(ravi: Ravi) -> None:
    done = threading.Event()

    def claimer(_number: int) -> list[str]:
        got: list[str] = []
        while True:
            last_round = done.is_set()
            id = ravi.claim()
            if id is not None:
                got.append(id)
            elif last_round:
                return got
            else:
                done.wait(0.002)  # lets the uploader through

    with ThreadPoolExecutor(THREADS) as claimers:
        results = claimers.map(claimer, range(4))
        for start in range(0, 60, 10):
            ravi.upload(range(start, start + 10))
        done.set()
    claimed = [id for ids in results for id in ids]
    assert sorted(claimed) == sorted(f"id{number}" for number in range(60))


def test_the_same_upload_from_two_places_at_once_stores_each_key_once(ravi: Ravi) -> None:
    with ThreadPoolExecutor(4) as uploaders:
        assert list(uploaders.map(lambda _: ravi.upload(range(30)), range(4))) == [30] * 4
    assert sorted(claimed_by_all(ravi.claim)) == sorted(f"id{number}" for number in range(30))


class Overtaken(Table):
    """A table where something happens between the first two reads of an upload, so many times."""

    def __init__(self, table: Table, meanwhile: Callable[[], object], times: int = 1) -> None:
        super().__init__(table._client, table.name)
        self._meanwhile = [meanwhile] * times

    def batch_get(
        self, keys: Iterable[Key], *, consistent: bool = False, only: Sequence[str] = ()
    ) -> list[Item]:
        if self._meanwhile:
            self._meanwhile.pop()()
        return super().batch_get(keys, consistent=consistent, only=only)


def test_an_upload_that_the_same_upload_overtook_returns_what_remains_now(ravi: Ravi) -> None:
    slow = Directory(Overtaken(ravi.table, lambda: ravi.upload(range(100))))
    keys = [signed(number) for number in range(100)]
    assert slow.upload(ravi.name, "phone", IDENTITY.ed25519, keys, None) == 100


def test_a_key_that_another_device_uploads_meanwhile_is_stored_once(ravi: Ravi) -> None:
    ravi.register("desk")
    slow = Directory(Overtaken(ravi.table, lambda: ravi.upload(range(2), device="desk")))
    keys = [signed(number) for number in range(1, 4)]
    assert slow.upload(ravi.name, "phone", IDENTITY.ed25519, keys, None) == 2
    assert ravi.claims(3) == ["id2", "id3", None]
    assert ravi.claims(3, "desk") == ["id0", "id1", None]


def test_an_upload_that_another_one_overtook_comes_after_it(ravi: Ravi) -> None:
    slow = Directory(Overtaken(ravi.table, lambda: ravi.upload(range(2))))
    keys = [signed(number) for number in range(2, 4)]
    assert slow.upload(ravi.name, "phone", IDENTITY.ed25519, keys, None) == 4
    assert ravi.claims(5) == ["id0", "id1", "id2", "id3", None]


def test_an_upload_that_others_overtake_without_end_is_a_conflict(ravi: Ravi) -> None:
    others = iter(range(10, 99))

    def upload_another() -> None:
        number = next(others)
        ravi.upload(range(number, number + 1))

    slow = Directory(Overtaken(ravi.table, upload_another, times=99), sleep=lambda _: None)
    with pytest.raises(ChatError) as error:
        slow.upload(ravi.name, "phone", IDENTITY.ed25519, [signed(1)], None)
    assert error.value.code == "conflict"


def test_an_upload_that_a_new_identity_overtook_is_rejected_whole(ravi: Ravi) -> None:
    changed = IDENTITY._replace(ed25519=Phone("any").ed25519)
    slow = Directory(Overtaken(ravi.table, lambda: ravi.register(identity=changed)))
    with pytest.raises(ChatError) as error:
        slow.upload(ravi.name, "phone", IDENTITY.ed25519, [signed(1)], signed(2))
    assert error.value.code == "conflict"
    assert ravi.items("otk#") == ravi.items("fallback#") == ravi.items("onetime#") == []


@pytest.mark.slow
def test_a_claim_that_reads_first_and_deletes_then_would_be_caught(ravi: Ravi) -> None:
    ravi.upload(range(20))
    everybody_has_read = threading.Barrier(THREADS)

    def naive() -> str | None:
        page = ravi.table.query({"user": ravi.name}, prefix="otk#phone#", limit=1)
        everybody_has_read.wait()
        if not page.items:
            return None
        ravi.table.delete(user_key(ravi.name, page.items[0]["item"]))
        everybody_has_read.wait()
        return str(page.items[0]["id"])

    claimed = claimed_by_all(naive)
    assert len(claimed) == 20 * THREADS
    assert len(set(claimed)) == 20
