"""Ratchet state at rest: encrypted, in one transaction with its message, never half of either."""

from __future__ import annotations

import base64
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from vodozemac import Account

from client.core.content import text_content
from client.core.engine import Engine
from client.core.frames import encode
from client.core.parsing import parse
from client.core.step import Step
from client.crypto.account import AccountKeys
from client.crypto.sessions import OlmSessions
from client.errors import StoreError
from client.store import Store
from client.store.vault import KEY_BYTES, Vault, from_passphrase
from tests.client.crypto.scene import Device, Scene

RAVI, RAJU, MIRA = "ravi/phone", "raju/phone", "mira/phone"


def opened(path: Path, passphrase: str | None = None) -> tuple[Store, AccountKeys]:
    store = Store.open(path, "ravi", "phone", passphrase)
    return store, AccountKeys(store, "ravi", "phone")


# -- the key of a store


def test_the_key_lies_beside_the_store_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    store, _ = opened(tmp_path / "s.sqlite")
    store.close()
    key = tmp_path / "s.key"
    assert len(key.read_bytes()) == KEY_BYTES
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_store_without_its_key_is_not_opened_and_not_overwritten(tmp_path: Path) -> None:
    store, keys = opened(tmp_path / "s.sqlite")
    identity = keys.ed25519
    store.close()
    key = (tmp_path / "s.key").read_bytes()
    (tmp_path / "s.key").unlink()
    with pytest.raises(StoreError, match=r"can't be read"):
        opened(tmp_path / "s.sqlite")
    for wrong, why in ((b"x" * KEY_BYTES, "not the one"), (b"short", "holds no key")):
        (tmp_path / "s.key").write_bytes(wrong)
        with pytest.raises(StoreError, match=why):
            opened(tmp_path / "s.sqlite")
    (tmp_path / "s.key").write_bytes(key)
    store, keys = opened(tmp_path / "s.sqlite")
    assert keys.ed25519 == identity
    store.close()


def test_a_passphrase_takes_the_place_of_the_key_file(tmp_path: Path) -> None:
    store, keys = opened(tmp_path / "s.sqlite", "correct horse")
    identity = keys.ed25519
    store.close()
    assert not (tmp_path / "s.key").exists()
    for wrong, why in (("battery staple", "not the one"), (None, "under a passphrase")):
        with pytest.raises(StoreError, match=why):
            opened(tmp_path / "s.sqlite", wrong)
    store, keys = opened(tmp_path / "s.sqlite", "correct horse")
    assert keys.ed25519 == identity
    store.close()


def test_a_passphrase_is_one_in_composed_and_decomposed_form() -> None:
    def proof(typed: str) -> str:
        return from_passphrase(typed, b"s" * 16).proof()

    composed = proof("caf\u00e9 noir")
    assert proof("cafe\u0301 noir") == composed == proof("cafe\u0301\u00a0noir")
    assert proof("cafe noir") != composed


def test_a_passphrase_for_a_store_with_a_key_file_is_rejected_not_ignored(tmp_path: Path) -> None:
    store, _ = opened(tmp_path / "s.sqlite")
    store.close()
    with pytest.raises(StoreError, match="made with a key file"):
        opened(tmp_path / "s.sqlite", "correct horse")
    store, _ = opened(tmp_path / "s.sqlite")
    store.close()


def test_a_store_of_the_client_without_encryption_is_rejected_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE session (only INTEGER)")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with pytest.raises(StoreError, match="without encryption"):
        Store.open(path, "ravi", "phone")


def test_a_pickle_opens_in_its_own_place_and_with_its_own_key_only() -> None:
    vault = Vault(b"k" * KEY_BYTES)
    account = Account()
    locked = vault.lock(account, "account")
    same = vault.unlock(Account.from_pickle, locked, "account")
    assert same.ed25519_key.to_base64() == account.ed25519_key.to_base64()
    assert vault.lock(account, "account") != locked  # another salt, another key each time
    with pytest.raises(StoreError):
        vault.unlock(Account.from_pickle, locked, "elsewhere")
    with pytest.raises(StoreError):
        Vault(b"x" * KEY_BYTES).unlock(Account.from_pickle, locked, "account")
    with pytest.raises(StoreError):
        vault.unlock(Account.from_pickle, locked[:-8] + "AAAAAAAA", "account")
    assert from_passphrase("a", b"s" * 16).proof() != from_passphrase("a", b"t" * 16).proof()


def test_no_private_key_stands_in_the_file(tmp_path: Path) -> None:
    store, _ = opened(tmp_path / "s.sqlite")
    (locked,) = store.db.execute("SELECT pickle FROM account").fetchone()
    key = (tmp_path / "s.key").read_bytes()
    store.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("s.sqlite*"))
    assert key not in stored
    assert base64.b64encode(key) not in stored
    assert key.hex().encode() not in stored
    assert b"signing_key" not in base64.b64decode(locked.partition(".")[2] + "==")


