"""A thousand claims by eight threads, over the real handler and directory, or ten: no key twice.

The tables are in memory, one call at a time, for that is what DynamoDB promises of an item; between
two calls the threads overtake each other as often as they can.
"""

import itertools
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from lambdas.api import keys
from lambdas.api.call import Call, SignIn
from lambdas.keys.decisions import Claim, DeviceKeys, SignedKey
from lambdas.keys.directory import Directory
from lambdas.limits import Limit, Limits
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, Settings
from lambdas.tables import user_key
from tests.model.dynamodb import DynamoDB
from tests.model.world import ENVIRONMENT, TABLES

THREADS = 8
FEW_DEVICES, DEVICES = 10, 100
KEYS = 100  # of each device
CLAIMS = 116  # of each device: some more than it has keys
FALLBACK = "fallback"


class Shared:
    """The tables: each call is atomic, and after it somebody else has a turn."""

    exceptions = DynamoDB.exceptions

    def __init__(self) -> None:
        self._database = DynamoDB(TABLES)
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._database, operation)

        def call(**request: Any) -> Any:
            with self._lock:
                answer = method(**request)
            time.sleep(0)
            return answer

        return call


class Services(Aws):
    def __init__(self) -> None:
        super().__init__(Settings(ENVIRONMENT))
        vars(self).update(dynamodb=Shared())

    def claim(self, claimer: str, address: str) -> dict[str, Any]:
        """The answer of POST /api/keys/claim for one device. Raises ChatError."""
        body = {"devices": [address]}
        answer = keys.claim(Call(self, "lambda/test", SignIn(claimer, "", 0, ""), {}, {}, body))
        assert answer.body is not None
        claimed: dict[str, Any] = answer.body["keys"]
        return claimed


class Claimed(NamedTuple):
    """A claim as its claimer saw it; `order` is that of the upload, and of a fallback key KEYS."""

    order: int
    began: int
    ended: int


@pytest.fixture(autouse=True)
def threads_take_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def uploaded(services: Aws, user: str) -> None:
    """A device with all its keys."""
    directory, devices = Directory(services.users), Devices(services.users)
    devices.create_user(user)
    devices.register(user, "phone")
    directory.put(user, "phone", DeviceKeys("curve25519", f"ed25519 of {user}", ""))
    numbers = range(KEYS)
    one_time = [SignedKey(str(number), f"{number} of {user}", "") for number in numbers]
    last = SignedKey(FALLBACK, f"last of {user}", "")
    directory.upload(user, "phone", f"ed25519 of {user}", one_time, last)


def claim_everything(devices: int) -> dict[str, list[Claimed]]:
    """What eight threads get, by device; all of them are at the same device most of the time."""
    services, ticks = Services(), itertools.count()
    users = [f"user_{number:03d}" for number in range(devices)]
    for user in users:
        uploaded(services, user)
    found: dict[str, list[Claimed]] = defaultdict(list)

    def claim(job: tuple[str, int]) -> None:
        user, number = job
        began = next(ticks)
        answer = services.claim(f"claimer_{number:03d}", f"{user}/phone")
        ended = next(ticks)
        key = answer[f"{user}/phone"]
        assert key["fallback"] == (key["id"] == FALLBACK)
        found[user].append(Claimed(KEYS if key["fallback"] else int(key["id"]), began, ended))

    in_threads(claim, itertools.product(users, range(CLAIMS)))
    return found


def in_threads(work: Callable[[Any], object], jobs: Iterable[Any]) -> None:
    """Each thread takes the next job as soon as it is done with one."""
    waiting, lock = iter(jobs), threading.Lock()

    def all_it_gets(_thread: int) -> None:
        while True:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            work(job)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(all_it_gets, range(THREADS)))


def problems(claims: Sequence[Claimed]) -> set[str]:
    """What is wrong with how the keys of one device were handed out."""
    found = set()
    times = Counter(claim.order for claim in claims if claim.order < KEYS)
    if max(times.values()) > 1:
        found.add("twice")
    if len(times) < KEYS:
        found.add("lost")
    by_end = sorted(claims, key=lambda claim: claim.ended)
    for claim in claims:
        for earlier in by_end:
            if earlier.ended >= claim.began:
                break
            if earlier.order > claim.order:  # also the fallback key before a one-time key
                found.add("order")
    return found


@pytest.mark.parametrize("devices", [FEW_DEVICES, pytest.param(DEVICES, marks=pytest.mark.deep)])
def test_claims_by_eight_threads_repeat_no_key_and_keep_the_order(devices: int) -> None:
    found = claim_everything(devices)
    assert sum(map(len, found.values())) == devices * CLAIMS
    assert {user: problems(claims) for user, claims in found.items() if problems(claims)} == {}


