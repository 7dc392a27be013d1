"""Who may see and do what: by each frame, each response, and each write. From outside."""

from collections import Counter
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.frames import Frame
from lambdas.people.invitations import INVITATION_SECONDS
from lambdas.presence.tickets import TICKET_SECONDS
from tests.model.checks import Checks, Stored
from tests.model.device import TTL_SECONDS, Device
from tests.model.expressions import Item
from tests.model.gateway import Socket
from tests.model.rest import Answer
from tests.model.world import SIGN_IN_SECONDS, SKEW_SECONDS, STALE_SECONDS, Invocation, World

Joined = dict[str, int]  # chat -> the seq at which a user joined
LIFETIMES = {  # of items by their kind, in seconds
    "message": TTL_SECONDS,
    "rings": TTL_SECONDS,
    "former": TTL_SECONDS,
    "ended": SIGN_IN_SECONDS,
    "invite": INVITATION_SECONDS,
    "limit": 30 * 86_400,
    "ticket": TICKET_SECONDS + 1,
}
MAY_REACH_ANYBODY = {"error", "displaced"}  # before a connection is closed


class AccessChecks:
    """Listens to what the backend gives away.

    `removed` has the devices whose removal was answered, and when. A read that is not consistent
    may show a device for STALE_SECONDS more.
    """

    def __init__(self, world: World, checks: Checks) -> None:
        self._world, self._checks = world, checks
        self.removed: dict[str, float] = {}
        self._joined: dict[tuple[str, str], int] = {}  # by chat and user
        self._joined_at: dict[tuple[str, str], float] = {}  # when
        self._begun: dict[str, float] = {}  # chats, when their heads came
        self._left: set[tuple[str, str]] = set()  # for good, as they were answered
        self._handed_out: Counter[tuple[str, str]] = Counter()
        self._marks: dict[tuple[str, str], int] = {}  # what devices have reported, and joining
        self._problems: list[str] = []
        world.database.listeners.append(self._on_write)

    def problems(self) -> list[str]:
        return self._problems

    def joined_by(self, user: str) -> Joined:
        return {chat: seq for (chat, name), seq in self._joined.items() if name == user}

    # -- at each write

    def _on_write(self, table: str, old: Item | None, new: Item | None) -> None:
        if new and "expires_at" in new:
            kind = new["item"]["S"].split("#")[0] if "item" in new else "ticket"
            if int(new["expires_at"]["N"]) > self._world.now + LIFETIMES[kind] + SKEW_SECONDS:
                self._problems.append(f"a {kind} lives too long: {new}")
        if table != "Chats" or not (old or new):  # what is not there may be deleted
            return
        after, before = from_wire(new) if new else {}, from_wire(old) if old else {}
        kind, _, user = (after or before)["item"].partition("#")
        running = self._world.running
        if kind == "head":
            self._begun.setdefault((after or before)["chat"], self._world.now)
        if kind == "member":
            place = (after or before)["chat"], user
            self._joined.pop(place, None)
            if new is not None:
                if old is None and place in self._left:
                    self._problems.append(f"{user} left {place[0]} for good, and was put back")
                if before.get("joined_seq") != after["joined_seq"]:
                    self._joined_at[place] = self._world.now
                self._joined[place] = after["joined_seq"]
                self.reached(*place, after["joined_seq"])
        is_message = kind == "message" and new is not None and not after.get("void")
        is_mark = kind == "member" and before.get("delivered") != after.get("delivered")
        if running is not None and (is_message or (is_mark and old and new)):
            for address in self._removed_before(running):
                if running.name.endswith(f" of {address}") and not _takes_marks_away(before, after):
                    self._problems.append(f"{address} was removed, and wrote {after}")

    def _removed_before(self, task: Invocation) -> list[str]:
        return [
            address for address, at in self.removed.items() if at + STALE_SECONDS < task.started
        ]

    # -- at each frame

    def on_post(self, socket: Socket, frame: Frame) -> None:
        running = self._world.running
        assert running is not None
        gone = socket.address in self._removed_before(running)
        if gone and frame["type"] not in MAY_REACH_ANYBODY:
            self._problems.append(f"{socket.address} was removed, and gets {frame}")
        for message in frame.get("messages", [frame] if frame["type"] == "message" else []):
            self._shown(socket.user, frame.get("chat", message["chat"]), message["seq"], running)
        if frame["type"] == "receipt":
            self._tick(frame["chat"], frame["user"], frame)

    def on_response(self, device: Device, frame: Frame) -> None:
        self._checks.on_response(device, frame)
        running = self._world.running
        assert running is not None
        gone = device.address in self._removed_before(running)
        if gone and frame["type"] not in MAY_REACH_ANYBODY:
            self._problems.append(f"{device.address} was removed, and is answered {frame}")
        if frame["type"] == "synced":
            for chat, part in frame["chats"].items():
                for user, marks in part["members"].items():
                    self._tick(chat, user, marks)

    def reached(self, chat: str, user: str, mark: int) -> None:
        """A device of the user has everything up to there."""
        self._marks[chat, user] = max(mark, self._marks.get((chat, user), 0))

    def _tick(self, chat: str, user: str, marks: Any) -> None:
        truth = self._marks.get((chat, user), 0)
        if max(marks["delivered"], marks["read"]) > truth:
            self._problems.append(f"{user} has {chat} up to {truth}, and others see {marks}")

    def _shown(self, user: str, chat: str, seq: int, task: Invocation) -> None:
        stored = self._checks.stored[chat, seq]
        if self._is_expired(stored, task):
            self._problems.append(f"{user} is shown what has expired: {stored}")
        joined, at = self._joined.get((chat, user), 0), self._joined_at.get((chat, user), 0)
        if not stored.is_for(user) or (seq <= joined and at < task.started):
            self._problems.append(f"{user} is shown what was before joining: {stored}")

    def _is_expired(self, stored: Stored, task: Invocation) -> bool:
        return bool(stored.item["expires_at"] < task.started - SKEW_SECONDS)

    # -- at each response of the HTTP API

    def rejected(self, device: Device, task: Invocation, got: Answer) -> None:
        late = self.removed[device.address] < task.started
        if late and got.status < 400:
            self._problems.append(f"{device.address} was removed, and {task.name}: {got}")

    def history(self, device: Device, chat: str, after: int, task: Invocation, page: Frame) -> None:
        """Nothing from before the user joined, nothing expired, and nothing left out."""
        joined = task.joined.get(chat)
        if joined is None or self._joined.get((chat, device.user)) != joined:
            return  # joined or left meanwhile
        seqs = {message["seq"] for message in page["messages"]}
        for seq in seqs:
            self._shown(device.user, chat, seq, task)
            if seq <= joined:
                self._problems.append(f"{device.address} joined at {joined}, and sees {seq}")
        missing = {seq for low, high in page["missing"] for seq in range(low, high + 1)}
        for seq in range(max(after, joined) + 1, page["complete_to"] + 1):
            stored = self._checks.stored.get((chat, seq))
            shown = stored is not None and stored.is_for(device.user)
            if shown and seq not in seqs | missing:
                self._problems.append(f"{device.address} asked for {after}, and lacks {stored}")

    def chats(self, user: str, task: Invocation, listed: Frame) -> None:
        """The chats in which the user was all the time, if this is the only page; and truly."""
        found = {each["chat"]: each for each in listed["chats"]}
        now = self.joined_by(user)
        always = {
            chat
            for chat, joined in task.joined.items()
            if now.get(chat) == joined and self._begun.get(chat, task.started) < task.started
        }
        if "cursor" not in listed and not always <= found.keys():
            self._problems.append(f"{user} is in {always}, and is notified of {sorted(found)}")
        for chat, each in found.items():
            if chat not in task.joined.keys() | now.keys():
                self._problems.append(f"{user} is not in {chat}, and is notified of {each}")
            self._tick(chat, user, each)

    def devices(self, user: str, task: Invocation, listed: Frame) -> None:
        """None that was removed before, and no former one whose messages have expired."""
        for name in listed["devices"]:
            if f"{user}/{name}" in self._removed_before(task):
                self._problems.append(f"{user}/{name} was removed, and is listed")
        for each in listed["former"]:
            if each["until"] / 1000 < task.started - SKEW_SECONDS:
                self._problems.append(f"a former device of {user} has expired: {each}")

    def leaves(self, user: str, chat: str, task: Invocation) -> None:
        """Who joins again has asked for it, see `may_join`."""
        if self._joined.get((chat, user)) is not None:
            if self._joined_at[chat, user] < task.started:
                self._problems.append(f"{user} left {chat}, and is still a member")
        else:
            self._left.add((chat, user))

    def may_join(self, user: str, chat: str) -> None:
        self._left.discard((chat, user))

    def claimed(self, keys: Frame) -> None:
        for address, key in keys.items():
            if not key["fallback"]:
                self._handed_out[address, key["key"]] += 1
                if self._handed_out[address, key["key"]] > 1:
                    self._problems.append(f"a key of {address} was handed out twice: {key}")


def _takes_marks_away(before: Any, after: Any) -> bool:
    """The delivery watch forgets the marks of devices that are gone."""
    return bool(after.get("delivered", {}).keys() < before.get("delivered", {}).keys())
