"""The way of each message through the system, put together from frames, logs and traces. No I/O.

Each step has the time at which it was seen, and what it carried. Where something happens inside of
the backend, the first later event that shows it gives the time: it happened by then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tools.demo.phone import Frame

STEPS = (
    "encrypted",
    "accepted",
    "stored",
    "presence",
    "posted",
    "queued",
    "notification",
    "push",
    "woken",
    "fetched",
    "decrypted",
    "delivered",
    "read",
)
KEPT = 200  # journeys


class Step(NamedTuple):
    """`by`: it happened before `at`, which is when something later was seen."""

    at: float  # epoch seconds
    carried: Any
    by: bool = False


@dataclass
class Journey:
    """A message: `sends` counts the frames that left its phone with this id."""

    message_id: str
    chat: str
    sender: str
    recipient: str
    seq: int | None = None
    sends: int = 0
    lost: int = 0  # of them, on a dead connection
    posts: int = 0  # frames in which the recipient's phone got it
    steps: dict[str, Step] = field(default_factory=dict)

    def saw(self, step: str, at: float, carried: Any, *, by: bool = False) -> None:
        """The first sighting counts, but an exact one replaces one that is only a bound."""
        known = self.steps.get(step)
        if known is None or (known.by and not by):
            self.steps[step] = Step(at, carried, by)

    @property
    def job(self) -> dict[str, str]:
        """What the queue has for the notification service."""
        return {"user": self.recipient, "chat": self.chat}

    def showed(self, text: str, at: float) -> None:
        """It is on the recipient's screen. Where it was acknowledged before, that was by then."""
        known = self.steps.get("decrypted", Step(at, None))
        self.steps["decrypted"] = known._replace(carried={"text": text})

    def timed(self) -> dict[str, Step]:
        """The steps, with the narrowest bound for presence: it was asked before what follows."""
        steps = dict(self.steps)
        if "presence" in steps:
            later = [steps[name].at for name in ("posted", "queued") if name in steps]
            asked = steps["presence"]
            steps["presence"] = asked._replace(at=min([asked.at, *later]))
        return steps

    def as_json(self) -> dict[str, Any]:
        steps = {
            name: {"at": step.at, "by": step.by, "carried": step.carried}
            for name, step in self.timed().items()
        }
        known = {"id": self.message_id, "from": self.sender, "to": self.recipient, "seq": self.seq}
        return {**known, "sends": self.sends, "lost": self.lost, "steps": steps}


