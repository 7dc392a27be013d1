"""Limits of use: token buckets in the Users table, `Sampled` for what comes often, and
`CountedHere` in one environment's memory.

    Users  <owner>  limit#<name>  full_at (ms), expires_at (s)

A bucket holds `at_once` tokens and gets a new one every `seconds`. Only the time at which it is
full again is stored. From then on the item means the same as no item, so DynamoDB may delete it
(TTL). Taking is one conditional write if the bucket is full, and two if it is not. The second adds
to what is there, so it does not fail because others take from the same bucket meanwhile. Taking
from many buckets is a read and a transaction for a hundred.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from lambdas.errors import ChatError
from lambdas.tables import (
    TRANSACTION_LIMIT,
    ConditionFailed,
    Table,
    TransactionCancelled,
    chunks,
    pauses,
    transact,
    user_key,
)

ATTEMPTS = 8
OWNERS = 10_000  # counted in one execution environment; beyond it, counting begins anew
SAMPLE = 32  # tokens that an execution environment counts before it writes them at once


class Limit(NamedTuple):
    at_once: int
    seconds: float  # until one more is allowed
    sentence: str


CHATS = Limit(200, 18, "too many chats were begun")
MEMBERS = Limit(2_000, 1.8, "too many members were added")
# Invitations to groups, to one user whom the inviter is no contact of: at most twenty wait, as each
# lives 30 days. So one stranger does not fill the list, of which 100 are shown.
INVITATIONS = Limit(10, 3 * 86_400, "this user has too many invitations of yours")
# A device that has connected asks for the devices of each member before it sends to a group. Nine
# connections with a group of 1,024 may come close together, of all devices of the user.
LOOKUPS = Limit(10_000, 1, "too many users were looked up")
# Each notifies up to 2,560 users, whose clients then ask for the list, and has a bucket of SENDS.
REGISTRATIONS = Limit(100, 864, "too many devices were registered, or registered with other keys")
SIGN_UPS = Limit(300, 2, "too many accounts were made from this address")
SIGN_INS = Limit(600, 1, "too many sign-ins came from this address")
LINKS = Limit(60, 10, "too many devices were to be linked from this address")
LINKS_OPENED = Limit(30, 60, "you have opened too many codes of new devices")
# Mails are few: Cognito itself sends 50 a day (docs/deploying.md).
MAILS = Limit(5, 720, "too many mails were asked for")
MAILS_BY_ADDRESS = Limit(50, 60, "too many mails were asked for from this address")
# A code has six digits, so that one guess in a million is right: a name gets 72 in a day.
CODES = Limit(10, 1200, "too many codes were tried")
CLAIMS = Limit(500, 10, "too many keys of this device were claimed")
# One-time keys of a device for one claimer. More would use up the device's stock, and leave the
# fallback key to all other claimers; so it is this claimer who gets the fallback key beyond that.
CLAIMS_BY_ONE = Limit(6, 600, "you have claimed too many keys of this device")
DOWNLOADS = Limit(1_000, 10, "too many files were asked for")
SENDS = Limit(10_000, 0.1, "this device has sent too many messages")
# With an access token, of all routes: more than all lookups of nine connections in large groups.
REQUESTS = Limit(20_000, 0.5, "you have sent too many requests")
# Each asks Cognito for the user, and its quota is one for all users. Ten devices that try again
# all the time, which they do in a minute at most, come to one in three seconds.
TICKETS = Limit(600, 2, "you have asked for too many tickets")
# Each is a sign-in to Cognito. Clients do it once an hour, and an address may be a whole network's.
TOKENS = Limit(5_000, 0.1, "too many tokens were renewed from this address")
# Each reads up to a hundred chats and a megabyte. A day's absence from 1,000 chats is ten or more.
SYNCS = Limit(10_000, 1, "this device has asked for what is new too often")
# By the users watched, each of whom is a write. Clients repeat it after four minutes.
WATCHES = Limit(100_000, 0.05, "this device watches too many users")
# Each is a post for each member. Clients send one in three seconds, and some may come together.
TYPING = Limit(10, 1, "this device was reported as typing too often in this chat")

DAY = 86_400.0


def file_number(per_day: int) -> Limit:
    """The number of files that a user sends: a whole day's number may be sent at once."""
    return Limit(per_day, DAY / per_day, "too many files were sent")


def file_bytes(units_per_day: int) -> Limit:
    """The bytes that these files have together, in units."""
    return Limit(units_per_day, DAY / units_per_day, "too many bytes were sent in files")


class Taken(NamedTuple):
    """The result of taking from a bucket: when it is full again, and how long to wait if it was too
    empty (seconds).
    """

    full_at: float
    retry_after: float | None


def after_taking(full_at: float, now: float, limit: Limit, tokens: int) -> Taken:
    """A decision without I/O. Times in epoch seconds."""
    after = max(full_at, now) + tokens * limit.seconds
    wait = after - now - limit.at_once * limit.seconds
    return Taken(after, math.ceil(wait * 10) / 10 if wait > 1e-6 else None)


