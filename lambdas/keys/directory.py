"""Devices' public keys in the Users table, and one-time keys that are handed out exactly once.

Items, all under the device's user:

    device#<device>         curve25519, ed25519, signature, introduction (by, signature; empty if
                            none), label (its name, for its user); uploaded, claimed (counters)
    otk#<device>#<order>    id, key, signature; order is the value of `uploaded` it was stored at
    fallback#<device>       id, key, signature, used, signed_by (the ed25519 key it belongs to)
    onetime#<key>           uploaded_at: this key came in once; it is never stored again
    former#<device>#<key>   curve25519, ed25519, signature, expires_at: a removed device, or its
                            identity before this one, until the last of its messages expires

A claim takes the next order by adding 1 to `claimed`, on condition that there is one. This one
write decides: no two claims get the same order, no claim has to try the next key after a race, and
keys are claimed in the order of their upload. A claim that fails after it wastes a key and never
hands one out twice.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from lambdas.errors import ChatError, not_found
from lambdas.keys.decisions import (
    Claim,
    DeviceKeys,
    FormerDevice,
    SignedKey,
    still_new,
)
from lambdas.tables import (
    ConditionFailed,
    Item,
    Key,
    Table,
    TransactionCancelled,
    transact,
    user_key,
)

ATTEMPTS = 8
FORMER_LISTED = 100  # more are not listed: one page, and a short response
KEYS_PER_TRANSACTION = 49  # two puts each, beside the counter and a fallback key: 100 actions


class Change(Enum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


class Directory:
    """The key directory. Former keys are listed for `message_seconds`, as messages live.

    `sleep` and `clock` (epoch seconds) are arguments for tests.
    """

    def __init__(
        self,
        users: Table,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        message_seconds: int = 30 * 86_400,
    ) -> None:
        self._users = users
        self._message_seconds = message_seconds
        self._sleep = sleep
        self._clock = clock

    def put(
        self,
        user: str,
        device: str,
        keys: DeviceKeys,
        label: str | None = None,
        changing: Callable[[], None] = lambda: None,
        also: Sequence[dict[str, Any]] = (),
        *,
        registered: bool = True,
    ) -> Change:
        """Stores a device's identity; deletes the keys that another identity before it signed.

        That identity is kept as a former one. Without a `label` the one of before stays. `changing`
        is called before another identity is stored, and may raise; `also` has actions that happen
        with it, unless these are the first keys of a device that is not `registered`.
        """
        counted = False
        for attempt in range(ATTEMPTS):
            before = self._users.get(user_key(user, f"device#{device}"), consistent=True)
            if before is not None and _identity(before) == (keys.ed25519, keys.curve25519):
                if keys.introduction and not before.get("introduction"):
                    self._add_introduction(user, device, keys)
                if label and label != before.get("label"):
                    self._rename(user, device, label)
                return Change.SAME
            if not counted:
                changing()
                counted = True
            actions = [self._replace_action(user, device, before, keys, label)]
            if before is not None or registered:
                actions += also
            if before is not None and before["ed25519"] != keys.ed25519:
                actions.append(self._users.put_action(self._former_item(user, device, before)))
            try:
                transact(self._users, actions)
            except TransactionCancelled:  # it has another identity by now, or more keys
                self._pause(attempt)
                continue
            if before is None:
                return Change.NEW
            self._forget_keys(user, device, up_to=before["uploaded"], not_signed_by=keys.ed25519)
            return Change.CHANGED
        sentence = "too much happens to this device's keys at once; try again"
        raise ChatError("rate_limited", sentence)

    def _replace_action(
        self, user: str, device: str, before: Item | None, keys: DeviceKeys, label: str | None
    ) -> dict[str, Any]:
        """On condition that `before` is what stands."""
        named: dict[str, Any] = {"label": label} if label else {}
        condition, was = "attribute_not_exists(ed25519)", {}
        if before is not None:
            condition = "ed25519 = :e_was AND curve25519 = :c_was AND uploaded = :u_was"
            was = {f"{name[0]}_was": before[name] for name in ("ed25519", "curve25519", "uploaded")}
        return self._users.update_action(
            user_key(user, f"device#{device}"),
            "SET curve25519 = :c, ed25519 = :e, signature = :s, introduction = :i,"
            " uploaded = :u, claimed = :u" + (", label = :label" if named else ""),
            condition,
            c=keys.curve25519,
            e=keys.ed25519,
            s=keys.signature,
            i=dict(keys.introduction or {}),
            u=before["uploaded"] if before else 0,
            **was,
            **named,
        )

    def _add_introduction(self, user: str, device: str, keys: DeviceKeys) -> None:
        """For an identity that was stored without: by a version that knew of none, for example."""
        self._set_if(
            user_key(user, f"device#{device}"),
            "SET introduction = :i",
            "ed25519 = :e AND curve25519 = :c"  # else it has another identity by now
            " AND (attribute_not_exists(introduction) OR introduction = :none)",
            c=keys.curve25519,
            e=keys.ed25519,
            i=dict(keys.introduction or {}),
            none={},
        )

    def _rename(self, user: str, device: str, label: str) -> None:
        key = user_key(user, f"device#{device}")
        # else it has just been removed
        self._set_if(key, "SET label = :label", "attribute_exists(ed25519)", label=label)

    def _set_if(self, key: Key, expression: str, condition: str, **values: Any) -> None:
        """Updates an item, or leaves it as it is where the condition does not hold."""
        with suppress(ConditionFailed):
            self._users.update(key, expression, condition, returns="NONE", **values)

    def get(self, user: str, devices: Iterable[str]) -> dict[str, DeviceKeys]:
        """The devices' keys, without devices that have none."""
        items = self._items(user, devices)
        return {device: _device_keys(item) for device, item in items.items()}

    def labels(self, user: str, devices: Iterable[str]) -> dict[str, str]:
        """What the devices call themselves, without those that have no name."""
        items = self._items(user, devices)
        return {device: item["label"] for device, item in items.items() if "label" in item}

    def _items(self, user: str, devices: Iterable[str]) -> dict[str, Item]:
        asked = [user_key(user, f"device#{device}") for device in devices]
        items = self._users.batch_get(asked, consistent=True)
        return {item["item"].removeprefix("device#"): item for item in items}

    def former(self, user: str) -> list[FormerDevice]:
        """Removed devices and changed identities whose messages may still be read."""
        page = self._users.query({"user": user}, prefix="former#", limit=FORMER_LISTED)
        return [_former(item) for item in page.items if item["expires_at"] > self._clock()]

    def fallback_used(self, user: str, device: str) -> bool:
        """The fallback key was handed out, so the device should upload another one."""
        item = self._users.get(user_key(user, f"fallback#{device}"), consistent=True)
        return item is not None and item["used"]

    def remove(self, user: str, device: str, also: Sequence[dict[str, Any]] = ()) -> None:
        """Deletes a device and its unclaimed keys; its identity is a former one now. Idempotent.

        `also`: actions that happen with the first of these, or not at all. Raises
        TransactionCancelled if a condition of theirs does not hold, or the keys change meanwhile.
        """
        key = user_key(user, f"device#{device}")
        before = self._users.get(key, consistent=True)
        actions = [*also]
        if before is not None:
            actions.append(self._users.put_action(self._former_item(user, device, before)))
            same = self._users.delete_action(key, "ed25519 = :was", was=before["ed25519"])
            actions.append(same)
        if actions:
            transact(self._users, actions)
        self._forget_keys(user, device)

    def upload(
        self,
        user: str,
        device: str,
        signer: str,
        keys: Sequence[SignedKey],
        fallback: SignedKey | None,
    ) -> int:
        """How many one-time keys now wait; `signer` is the ed25519 key the signatures fit.

        Raises ChatError not_found (no such device), bad_request (too many), conflict (the device
        has another identity by now, or is uploading from two places without end).
        """
        memories = [user_key(user, f"onetime#{key.key}") for key in keys]
        failures = 0
        while failures < ATTEMPTS:
            item = self._device(user, device)
            if item["ed25519"] != signer:
                raise ChatError("conflict", "the keys of this device were replaced meanwhile")
            found = self._users.batch_get(memories, consistent=True)
            known = {memory["item"].removeprefix("onetime#") for memory in found}
            new = still_new(keys, known, _remaining(item))
            actions = self._fallback_actions(user, device, signer, fallback)
            if not new and not actions:
                # read again: another request may have stored these keys between the two reads
                return _remaining(self._device(user, device))
            actions += self._upload_actions(user, device, item, new[:KEYS_PER_TRANSACTION])
            try:
                transact(self._users, actions)
            except TransactionCancelled:  # by a claim or another upload
                self._pause(failures)
                failures += 1
        raise ChatError("conflict", "the keys of this device are being changed; try again")

    def claim(self, user: str, device: str, *, one_time: bool = True) -> Claim | None:
        """A one-time key of the device, the oldest first, else its fallback key, else None.

        Without `one_time` its fallback key at once.
        """
        if not one_time:
            entry = self._users.get(user_key(user, f"device#{device}"), consistent=True)
            return self._claim_fallback(user, device, entry)
        item: Item | None = None
        for _ in range(ATTEMPTS):
            try:
                item = self._take(user, device)
            except ConditionFailed as spent:
                item = spent.item
                break
            key = self._users.delete(user_key(user, _order(device, item["claimed"])))
            if key is not None:  # None: deleted, as the device was removed or changed
                return Claim(_signed_key(key), False, _remaining(item))
        return self._claim_fallback(user, device, item)

    def _take(self, user: str, device: str) -> Item:
        return self._users.update(
            user_key(user, f"device#{device}"),
            "SET claimed = claimed + :one",
            "claimed < uploaded",
            one=1,
        )

    def _claim_fallback(self, user: str, device: str, item: Item | None) -> Claim | None:
        if item is None:
            return None
        try:
            fallback = self._users.update(
                user_key(user, f"fallback#{device}"),
                "SET used = :true",
                "signed_by = :signer",
                returns="ALL_OLD",
                true=True,
                signer=item["ed25519"],
            )
        except ConditionFailed:
            return None
        return Claim(_signed_key(fallback), True, _remaining(item), again=fallback["used"])

    def _fallback_actions(
        self, user: str, device: str, signer: str, fallback: SignedKey | None
    ) -> list[dict[str, Any]]:
        if fallback is None:
            return []
        key = user_key(user, f"fallback#{device}")
        stands = self._users.get(key, consistent=True)
        if stands and stands["key"] == fallback.key and stands["signed_by"] == signer:
            return []  # a repeated upload must not reset `used`
        item = {**key, **fallback._asdict(), "used": False, "signed_by": signer}
        return [self._users.put_action(item)]

    def _upload_actions(
        self, user: str, device: str, item: Item, keys: Sequence[SignedKey]
    ) -> list[dict[str, Any]]:
        """The keys, and the counter that makes them claimable, in one transaction."""
        uploaded = item["uploaded"]
        actions = [
            self._users.update_action(
                user_key(user, f"device#{device}"),
                "SET uploaded = :to",
                "uploaded = :from AND ed25519 = :signer",
                **{"to": uploaded + len(keys), "from": uploaded, "signer": item["ed25519"]},
            )
        ]
        now = int(self._clock())
        for order, key in enumerate(keys, start=uploaded + 1):
            stored = {**user_key(user, _order(device, order)), **key._asdict()}
            memory = {**user_key(user, f"onetime#{key.key}"), "uploaded_at": now}
            actions.append(self._users.put_action(stored))
            actions.append(self._users.put_action(memory, "attribute_not_exists(uploaded_at)"))
        return actions

    def _device(self, user: str, device: str) -> Item:
        item = self._users.get(user_key(user, f"device#{device}"), consistent=True)
        if item is None:
            raise not_found(f"you have no device {device}")
        return item

    def _former_item(self, user: str, device: str, item: Item) -> Item:
        """`item` is the identity that the device has."""
        keys = _device_keys(item)
        key = user_key(user, f"former#{device}#{keys.ed25519}")
        expires_at = int(self._clock()) + self._message_seconds
        stored = {name: getattr(keys, name) for name in ("curve25519", "ed25519", "signature")}
        return {**key, **stored, "expires_at": expires_at}

    def _forget_keys(
        self, user: str, device: str, up_to: int | None = None, not_signed_by: str = ""
    ) -> None:
        partition = {"user": user}
        waiting = self._users.query_all(partition, prefix=f"otk#{device}#", consistent=True)
        last = None if up_to is None else _order(device, up_to)
        self._users.batch_write(
            deletes=[
                user_key(user, item["item"])
                for item in waiting
                if last is None or item["item"] <= last
            ]
        )
        try:
            self._users.delete(
                user_key(user, f"fallback#{device}"), "signed_by <> :signer", signer=not_signed_by
            )
        except ConditionFailed:
            return  # there is none, or one that the new identity has signed

    def _pause(self, attempt: int) -> None:
        self._sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - no secret


def _identity(item: Item) -> tuple[str, str]:
    return item["ed25519"], item["curve25519"]


def _order(device: str, order: int) -> str:
    return f"otk#{device}#{order:020d}"


def _remaining(item: Item) -> int:
    return int(item["uploaded"] - item["claimed"])


def _signed_key(item: Item) -> SignedKey:
    return SignedKey(item["id"], item["key"], item["signature"])


def _device_keys(item: Item) -> DeviceKeys:
    introduction = item.get("introduction") or None
    return DeviceKeys(item["curve25519"], item["ed25519"], item["signature"], introduction)


def _former(item: Item) -> FormerDevice:
    device = item["item"].split("#")[1]
    return FormerDevice(device, _device_keys(item), int(item["expires_at"]))
