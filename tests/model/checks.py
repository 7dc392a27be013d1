"""What must be true of a schedule, seen from outside: by each write, and at rest."""

from dataclasses import dataclass
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.frames import Frame
from lambdas.messages import log
from lambdas.tables import seq_of
from tests.model.device import TTL_SECONDS, Device, Identity
from tests.model.expressions import Item
from tests.model.gateway import Socket
from tests.model.world import SKEW_SECONDS, World


class Violation(AssertionError):
    """Something that must never happen did."""


@dataclass(frozen=True)
class Stored:
    """A message as it came into the log, and the devices that have a right to it."""

    chat: str
    seq: int
    identity: Identity
    members: frozenset[str]  # when its position was taken
    entitled: frozenset[tuple[str, str, int]]  # user, device, joined_seq of the user
    item: dict[str, Any]
    number: int  # when, in the order of what happens in the world

    def is_for(self, user: str) -> bool:
        return user in self.members and user not in self.item.get("hidden_from", ())


class Checks:
    """Listens to the tables of a world and keeps what it saw."""

    def __init__(self, world: World, devices: list[Device]) -> None:
        self._world = world
        self._devices = devices
        self.stored: dict[tuple[str, int], Stored] = {}
        self._problems: list[str] = []
        self._joined: dict[str, dict[str, int]] = {}
        self._recipients: dict[tuple[str, int], frozenset[str]] = {}
        self.hidden: dict[tuple[str, int], frozenset[str]] = {}  # from whom, by strangers.py
        world.database.listeners.append(self._on_write)
        world.on_close = self._on_close

    def problems(self, *others: list[str]) -> None:
        """Raises Violation for what was seen since, also by others."""
        found = [*self._problems, *(each for other in others for each in other)]
        if found:
            raise Violation("; ".join(found))

    # -- at each write

    def _on_write(self, table: str, old: Item | None, new: Item | None) -> None:
        if table != "Chats" or not (old or new):  # what is not there may be deleted
            return
        self._joined.clear()
        before = from_wire(old) if old else None
        after = from_wire(new) if new else None
        kind = (after or before or {})["item"].split("#")[0]
        if kind == "message":
            self._on_message(before, after)
        elif kind == "member" and before and after:
            self._on_marks(before, after)
        elif kind == "head" and before and after:
            self._on_head(before, after)

    def _on_head(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        if new["seq"] > old["seq"]:
            self._recipients[new["chat"], new["seq"]] = frozenset(new["members"])
        if new["purged_to"] < old["purged_to"] or new["seq"] < old["seq"]:
            self._problems.append(f"a head moved back: {old} {new}")

    def _on_message(self, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        if old is not None and new is not None and old != new:
            self._problems.append(f"a position was written twice: {old} {new}")
        elif old is None and new is not None and not new.get("void"):
            self._on_stored(new)
        elif old is not None and new is None and not old.get("void"):
            self._on_deleted(self.stored[old["chat"], seq_of(old)])

    def _on_stored(self, item: dict[str, Any]) -> None:
        seq = seq_of(item)
        identity = (item["sender"], item["sender_device"], item["message_id"])
        recipients = self._recipients[item["chat"], seq]
        hidden = frozenset(item.get("hidden_from", ()))
        if not self.hidden.get((item["chat"], seq), frozenset()) <= hidden:
            self._problems.append(f"a block hides this from nobody: {item}")
        entitled = frozenset(
            (user, device, joined)
            for user, joined in self.members(item["chat"]).items()
            if user not in hidden
            for device in self.registered(user)
            if joined < seq
        )
        if item["sender"] not in recipients:
            self._problems.append(f"{item['sender']} is no member, and wrote {item}")
        number = self._world.number()
        stored = Stored(item["chat"], seq, identity, recipients, entitled, item, number)
        self.stored[item["chat"], seq] = stored
        for device in self._devices:
            if self.is_entitled(device, stored) and device.watermark.get(stored.chat, 0) >= seq:
                self._problems.append(f"{device.address} has passed {stored} before it was stored")

    def _on_deleted(self, stored: Stored) -> None:
        """By a purge. It waits for no device that has not been seen while messages live."""
        if self._world.stream.by_ttl:
            return
        unseen = self._world.now - TTL_SECONDS + SKEW_SECONDS
        for device in self._devices:
            if device.removed_by or device.seen_at < unseen or self.is_expired(stored):
                continue
            if self.is_entitled(device, stored) and device.reached(stored.chat) < stored.seq:
                self._problems.append(f"{stored} was deleted, and {device.address} lacks it")

    def _on_marks(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        if old["joined_seq"] != new["joined_seq"]:
            return  # left, and joined again
        marks = new["delivered"]
        back = [name for name, mark in old["delivered"].items() if marks.get(name, mark) < mark]
        if log.delivered(new) < log.delivered(old) or back or new["read"] < old["read"]:
            self._problems.append(f"a watermark moved back: {old} {new}")

    def _on_close(self, socket: Socket) -> None:
        """The backend closes what was overtaken or removed, and never a connection in use."""
        if socket.state == "open" and socket.client_is_there:
            for device in self._devices:
                if device.attempt is socket and not device.removed_by:
                    self._problems.append(f"{device.address} was cut off: it has no lease")

    def on_response(self, device: Device, frame: Frame) -> None:
        """Also if the device never gets it."""
        if frame["type"] == "accepted":
            stored = self.stored.get((frame["chat"], frame["seq"]))
            identity = (device.user, device.name, frame["message_id"])
            if stored is None or stored.identity != identity:
                self._problems.append(f"{identity} was accepted, and is not stored: {frame}")

    # -- at rest

    def leases(self) -> None:
        """Who has an open connection is known to be reachable on it."""
        for device in self._devices:
            if device.connected() and device.socket is not None:
                entry = self.registered(device.user)[device.name]
                if entry.get("connection_id") != device.socket.connection_id:
                    raise Violation(f"{device.address} is connected, and has no lease: {entry}")

    def everybody_connected_has_everything(self) -> None:
        """What was lost was repeated by the delivery watch, before anybody connects again."""
        for device in self._devices:
            if device.connected() and device.socket and device.socket.client_is_there:
                for stored in self.stored.values():
                    own = stored.identity[:2] == (device.user, device.name)
                    lacks = self.is_entitled(device, stored) and not self._has(device, stored)
                    if lacks and not own:
                        raise Violation(
                            f"{device.address} never showed {stored}, and was not nudged"
                        )

    def everything_arrived(self) -> None:
        """Everything stored was shown once to all who are entitled to it, in one order."""
        self.problems()
        for device in self._devices:
            if device.outbox:
                raise Violation(
                    f"{device.address} was never notified what became of {device.outbox}"
                )
            for chat, shown in device.shown.items():
                positions = [seq for seq, _ in shown]
                identities = [identity for _, identity in shown]
                if positions != sorted(positions) or len(set(identities)) < len(identities):
                    raise Violation(f"{device.address} shows {chat} as {shown}")
                for seq in positions:
                    if not self.stored[chat, seq].is_for(device.user):
                        raise Violation(f"{device.address} shows {self.stored[chat, seq]}")
            for stored in self.stored.values():
                if self.is_entitled(device, stored) and not self._has(device, stored):
                    raise Violation(f"{device.address} never showed {stored}")

    def is_expired(self, stored: Stored) -> bool:
        return bool(stored.item["expires_at"] <= self._world.now + SKEW_SECONDS)

    def _has(self, device: Device, stored: Stored) -> bool:
        if self.is_expired(stored):
            return True
        if stored.identity[:2] == (device.user, device.name):
            return stored.identity[2] in device.accepted
        return stored.identity in device.shows(stored.chat) or _is_gone(device, stored)

    def is_entitled(self, device: Device, stored: Stored) -> bool:
        """Registered and a member when it was stored, and ever since."""
        joined = self.members(stored.chat).get(device.user)
        return (device.user, device.name, joined) in stored.entitled

    # -- the tables as they are

    def item(self, table: str, partition: str, item: str) -> dict[str, Any]:
        found = self._world.database._read(table, (partition, item))
        return from_wire(found) if found else {}

    def members(self, chat: str) -> dict[str, int]:
        """user -> joined_seq"""
        if chat not in self._joined:
            members = self.item("Chats", chat, "head").get("members", ())
            items = {user: self.item("Chats", chat, f"member#{user}") for user in members}
            if lacking := [user for user in members if not items[user]]:
                raise Violation(f"{lacking} are members of {chat} by half")
            self._joined[chat] = {user: items[user]["joined_seq"] for user in members}
        return self._joined[chat]

    def registered(self, user: str) -> dict[str, Any]:
        registered: dict[str, Any] = self.item("Users", user, "devices")["devices"]
        return registered


def _is_gone(device: Device, stored: Stored) -> bool:
    """The device had it and lost its store, or was away for too long, and learnt of the gap."""
    may_be_gone = device.was_away or device.passed.get(stored.chat, 0) >= stored.seq
    ranges = device.missing.get(stored.chat, ())
    return may_be_gone and any(first <= stored.seq <= last for first, last in ranges)
