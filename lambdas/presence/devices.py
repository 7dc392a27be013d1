"""The `devices` item of each user, and the `watcher#` items: who is connected, and who watches.

One item holds all devices of a user, so that one read shows how the user can be reached.

A connection is a lease of its device: connecting takes it, disconnecting returns it, and a lease
that is not returned expires. Every change of a lease is one conditional update, so that a late
$disconnect or a late "gone" of an older connection never takes the lease of a newer one.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from lambdas.errors import ChatError, LeaseLost
from lambdas.tables import (
    ACCOUNT,
    DEVICES,
    ConditionFailed,
    Item,
    Table,
    TransactionCancelled,
    pauses,
    transact,
    user_key,
)

# API Gateway and tasks that hold sockets end every connection after two hours, so an older lease
# has no open connection.
LEASE_SECONDS = 2 * 3600 + 600
# A post from inside $connect gets 410, and $connect runs for 6 s at most. So "gone" means nothing
# for a younger lease: ending it would cut a live connection off from all deliveries.
OPENING_SECONDS = 10
SEEN_SECONDS = 86_400  # a device that registers again is written as seen once a day
DEVICES_LIMIT = 50  # keeps the item that every send reads small
WATCHERS_LIMIT = 500  # notified of one change; the others see it when they renew their watch


@dataclass(frozen=True)
class Device:
    """A registered device. Times are in ms since the epoch.

    `sign_in` is the id of the sign-in that registered it last, and ends with the device;
    `opened_by` that of the one whose ticket has opened the connection, where it is another one.
    `endpoint_arn` is an SNS endpoint's, or the name of a Web Push subscription.
    """

    connection_id: str | None = None
    connected_at: int | None = None
    opened_by: str | None = None
    last_seen: int | None = None
    registered_at: int | None = None
    sign_in: str | None = None
    endpoint_arn: str | None = None
    platform: str | None = None

    def connected(self, now: float) -> bool:
        """Whether it holds a lease that has not run out at `now`, in epoch seconds."""
        if self.connection_id is None or self.connected_at is None:
            return False
        return self.connected_at / 1000 + LEASE_SECONDS > now

    @property
    def seen(self) -> int:
        """The last sign of it, 0 if none is known; a lease that was not returned counts from when
        it was taken."""
        return max(self.last_seen or 0, self.connected_at or 0, self.registered_at or 0)


_ATTRIBUTES = [each.name for each in fields(Device)]


class Address(NamedTuple):
    """One device of one user."""

    user: str
    device: str


class Forgotten(NamedTuple):
    """What `forget` found: whether it took the lease, and the user's devices now."""

    done: bool
    devices: dict[str, Device]


