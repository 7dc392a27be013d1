"""Control of a backend by tests in another language: one POST for each method of `Control`.

    POST /control/new              {}                                  -> "b1"
    POST /b1/control/put_into      {"chat": "...", "user": "raju"}     -> null

Faults stay with the test, in front of its own HTTP requests and sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdas.frames import Frame
from lambdas.presence.devices import Devices
from tests.support.backend.gateway import Connection

if TYPE_CHECKING:
    from tests.support.backend.server import Served


class Control:
    """The methods are the routes, their parameters the fields of the body."""

    def __init__(self, backend: Served) -> None:
        self._backend = backend

    def later(self, seconds: float) -> None:
        self._backend.clock.pass_seconds(seconds)

    def purge(self, chat: str) -> bool:
        """The delivery watch runs: whether every device had everything, so that all is deleted."""
        self._backend.run_watch()
        head = self._backend.head(chat)
        return bool(head["purged_to"] == head["seq"])

    def lose_data(self) -> None:
        self._backend.lose_data()

    def fail_files(self, faults: list[int]) -> None:
        """The next requests of the bucket: HTTP statuses, or -1 for a lost connection."""
        self._backend.aws.objects.failing = faults

    def change_files(self) -> None:
        """One byte of each stored file is another one."""
        stored = self._backend.aws.objects.stored
        for key, body in stored.items():
            stored[key] = body[:-1] + bytes([body[-1] ^ 1])

    def expire_files(self) -> None:
        self._backend.aws.objects.stored.clear()

    def file_requests(self) -> list[str]:
        return list(self._backend.aws.objects.lines)

    def sign_up(self, user: str) -> None:
        self._backend.there(user)

    def mailed(self) -> str:
        """The code that was mailed last."""
        return self._backend.aws.pool.mails[-1]["code"]

    def strangers(self) -> None:
        """Who signs up from now on is nobody's contact."""
        self._backend.acquainted = False

    def send(self, user: str, device: str, frames: list[Frame]) -> list[Frame | None]:
        """Frames of the device, connected or not; the route responses."""
        devices = Devices(self._backend.aws.users).of([user])[user]
        sender = Connection(devices[device].connection_id or "elsewhere=", _drop, _drop)
        sender.user, sender.device, sender.state = user, device, "open"
        return [self._backend.handle(sender, frame) for frame in frames]

    def messages(self, chat: str) -> list[dict[str, Any]]:
        return [
            {key: item[key] for key in ("item", "sender", "sender_device", "message_id")}
            for item in self._backend.messages(chat)
        ]

    def rename_last(self, chat: str, message_id: str) -> None:
        """The last message of the chat stands there under another id."""
        item = self._backend.messages(chat)[-1]["item"]
        self._backend.table("Chats").update(
            {"chat": chat, "item": item}, "SET message_id = :id", id=message_id
        )

    def make_chat(self, chat: str, kind: str, members: list[str]) -> None:
        """A chat that no route would make."""
        head = {"chat": chat, "item": "head", "seq": 0, "kind": kind, "purged_to": 0}
        self._backend.table("Chats").put({**head, "members": set(members)})
        for user in members:
            self._backend.put_into(chat, user)

    def put_into(self, chat: str, user: str, joined: bool = False) -> None:
        self._backend.put_into(chat, user, self._backend.head(chat)["seq"] if joined else 0)

    def take_out(self, chat: str, user: str) -> None:
        self._backend.take_out(chat, user)

    def keys(self, user: str, device: str) -> dict[str, Any]:
        """The one-time keys that wait, and the fallback key."""
        waiting = self._backend.one_time_keys(user, device)
        return {
            "one_time_keys": [each["key"] for each in waiting],
            "fallback_key": self._backend.fallback_key(user, device),
        }

    def lose_one_time_keys(self, user: str, device: str, left: int) -> None:
        self._backend.lose_one_time_keys(user, device, left)

    def list_device(self, user: str, device: str, keys: dict[str, str], signature: str) -> None:
        """The directory lists these keys for the device, whoever made them; it has no others."""
        users = self._backend.table("Users")
        Devices(users).register(user, device)
        counters = {"uploaded": 0, "claimed": 0}
        key = {"user": user, "item": f"device#{device}"}
        users.put({**key, **keys, "signature": signature, **counters})

    def forget_device(self, user: str, device: str) -> None:
        self._backend.forget_device(user, device)


def _drop(_: object) -> None:
    """A connection that is not there gets nothing."""
