"""The number of changes of a user's devices and their keys, and of those that were announced.

Both stand in the `devices` item, and each change is counted with the write that makes it. A process
may end before it has announced what it changed. The next request that changes something of these
devices, or repeats the change, finds the two numbers different, and announces the earlier change
too.
"""

from contextlib import suppress
from typing import Any

from lambdas.presence.devices import Device, devices_of
from lambdas.tables import DEVICES, ConditionFailed, Table, user_key


class DeviceChanges:
    def __init__(self, users: Table) -> None:
        self._users = users

    def of(self, user: str) -> tuple[dict[str, Device], int | None]:
        """A user's devices, and how often they changed if that is not announced. Consistent."""
        item = self._users.get(user_key(user, DEVICES), consistent=True) or {"devices": {}}
        changes = item.get("changes", 0)
        return devices_of(item), changes if changes > item.get("announced", 0) else None

    def count_action(self, user: str) -> dict[str, Any]:
        """Counts a change of a device's keys, for `transact` with it: a count that came before it
        would be announced while others still find the old keys. Only of a user who exists: it makes
        no deleted one again."""
        return self._users.update_action(
            user_key(user, DEVICES), "ADD changes :one", "attribute_exists(devices)", one=1
        )

    def announced(self, user: str, changes: int) -> None:
        """Records that all changes up to this number are announced."""
        later = "(attribute_not_exists(announced) OR announced < :number)"
        condition = f"attribute_exists(devices) AND {later}"
        with suppress(ConditionFailed):  # the account was deleted, or more are announced
            self._users.update(
                user_key(user, DEVICES),
                "SET announced = :number",
                condition,
                returns="NONE",
                number=changes,
            )
