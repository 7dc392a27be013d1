"""A backend whose users call it by name: for tests of engines, which have no HTTP of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.errors import ChatError
from lambdas.frames import Frame
from lambdas.presence.devices import Devices
from tests.support.backend.backend import Backend
from tests.support.backend.clock import EPOCH, Clock
from tests.support.backend.user_pool import TOKEN_SECONDS


class People(Backend):
    """Each call is a REST request by a user, who is signed up at the first one.

    An error response is raised as ChatError. `now` is in seconds since the beginning.
    """

    def __init__(self, clock: Clock | None = None, **environment: str) -> None:
        super().__init__(clock, **environment)
        self._given: dict[str, tuple[float, str]] = {}  # user -> when, access token

    @property
    def now(self) -> float:
        return self.clock() - EPOCH

    @now.setter
    def now(self, now: float) -> None:
        self.clock.pass_seconds(now - self.now)

    def token(self, user: str) -> str:
        made, token = self._given.get(user, (float("-inf"), ""))
        if self.clock() - made >= TOKEN_SECONDS:
            token = super().token(user)
            self._given[user] = self.clock(), token
        return token

    def call(self, user: str, method: str, path: str, body: Any = None) -> Any:
        self.there(user)
        response = self.request(method, path, body, token=self.token(user))
        if response.status >= 400:
            raise ChatError(**response.body["error"])
        return response.body

    def there(self, *users: str) -> None:
        """Signs up whoever is not."""
        for user in users:
            if user not in self.aws.pool.passwords:
                self.sign_up(user)

    # -- devices and keys

    def register(self, user: str, device: str, body: Frame) -> Frame:
        registered: Frame = self.call(user, "PUT", f"/api/devices/{device}", body)
        return registered

    def add_device(self, user: str, device: str) -> None:
        """A device without keys, for tests without encryption."""
        self.there(user)
        Devices(self.table("Users")).register(user, device)

    def remove(self, user: str, device: str) -> None:
        self.call(user, "DELETE", f"/api/devices/{device}")

    def upload(self, user: str, device: str, body: Frame) -> int:
        """How many one-time keys are there now."""
        path = f"/api/devices/{device}/one-time-keys"
        return int(self.call(user, "POST", path, body)["remaining"])

    def listed(self, user: str, by: str = "") -> Frame:
        """The user's devices with their keys."""
        found: Frame = self.call(by or user, "GET", f"/api/users/{user}/devices")["devices"]
        return found

    def former(self, user: str) -> list[Frame]:
        """Devices that were removed, and identities that devices had before."""
        listed = self.call(user, "GET", f"/api/users/{user}/devices")
        found: list[Frame] = listed["former"]
        return found

    def claim(self, names: Sequence[str], by: str) -> Frame:
        found: Frame = self.call(by, "POST", "/api/keys/claim", {"devices": list(names)})["keys"]
        return found

    def one_time_keys(self, user: str, device: str) -> list[dict[str, Any]]:
        """Those that wait for a claim, the oldest first."""
        return list(self.table("Users").query_all({"user": user}, prefix=f"otk#{device}#"))

    def lose_one_time_keys(self, user: str, device: str, left: int = 0) -> None:
        """As if all but the newest so many had been claimed."""
        users, waiting = self.table("Users"), self.one_time_keys(user, device)
        lost = waiting[: len(waiting) - left]
        key = {"user": user, "item": f"device#{device}"}
        users.update(key, "SET claimed = claimed + :lost", lost=len(lost))
        users.batch_write(deletes=[{"user": user, "item": each["item"]} for each in lost])

    def forget_device(self, user: str, device: str) -> None:
        """As after a restore of the table from before the device was registered."""
        users = self.table("Users")
        key = {"user": user, "item": "devices"}
        users.update(key, "REMOVE devices.#d", names={"#d": device})
        users.delete({"user": user, "item": f"device#{device}"})

    def fallback_key(self, user: str, device: str) -> str:
        found = self.table("Users").get({"user": user, "item": f"fallback#{device}"})
        assert found is not None
        return str(found["key"])

    def list_keys_of_another(self, user: str, device: str, other: str) -> None:
        """The directory's entry of the device gets the keys of another one of the user."""
        users = self.table("Users")
        found = users.get({"user": user, "item": f"device#{other}"})
        assert found is not None
        keys = {name: found[name] for name in ("curve25519", "ed25519")}
        key = {"user": user, "item": f"device#{device}"}
        users.update(key, "SET curve25519 = :curve25519, ed25519 = :ed25519", **keys)

    # -- chats

    def direct(self, one: str, other: str) -> str:
        self.there(one, other)
        return str(self.call(one, "POST", "/api/chats", {"kind": "direct", "with": other})["chat"])

    def group(self, user: str, *others: str) -> str:
        self.there(user, *others)
        body = {"kind": "group", "members": list(others)}
        return str(self.call(user, "POST", "/api/chats", body)["chat"])

    def change_members(
        self, chat: str, add: Sequence[str] = (), remove: Sequence[str] = (), by: str = ""
    ) -> None:
        """By anybody who stays in it, if nobody is named. Nothing happens if nobody is left."""
        self.there(*add)
        staying = sorted(self.members(chat) - set(remove))
        if by or staying:
            change = {"add": list(add), "remove": list(remove)}
            self.call(by or staying[0], "POST", f"/api/chats/{chat}/members",
                      {name: users for name, users in change.items() if users})  # fmt: skip

    def put_into(self, chat: str, user: str, joined_seq: int = 0) -> None:
        """The backend has the user in the chat, whom nobody has added; nobody is notified."""
        self.there(user)
        key = {"chat": chat, "item": "head"}
        self.table("Chats").update(key, "ADD members :new", new={user})
        mark = {"delivered": {}, "read": 0, "joined_seq": joined_seq}
        self.table("Chats").put({"chat": chat, "item": f"member#{user}", **mark})
        self.table("Users").put({"user": user, "item": f"chat#{chat}"})

    def take_out(self, chat: str, user: str) -> None:
        """The backend does not have the user in the chat any more; nobody is notified."""
        key = {"chat": chat, "item": "head"}
        self.table("Chats").update(key, "DELETE members :gone", gone={user})

    def members(self, chat: str) -> set[str]:
        return set(self.head(chat)["members"])

    def joined(self, chat: str, user: str) -> int:
        """The newest seq of the chat when the user came into it."""
        return int(self.member(chat, user)["joined_seq"])
