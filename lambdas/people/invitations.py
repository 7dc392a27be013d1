"""Invitations to groups, and the groups that a user has left for good: items of Users.

    <user>  invite#!<chat>  by, at (ms), expires_at (s): by a contact of the user
    <user>  invite#<chat>   the same, by others
    <user>  named#<chat>    chat: the head of the group may name the user as invited
    <user>  left#<chat>     quiet

"!" sorts before each character of a chat's id, so a contact's invitations are read first: those of
any number of strangers keep none of them out.

A user who has left a group is not added again by others: an add becomes an invitation that notifies
nobody, until the user accepts it or asks to be added. An invitation is written before the group's
head names the user as invited, and counts only while it does. `named#` is written for every user
whom a head is to name, also for who gets no invitation, and does not expire: the deletion of an
account, which marks the account first, finds these heads by it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from lambdas.tables import ACCOUNT, Item, Key, Table, user_key

INVITATION_SECONDS = 30 * 86_400
INVITATIONS_LIMIT = 100  # listed: contacts' first, then others', each by their chats' ids
PAGES_LIMIT = 5  # read, of as many each: some may count no more


class Invitation(NamedTuple):
    chat: str
    by: str
    at: int  # ms


class Invitations:
    def __init__(self, users: Table) -> None:
        self._users = users

    def add(
        self,
        users: Iterable[str],
        chat: str,
        by: str,
        now: float,
        knowing: Collection[str] = (),
    ) -> None:
        """`now` in epoch seconds. `knowing` are those of the users whose contact the inviter is."""
        fields = {
            "by": by,
            "at": int(now * 1000),
            "expires_at": int(now) + INVITATION_SECONDS,
        }
        self._users.batch_write(
            puts=[{**_keys(user, chat)[user not in knowing], **fields} for user in users]
        )

    def note_named(self, users: Iterable[str], chat: str) -> None:
        """Comes before the head names these users."""
        self._users.batch_write(puts=[{**_named(user, chat), "chat": chat} for user in users])

    def naming_checks(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact` with the head that is to name the user: the deletion of the account, which
        has not begun, will find the head."""
        return [
            self._users.check_action(_named(user, chat), "attribute_exists(chat)"),
            self._users.check_action(user_key(user, ACCOUNT), "attribute_not_exists(deleted_at)"),
        ]

    def deleted(self, users: Iterable[str]) -> list[str]:
        """Those of the users whose accounts are being deleted, or are."""
        items = self._having([user_key(user, ACCOUNT) for user in users])
        return sorted(item["user"] for item in items if "deleted_at" in item)

    def of(
        self,
        user: str,
        now: float,
        named: Callable[[Collection[str]], Collection[str]] = lambda chats: chats,
    ) -> list[Invitation]:
        """`named` gives those of the chats whose heads name the user as invited."""
        found: dict[str, Invitation] = {}
        start = None
        for _ in range(PAGES_LIMIT):
            page = self._users.query(
                {"user": user},
                prefix="invite#",
                limit=INVITATIONS_LIMIT,
                start=start,
                consistent=True,
            )
            invitations = [
                Invitation(
                    item["item"].removeprefix("invite#").removeprefix("!"), item["by"], item["at"]
                )
                for item in page.items
                if item["expires_at"] > now
            ]
            # once each: a contact and others may have invited the user to the same chat
            there = named([*dict.fromkeys(each.chat for each in invitations)])
            for each in invitations:
                if each.chat in there:
                    found.setdefault(each.chat, each)
            start = page.next
            if start is None or len(found) >= INVITATIONS_LIMIT:
                break
        return [*found.values()][:INVITATIONS_LIMIT]

    def find(self, user: str, chat: str, now: float) -> Invitation | None:
        """A contact's, where others have invited the user as well."""
        items = self._having(_keys(user, chat))
        there = {each["item"]: each for each in items if each["expires_at"] > now}
        first = there[min(there)] if there else None
        return Invitation(chat, first["by"], first["at"]) if first else None

    def have(self, users: Iterable[str], chat: str, now: float) -> dict[str, bool]:
        """Those of the users who have an invitation to the chat, and whether a contact's."""
        found: dict[str, bool] = {}
        for item in self._having([key for user in users for key in _keys(user, chat)]):
            if item["expires_at"] > now:
                by_contact = item["item"].startswith("invite#!")
                found[item["user"]] = by_contact or found.get(item["user"], False)
        return found

    def all_chats(self, user: str) -> Iterator[str]:
        """Whose heads may name the user as invited, with an invitation or without one."""
        for item in self._users.query_all({"user": user}, prefix="named#", consistent=True):
            yield item["item"].removeprefix("named#")

    def leave(self, user: str, chat: str) -> None:
        self._users.put(dict(_left(user, chat)))

    def accept_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact`: ends the invitation, and forgets that the user had left."""
        left = self._users.delete_action(_left(user, chat))
        return [*self.end_actions(user, chat), left]

    def decline_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact`: ends the invitation; further ones notify nobody."""
        left = self._users.put_action(dict(_left(user, chat)))
        return [*self.end_actions(user, chat), left]

    def end_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact` with the head, which names the user no longer."""
        return [self._users.delete_action(key) for key in _all_keys(user, chat)]

    def forget(self, users: Iterable[str], chat: str) -> None:
        """Of a group that does not exist."""
        self._users.batch_write(deletes=[key for user in users for key in _all_keys(user, chat)])

    def have_left(self, users: Iterable[str], chat: str) -> set[str]:
        return {each["user"] for each in self._having([_left(user, chat) for user in users])}

    def _having(self, keys: Iterable[Key]) -> list[Item]:
        return self._users.batch_get(keys, consistent=True)


def _keys(user: str, chat: str) -> list[Key]:
    """Of an invitation by a contact, and of one by others."""
    return [user_key(user, f"invite#!{chat}"), user_key(user, f"invite#{chat}")]


def _all_keys(user: str, chat: str) -> list[Key]:
    return [*_keys(user, chat), _named(user, chat)]


def _named(user: str, chat: str) -> Key:
    return user_key(user, f"named#{chat}")


def _left(user: str, chat: str) -> Key:
    return user_key(user, f"left#{chat}")
