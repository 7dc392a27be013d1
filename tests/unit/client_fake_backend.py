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
        self.now = 1_000.0
        self.chats: dict[str, Chat] = {}
        self.connections: dict[tuple[str, str], Post] = {}
        self.watchers: dict[str, set[tuple[str, str]]] = {}
        self.devices: dict[str, dict[str, Any]] = {}
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
            "sent_at": int(self.now * 1000),
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
        return {
            "type": "accepted",
            "message_id": frame["message_id"],
            "chat": frame["chat"],
            "seq": seq,
            "sent_at": message["sent_at"],
            "missing": [],
            "stale": [],
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
        told = {"type": "receipt", "chat": frame["chat"], "user": user, **marks}
        for sender in frame["senders"]:
            if sender in chat.members:
                self._post_user(sender, told)

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

    # -- what happens by itself

    def nudge(self, user: str, device: str, name: str) -> None:
        """The delivery watch: a device that is behind and connected is told."""
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