# -- one transaction


class Crash(Exception):
    pass


def receives(device: Device, engine: Engine, step: Step) -> None:
    frame = parse(encode(device.down[0]))
    assert frame is not None
    engine.received(step, frame)


def state(device: Device) -> list[Any]:
    """All that the device knows, byte by byte."""
    return list(device.db.iterdump())


@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_crash_while_a_message_is_opened_takes_back_ratchet_and_message_together(
    kind: str,
) -> None:
    scene = Scene(RAVI, RAJU, MIRA)
    chat = scene.direct("ravi", "raju") if kind == "direct" else scene.group("ravi", "raju", "mira")
    scene[RAVI].send(chat, "first")
    scene.settle()
    scene[RAVI].send(chat, "second")
    for _ in range(3):
        while scene[RAVI].up:
            scene[RAVI].handled()
    raju = scene[RAJU]
    before = state(raju)

    def crash(engine: Engine, step: Step) -> None:
        receives(raju, engine, step)
        assert [m.text for m in raju.store.history(chat)] == ["first", "second"]
        raise Crash

    with pytest.raises(Crash):
        raju.step(crash)
    assert state(raju) == before
    raju.crash()
    raju.connect()
    scene.settle()
    assert raju.texts(chat) == ["first", "second"]
    scene.close()


def test_a_crash_while_a_text_is_sealed_leaves_it_unsealed() -> None:
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "first")
    scene.settle()
    ravi = scene[RAVI]
    before = state(ravi)

    def crash(engine: Engine, step: Step) -> None:
        engine.send(step, "0" * 26, chat, text_content("second"))
        assert ravi.store.queued()
        raise Crash

    with pytest.raises(Crash):
        ravi.step(crash)
    assert state(ravi) == before
    scene.close()


def test_what_an_attempt_took_back_is_gone_and_what_was_before_it_stays() -> None:
    store = Store.open(":memory:", "ravi", "phone")
    with store.transaction():
        store.open_chat("before")
        with pytest.raises(Crash), store.attempt():
            store.open_chat("inside")
            raise Crash
        with store.attempt():
            store.open_chat("after")
    assert [position.chat for position in store.read_positions()] == ["before", "after"]
    store.close()


def test_what_a_failed_transaction_took_back_is_not_remembered() -> None:
    """No ratchet lives in memory: the next transaction reads what is on disk."""
    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "first")
    scene.settle()
    ravi = scene[RAVI]
    sealed = []
    for _ in range(2):
        with pytest.raises(Crash), ravi.store.transaction():
            device = ravi.encryption.identities.trusted(RAJU)
            assert device is not None
            sealed.append(ravi.encryption._sessions.encrypt(chat, RAJU, b"x" * 64))
            raise Crash
    ratchet_key = [base64.b64decode(each[2:] + "==")[:60] for each in sealed]
    assert ratchet_key[0] == ratchet_key[1]  # the same key of the same chain, for nothing was sent
    scene.close()


def test_state_saved_outside_the_transaction_loses_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the tests above would miss if a ratchet were kept beside the store."""
    kept: dict[tuple[object, str], Any] = {}
    real_save, real_try = OlmSessions._save, OlmSessions._try

    def remember(self: OlmSessions, session: Any, *, heard: bool) -> None:
        place = self._vault, session.session_id
        kept[place] = self._vault.lock(session, session.session_id)
        real_save(self, session, heard=heard)

    def recall(self: OlmSessions, session_id: str, message: Any) -> bytes | None:
        if (self._vault, session_id) in kept:
            self._db.execute(
                "UPDATE olm_sessions SET pickle = ? WHERE session_id = ?",
                (kept[self._vault, session_id], session_id),
            )
        return real_try(self, session_id, message)

    scene = Scene(RAVI, RAJU)
    chat = scene.direct("ravi", "raju")
    scene[RAVI].send(chat, "first")
    scene.settle()
    monkeypatch.setattr(OlmSessions, "_save", remember)
    monkeypatch.setattr(OlmSessions, "_try", recall)
    scene[RAVI].send(chat, "second")
    scene[RAVI].handled()
    raju = scene[RAJU]

    def crash(engine: Engine, step: Step) -> None:
        receives(raju, engine, step)
        raise Crash

    with pytest.raises(Crash):
        raju.step(crash)
    raju.crash()
    raju.connect()
    scene.settle()
    assert raju.texts(chat) == ["first", None]
    scene.close()


@pytest.mark.slow
def test_a_failed_opening_leaves_the_store_free(tmp_path: Path) -> None:
    store, _ = opened(tmp_path / "s.sqlite", "right")
    store.close()
    for _ in range(3):
        with pytest.raises(StoreError):
            opened(tmp_path / "s.sqlite", "wrong")
    store, _ = opened(tmp_path / "s.sqlite", "right")
    store.close()
