"""Encrypting and decrypting as the Python client does it: ratchets, envelope, and the transaction.

Two devices in one process with stores on disk, so each message is one committed SQLite transaction
on either side, as it is in a client. What a network would add is left out.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from bench.table import Row
from client.core.cipher import Chat, Claims, Draft, Outgoing, Text, Unreadable
from client.core.content import text_content
from client.core.frames import Message, encode, send
from client.core.ids import ulid
from client.crypto.account import AccountKeys
from client.crypto.encryption import Encryption
from client.store import Store

MESSAGES = 300
CHAT = "Qn3jv0dXzq0Yk1mE8a2b9w"
TEXTS = {"a short text (20 bytes)": "x" * 20, "1 KB": "x" * 1_000, "10 KB": "x" * 10_000}
KINDS = {"Olm": False, "Megolm": True}


def rows() -> list[Row]:
    found: list[Row] = []
    for kind, group in KINDS.items():
        with _pair(group) as (ravi, raju):
            found += _speed(kind, ravi, raju)
        for what, text in TEXTS.items():
            with _pair(group) as (ravi, raju):
                found.append(_overhead(kind, what, text, ravi, raju))
    return found


class _Device:
    def __init__(self, directory: Path, user: str, group: bool) -> None:
        self.user = user
        self.store = Store.open(directory / f"{user}.sqlite", user, "phone")
        self.account = AccountKeys(self.store, user, "phone")
        self._random = Random(user)
        self.encryption = Encryption(
            self.store, self.account, user, "phone", self._random, time.time
        )
        self._chat = Chat(CHAT, group, frozenset({"ravi", "raju"}))

    def published(self) -> dict[str, Any]:
        return self.account.registration()

    def claimed(self) -> dict[str, Any]:
        keys = self.account.upload(0)["one_time_keys"]
        id_, key = next(iter(keys.items()))
        return {"id": id_, **key, "fallback": False}

    def knows(self, other: "_Device") -> None:
        with self.store.transaction():
            self.encryption.learn(other.user, {"phone": other.published()})

    def begins_with(self, other: "_Device") -> None:
        name = f"{other.user}/phone"
        with self.store.transaction():
            self.encryption.claimed(Claims(1, CHAT, (name,)), {name: other.claimed()})

    def seals(self, text: str) -> list[Outgoing]:
        """The frames of a text, a key in front of it if there is one."""
        frames: list[Outgoing] = []
        with self.store.transaction():
            draft = Draft(ulid(int(time.time() * 1000), self._random), CHAT, text_content(text))
            done = False
            while not done:
                sealing = self.encryption.seal(draft, self._chat)
                frames += sealing.frames
                done = sealing.done
        return frames

    def opens(self, sender: "_Device", frame: Outgoing) -> object:
        payload = (
            frame.payloads
            if isinstance(frame.payloads, str)
            else frame.payloads.get(f"{self.user}/phone")
        )
        message = Message(CHAT, 1, frame.message_id, sender.user, "phone", 0.0, frame.alg, payload)
        with self.store.transaction():
            return self.encryption.open(message)


@contextmanager
def _pair(group: bool) -> Iterator[tuple[_Device, _Device]]:
    """Two devices that have heard each other: what is measured is the middle of a conversation."""
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as directory:
        ravi, raju = (_Device(Path(directory), user, group) for user in ("ravi", "raju"))
        ravi.knows(raju)
        raju.knows(ravi)
        ravi.begins_with(raju)
        for sender, receiver in ((ravi, raju), (raju, ravi)):
            for frame in sender.seals("hello"):
                receiver.opens(sender, frame)
        try:
            yield ravi, raju
        finally:
            ravi.store.close()
            raju.store.close()


def _speed(kind: str, ravi: _Device, raju: _Device) -> list[Row]:
    sealed: list[Outgoing] = []
    encrypting = _per_second(lambda: sealed.extend(ravi.seals("How are you?")))
    opened: list[object] = []
    waiting = iter(sealed)  # a few keys are among them: a group's session is left after 100
    decrypting = _per_second(lambda: opened.append(raju.opens(ravi, next(waiting))))
    unread = [one for one in opened if isinstance(one, Unreadable)]
    if unread:
        raise RuntimeError(f"not opened: {unread[0]}")
    return [
        Row(f"{kind}: encrypted, with its transaction", f"{encrypting:,.0f} a second"),
        Row(f"{kind}: decrypted, with its transaction", f"{decrypting:,.0f} a second"),
    ]


def _per_second(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(MESSAGES):
        act()
    return MESSAGES / (time.perf_counter() - started)


def _overhead(kind: str, what: str, text: str, ravi: _Device, raju: _Device) -> Row:
    """Bytes of the `send` frame beside the text, to one device."""
    *_, frame = ravi.seals(text)
    if raju.opens(ravi, frame) != Text(text_content(text)):
        raise RuntimeError(f"{what} was not opened")
    size = len(encode(send(frame.message_id, CHAT, frame.alg, frame.payloads)).encode())
    more = size - len(text)
    return Row(f"{kind}: a frame for {what}", f"{size:,} bytes, {more:,} beside the text")
