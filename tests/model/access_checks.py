"""Who may see and do what: by each frame, each response, and each write. From outside."""

from collections import Counter
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.frames import Frame
from tests.model.checks import Checks, Stored
from tests.model.device import Device
from tests.model.expressions import Item
from tests.model.gateway import Socket
from tests.model.rest import Answer
from tests.model.world import SKEW_SECONDS, STALE_SECONDS, Invocation, World

Joined = dict[str, int]  # chat -> the seq at which a user joined
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
        if table != "Chats" or not (old or new):  # what is not there may be deleted
            return
        after, before = from_wire(new) if new else {}, from_wire(old) if old else {}
        kind, _, user = (after or before)["item"].partition("#")
        running = self._world.running
        if kind == "member":
            place = (after or before)["chat"], user
            self._joined.pop(place, None)
            if new is not None:
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
        if user not in stored.members:
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
            if stored is not None and seq not in seqs | missing:
                self._problems.append(f"{device.address} asked for {after}, and lacks {stored}")

    def claimed(self, keys: Frame) -> None:
        for address, key in keys.items():
            if not key["fallback"]:
                self._handed_out[address, key["key"]] += 1
                if self._handed_out[address, key["key"]] > 1:
                    self._problems.append(f"a key of {address} was handed out twice: {key}")


def _takes_marks_away(before: Any, after: Any) -> bool:
    """The delivery watch forgets the marks of devices that are gone."""
    return bool(after.get("delivered", {}).keys() < before.get("delivered", {}).keys())
