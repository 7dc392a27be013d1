"""The engine's Cipher: identities, ratchets and to-device messages of one device, over its store.

Nothing is kept in memory, so a failed transaction takes back all changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from client.core.cipher import (
    Chat,
    Claims,
    Draft,
    Found,
    Fresh,
    Opened,
    Outgoing,
    Sealing,
    Unreadable,
    Wants,
)
from client.core.frames import Message
from client.core.ids import hidden_id, is_shown, user_of
from client.crypto.account import AccountKeys
from client.crypto.entries import checked_claim
from client.crypto.envelope import Device
from client.crypto.groups import REPEATS, InboundGroups, OutboundGroups
from client.crypto.identities import Identities, KnownDevice
from client.crypto.opening import Opener
from client.crypto.sealing import Sealer, copied, envelope_of
from client.crypto.sessions import OlmSessions
from client.crypto.to_device import COPIES, ToDeviceMessage, ToDeviceQueue
from client.store import Store

# Tolerance, in seconds, between a message's time and a device's first appearance: both by the
# backend's clock, or both by this device's, never by one of each.
LEEWAY = 300.0


class Encryption:
    """`clock` gives epoch seconds."""

    def __init__(
        self, store: Store, account: AccountKeys, user: str, device: str, random: Random,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._store, self._clock, self._account = store, clock, account
        me = Device(f"{user}/{device}", account.ed25519)
        self.identities = Identities(store.db, me.name, clock)
        self._sessions = OlmSessions(store.db, store.vault, account)
        self._outbound = OutboundGroups(store.db, store.vault)
        self._to_device = ToDeviceQueue(store.db)
        with store.transaction():
            self._to_device.drop("sas")  # of comparisons that nobody knows of any more
        self._sealer = Sealer(me, self._sessions, self._outbound, lambda: hidden_id(random))
        self._inbound = InboundGroups(store.db, store.vault, clock)
        self._opener = Opener(
            me, self.identities, self._sessions, self._inbound, self._requested, store.attempt
        )

    def forget_unused(self) -> None:
        """Forgets what the messages of groups were sealed with, once the device has caught up."""
        with self._store.transaction():
            self._inbound.forget_unused()

    # -- texts

    def check(self, draft: Draft) -> None:
        self._sealer.check(draft.content)

    def wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants:
        missing = self._unknown(chat, fresh)
        if missing or chat.members is None:
            return missing
        blocked = self.identities.blocked_users(chat.members)
        if blocked:
            return Wants(blocked=blocked)
        receivers = self.identities.receivers(chat.members)
        needed = set(receivers)
        if chat.group:
            needed = self._outbound.lacking(chat.chat, _keys(receivers), self._clock())
        return Wants(claims=self._to_claim(chat.chat, needed, tried))

    def seal(self, draft: Draft, chat: Chat) -> Sealing:
        receivers = self.identities.receivers(chat.members or ())
        without = self._without_session(chat.chat, receivers)
        if chat.group:
            lacking = self._outbound.lacking(chat.chat, _keys(receivers), self._clock())
            reachable = [receivers[name] for name in sorted(lacking - without)]
            keys = self._share(chat.chat, reachable, _keys(receivers))
            if keys:
                return Sealing(keys, done=False)
            self.queue_copies(chat.chat, draft.message_id, lacking)
            hidden = not is_shown(draft.message_id)
            text = self._sealer.for_group(
                chat.chat, draft.message_id, draft.content, urgent=draft.urgent, hidden=hidden
            )
            return Sealing([text], done=True)
        self.queue_copies(chat.chat, draft.message_id, without)
        reachable = [receivers[name] for name in sorted(receivers.keys() - without)]
        return Sealing(self._to_each(draft, reachable), done=True)

    def users_with_unknown_devices(self, devices: Collection[str]) -> set[str]:
        users = {user_of(name) for name in devices}
        return {user_of(name) for name in set(devices) - self.identities.receivers(users).keys()}

    def queue_copies(self, chat: str, message_id: str, devices: Collection[str]) -> None:
        for device in sorted(devices):
            if not self._store.not_for(message_id, user_of(device)):
                self._to_device.add_copy(chat, device, message_id)

    def forget(self, devices: Collection[str]) -> None:
        for device in devices:
            self.identities.forget(device)  # its sessions stay, for what is under way from it

    def _to_each(self, draft: Draft, devices: Sequence[KnownDevice]) -> list[Outgoing]:
        """One frame, if they fit; else the rest gets it as a copy, beside the first part."""
        fields = copied(draft.message_id, draft.content, self._clock())
        hidden = not is_shown(draft.message_id)
        first, *rest = self._sealer.parts(draft.chat, devices, "copy", fields) or [[]]
        seal = partial(self._sealer.for_devices, draft.chat, urgent=draft.urgent, hidden=hidden)
        text = seal(first, *envelope_of(draft.content), draft.message_id)
        copies = [seal(part, "copy", fields) for part in rest]
        return [text, *copies]

    def _share(
        self, chat: str, devices: Sequence[KnownDevice], everybody: Mapping[str, str]
    ) -> list[Outgoing]:
        """The key of the session for the next text; makes the session."""
        session_id, key = self._outbound.key(chat, everybody, self._clock())
        fields = {"session_id": session_id, "key": key}
        for device in devices:
            self._outbound.shared(chat, device.name, device.ed25519)
        return [
            self._sealer.for_devices(chat, part, "room_key", fields)
            for part in self._sealer.parts(chat, devices, "room_key", fields)
        ]

    # -- what single devices get

    def devices_to_send_to(self) -> dict[str, set[str]]:
        return self._to_device.devices()

    def to_device_wants(self, chat: Chat, fresh: Fresh, tried: Container[str]) -> Wants:
        devices = {message.device for message in self._due(chat)}
        users = frozenset(user_of(name) for name in devices)
        if chat.members is None:
            return Wants(members=True)
        stale = frozenset(user for user in users & chat.members if not fresh(user))
        if stale:
            return Wants(lists=stale)
        reachable = devices & self.identities.receivers(users & chat.members).keys()
        return Wants(claims=self._to_claim(chat.chat, reachable, tried))

    def _due(self, chat: Chat) -> list[ToDeviceMessage]:
        """No texts to users whose changed identity is not accepted, whichever device it is."""
        blocked = self.identities.blocked_users(chat.members or ())
        return [
            message
            for message in self._to_device.of(chat.chat)
            if message.kind != "copy" or user_of(message.device) not in blocked
        ]

    def seal_to_device(self, chat: Chat) -> list[Outgoing]:
        members = chat.members or frozenset()
        receivers = self.identities.receivers(members)
        frames = []
        for message in self._due(chat):
            device = receivers.get(message.device)
            if device is None:
                if not self.identities.blocked(message.device):
                    self._to_device.done(message)  # removed, or its user has left
            elif (chat.chat, device.name) in self._sessions:
                self._to_device.done(message)
                frames += self._run(chat, message, device)
        return frames

    def renew(self, chat: str) -> bool:
        old = [self.identities.trusted(name) for name in self._sessions.devices(chat)]
        for device in old:
            if device is not None:
                self._sessions.retire(device, chat)
        self._outbound.drop(chat)
        return bool(old)

    def leave(self, chat: str) -> None:
        for message in self._to_device.of(chat):
            self._to_device.done(message)

    def queue_to_device(self, chat: str, device: str, kind: str, fields: Mapping[str, Any]) -> None:
        self._to_device.add(chat, device, kind, fields)

    def registered(self, device: str) -> bool:
        return self.identities.registered(device)

    def reachable(self, device: str) -> bool:
        return device in self.identities.receivers({user_of(device)})

    def ask(self, chat: str, device: str, message_ids: Sequence[str]) -> Outgoing:
        receiver = self.identities.receivers({user_of(device)})[device]
        fields: dict[str, Any] = {"of": list(message_ids)}
        for payload in self._store.payloads(chat, device, message_ids, REPEATS):
            fields["repeats"] = payload.partition(".")[0]
        return self._sealer.for_devices(chat, [receiver], "request", fields, newest=True)

    def _run(self, place: Chat, message: ToDeviceMessage, device: KnownDevice) -> list[Outgoing]:
        """A copy is shown to phones only where the text itself had no payload for the device."""
        chat, fields = place.chat, message.fields
        hidden = message.kind != "copy" or place.group or bool(fields.get("asked"))
        if message.kind == "copy":
            own = self._store.own_text(chat, fields["of"])
            if own is None:
                return []
            self._to_device.copied(chat, fields["of"], device.name)
            sent_at = own.sent_at if own.sent_at is not None else self._clock()
            hidden = hidden or not is_shown(fields["of"])
            fields = copied(fields["of"], own.content, sent_at)
        return [self._sealer.for_devices(chat, [device], message.kind, fields, hidden=hidden)]

    def _requested(
        self, chat: str, device: str, message_ids: list[str], repeats: str | None
    ) -> None:
        """The device could not read these texts of this one, and perhaps lacks the group's key."""
        self._outbound.share_again(chat, device)
        if repeats is not None:  # this store was restored from an older copy
            self._outbound.drop(chat, repeats)
        user = user_of(device)
        after = self._store.member_after(chat, user)
        since = self.identities.trusted_since(device)
        if after is None or since is None:
            return
        for message_id in message_ids:
            own = self._store.own_text(chat, message_id)
            if own is None or own.seq is None or own.accepted_at is None:
                continue  # not this device's, or not accepted
            if own.seq <= after or own.accepted_at < since - LEEWAY:
                continue  # from before the user came, or the device
            if self._store.not_for(message_id, user):
                continue  # sealed before, and accepted after
            if self._to_device.copies(chat, message_id, device) < COPIES:
                self._to_device.add_copy(chat, device, message_id, asked=True)

    # -- the directory's responses

    def learn(self, user: str, found: Mapping[str, Any], former: Sequence[Any] = ()) -> Found:
        return self.identities.learn(user, found, former)

    def claimed(self, request: Claims, found: Mapping[str, Any]) -> set[str]:
        receivers = self.identities.receivers({user_of(name) for name in request.devices})
        begun = set()
        for name in sorted(request.devices):
            device = receivers.get(name)
            if device is None or name not in found:
                continue
            key = checked_claim(device.user, device.device, device.ed25519, found[name])
            if key is not None and self._begin(request.chat, device, key):
                begun.add(name)
        return begun

    def _begin(self, chat: str, device: KnownDevice, key: str) -> bool:
        try:
            self._sessions.start(chat, device, key)
        except ValueError:  # signed, and not a valid key
            return False
        return True

    def accept(self, user: str, keys: Mapping[str, str]) -> bool:
        for former in self.identities.accept(user, keys):
            self._sessions.retire(former)
        return not self.identities.blocked_users({user})

    def compared(self, user: str, keys: Mapping[str, str]) -> bool:
        devices = self.identities.devices(user)
        if {device.device: device.ed25519 for device in devices} != keys:
            return False
        self.accept(user, keys)
        for device, key in keys.items():
            self.identities.verify(user, device, key)
        return True

    # -- messages that arrive

    def knows(self, message: Message) -> bool:
        return self._foreign(message) or self._opener.knows(message)

    def open(self, message: Message) -> Opened:
        if self._foreign(message):
            return Unreadable("its sender is not in this chat")
        opened = self._opener.open(message)
        if (
            isinstance(opened, Unreadable)
            and message.sent_at < self._account.registered_at - LEEWAY
        ):
            return replace(opened, ask=False)  # nobody wrote it for this device
        return opened

    def _foreign(self, message: Message) -> bool:
        """Whether the sender is none of the two members of a direct chat, whatever the server
        reports.
        """
        pair = self._store.pair(message.chat)
        return pair is not None and message.sender not in pair

    # -- small

    def _unknown(self, chat: Chat, fresh: Fresh) -> Wants:
        if chat.members is None:
            return Wants(members=True)
        return Wants(lists=frozenset(user for user in chat.members if not fresh(user)))

    def _to_claim(
        self, chat: str, devices: Collection[str], tried: Container[str]
    ) -> frozenset[str]:
        wanted = self._without_session(chat, devices)
        return frozenset(name for name in wanted if name not in tried)

    def _without_session(self, chat: str, devices: Collection[str]) -> frozenset[str]:
        return frozenset(name for name in devices if (chat, name) not in self._sessions)


def _keys(devices: Mapping[str, KnownDevice]) -> dict[str, str]:
    return {name: device.ed25519 for name, device in devices.items()}
