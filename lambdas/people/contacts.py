"""Contacts and settings of users: items of Users.

    <user>  contact#<peer>  contact: "contact" | "blocked"
    <user>  settings        groups, presence, requests, receipts; see consent.DEFAULTS

A user's contacts are the users to whom the user has written directly, or whom the user has answered
or accepted. Contacts are one-sided: A may be a contact of B and B none of A.
"""

from collections.abc import Iterable
from typing import Any

from lambdas.people.consent import CONTACT, DEFAULTS, View
from lambdas.tables import ConditionFailed, Item, Table, user_key

SETTINGS = "settings"


class Contacts:
    def __init__(self, users: Table) -> None:
        self._users = users

    def add(self, user: str, peer: str) -> None:
        """Makes the peer a contact of the user; one that is blocked stays blocked."""
        item = {**user_key(user, _contact(peer)), "contact": CONTACT}
        try:
            self._users.put(item, "attribute_not_exists(contact)")
        except ConditionFailed:
            return

    def add_action(self, user: str, peer: str) -> dict[str, Any]:
        """As `add`, for `transact`."""
        expression = "SET contact = if_not_exists(contact, :contact)"
        return self._users.update_action(
            user_key(user, _contact(peer)), expression, contact=CONTACT
        )

    def begin_action(self, user: str, peer: str) -> dict[str, Any]:
        """As `add_action`, on condition that the user has not blocked the peer."""
        key = user_key(user, _contact(peer))
        return self._users.put_action(
            {**key, "contact": CONTACT},
            "attribute_not_exists(contact) OR contact = :contact",
            contact=CONTACT,
        )

    def check_action(self, user: str, peer: str, state: str | None) -> dict[str, Any]:
        """For `transact`, that the user's decision about the peer still is this one."""
        key = user_key(user, _contact(peer))
        if state is None:
            return self._users.check_action(key, "attribute_not_exists(contact)")
        return self._users.check_action(key, "contact = :state", state=state)

    def set_action(self, user: str, peer: str, state: str | None) -> dict[str, Any]:
        """Makes the peer a contact, blocks or forgets (None) them, for `transact`."""
        key = user_key(user, _contact(peer))
        if state is None:
            return self._users.delete_action(key)
        return self._users.put_action({**key, "contact": state})

    def states(self, user: str) -> dict[str, str]:
        """peer -> contact or blocked."""
        items = self._users.query_all({"user": user}, prefix="contact#", consistent=True)
        return {item["item"].removeprefix("contact#"): item["contact"] for item in items}

    def views(self, owners: Iterable[str], peer: str) -> dict[str, View]:
        """What each of the owners has decided about the peer; for everybody, also unknown users."""
        names = list(dict.fromkeys(owners))
        keys = [user_key(name, item) for name in names for item in (_contact(peer), SETTINGS)]
        found: dict[tuple[str, str], Item] = {
            (item["user"], item["item"]): item
            for item in self._users.batch_get(keys, consistent=True)
        }
        return {
            name: View(
                found.get((name, _contact(peer)), {}).get("contact"),
                _settings(found.get((name, SETTINGS))),
            )
            for name in names
        }

    def settings(self, user: str) -> dict[str, Any]:
        return _settings(self._users.get(user_key(user, SETTINGS), consistent=True))

    def put_settings(self, user: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Changes the settings that are named, and known; returns all."""
        changes = {name: changes[name] for name in DEFAULTS if name in changes}
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        names = {f"#{name}": name for name in changes}
        if changes:
            self._users.update(user_key(user, SETTINGS), f"SET {sets}", names=names, **changes)
        return self.settings(user)


def _contact(peer: str) -> str:
    return f"contact#{peer}"


def _settings(item: Item | None) -> dict[str, Any]:
    stored = item or {}
    return {name: stored.get(name, default) for name, default in DEFAULTS.items()}
