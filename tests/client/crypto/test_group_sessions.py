"""Group sessions: their owner, how long they are kept, and those of older stores."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from vodozemac import GroupSession

from client.crypto.groups import KEPT_SECONDS, InboundGroups, RoomKey
from client.crypto.rotation import SECONDS
from client.crypto.sessions import Undecryptable
from client.store.vault import Vault
from tests.support.memory_store import migrate

CHAT, OTHER, RAVI, MIRA = "c1", "c2", "ravi/phone", "mira/phone"
DAY = 24 * 3600.0


class Sender:
    def __init__(self) -> None:
        self.session = GroupSession()

    @property
    def id(self) -> str:
        return self.session.session_id

    def key(self) -> RoomKey:
        return RoomKey(self.id, self.session.session_key.to_base64())

    def payload(self, text: str) -> str:
        return f"{self.id}.{self.session.encrypt(text.encode()).to_base64()}"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        migrate(made)
        yield made


def inbound(db: sqlite3.Connection, clock: Callable[[], float]) -> InboundGroups:
    return InboundGroups(db, Vault(b"k" * 32), clock)


def rows(db: sqlite3.Connection, table: str) -> int:
    (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_a_session_is_that_of_a_chat_and_a_sending_device(db: sqlite3.Connection) -> None:
    groups, ravi = inbound(db, Clock()), Sender()
    key, one = ravi.key(), ravi.payload("one")
    assert groups.add(CHAT, MIRA, key)
    for chat, device in ((CHAT, RAVI), (OTHER, MIRA)):
        with pytest.raises(Undecryptable, match="not here yet"):
            groups.decrypt(chat, device, "m1", one)
    assert groups.add(CHAT, RAVI, key)
    assert groups.decrypt(CHAT, MIRA, "m2", one) == b"one"
    assert groups.decrypt(CHAT, RAVI, "m1", one) == b"one"  # what mira showed is not a first time


def test_of_two_keys_the_one_that_opens_more_is_kept(db: sqlite3.Connection) -> None:
    groups, ravi = inbound(db, Clock()), Sender()
    early, one = ravi.key(), ravi.payload("one")
    late = ravi.key()
    assert groups.add(CHAT, RAVI, late)
    with pytest.raises(Undecryptable, match="newer"):
        groups.decrypt(CHAT, RAVI, "m1", one)
    assert groups.add(CHAT, RAVI, early)
    assert not groups.add(CHAT, RAVI, late)
    assert not groups.add(CHAT, RAVI, early)
    assert groups.decrypt(CHAT, RAVI, "m1", one) == b"one"


def test_a_key_that_is_of_another_session_than_it_says_is_none(db: sqlite3.Connection) -> None:
    groups = inbound(db, Clock())
    assert not groups.add(CHAT, RAVI, Sender().key()._replace(session_id=Sender().id))
    assert not groups.add(CHAT, RAVI, RoomKey(Sender().id, "no key"))
    assert rows(db, "group_inbound") == 0


def test_a_session_and_its_indexes_go_when_nothing_can_come_of_it_any_more(
    db: sqlite3.Connection,
) -> None:
    clock = Clock()
    groups, old, used = inbound(db, clock), Sender(), Sender()
    for sender in (old, used):
        groups.add(CHAT, RAVI, sender.key())
        groups.decrypt(CHAT, RAVI, sender.id, sender.payload("first"))
    db.execute("INSERT INTO known_sessions VALUES ('for ever')")
    clock.now += KEPT_SECONDS / 2
    groups.decrypt(CHAT, RAVI, "later", used.payload("later"))
    clock.now += KEPT_SECONDS / 2
    groups.forget_unused()
    assert (rows(db, "group_inbound"), rows(db, "group_indexes")) == (2, 3)  # not yet
    clock.now += 1
    groups.add(CHAT, RAVI, Sender().key())  # while messages of any age may wait
    assert (rows(db, "group_inbound"), rows(db, "group_indexes")) == (3, 3)
    groups.forget_unused()
    assert (rows(db, "group_inbound"), rows(db, "group_indexes")) == (2, 2)
    with pytest.raises(Undecryptable, match="not here yet"):
        groups.decrypt(CHAT, RAVI, "again", old.payload("again"))
    assert groups.decrypt(CHAT, RAVI, "last", used.payload("last")) == b"last"
    assert rows(db, "known_sessions") == 1


def test_it_is_kept_longer_than_its_sender_uses_it() -> None:
    assert SECONDS + DAY <= KEPT_SECONDS