class Limits:
    """`clock` (epoch seconds) is an argument for tests."""

    def __init__(self, users: Table, clock: Callable[[], float]) -> None:
        self._users = users
        self._clock = clock

    def take(self, owner: str, name: str, limit: Limit, tokens: int = 1) -> None:
        """Raises ChatError rate_limited, and counts nothing, if the bucket has too few tokens."""
        wait = self.wait(owner, name, limit, tokens)
        if wait is not None:
            raise exceeded(limit, wait)

    def wait(self, owner: str, name: str, limit: Limit, tokens: int = 1) -> float | None:
        """None if the tokens were taken, otherwise the seconds after which they can be."""
        at = int(self._clock() * 1000)  # ms, as stored
        now = at / 1000
        most = now + limit.at_once * limit.seconds
        found = 0  # ms; the bucket counts as full until a failed condition shows the stored time
        for _ in range(ATTEMPTS):
            taken = after_taking(found / 1000, now, limit, tokens)
            if taken.retry_after is not None:
                return taken.retry_after
            try:
                if found <= at:
                    self._users.update(
                        user_key(owner, f"limit#{name}"),
                        "SET full_at = :after, expires_at = :expires",
                        "attribute_not_exists(full_at) OR full_at <= :now",
                        returns="NONE",
                        after=round(taken.full_at * 1000),
                        expires=math.ceil(taken.full_at),
                        now=at,
                    )
                else:
                    step = round(tokens * limit.seconds * 1000)
                    self._users.update(
                        user_key(owner, f"limit#{name}"),
                        "SET full_at = full_at + :step, expires_at = :expires",
                        "full_at > :now AND full_at <= :room",
                        returns="NONE",
                        step=step,
                        expires=math.ceil(most),
                        now=at,
                        room=round(most * 1000) - step,
                    )
            except ConditionFailed as failure:
                found = int(failure.item["full_at"]) if failure.item else 0
            else:
                return None
        return 1.0  # the bucket became full and was taken from, again and again

    def take_each(self, owner: str, names: Iterable[str], limit: Limit) -> list[str]:
        """Takes a token from each of these buckets, of one owner, that is not empty: their names.

        For many buckets. A read and a transaction serve a hundred, in place of a write for each.
        """
        taken: list[str] = []
        for some in chunks(names, TRANSACTION_LIMIT):
            for pause in pauses():
                now = int(self._clock() * 1000) / 1000  # in ms, as stored
                keys = [user_key(owner, f"limit#{name}") for name in some]
                stored = {
                    item["item"].removeprefix("limit#"): int(item["full_at"])
                    for item in self._users.batch_get(keys, consistent=True)
                }
                after = {n: after_taking(stored.get(n, 0) / 1000, now, limit, 1) for n in some}
                has = [name for name in some if after[name].retry_after is None]
                try:
                    if has:
                        actions = [
                            self._take_action(owner, name, stored.get(name), after[name].full_at)
                            for name in has
                        ]
                        transact(self._users, actions)
                except TransactionCancelled:  # others have taken from one of them meanwhile
                    pause()
                    continue
                taken += has
                break
        return taken

    def _take_action(
        self, owner: str, name: str, stored: int | None, full_at: float
    ) -> dict[str, Any]:
        item = {
            **user_key(owner, f"limit#{name}"),
            "full_at": round(full_at * 1000),
            "expires_at": math.ceil(full_at),
        }
        if stored is None:
            return self._users.put_action(item, "attribute_not_exists(full_at)")
        return self._users.put_action(item, "full_at = :stored", stored=stored)


class CountedHere:
    """Buckets in the memory of one execution environment, for acts that cost less than a write.

    Each execution environment counts its own acts alone, so that together they let more pass.
    """

    def __init__(self) -> None:
        self._full_at: dict[Hashable, float] = {}  # epoch seconds

    def take(self, owner: Hashable, limit: Limit, now: float) -> None:
        """Raises ChatError rate_limited, and counts nothing, if the bucket is empty."""
        if len(self._full_at) > OWNERS:
            self._full_at.clear()
        taken = after_taking(self._full_at.get(owner, 0), now, limit, 1)
        if taken.retry_after is not None:
            raise exceeded(limit, taken.retry_after)
        self._full_at[owner] = taken.full_at


class Sampled:
    """Buckets shared by all execution environments, for acts that cost about a write or less each.

    "Sampled", because not every act is written: each execution environment counts its own acts, and
    takes from the bucket once it has counted SAMPLE tokens. So up to SAMPLE pass unwritten in each,
    and a token costs 1/SAMPLE of a write.
    """

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._limited: dict[tuple[str, str], float] = {}  # rejected until then, in epoch seconds
        self._lock = Lock()  # a container serves several requests at once

    def take(
        self, users: Table, owner: str, name: str, limit: Limit, now: float, tokens: int = 1
    ) -> None:
        """Raises ChatError rate_limited."""
        bucket = owner, name
        with self._lock:
            wait = self._limited.get(bucket, 0) - now
            if wait > 0:
                raise exceeded(limit, wait)
            if len(self._seen) > OWNERS:
                self._seen.clear()
                self._limited.clear()
            seen = self._seen.pop(bucket, 0) + tokens  # acts during the write are counted from 0
            if seen < SAMPLE:
                self._seen[bucket] = seen
                return
        taken, found = False, None
        try:
            found = Limits(users, lambda: now).wait(owner, name, limit, seen)
            taken = found is None
        finally:
            if not taken:
                with self._lock:
                    self._seen[bucket] += seen - tokens
        if found is not None:
            self._limited[bucket] = now + found
            raise exceeded(limit, found)


@lru_cache(maxsize=1)
def sampled(_environment: Hashable) -> Sampled:
    """The one of this execution environment; tests clear the cache."""
    return Sampled()


def exceeded(limit: Limit, wait: float) -> ChatError:
    return ChatError("rate_limited", f"{limit.sentence}; try again later", wait)
