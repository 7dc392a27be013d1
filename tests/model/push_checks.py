"""What must be true of pushes: by each one, and at rest. The rules of the protocol, from outside."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.attribute_values import from_wire
from lambdas.presence.devices import LEASE_SECONDS
from lambdas.tables import DEVICES, message_item
from tests.model.checks import Checks, Stored, Violation
from tests.model.device import TTL_SECONDS, Device, Identity
from tests.model.events import Events, Place
from tests.model.expressions import Item
from tests.model.push_queue import Pushed
from tests.model.world import SKEW_SECONDS, World


@dataclass
class Run:
    """What was true when a run of the push function began, and what it has pushed."""

    member: dict[str, Any]
    devices: dict[str, Any]
    named: frozenset[str]  # devices, by the jobs of the batch
    rings: int = 0


class PushChecks:
    """Listens to the phones of a world. A run begins and ends where its `rings#` item says so."""

    def __init__(self, world: World, devices: list[Device], checks: Checks, events: Events) -> None:
        self._world, self._devices, self._checks, self._events = world, devices, checks, events
        self._runs: dict[Place, Run] = {}  # the last one, by user and chat
        self._rung: Counter[tuple[str, str | None]] = Counter()
        self._failed: set[Place] = set()  # of a run that failed after it had pushed
        self._token_since: dict[str, int] = {}  # device -> when it got a push token
        self._connected: dict[str, int] = {}  # device -> when it was last seen connected
        self._problems: list[str] = []
        self.is_quiet: Callable[[Stored], bool] = lambda _: False  # after one ring, by strangers.py
        world.push_listeners.append(self._on_push)
        world.database.listeners.append(self._on_write)

    def _on_write(self, table: str, old: Item | None, new: Item | None) -> None:
        if table != "Users" or new is None:
            return
        if new["item"]["S"] == DEVICES:
            self._on_devices(from_wire(new))
        if not new["item"]["S"].startswith("rings#"):
            return
        before, after = from_wire(old) if old else {}, from_wire(new)
        place = after["user"], after["item"].removeprefix("rings#")
        if after["begun"] > before.get("begun", 0):
            self._begins(place)
        elif after.get("done") == after["begun"]:
            self._runs[place].rings = 0  # it has recorded what it did

    def _on_devices(self, item: dict[str, Any]) -> None:
        """What was sent to a device before it had a push token rings nowhere."""
        for name, device in item["devices"].items():
            if "endpoint_arn" in device:
                address = f"{item['user']}/{name}"
                self._token_since.setdefault(address, self._world.number())

    def _begins(self, place: Place) -> None:
        user, chat = place
        before = self._runs.get(place)
        if before is not None and before.rings:
            self._failed.add(place)
        member = self._checks.item("Chats", chat, f"member#{user}")
        named = frozenset(+self._events.named.get(place, Counter()))
        self._runs[place] = Run(member, dict(self._checks.registered(user)), named)

    def problems(self) -> None:
        """Raises Violation for what was seen since."""
        for device in self._devices:
            if device.connected():
                self._connected[device.address] = self._world.number()
        if self._problems:
            raise Violation("; ".join(self._problems))

    # -- at each push

    def _on_push(self, pushed: Pushed) -> None:
        if pushed.message_id is None:
            return
        user, name = pushed.device.split("/")
        run = self._runs[user, pushed.chat]
        run.rings += 1
        stored = self._by_id(pushed)
        self._rung[pushed.device, pushed.message_id] += 1
        twice = self._rung[pushed.device, pushed.message_id] > 1
        marks = run.member.get("delivered", {}), run.member.get("read", 0)
        if not self._is_text_for(stored, user, name):
            self._problems.append(f"{pushed.device} rang for what it does not show: {stored}")
        if marks[1] >= stored.seq or marks[0].get(name, 0) >= stored.seq:
            self._problems.append(f"{pushed.device} rang for what was read or is there: {stored}")
        if self._is_connected(run, user, name) and name not in run.named:
            self._problems.append(f"{pushed.device} rang while it was connected: {stored}")
        again = any(  # sent once more after its first copy has expired
            each.identity == stored.identity and self._checks.is_expired(each)
            for each in self._checks.stored.values()
        )
        if twice and not again and (user, pushed.chat) not in self._failed:
            self._problems.append(f"{pushed.device} rang twice for {stored}")

    def _is_connected(self, run: Run, user: str, name: str) -> bool:
        """From the beginning of the run until now, by the same connection."""
        now = self._checks.registered(user).get(name, {})
        id = now.get("connection_id")
        age = self._world.now - now.get("connected_at", 0) / 1000
        if age > LEASE_SECONDS - SKEW_SECONDS:
            return False  # the lease has run out, or may have
        return id is not None and run.devices.get(name, {}).get("connection_id") == id

    def _by_id(self, pushed: Pushed) -> Stored:
        """The last place that its user sees of a message that was sent again."""
        user = pushed.device.partition("/")[0]
        return max(
            (
                stored
                for stored in self._checks.stored.values()
                if (stored.chat, stored.identity[2]) == (pushed.chat, pushed.message_id)
            ),
            key=lambda stored: (stored.is_for(user), stored.seq),
        )

    @staticmethod
    def _is_text_for(stored: Stored, user: str, name: str) -> bool:
        item = stored.item
        return (
            not item.get("hidden")
            and item["sender"] != user
            and user not in item.get("hidden_from", ())
            and ("to" not in item or f"{user}/{name}" in item["to"])
        )

    # -- at rest

    def at_rest(self) -> None:
        """Nothing is under way, and the watch has seen everything."""
        self.problems()
        for device in self._devices:
            if "endpoint_arn" in self._checks.registered(device.user).get(device.name, {}):
                for chat in {stored.chat for stored in self._checks.stored.values()}:
                    if device.user in self._checks.members(chat):
                        self._at_rest(device, chat)

    def _at_rest(self, device: Device, chat: str) -> None:
        member = self._checks.item("Chats", chat, f"member#{device.user}")
        texts = self._texts(device, chat)
        owed = {seq for seq, stored in texts.items() if self._is_owed(device, stored)}
        place = (device.address, chat)
        pushes = [each for each in self._world.pushed if (each.device, each.chat) == place]
        rings = [(each, self._by_id(each).seq) for each in pushes if each.message_id]
        mark = max(member["read"], member["delivered"].get(device.name, 0))
        # no purge waits for it, and what is purged rings nowhere
        away = device.seen_at < self._world.now - TTL_SECONDS + SKEW_SECONDS
        for seq in owed:
            if self.is_quiet(texts[seq]) and rings:
                continue
            woken = any(each.number > texts[seq].number and newest >= seq for each, newest in rings)
            if mark < seq and not woken and not away:
                raise Violation(f"{device.address} was not woken for {texts[seq]}")
        self._counts(device, chat, owed, member["read"])
        # one that was connected since was notified
        rings = [each for each in rings if not self._checks.is_expired(self._by_id(each[0]))]
        silent = bool(rings) and self._connected.get(device.address, 0) < rings[-1][0].number
        shown = bool(rings) and pushes[-1].message_id is not None
        if silent and shown and max(newest for _, newest in rings) <= member["read"]:
            raise Violation(f"{device.address} still shows {pushes[-1]}, which was read")

    def _is_owed(self, device: Device, stored: Stored) -> bool:
        entitled = self._checks.is_entitled(device, stored) and not self._checks.is_expired(stored)
        return entitled and self._token_since[device.address] < stored.number

    def _texts(self, device: Device, chat: str) -> dict[int, Stored]:
        """What the device shows of a chat, by seq; what was sent again counts once."""
        texts: dict[Identity, Stored] = {}
        for stored in sorted(self._checks.stored.values(), key=lambda stored: stored.seq):
            if stored.chat == chat and self._is_text_for(stored, device.user, device.name):
                texts.setdefault(stored.identity, stored)
        return {stored.seq: stored for stored in texts.values()}

    def _counts(self, device: Device, chat: str, owed: set[int], read: int) -> None:
        """What counts as unread for the badge is what is unread, each text once.

        As far as it was in the log: what every device had before it was counted is purged.
        """
        item = self._checks.item("Users", device.user, f"rings#{chat}")
        each = item.get("devices", {}).get(device.name, {"waiting": [], "rang": []})
        seqs = [*each["waiting"], *each["rang"]]
        counted = [self._checks.stored[chat, seq].identity for seq in seqs]
        expected = {
            self._checks.stored[chat, seq].identity
            for seq in owed
            if read < seq <= item.get("seq", 0)
            and self._checks.item("Chats", chat, message_item(seq))
        }
        wrong = [
            seq
            for seq in seqs
            if seq <= read
            or not self._is_text_for(self._checks.stored[chat, seq], device.user, device.name)
        ]
        if wrong or len({*counted}) < len(counted) or not expected <= {*counted}:
            raise Violation(f"{device.address} counts {seqs} in {chat}, and {expected} are unread")