class Journeys:
    """The ways of the texts between two users, the newest last."""

    def __init__(self, users: tuple[str, str]) -> None:
        self._users = users
        self.all: dict[str, Journey] = {}

    @property
    def last(self) -> Journey | None:
        return next(reversed(self.all.values()), None)

    def find(self, message_id: str) -> Journey | None:
        return self.all.get(message_id)

    def frame(self, seen: Frame) -> Journey | None:
        """The message whose `accepted` it is: it is stored now."""
        frame = seen.frame
        match (seen.way, frame.get("action") or frame.get("type")):
            case ("out" | "lost", "send"):
                self._sent(seen)
            case ("in", "accepted"):
                return self._accepted(seen)
            case ("in", "message"):
                self._arrived(seen, "posted", [frame])
            case ("in", "messages"):
                self._arrived(seen, "fetched", frame.get("messages", ()))
            case ("in", "receipt"):
                self._receipt(seen)
            case ("out", "receipt"):
                self._acknowledged(seen)
        return None

    def _sent(self, seen: Frame) -> None:
        frame = seen.frame
        if frame.get("hidden"):
            return
        message_id, sender = frame["message_id"], seen.phone
        first, second = self._users
        recipient = second if sender == first else first
        journey = self.all.get(message_id)
        if journey is None:
            journey = self.all[message_id] = Journey(message_id, frame["chat"], sender, recipient)
            while len(self.all) > KEPT:
                del self.all[next(iter(self.all))]
        journey.sends += 1
        journey.lost += seen.way == "lost"
        journey.saw("encrypted", seen.at, {"frame": frame, "bytes": seen.size})

    def _accepted(self, seen: Frame) -> Journey | None:
        journey = self.all.get(seen.frame["message_id"])
        if journey is not None:
            journey.seq = seen.frame["seq"]
            at = seen.frame["sent_at"] / 1000
            journey.saw("accepted", at, {key: seen.frame[key] for key in ("chat", "seq")})
        return journey

    def _arrived(self, seen: Frame, step: str, messages: Iterable[Mapping[str, Any]]) -> None:
        for message in messages:
            journey = self.all.get(message.get("message_id", ""))
            if journey is not None and seen.phone == journey.recipient:
                journey.posts += 1
                if "posted" not in journey.steps:  # a sync repeats what was posted meanwhile
                    journey.saw(step, seen.at, message)

    def _acknowledged(self, seen: Frame) -> None:
        """A client acknowledges what it has decrypted and stored."""
        receipt = seen.frame
        for journey in self.all.values():
            here = (journey.chat, journey.recipient) == (receipt["chat"], seen.phone)
            if here and journey.seq is not None and receipt.get("delivered", 0) >= journey.seq:
                journey.saw("decrypted", seen.at, {"text": None}, by=True)

    def _receipt(self, seen: Frame) -> None:
        receipt = seen.frame
        for journey in self._of(receipt["chat"], seen.phone):
            if journey.seq is None or receipt["user"] != journey.recipient:
                continue
            for step in ("delivered", "read"):
                if receipt.get(step, 0) >= journey.seq:
                    journey.saw(step, seen.at, receipt)

    def _of(self, chat: str, sender: str) -> list[Journey]:
        return [each for each in self.all.values() if (each.chat, each.sender) == (chat, sender)]

    # -- what the backend reports by itself

    def traced(self, message_id: str, records: Iterable[Mapping[str, Any]]) -> None:
        """What the emulator has recorded of a message: its calls of AWS, with their times."""
        journey = self.all.get(message_id)
        if journey is None:
            return
        for record in records:
            done = record["at"] + (record["ms"] or 0) / 1000
            match (record["kind"], record["name"]):
                case ("call", "PutItem") if record["has_text"] and "Chats" in record["title"]:
                    journey.saw("stored", done, _parsed(record["given"]).get("Item", {}))
                case ("call", "SendMessage") if "PushQueue" in record["title"]:
                    journey.saw("queued", done, journey.job)

    def logged(self, service: str, line: Mapping[str, Any], at: float) -> None:
        """A line of a function's log that names a message."""
        journey = self.all.get(line.get("message_id", ""))
        if journey is None:
            return
        if service == "Send" and "posts" in line:
            posts = {"connections": line["posts"], "delivered": line["delivered"]}
            journey.saw("presence", at, posts, by=True)
            if not line["delivered"]:
                journey.saw("queued", at, journey.job, by=True)
        elif service == "Push":
            journey.saw("notification", at, line)
            # a job that the delivery watch queued, since nobody acknowledged what was posted
            journey.saw("queued", at, journey.job, by=True)

    def pushed(self, user: str, push: Mapping[str, Any]) -> None:
        """What a phone received of FCM or APNs."""
        message = push["message"]
        ids = message.get("data", message)
        journey = self.all.get(ids.get("message_id", ""))
        if journey is not None and journey.recipient == user:
            journey.saw("push", push["received_at"], message)

    def connected(self, user: str, at: float) -> None:
        """A phone's app has opened a connection: what was pushed to it has woken it."""
        for journey in self.all.values():
            was_pushed = journey.recipient == user and "push" in journey.steps
            if was_pushed and "decrypted" not in journey.steps:
                journey.saw("woken", at, {"connection": "WebSocket, with a new ticket"})

    def decrypted(self, user: str, message_id: str, text: str, at: float) -> None:
        journey = self.all.get(message_id)
        if journey is not None and journey.recipient == user:
            journey.showed(text, at)

    def previewed(self, user: str, text: str, at: float) -> None:
        """The newest text as a list of chats has it, without an id."""
        journey = next((e for e in reversed(self.all.values()) if e.recipient == user), None)
        arrived = journey is not None and not journey.steps.keys().isdisjoint(("posted", "fetched"))
        if journey is not None and arrived:
            journey.showed(text, at)


def _parsed(text: str) -> dict[str, Any]:
    """Empty where the record was shortened."""
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return document
