"""Invitations to groups, and the groups that a user has left for good: items of Users.

    <user>  invite#<chat>  by, at (ms), expires_at (s)
    <user>  named#<chat>   the head of the group may name the user as invited
    <user>  left#<chat>    quiet

A user who has left a group is not added again by others: an add becomes an invitation that notifies
nobody, until the user accepts it or asks to be added. An invitation is written before the group's
head names the user as invited, and counts only while it does. `named#` is written for every user
whom a head is to name, also for who gets no invitation, and does not expire: the deletion of an
account finds these heads by it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from lambdas.tables import Item, Key, Table, user_key

INVITATION_SECONDS = 30 * 86_400
INVITATIONS_LIMIT = 100  # listed, the first by their chats' ids
PAGES_LIMIT = 5  # read, of as many each: some may count no more


class Invitation(NamedTuple):
    chat: str
    by: str
    at: int  # ms


class Invitations:
    def __init__(self, users: Table) -> None:
        self._users = users

    def add(self, users: Iterable[str], chat: str, by: str, now: float) -> None:
        """`now` in epoch seconds."""
        fields = {
            "by": by,
            "at": int(now * 1000),
            "expires_at": int(now) + INVITATION_SECONDS,
        }
        self._users.batch_write(
            puts=[{**user_key(user, f"invite#{chat}"), **fields} for user in users]
        )

    def note_named(self, users: Iterable[str], chat: str) -> None:
        """Comes before the head names these users."""
        self._users.batch_write(puts=[dict(user_key(user, f"named#{chat}")) for user in users])

    def of(
        self,
        user: str,
        now: float,
        named: Callable[[Collection[str]], Collection[str]] = lambda chats: chats,
    ) -> list[Invitation]:
        """`named` gives those of the chats whose heads name the user as invited."""
        found: list[Invitation] = []
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
                Invitation(item["item"].removeprefix("invite#"), item["by"], item["at"])
                for item in page.items
                if item["expires_at"] > now
            ]
            there = named([each.chat for each in invitations])
            found += [each for each in invitations if each.chat in there]
            start = page.next
            if start is None or len(found) >= INVITATIONS_LIMIT:
                break
        return found[:INVITATIONS_LIMIT]

    def find(self, user: str, chat: str, now: float) -> Invitation | None:
        item = self._users.get(user_key(user, f"invite#{chat}"), consistent=True)
        if item is None or item["expires_at"] <= now:
            return None
        return Invitation(chat, item["by"], item["at"])

    def have(self, users: Iterable[str], chat: str, now: float) -> set[str]:
        """Those of the users who have an invitation to the chat."""
        items = self._having(users, f"invite#{chat}")
        return {item["user"] for item in items if item["expires_at"] > now}

    def all_chats(self, user: str) -> Iterator[str]:
        """Whose heads may name the user as invited, with an invitation or without one."""
        for item in self._users.query_all({"user": user}, prefix="named#", consistent=True):
            yield item["item"].removeprefix("named#")

    def leave(self, user: str, chat: str) -> None:
        self._users.put(dict(user_key(user, f"left#{chat}")))

    def accept_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact`: ends the invitation, and forgets that the user had left."""
        left = self._users.delete_action(user_key(user, f"left#{chat}"))
        return [*self.end_actions(user, chat), left]

    def decline_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact`: ends the invitation; further ones notify nobody."""
        left = self._users.put_action(dict(user_key(user, f"left#{chat}")))
        return [*self.end_actions(user, chat), left]

    def end_actions(self, user: str, chat: str) -> list[dict[str, Any]]:
        """For `transact` with the head, which names the user no longer."""
        return [self._users.delete_action(key) for key in _keys(user, chat)]

    def forget(self, users: Iterable[str], chat: str) -> None:
        """Of a group that does not exist."""
        self._users.batch_write(deletes=[key for user in users for key in _keys(user, chat)])

    def have_left(self, users: Iterable[str], chat: str) -> set[str]:
        return {item["user"] for item in self._having(users, f"left#{chat}")}

    def _having(self, users: Iterable[str], item: str) -> list[Item]:
        return self._users.batch_get([user_key(user, item) for user in users], consistent=True)


def _keys(user: str, chat: str) -> list[Key]:
    return [user_key(user, f"invite#{chat}"), user_key(user, f"named#{chat}")]