def _oldest_first(self: Directory, user: str) -> Any:
    page = self._users.query({"user": user}, prefix="otk#phone#", limit=1, consistent=True)
    return page.items[0] if page.items else None


def _newest_first(self: Directory, user: str) -> Any:
    waiting = list(self._users.query_all({"user": user}, prefix="otk#phone#", consistent=True))
    return waiting[-1] if waiting else None


def _read_then_delete(read: Callable[[Directory, str], Any], *, sure: bool) -> Any:
    """The naive claim; `sure` keeps a key only if it was this claim that deleted it."""

    def claim(self: Directory, user: str, device: str, **_: bool) -> Claim | None:
        while True:
            item = read(self, user)
            if item is None:
                fallback = self._users.get(user_key(user, f"fallback#{device}"), consistent=True)
                return (
                    Claim(SignedKey(FALLBACK, fallback["key"], ""), True, 0) if fallback else None
                )
            deleted = self._users.delete(user_key(user, item["item"]))
            if deleted or not sure:
                return Claim(SignedKey(item["id"], item["key"], ""), False, KEYS)

    return claim


def _last_resort_early(self: Directory, user: str, device: str, **_: bool) -> Claim | None:
    """Falls back as soon as somebody else was quicker."""
    item = _oldest_first(self, user)
    if item is not None and self._users.delete(user_key(user, item["item"])):
        return Claim(SignedKey(item["id"], item["key"], ""), False, KEYS)
    return Claim(SignedKey(FALLBACK, f"last of {user}", ""), True, 0)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("mutant", "caught_as"),
    [
        (_read_then_delete(_oldest_first, sure=False), "twice"),
        (_read_then_delete(_newest_first, sure=True), "order"),
        (_last_resort_early, "order"),
    ],
    ids=["reads and deletes", "newest first", "falls back early"],
)
def test_a_naive_claim_is_caught_by_the_same_check(
    monkeypatch: pytest.MonkeyPatch, mutant: Any, caught_as: str
) -> None:
    monkeypatch.setattr(Directory, "claim", mutant)
    found = claim_everything(20)
    assert caught_as in set().union(*map(problems, found.values()))


@pytest.mark.deep
def test_a_device_that_is_removed_and_comes_back_meanwhile_repeats_no_key_either() -> None:
    directory = Directory(Services().users)
    claimed: list[str] = []
    gone = threading.Event()

    def claimer() -> None:
        while not gone.is_set():
            claim = directory.claim("raju", "phone")
            if claim is not None:
                claimed.append(claim.key.key)

    with ThreadPoolExecutor(THREADS) as threads:
        claimers = [threads.submit(claimer) for _ in range(THREADS)]
        for life in range(20):
            directory.put("raju", "phone", DeviceKeys("curve25519", "ed25519", ""))
            keys = [SignedKey(str(number), f"{life}/{number}", "") for number in range(20)]
            directory.upload("raju", "phone", "ed25519", keys, None)
            directory.remove("raju", "phone")
        gone.set()
        for each in claimers:
            each.result()
    assert claimed
    assert len(claimed) == len(set(claimed))
    assert directory.claim("raju", "phone") is None
    items = directory._users.query_all({"user": "raju"}, consistent=True)
    assert {item["item"].partition("#")[0] for item in items} == {"onetime", "former"}


def claims_of_one(number: int) -> int:
    """How many of so many claims at once, by one user, of one device, get a one-time key."""
    services = Services()
    uploaded(services, "raju")
    through: list[str] = []

    def claim(_job: int) -> None:
        (key,) = services.claim("ravi", "raju/phone").values()
        if not key["fallback"]:
            through.append(key["id"])

    in_threads(claim, range(number))
    return len(through)


@pytest.mark.parametrize("times", [10, pytest.param(50, marks=pytest.mark.deep)])
def test_the_last_claim_of_a_bucket_is_taken_by_one_of_those_who_want_it(times: int) -> None:
    assert {claims_of_one(20) for _ in range(times)} == {6}


@pytest.mark.deep
def test_a_limit_that_reads_first_and_counts_then_is_caught_by_the_same_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def naive(self: Limits, owner: str, name: str, limit: Limit) -> float | None:
        key = user_key(owner, f"limit#{name}")
        count = (self._users.get(key, consistent=True) or {"count": 0})["count"]
        self._users.put({**key, "count": count + 1})
        return None if count < limit.at_once else 1.0

    monkeypatch.setattr(Limits, "wait", naive)
    assert max(claims_of_one(20) for _ in range(50)) > 6
