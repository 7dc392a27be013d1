"""A backend in memory that keeps PROTOCOL's promises, and breaks only what they leave open.

No sockets and no clock of its own: the model test drives it directly, the fake server puts it
behind HTTP and a WebSocket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]
Post = Callable[[Frame], None]

HOLE_SETTLES_AFTER = 15.0
EPOCH = 1_800_000_000.0  # when `now` was 0, in epoch seconds


@dataclass
class Entry:
    """What stands at one seq. `message` is None while it is only reserved, or void."""

    reserved_at: float
    message: Frame | None = None
    expired: bool = False


@dataclass
class Chat:
    kind: str
    members: set[str]
    entries: list[Entry] = field(default_factory=list)  # seq 1 is entries[0]
    delivered: dict[str, dict[str, int]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)  # the newest seq when a member came

    @property
    def seq(self) -> int:
        return len(self.entries)

    def marks(self) -> dict[str, dict[str, int]]:
        return {
            user: {
                "delivered": max(self.delivered.get(user, {}).values(), default=0),
                "read": self.read.get(user, 0),
            }
            for user in sorted(self.members)
        }


class Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class FakeBackend:
    def __init__(self, page: int = 50) -> None:
        self.page = page
        self.now, self.epoch = 1_000.0, EPOCH
        self.chats: dict[str, Chat] = {}
        self.connections: dict[tuple[str, str], Post] = {}
        self.watchers: dict[str, set[tuple[str, str]]] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.claimable = 1_000
        self.pushes: list[tuple[str, str]] = []  # (user, message_id)
        self.losing: Callable[[str, Frame], bool] = lambda user, frame: False

    # -- chats

    def direct(self, one: str, other: str) -> tuple[str, bool]:
        for name, chat in self.chats.items():
            if chat.kind == "direct" and chat.members == {one, other}:
                return name, False
        return self._new("direct", {one, other}), True

    def group(self, members: set[str]) -> str:
        return self._new("group", members)

    def _new(self, kind: str, members: set[str]) -> str:
        name = f"{kind[0].upper()}{len(self.chats) + 1:04d}"
        self.chats[name] = Chat(kind, members)
        return name

    def chat_of(self, user: str, chat: str) -> Chat:
        found = self.chats.get(chat)
        if found is None or user not in found.members:
            raise Refused("not_found", "no such chat")
        return found

    # -- connections

    def connect(self, user: str, device: str, post: Post) -> None:
        older = self.connections.get((user, device))
        if older is not None:
            older({"type": "displaced"})
        self.connections[user, device] = post
        self._tell_presence(user)

    def disconnect(self, user: str, device: str, post: Post) -> None:
        if self.connections.get((user, device)) == post:
            del self.connections[user, device]
            self._tell_presence(user)

    def _online(self, user: str) -> bool:
        return any(one == user for one, _ in self.connections)

    def _tell_presence(self, user: str) -> None:
        for watcher in self.watchers.get(user, set()):
            self._post(watcher, self._presence(user))

    def _presence(self, user: str) -> Frame:
        online = self._online(user)
        seen = {} if online else {"last_seen": int(self.now * 1000)}
        return {"type": "presence", "user": user, "online": online, **seen}

    def _post(self, to: tuple[str, str], frame: Frame) -> None:
        post = self.connections.get(to)
        if post is not None and not self.losing(to[0], frame):
            post(frame)

    def _post_user(self, user: str, frame: Frame, besides: tuple[str, str] | None = None) -> bool:
        there = [key for key in self.connections if key[0] == user and key != besides]
        for key in there:
            self._post(key, frame)
        return bool(there)

    # -- frames

    def handle(self, user: str, device: str, frame: Frame) -> Frame | None:
        """The answer on the connection, after everything that was posted."""
        try:
            action = getattr(self, f"_on_{frame['action']}", None)
            if action is None:
                raise Refused("bad_request", "unknown action")
            answer: Frame | None = action(user, device, frame)
        except Refused as refused:
            context: Frame = {key: frame[key] for key in ("message_id", "action") if key in frame}
            return {"type": "error", "code": refused.code, "message": refused.message, **context}
        return answer

    def reserve(self, user: str, frame: Frame) -> int:
        """The first round of `send`: a position, nothing in it yet."""
        chat = self.chat_of(user, frame["chat"])
        chat.entries.append(Entry(self.now))
        return chat.seq

    def put(self, user: str, device: str, frame: Frame, seq: int) -> Frame:
        """The second and third round: stored, posted, accepted."""
        chat = self.chats[frame["chat"]]
        message = {
            "type": "message",
            "chat": frame["chat"],
            "seq": seq,
            "message_id": frame["message_id"],
            "sender": user,
            "sender_device": device,
            "sent_at": int((self.epoch + self.now) * 1000),
            "alg": frame["alg"],
            "payload": frame.get("payload"),
            "to": frame.get("to"),
        }
        chat.entries[seq - 1].message = message
        for member in sorted(chat.members):
            reached = False
            for key in [key for key in self.connections if key[0] == member]:
                if key != (user, device):
                    self._post(key, _addressed(message, key))
                reached = True
            if not reached and member != user:
                self.pushes.append((member, frame["message_id"]))
        there = {f"{one}/{name}" for one in chat.members for name in self.devices.get(one, ())}
        named = set(frame.get("to", there))
        return {
            "type": "accepted",
            "message_id": frame["message_id"],
            "chat": frame["chat"],
            "seq": seq,
            "sent_at": message["sent_at"],
            "missing": sorted(there - named - {f"{user}/{device}"} if "to" in frame else ()),
            "stale": sorted(named - there if "to" in frame else ()),
        }

    def _on_send(self, user: str, device: str, frame: Frame) -> Frame:
        return self.put(user, device, frame, self.reserve(user, frame))

    def _on_receipt(self, user: str, device: str, frame: Frame) -> None:
        chat = self.chat_of(user, frame["chat"])
        places = chat.delivered.setdefault(user, {})
        read = max(chat.read.get(user, 0), frame.get("read", 0))
        delivered = max(places.get(device, 0), frame.get("delivered", 0), frame.get("read", 0))
        if (delivered, read) == (places.get(device, 0), chat.read.get(user, 0)):
            return
        places[device], chat.read[user] = delivered, read
        marks = chat.marks()[user]
        receipt = {"type": "receipt", "chat": frame["chat"], "user": user, **marks}
        for sender in frame["senders"]:
            if sender in chat.members:
                self._post_user(sender, receipt)

    def _on_sync(self, user: str, device: str, frame: Frame) -> Frame:
        if "chats" in frame:
            wanted = dict(frame["chats"])
        else:
            wanted = {
                name: chat.delivered.get(user, {}).get(device, 0)
                for name, chat in self.chats.items()
                if user in chat.members
            }
        answer: Frame = {"type": "synced", "chats": {}, "more": False}
        room = self.page
        for name, after in wanted.items():
            chat = self.chat_of(user, name)
            after = min(max(after, chat.joined.get(user, 0)), chat.seq)
            messages, place, more, retry_after = self.walk(chat, after, room)
            room -= len(messages)
            for message in messages:
                self.connections[user, device](_addressed(message, (user, device)))
            answer["chats"][name] = {"seq": chat.seq, **place, "members": chat.marks()}
            answer["more"] |= more
            if retry_after:
                answer["retry_after"] = min(retry_after, answer.get("retry_after", 99.0))
        return answer

    def walk(
        self, chat: Chat, after: int, limit: int
    ) -> tuple[list[Frame], Frame, bool, float | None]:
        """Messages after a position, up to a young hole or `limit`."""
        messages: list[Frame] = []
        missing: list[list[int]] = []
        complete_to, more, retry_after = after, False, None
        for seq in range(after + 1, chat.seq + 1):
            entry = chat.entries[seq - 1]
            if entry.message is not None and not entry.expired:
                if len(messages) >= limit:
                    more = True
                    break
                messages.append(entry.message)
            elif entry.expired:
                missing.append([seq, seq])
            elif self.now - entry.reserved_at < HOLE_SETTLES_AFTER:
                retry_after = HOLE_SETTLES_AFTER - (self.now - entry.reserved_at) + 0.001
                break
            complete_to = seq
        return messages, {"complete_to": complete_to, "missing": missing}, more, retry_after

    def _on_typing(self, user: str, device: str, frame: Frame) -> None:
        chat = self.chat_of(user, frame["chat"])
        for member in chat.members - {user}:
            self._post_user(member, {"type": "typing", "chat": frame["chat"], "user": user})

    def _on_watch(self, user: str, device: str, frame: Frame) -> None:
        for watched in frame["users"]:
            self.watchers.setdefault(watched, set()).add((user, device))
            self.connections[user, device](self._presence(watched))

    def _on_ping(self, user: str, device: str, frame: Frame) -> Frame:
        return {"type": "pong"}

    # -- the key directory

    def register(self, user: str, device: str, body: Frame) -> None:
        known = self.devices.setdefault(user, {})
        before = known.get(device, {})
        if before.get("keys") != body["keys"]:
            before = {}  # another identity voids the keys it signed
        known[device] = {"one_time_keys": {}, **before, **body}
        if not before:
            self.devices_changed(user)

    def remove(self, user: str, device: str) -> None:
        if self.devices.get(user, {}).pop(device, None) is not None:
            self.devices_changed(user)

    def upload(self, user: str, device: str, body: Frame) -> int:
        """How many one-time keys are there now."""
        entry = self.devices[user][device]
        entry["one_time_keys"].update(body["one_time_keys"])
        if "fallback_key" in body:
            entry["fallback_key"] = body["fallback_key"]
        return len(entry["one_time_keys"])

    def listed(self, user: str) -> Frame:
        """The user's devices with their keys. Raises Refused."""
        if user not in self.devices:
            raise Refused("not_found", "no such user")
        shown = self.devices[user].items()
        return {name: {key: entry[key] for key in ("keys", "signature")} for name, entry in shown}

    def claim(self, names: list[str], by: str = "") -> Frame:
        """A key of each device that has one, as long as `claimable` lasts. Raises Refused."""
        claimed: Frame = {}
        if self.claimable <= 0:
            raise Refused("rate_limited", "too many claims")
        for name in names:
            user, device = name.split("/")
            entry = self.devices.get(user, {}).get(device, {"one_time_keys": {}})
            self.claimable -= 1
            if entry["one_time_keys"]:
                id_ = next(iter(entry["one_time_keys"]))
                claimed[name] = {"id": id_, **entry["one_time_keys"].pop(id_), "fallback": False}
            elif "fallback_key" in entry:
                claimed[name] = {**entry["fallback_key"], "fallback": True}
        return claimed

    def change_members(self, name: str, add: list[str], remove: list[str]) -> None:
        chat = self.chats[name]
        chat.joined |= {user: chat.seq for user in add if user not in chat.members}
        chat.members = (chat.members | set(add)) - set(remove)
        for user in [*remove, *add]:
            self.devices_changed(user, name)

    # -- what happens by itself

    def devices_changed(self, user: str, chat: str | None = None) -> None:
        """Posted to whoever is online; the real one tells those who share a chat with the user."""
        frame = {"type": "devices_changed", "user": user, **({"chat": chat} if chat else {})}
        for key in list(self.connections):
            self._post(key, frame)

    def nudge(self, user: str, device: str, name: str) -> None:
        """The delivery watch: a device that is behind and connected gets a nudge."""
        chat = self.chats[name]
        if user in chat.members and chat.delivered.get(user, {}).get(device, 0) < chat.seq:
            self._post((user, device), {"type": "nudge", "chat": name, "seq": chat.seq})

    def expire(self, name: str, seq: int) -> None:
        self.chats[name].entries[seq - 1].expired = True


def _addressed(message: Frame, to: tuple[str, str]) -> Frame:
    frame = {key: value for key, value in message.items() if key != "to"}
    if message["to"] is not None:
        frame["payload"] = message["to"].get("/".join(to))
    return frame
