"""A client that keeps the protocol's rules, and nothing but them. It has no clock of its own."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lambdas.frames import Frame
from tests.model.gateway import Socket

TTL_SECONDS = 30 * 86_400.0  # of messages, see world.ENVIRONMENT
Identity = tuple[str, str, str]  # sender, sender_device, message_id


@dataclass
class Device:
    """One installation. What is shown, watermarks and the outbox survive a restart."""

    user: str
    name: str
    socket: Socket | None = None
    attempt: Socket | None = None  # the connection it is opening; it has given up older ones
    watermark: dict[str, int] = field(default_factory=dict)
    reported: dict[str, tuple[int, int]] = field(default_factory=dict)
    aside: dict[str, dict[int, Frame]] = field(default_factory=dict)
    shown: dict[str, list[tuple[int, Identity]]] = field(default_factory=dict)
    outbox: dict[str, Frame] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    ticks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    missing: dict[str, list[list[int]]] = field(default_factory=dict)  # gaps that the user sees
    passed: dict[str, int] = field(default_factory=dict)  # watermarks that its lost stores had
    backup: "Device | None" = None
    wants_sync: bool = False
    has_push: bool = True
    direct: set[str] = field(default_factory=set)  # chats of two
    removed_by: str = ""  # the access token of who is removing it, until that is done
    leaves_since: float = 0.0  # when that was asked for first, which may have ended its sign-in
    seen_at: float = 0.0  # when it was last registered or connected
    was_away: bool = False  # for so long that messages were not kept for it
    uploads: int = 0  # of keys
    by_name: set[str] = field(default_factory=set)  # chats to ask about next, at once
    behind: set[str] = field(default_factory=set)  # and those at `sync_at`
    knows_its_chats: bool = False  # since it connected; others may have made some meanwhile
    cursor: str | None = None  # of the page to ask for next, until it does
    question: Frame | None = None
    syncing_since: float | None = None
    sync_at: float | None = None

    @property
    def address(self) -> str:
        return f"{self.user}/{self.name}"

    @property
    def token(self) -> str:
        """Its access token, see rest.Tokens: each device has a sign-in of its own."""
        return f"{self.user}/sign-in-{self.name}"

    def connected(self) -> bool:
        return self.socket is not None and self.socket.state == "open"

    def opened(self, socket: Socket, now: float) -> None:
        self.socket = socket
        self.was_away |= now - self.seen_at > TTL_SECONDS - 60
        self.seen_at = now
        self.aside.clear()
        self.wants_sync, self.syncing_since, self.sync_at = True, None, None
        self.knows_its_chats, self.cursor, self.question = False, None, None
        self.by_name.clear()
        self.behind.clear()

    def back_up(self) -> None:
        stored = {name: deepcopy(getattr(self, name)) for name in ("watermark", "shown", "missing")}
        self.backup = Device(self.user, self.name, **stored)

    def restore(self) -> None:
        """The store is as at the last backup, or empty: behind what the backend knows of it.

        Except for what it sent, of which nobody else could know.
        """
        self.passed = {chat: self.reached(chat) for chat in self.watermark.keys() | self.passed}
        backup = self.backup or Device(self.user, self.name)
        self.watermark, self.shown = dict(backup.watermark), deepcopy(backup.shown)
        self.missing = deepcopy(backup.missing)
        self.reported.clear()

    def reached(self, chat: str) -> int:
        """The highest watermark that this device ever had."""
        return max(self.watermark.get(chat, 0), self.passed.get(chat, 0))

    def receive(self, frame: Frame, now: float) -> None:
        handle = getattr(self, f"_on_{frame.get('type')}", None)
        if handle is not None:
            handle(frame, now)

    def sync_frame(self, now: float, everything: bool) -> Frame | None:
        """What to ask for, if it is time to ask. One question at a time."""
        if self.sync_at is not None and now >= self.sync_at:
            self.wants_sync, self.sync_at = True, None
            self.by_name |= self.behind
            self.behind.clear()
        unread = self.socket is not None and any(
            frame.get("type") in ("synced", "error") for frame in self.socket.inbox
        )
        waited = self.syncing_since is not None and (unread or now - self.syncing_since < 10)
        if self.syncing_since is not None and not waited:  # nobody responded: it asks that again
            self.by_name |= (self.question or {}).get("chats", {}).keys()
            self.knows_its_chats &= "chats" in (self.question or {})
            self.wants_sync = True
        if not self.wants_sync or waited:
            return None
        self.wants_sync, self.syncing_since = False, now
        self.question = self._question(everything)
        return self.question

    def _question(self, everything: bool) -> Frame:
        if self.by_name:
            named = {chat: self.watermark.get(chat, 0) for chat in sorted(self.by_name)}
            self.by_name.clear()
            return {"action": "sync", "chats": named}
        if self.cursor is not None:
            return {"action": "sync", "cursor": self.cursor}
        if everything or not self.knows_its_chats:
            return {"action": "sync"}
        return {"action": "sync", "chats": dict(self.watermark)}

    def receipts(self, reading: bool) -> Iterator[Frame]:
        for chat, mark in self.watermark.items():
            delivered, read = self.reported.get(chat, (0, 0))
            if mark > delivered or (reading and mark > read):
                self.reported[chat] = (mark, mark if reading else read)
                frame = {"action": "receipt", "chat": chat, "delivered": mark, "senders": []}
                if reading:
                    frame["read"] = mark
                yield frame

    # -- frames

    def _on_message(self, frame: Frame, _now: float) -> None:
        chat, seq = frame["chat"], frame["seq"]
        mark = self.watermark.setdefault(chat, 0)
        if seq > mark:
            self.aside.setdefault(chat, {})[seq] = frame
            self._take_from_aside(chat)
        if self.aside.get(chat):
            self.wants_sync = True
            self.by_name.add(chat)  # a page that is asked for may not have it

    def _on_messages(self, frame: Frame, now: float) -> None:
        for message in frame["messages"]:
            self._on_message(message, now)

    def _on_synced(self, frame: Frame, now: float) -> None:
        question, self.question = self.question or {"chats": {}}, None
        self.syncing_since = None
        for chat, part in frame["chats"].items():
            self._on_synced_chat(chat, part, more=frame["more"])
        if "chats" not in question:
            self.cursor = frame.get("cursor")
            self.knows_its_chats |= self.cursor is None
        self.wants_sync |= bool(self.by_name) or self.cursor is not None
        self.wants_sync |= not self.knows_its_chats
        if "retry_after" in frame:
            self.sync_at = now + frame["retry_after"]

    def _on_synced_chat(self, chat: str, part: Frame, *, more: bool) -> None:
        for user, marks in part["members"].items():
            self._tick(chat, user, marks["delivered"], marks["read"])
        if not self._trusts(chat, part["after"]):
            self.by_name.add(chat)
            return
        self.missing.setdefault(chat, []).extend(part["missing"])
        self._complete(chat, part["complete_to"])
        if part["complete_to"] < part["seq"]:
            (self.by_name if more else self.behind).add(chat)

    def _trusts(self, chat: str, after: int) -> bool:
        """A response that begins further on says nothing of what this store lacks before."""
        return after <= self.watermark.get(chat, 0)

    def _complete(self, chat: str, to: int) -> None:
        """Nothing else at or below `to` will ever appear; what was kept aside counts as there."""
        aside = self.aside.get(chat, {})
        for seq in sorted(seq for seq in aside if seq <= to):
            self._show(aside.pop(seq))
        self.watermark[chat] = max(self.watermark.get(chat, 0), to)
        self._take_from_aside(chat)

    def _take_from_aside(self, chat: str) -> None:
        aside = self.aside.get(chat, {})
        for seq in [seq for seq in aside if seq <= self.watermark[chat]]:
            del aside[seq]
        while (frame := aside.pop(self.watermark[chat] + 1, None)) is not None:
            self._show(frame)
            self.watermark[chat] += 1

    def _show(self, frame: Frame) -> None:
        who = (frame["sender"], frame["sender_device"], frame["message_id"])
        if (frame["sender"], frame["sender_device"]) == (self.user, self.name):
            self._accept(frame["message_id"])  # an own message that was met is accepted
        shown = self.shown.setdefault(frame["chat"], [])
        if who not in {identity for _, identity in shown}:
            shown.append((frame["seq"], who))

    def _accept(self, message_id: str) -> None:
        self.outbox.pop(message_id, None)
        self.accepted.add(message_id)

    def _on_accepted(self, frame: Frame, _now: float) -> None:
        self._accept(frame["message_id"])

    def _on_nudge(self, frame: Frame, _now: float) -> None:
        if frame["seq"] > self.watermark.get(frame["chat"], 0):
            self.wants_sync = True
            self.by_name.add(frame["chat"])
            self.watermark.setdefault(frame["chat"], 0)

    def _on_receipt(self, frame: Frame, _now: float) -> None:
        self._tick(frame["chat"], frame["user"], frame["delivered"], frame["read"])

    def _tick(self, chat: str, user: str, delivered: int, read: int) -> None:
        assert read <= delivered, "read without being delivered"
        before = self.ticks.get((chat, user), (0, 0))
        self.ticks[chat, user] = (max(before[0], delivered), max(before[1], read))

    def _on_error(self, frame: Frame, _now: float) -> None:
        if frame.get("action") == "sync":
            if self._is_final(frame):  # of one of the chats: what it still has says the list
                self.knows_its_chats, self.cursor = False, None
            else:
                self.by_name |= (self.question or {}).get("chats", {}).keys()
            self.syncing_since, self.question, self.wants_sync = None, None, True
        elif frame.get("action") == "send" and self._is_final(frame):
            self.outbox.pop(frame.get("message_id", ""), None)

    def _is_final(self, error: Frame) -> bool:
        """Not, or no longer, a member; or in a direct chat the user has blocked the other one."""
        code = error["code"]
        return code == "not_found" or (code == "forbidden" and error.get("chat") in self.direct)

    def shows(self, chat: str) -> Iterable[Identity]:
        return [identity for _, identity in self.shown.get(chat, [])]

    def state(self) -> Any:
        """Changes as long as something happens here."""
        return (
            dict(self.watermark),
            {chat: sorted(frames) for chat, frames in self.aside.items() if frames},
            sorted(self.outbox),
            dict(self.reported),
        )
