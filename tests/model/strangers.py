"""A stranger's chat in the model: ravi begins it with anna, who answers, accepts, declines, blocks.

Either may block the other. What must be true then is by docs/protocol.md ("Contacts and
strangers"): it is watched by each write, frame and push.
"""

import math
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.frames import Frame
from lambdas.people.consent import BLOCKED
from tests.model.access_checks import AccessChecks
from tests.model.checks import Checks, Stored
from tests.model.clients import Clients
from tests.model.device import Device
from tests.model.expressions import Item
from tests.model.gateway import Socket
from tests.model.people import People
from tests.model.push_queue import Pushed
from tests.model.world import STALE_SECONDS, World

STRANGER, ASKED = "ravi", "anna"


class Strangers:
    """What the two do. `chat` is theirs."""

    def __init__(
        self,
        world: World,
        devices: list[Device],
        people: People,
        clients: Clients,
        checks: Checks,
    ) -> None:
        self._random, self._devices, self._people = world.random, devices, people
        self._clients, self._checks = clients, checks
        self.chat = ""

    def is_asked(self, user: str, chat: str) -> bool:
        """Whether the chat is a request of this user."""
        return (
            chat == self.chat and self._checks.item("Chats", chat, "head").get("request_of") == user
        )

    def request_is_accepted(self) -> None:
        self._asks(ASKED, "POST", f"/api/chats/{self.chat}/accept")

    def request_is_opened(self) -> None:
        self._asks(ASKED, "POST", "/api/chats", {"kind": "direct", "with": STRANGER})

    def request_is_declined(self) -> None:
        self._asks(ASKED, "POST", f"/api/chats/{self.chat}/decline")

    def stranger_writes(self) -> None:
        self._clients.send_text(self._one(STRANGER), self.chat)

    def asked_one_answers(self) -> None:
        self._clients.send_text(self._one(ASKED), self.chat)

    def somebody_blocks(self) -> None:
        self._decides({"state": BLOCKED})

    def somebody_unblocks(self) -> None:
        self._decides(self._random.choice((None, {"state": "contact"})))

    def ends_own_block(self) -> None:
        """At rest the stranger writes again."""
        self._asks(STRANGER, "DELETE", f"/api/contacts/{ASKED}")

    def _decides(self, body: Any) -> None:
        pair = (STRANGER, ASKED)
        user, peer = pair if self._random.random() < 0.3 else pair[::-1]
        self._asks(user, "PUT" if body else "DELETE", f"/api/contacts/{peer}", body)

    def _asks(self, user: str, method: str, path: str, body: Any = None) -> None:
        self._people.ask(self._one(user), method, path, body)

    def _one(self, user: str) -> Device:
        return self._random.choice([each for each in self._devices if each.user == user])


class StrangerChecks:
    """Listens to what the two get and decide."""

    def __init__(
        self, world: World, checks: Checks, access: AccessChecks, strangers: Strangers
    ) -> None:
        self._world, self._checks, self._access = world, checks, access
        self._strangers = strangers
        self._silent: dict[str, float] = {}  # of whom nothing is shown, since when
        self._asked_at: dict[int, bool] = {}  # seq -> whether the chat was a request then
        self._blocks_until: dict[str, float] = {}  # who has blocked the other one
        self._problems: list[str] = []
        world.database.listeners.append(self._on_write)
        world.push_listeners.append(self._on_push)

    def problems(self) -> list[str]:
        """At the end of a step. A decision and what `send` reads of it are one."""
        head = self._head()
        for user, peer in ((STRANGER, ASKED), (ASKED, STRANGER)):
            state = self._checks.item("Users", user, f"contact#{peer}").get("contact")
            blocks = user in head.get("blocked_by", ())
            # which blocks while it is a request, and decides nothing about a contact
            declined = user == ASKED and head.get("request_of") == ASKED
            if head and (state == BLOCKED) != blocks and not (blocks and declined):
                self._problems.append(f"{user} has {peer} as {state}, and the chat has {head}")
        return self._problems

    def was_request(self, stored: Stored) -> bool:
        """Such a text rings only if it is the first."""
        return stored.chat == self._strangers.chat and self._asked_at.get(stored.seq, False)

    def _head(self) -> dict[str, Any]:
        return self._checks.item("Chats", self._strangers.chat, "head")

    def _on_write(self, table: str, old: Item | None, new: Item | None) -> None:
        chat = self._strangers.chat
        if table != "Chats" or not chat or new is None or new["chat"]["S"] != chat:
            return
        if new["item"]["S"] == "head":
            self._on_head(from_wire(old) if old else {}, from_wire(new))

    def _on_head(self, before: dict[str, Any], head: dict[str, Any]) -> None:
        blocked, asked = head.get("blocked_by", set()), head.get("request_of")
        if asked and not before.get("request_of"):
            self._problems.append(f"an answered request is one again: {head}")
        for user in (STRANGER, ASKED):
            if user not in blocked and user != asked:
                self._silent.pop(user, None)
            else:
                self._silent.setdefault(user, self._world.now)
        for user in blocked | before.get("blocked_by", set()):
            self._blocks_until[user] = math.inf if user in blocked else self._world.now
        if head["seq"] > before.get("seq", 0):
            self._asked_at[head["seq"]] = asked == ASKED
            self._checks.hidden[head["chat"], head["seq"]] = frozenset(blocked)

    def begun(self) -> None:
        """The chat is a request."""
        self._silent[ASKED] = self._world.now

    # -- what they get

    def on_post(self, socket: Socket, frame: Frame) -> None:
        if frame["type"] == "receipt" and frame["chat"] == self._strangers.chat:
            self._marks(socket.user, frame["user"], frame)

    def on_response(self, device: Device, frame: Frame) -> None:
        part = frame["chats"].get(self._strangers.chat) if frame["type"] == "synced" else None
        for user, marks in (part or {"members": {}})["members"].items():
            self._marks(device.user, user, marks)
        if frame["type"] == "error" and frame["code"] == "forbidden":
            self._rejected(device, frame)

    def _rejected(self, device: Device, error: Frame) -> None:
        """Only removed devices, and who writes to somebody whom they have blocked."""
        running = self._world.running
        assert running is not None
        own = error.get("chat") == self._strangers.chat and error.get("action") == "send"
        if own and self._blocks_until.get(device.user, 0) >= running.started:
            return
        if device.name in self._checks.registered(device.user):
            self._problems.append(f"{device.address} may do this, and is answered {error}")

    def _marks(self, shown_to: str, user: str, marks: Frame) -> None:
        """Nothing of whom who has not answered, or has blocked."""
        running = self._world.running
        since = self._silent.get(user)
        if shown_to == user or since is None or running is None:
            return
        if since + STALE_SECONDS < running.started and marks["delivered"] + marks["read"]:
            self._problems.append(f"{shown_to} sees {marks} of {user}, who shows nothing")

    def _on_push(self, pushed: Pushed) -> None:
        """A request rings once, unless the function failed over it."""
        if pushed.chat != self._strangers.chat or pushed.message_id is None:
            return
        if pushed.device.startswith(f"{ASKED}/") and self._head().get("request_of") == ASKED:
            item = self._checks.item("Users", ASKED, f"rings#{pushed.chat}")
            if item.get("rang_at") and item["expires_at"] > self._world.now:
                self._problems.append(f"a request rang {pushed.device} again: {item}")
