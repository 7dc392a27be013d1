"""What a schedule of the ratchets' model works on: devices over the backend in memory, what was
written, what each device knew, and what must be true.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any

from client.core.events import MessageReceived
from client.core.frames import Message
from client.core.ids import is_shown, user_of
from lambdas.attribute_values import from_wire
from lambdas.tables import seq_of
from lambdas.telemetry import metrics
from tests.model.ratchet_device import RatchetDevice
from tests.support.backend.clock import EPOCH
from tests.support.backend.people import People

USERS = ("ravi", "raju", "mira", "anna")
# Why a text may have to wait for a copy: it was sealed before its sender knew the device.
REASONS = {
    "its sender did not know this device",
    "its key is not here yet",
    "its key is newer, or does not open it",
}
JOINED_WITHIN, MADE_WITHIN = 60.0, 300.0  # seconds


class Text:
    """What somebody wrote, and what was true when it was sealed and when it was stored."""

    def __init__(self, chat: str, author: RatchetDevice, text: str) -> None:
        self.chat, self.author, self.text = chat, author, text
        self.known_members: frozenset[str] | None = None  # to the author, when it was sealed
        self.sealed_at = math.inf
        self.before: set[str] = set()  # users whom the author has added since it was sealed
        # when it was stored
        self.entitled: set[RatchetDevice] = set()
        self.members: set[str] = set()
        self.seq: int | None = None
        self.accepted_at: float | None = None  # when the author heard of that


class RatchetWorld:
    """The devices, what was written, and who got to know what, when."""

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        metrics.clear_metrics()
        self.backend = People()
        self.devices: list[RatchetDevice] = []
        self.gone: list[RatchetDevice] = []
        self.texts: dict[str, Text] = {}
        self.stored: list[dict[str, Any]] = []
        self.doubtful: set[str] = set()  # devices that were removed, made anew, or restored
        self.restored: set[RatchetDevice] = set()
        self.shown_before: set[tuple[RatchetDevice, str]] = set()  # in a store that is no more
        self.lost: set[str] = set()  # texts that their authors have no more
        self.sealed: set[str] = set()
        # when a device got to know that a user is in the group
        self.met: dict[RatchetDevice, dict[str, float]] = {}
        self.met_before: dict[tuple[RatchetDevice, str], list[float]] = {}  # and who left since
        self.left: dict[tuple[RatchetDevice, str], float] = {}  # when it got to know that
        self.backend.aws.database.listeners.append(self._stored)
        for user in USERS:
            self.backend.sign_up(user)
            self._install(user, "phone")
        self.direct = self.backend.direct("ravi", "raju")
        self.group = self.backend.group("ravi", "raju", "mira")
        self.chats = (self.direct, self.group)

    def teardown(self) -> None:
        for device in [*self.devices, *self.gone]:
            device.db.close()
        logging.disable(logging.NOTSET)
        metrics.clear_metrics()

    # -- seen from outside

    def _stored(self, table: str, old: Any, new: Any) -> None:
        item = from_wire(new) if new else {}
        if table != "Chats" or old or not str(item.get("item")).startswith("message#"):
            return
        if item.get("void"):
            return
        self.stored.append(item)
        text = self.texts.get(item["message_id"])
        if text is not None and text.seq is None:
            text.seq = seq_of(item)
            text.members = self.backend.members(item["chat"])
            text.entitled = {device for device in self.devices if device.user in text.members}

    def _look(self) -> None:
        """Notes what has just become known to whom."""
        for device in self.devices:
            known, met = device.store.members(self.group), self.met.setdefault(device, {})
            for user in known:
                met.setdefault(user, self.backend.now)
            for user in met.keys() - known:
                self.met_before.setdefault((device, user), []).append(met.pop(user))
                self.left[device, user] = self.backend.now
            self._sealed(device)
        for name, text in self.texts.items():
            if text.author in self.devices and text.accepted_at is None and text.seq is not None:
                own = text.author.store.own(name)
                text.accepted_at = self.backend.now if own and own.seq else None

    def _sealed(self, device: RatchetDevice) -> None:
        """What has just been sealed, by what its author knew of members and devices."""
        for name, frame in device.db.execute("SELECT message_id, frame FROM outbox").fetchall():
            if name in self.sealed:
                continue
            self.sealed.add(name)
            for other in json.loads(frame).get("to", ()):
                _, listed = device.listed.get(user_of(other), (0, {other}))
                assert other in listed, f"{device.address} seals for {other}, which is removed"
            text = self.texts.get(name)
            if text is not None:
                reported = device.listed_members.get(text.chat)
                text.known_members = reported or frozenset(device.store.members(text.chat))
                text.sealed_at = self.backend.now

    def _install(self, user: str, name: str) -> RatchetDevice:
        device = RatchetDevice(user, name, self.backend)
        self.devices.append(device)
        device.connect()
        return device

    def _device(self, who: int) -> RatchetDevice:
        return self.devices[who % len(self.devices)]

    def _travel_all(self) -> None:
        for _ in range(2_000):
            for device in self.devices:
                if not device.online:
                    device.connect()
                while device.answers:
                    device.hear()
                while device.wanted:
                    device.fetch()
                while device.up:
                    device.handled()
                while device.flights:
                    device.take(device.deliverable()[0])
                self._look()
            if not any(device.busy() for device in self.devices):
                return
        raise AssertionError("it never came to rest")

    def everybody_reads_what_is_theirs(self) -> None:
        for name, text in self.texts.items():
            if text.seq is None or name in self.lost:
                continue
            for device in self.devices:
                if (device, name) in self.shown_before:
                    continue  # it may have been purged since
                stayed = {device.user, text.author.user} <= self._stayed(text)
                entitled = device in text.entitled and stayed  # who has left answers nobody
                if not entitled or text.author not in self.devices:
                    continue  # who is removed answers nobody
                if self._met_too_late(text, device):
                    continue
                shown = {m.message_id: m.text for m in device.store.history(text.chat, 10_000)}
                assert shown.get(name) == text.text, (
                    f"{device.address} can't read {text.text!r} at {text.seq}: "
                    f"{shown.get(name, 'not there')}; {device.trouble(text.chat)}"
                )

    def _met_too_late(self, text: Text, device: RatchetDevice) -> bool:
        """Nobody is sent again what is much older than the author's knowing of user or device."""
        author, user = text.author, device.user
        identities = author.encryption.identities
        since = identities.trusted_since(device.address)
        known = identities.trusted(device.address)
        if text.accepted_at is None or since is None or known is None:
            return True
        if known.ed25519 != device.account.ed25519:
            return True  # the news of its keys was lost, and no list was asked for since
        if since - EPOCH > text.accepted_at + MADE_WITHIN:
            return True
        if text.chat != self.group or user in (text.known_members or ()):
            return False
        if author in self.restored:
            return True  # it has forgotten when it met the user
        met = self.met[author].get(user, math.inf)
        return met > text.accepted_at + JOINED_WITHIN or user in text.before

    def nobody_is_sent_what_was_before(self) -> None:
        """What a device shows was sealed for its user, or its user came within a minute."""
        for device in self.devices:
            for chat in self.chats:
                for message in device.store.history(chat, 10_000):
                    text = self.texts[message.message_id]
                    if message.text is None or text.author is device or text.accepted_at is None:
                        continue
                    if text.author in self.restored:
                        continue  # it has forgotten whom it added, and when it met whom
                    said = f"{device.address} was sent {text.text!r}, "
                    late = device.registered_at - text.accepted_at
                    assert late <= MADE_WITHIN, f"{said}and was made {late} s after it"
                    added = device.user in text.before
                    assert not added, f"{said}and its author added the user later"
                    if device.user in text.members | (text.known_members or frozenset()):
                        continue
                    met = [self.met[text.author].get(device.user, math.inf)]
                    met += self.met_before.get((text.author, device.user), [])
                    late = min(met) - text.accepted_at
                    assert late <= JOINED_WITHIN, f"{said}and came {late} s after it"

    def _stayed(self, text: Text) -> set[str]:
        """Members now who have been in the chat since before the text."""
        members = self.backend.members(text.chat)
        joined = {user: self.backend.joined(text.chat, user) for user in members}
        return {user for user, seq in joined.items() if text.seq and seq < text.seq}

    def nobody_else_could(self) -> None:
        """Not even if the server showed it to them."""
        for item in self.stored:
            text = self.texts.get(item["message_id"])
            if text is None or item["alg"] != "megolm.v1" or text.known_members is None:
                continue
            sender, device_name = item["sender"], item["sender_device"]
            message = Message(
                item["chat"], seq_of(item), item["message_id"], sender, device_name,
                item["sent_at"] / 1000, item["alg"], item["payload"],
            )  # fmt: skip
            for device in [*self.devices, *self.gone]:
                if device.user not in text.known_members:
                    assert not device.could_open(message), (
                        f"{device.address} could read {text.text!r}, and is not in the chat"
                    )

    # -- always

    def nothing_is_shown_twice_wrong_or_out_of_order(self) -> None:
        for device in self.devices:
            readable = device.readable()
            assert len(readable) == len(set(readable)), f"{device.address} was notified twice"
            for event in device.reported(MessageReceived):
                sender = f"{event.sender}/{event.sender_device}"
                forgiven = sender in self.doubtful or device.address in self.doubtful
                assert event.text is not None or event.reason in REASONS or forgiven, (
                    f"{device.address} got what it can't open: {event}"
                )
            for chat in self.chats:
                self._check(device, chat)

    def _check(self, device: RatchetDevice, chat: str) -> None:
        shown = device.store.history(chat, 10_000)
        places = [message.seq for message in shown if message.seq is not None]
        assert places == sorted(set(places)), f"{device.address} shows {chat} out of order"
        for message in shown:
            assert is_shown(message.message_id), f"{device.address} shows {message}"
            if message.text is not None:
                text = self.texts[message.message_id]
                assert (message.text, chat) == (text.text, text.chat), "not what was written"