class Devices:
    """The devices of users. A user exists if the item does, a device if it has an entry."""

    def __init__(self, users: Table) -> None:
        self._users = users

    def of(self, users: Iterable[str], *, consistent: bool = False) -> dict[str, dict[str, Device]]:
        """user -> device -> Device; unknown users are absent."""
        keys = [user_key(user, DEVICES) for user in dict.fromkeys(users)]
        items = self._users.batch_get(keys, consistent=consistent)
        return {item["user"]: devices_of(item) for item in items}

    def watched(
        self, users: Iterable[str], since: float
    ) -> tuple[dict[str, dict[str, Device]], set[str]]:
        """As `of`, read consistently; and who of them ended watches since then (epoch seconds)."""
        items = self._users.batch_get([user_key(user, DEVICES) for user in users], consistent=True)
        ended = {item["user"] for item in items if item.get("unwatched_at", 0) >= since * 1000}
        return {item["user"]: devices_of(item) for item in items}, ended

    def create_user(self, user: str) -> None:
        """Idempotent. Raises ChatError unauthorized for an account that was deleted."""
        new = {**user_key(user, DEVICES), "devices": {}}
        put = self._users.put_action(new, "attribute_not_exists(devices)")
        account = user_key(user, ACCOUNT)
        stays = self._users.check_action(account, "attribute_not_exists(deleted_at)")
        for pause in pauses():
            if user in self.of([user], consistent=True):
                return
            try:
                transact(self._users, [put, stays])
                return
            except TransactionCancelled as cancelled:
                if cancelled.reasons[1] == "ConditionalCheckFailed":
                    raise ChatError("unauthorized", "this account was deleted") from None
            pause()

    def register(
        self, user: str, device: str, at: float | None = None, sign_in: str | None = None
    ) -> bool:
        """True if the device is new. `at` in epoch seconds, `sign_in` the id of the caller's.

        Raises ChatError conflict for one device too many.
        """
        try:
            self._update(
                user,
                device,
                "SET devices.#d = :entry ADD changes :one",
                "attribute_exists(devices) AND attribute_not_exists(devices.#d)"
                " AND size(devices) < :limit",
                entry=_entry(at, sign_in),
                limit=DEVICES_LIMIT,
                one=1,
            )
        except ConditionFailed as failure:
            if failure.item is None:  # the user was created in the user pool itself
                self.create_user(user)
                return self.register(user, device, at, sign_in)
            if device in failure.item["devices"]:
                there = device_from(failure.item["devices"][device])
                if at is not None and 0 < there.seen < (at - SEEN_SECONDS) * 1000:
                    self._seen_again(user, device, at)
                if sign_in is not None:
                    self._sign_in(user, device, sign_in)
                return False
            raise ChatError("conflict", f"a user has at most {DEVICES_LIMIT} devices") from None
        return True

    def _seen_again(self, user: str, device: str, at: float) -> None:
        """Purges do not wait for a device that was away for long; from now on they do for this."""
        write, condition = "SET devices.#d.registered_at = :at", "attribute_exists(devices.#d)"
        with suppress(ConditionFailed):  # it has just been removed
            self._update(user, device, write, condition, at=int(at * 1000))

    def _sign_in(self, user: str, device: str, sign_in: str) -> None:
        """Writes the sign-in that has registered the device again, if it is another one."""
        condition = "attribute_exists(devices.#d) AND devices.#d.sign_in <> :sign_in"
        with suppress(ConditionFailed):  # it is the same one, or the device has just been removed
            self._update(
                user, device, "SET devices.#d.sign_in = :sign_in", condition, sign_in=sign_in
            )

    def set_endpoint(
        self,
        user: str,
        device: str,
        arn: str | None,
        platform: str | None,
        *,
        instead_of: str | None = None,
    ) -> bool:
        """Sets or clears (None) the push endpoint; with `instead_of` only if it still is that one.

        False if the device is not registered, or has another endpoint now.
        """
        values: dict[str, Any] = {}
        expression = "REMOVE devices.#d.endpoint_arn, devices.#d.platform"
        if arn is not None:
            expression = "SET devices.#d.endpoint_arn = :arn, devices.#d.platform = :platform"
            values = {"arn": arn, "platform": platform}
        condition = "attribute_exists(devices.#d)"
        if instead_of is not None:
            condition += " AND devices.#d.endpoint_arn = :old"
            values["old"] = instead_of
        try:
            self._update(user, device, expression, condition, **values)
        except ConditionFailed:
            return False
        return True

    def remove_action(self, user: str, device: str, seen: Device) -> dict[str, Any]:
        """Removes a device, for `transact`, as long as its sign-in and connection are those of
        `seen`, which the caller ends."""
        found = {"sign_in": seen.sign_in, "connection_id": seen.connection_id}
        there = {name: value for name, value in found.items() if value is not None}
        lacks = [name for name in found if name not in there]
        same = [f"devices.#d.{name} = :{name}" for name in there]
        same += [f"attribute_not_exists(devices.#d.{name})" for name in lacks]
        return self._users.update_action(
            user_key(user, DEVICES),
            "REMOVE devices.#d ADD changes :one",
            " AND ".join(["attribute_exists(devices.#d)", *same]),
            names={"#d": device},
            one=1,
            **there,
        )

    def connect(
        self,
        user: str,
        device: str,
        connection_id: str,
        at: int,
        asked_at: int | None = None,
        opened_by: str | None = None,
    ) -> dict[str, Device]:
        """Takes the lease; `at` in ms, by API Gateway's clock. The user's devices as they were.
        `asked_at` (ms, by ours; None is now) and `opened_by` are the ticket's, see there.

        Raises ChatError: forbidden for a device that is not registered and for a ticket from before
        the sign-ins were ended, conflict for a connection older than the one that holds the lease
        ($connect events may overtake each other).
        """
        try:
            return self._update(
                user,
                device,
                "SET devices.#d.connection_id = :id, devices.#d.connected_at = :at"
                + (", devices.#d.opened_by = :by" if opened_by else " REMOVE devices.#d.opened_by"),
                "attribute_exists(devices.#d) AND (attribute_not_exists(devices.#d.connection_id)"
                " OR devices.#d.connected_at <= :at)"
                " AND (attribute_not_exists(closed_at) OR closed_at <= :asked_at)",
                returns="ALL_OLD",
                id=connection_id,
                at=at,
                asked_at=at if asked_at is None else asked_at,
                **({"by": opened_by} if opened_by else {}),
            )
        except ConditionFailed as failure:
            if failure.item is None or device not in failure.item["devices"]:
                raise ChatError("forbidden", "this device is not registered") from None
            if asked_at is not None and asked_at < failure.item.get("closed_at", 0):
                raise ChatError("forbidden", "the sign-ins of this user have ended") from None
            raise ChatError("conflict", "this device has connected again since") from None

    def reject_earlier_tickets(self, user: str, now: float) -> dict[str, Device]:
        """Makes tickets invalid from before `now` (epoch seconds); returns the user's devices."""
        item = self._stamp(user, "closed_at", now)
        return devices_of(item) if item else {}

    def disconnect(
        self, user: str, device: str, connection_id: str, now: float
    ) -> dict[str, Device] | None:
        """Returns the lease if this connection holds it: the devices then. None if it does not."""
        condition = "devices.#d.connection_id = :id"
        with suppress(ConditionFailed):
            return self._end_lease(user, device, condition, now, id=connection_id)
        return None

    def require_lease(
        self, address: Address, connection_id: str, seen: Mapping[str, Device]
    ) -> None:
        """Raises LeaseLost: forbidden for a device that is not registered, else conflict.

        `seen` are the user's devices. They may be from before the connection was opened, so they
        are read once more, consistently, before a frame is rejected.
        """
        if _holds(seen, address.device, connection_id):
            return
        fresh = self.of([address.user], consistent=True).get(address.user, {})
        if _holds(fresh, address.device, connection_id):
            return
        if address.device not in fresh:
            raise LeaseLost("forbidden", "this device is not registered")
        raise LeaseLost("conflict", "this connection was replaced by a newer one")

    def forget(self, user: str, device: str, connection_id: str, now: float) -> Forgotten:
        """Ends the lease of a connection that a post found gone, unless it is still opening."""
        try:
            devices = self._end_lease(
                user,
                device,
                "devices.#d.connection_id = :id AND devices.#d.connected_at < :opened",
                now,
                id=connection_id,
                opened=int((now - OPENING_SECONDS) * 1000),
            )
        except ConditionFailed as failure:
            return Forgotten(False, devices_of(failure.item) if failure.item else {})
        return Forgotten(True, devices)

    def _end_lease(
        self, user: str, device: str, condition: str, now: float, **values: Any
    ) -> dict[str, Device]:
        return self._update(
            user,
            device,
            "REMOVE devices.#d.connection_id, devices.#d.connected_at"
            " SET devices.#d.last_seen = :now",
            condition,
            now=int(now * 1000),
            **values,
        )

    def watch(
        self, watcher: Address, watched: Iterable[str], contacts: Container[str], until: float
    ) -> None:
        """Subscribes a device to the presence of users until then (epoch seconds).

        `contacts` are those of them who have the watcher as a contact. Their items come first in
        the order of keys, so that strangers never crowd them out of the WATCHERS_LIMIT.
        """
        items = [(user, _watcher_item(watcher, contact=user in contacts)) for user in watched]
        puts = [{**user_key(*item), "expires_at": int(until)} for item in items]
        self._users.batch_write(puts=puts)

    def unwatch(self, watcher: Address, watched: Iterable[str]) -> None:
        """Ends the device's watches of these users."""
        items = [_watcher_item(watcher, contact=contact) for contact in (True, False)]
        self._users.batch_write(
            deletes=[user_key(user, item) for user in watched for item in items]
        )

    def watchers(self, user: str, now: float) -> list[Address]:
        """The devices to notify of a change of the user's presence."""
        page = self._users.query({"user": user}, prefix="watcher#", limit=WATCHERS_LIMIT)
        return [_watcher(item) for item in page.items if item["expires_at"] > now]

    def end_watches(self, user: str, may_watch: Callable[[str], bool], now: float) -> None:
        """Ends those of users who may not see the user's presence any more.

        `unwatched_at` comes first: a watch that is stored after this looks for watches reads it.
        """
        self._stamp(user, "unwatched_at", now)
        items = self._users.query_all({"user": user}, prefix="watcher#", consistent=True)
        ended = [each for each in items if not may_watch(_watcher(each).user)]
        self._users.batch_write(deletes=[user_key(user, each["item"]) for each in ended])

    def _stamp(self, user: str, attribute: str, now: float) -> Item | None:
        """Writes a time (ms) into the user's item, and gives it; None if there is no such user."""
        key, condition = user_key(user, DEVICES), "attribute_exists(devices)"
        with suppress(ConditionFailed):
            return self._users.update(
                key, f"SET {attribute} = :time", condition, time=int(now * 1000)
            )
        return None

    def _update(
        self,
        user: str,
        device: str,
        expression: str,
        condition: str,
        *,
        returns: str = "ALL_NEW",
        **values: Any,
    ) -> dict[str, Device]:
        item = self._users.update(
            user_key(user, DEVICES),
            expression,
            condition,
            names={"#d": device},
            returns=returns,
            **values,
        )
        return devices_of(item)


def _holds(devices: Mapping[str, Device], device: str, connection_id: str) -> bool:
    return device in devices and devices[device].connection_id == connection_id


def _entry(at: float | None, sign_in: str | None) -> dict[str, Any]:
    entry = {"registered_at": None if at is None else int(at * 1000), "sign_in": sign_in}
    return {name: value for name, value in entry.items() if value is not None}


def device_from(attributes: Mapping[str, Any]) -> Device:
    """A device as the `devices` item has it."""
    return Device(**{name: attributes.get(name) for name in _ATTRIBUTES})


def devices_of(item: Item) -> dict[str, Device]:
    return {device: device_from(entry) for device, entry in item["devices"].items()}


def _watcher_item(watcher: Address, *, contact: bool) -> str:
    return f"watcher#{1 if contact else 2}#{watcher.user}/{watcher.device}"


def _watcher(item: Item) -> Address:
    user, device = item["item"].rpartition("#")[2].split("/")
    return Address(user, device)
