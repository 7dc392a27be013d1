"""The users whom a group's head names as invited: they are named, and named no longer.

A user who is named has a `named#` item (people/invitations.py), by which the deletion of an account
finds the head. So both change in one transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from lambdas.messages.chats import ATTEMPTS, ChatWriter, busy
from lambdas.messages.heads import Head, as_read
from lambdas.people.invitations import Invitations
from lambdas.tables import HEAD, TransactionCancelled, chat_key, transact

CONDITION_FAILED = "ConditionalCheckFailed"


class InvitedUsers(ChatWriter):
    """What Membership does with those who are invited."""

    def decline(self, chat: str, user: str, also: Sequence[dict[str, Any]]) -> bool:
        """Removes the user from those who are invited, together with the actions in `also`. Does
        nothing and returns False if the user is a member by now.
        """
        key = chat_key(chat, HEAD)
        invited = "contains(invited, :user)"
        takes = self._chats.update_action(key, "DELETE invited :me", invited, me={user}, user=user)
        # only the user's own items are left, without which the head must not name the user
        neither = f"NOT {invited} AND NOT contains(members, :user)"
        left = self._chats.check_action(key, neither, user=user)
        to_head, other = takes, left
        for attempt in range(ATTEMPTS):
            try:
                transact(self._chats, [to_head, *also])
            except TransactionCancelled as cancelled:
                if cancelled.reasons[0] != CONDITION_FAILED:
                    self._pause(attempt)
                elif user in (cancelled.items[0] or {}).get("members", ()):
                    return False
                else:
                    to_head, other = other, to_head
                continue
            return True
        raise busy()

    def _naming(self, head: Head, new: Sequence[str]) -> dict[str, Any]:
        """Names these users as invited, on condition that the head is as it was read."""
        key, (condition, values) = chat_key(head.chat, HEAD), as_read(head)
        if not new:
            return self._chats.check_action(key, condition, **values)
        return self._chats.update_action(key, "ADD invited :new", condition, new={*new}, **values)

    def _end_invitations(self, head: Head, users: Iterable[str]) -> list[dict[str, Any]]:
        ends = Invitations(self._users).end_actions
        return [each for user in users if user in head.invited for each in ends(user, head.chat)]
