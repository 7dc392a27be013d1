"""Chats and their members: `head` and `member#` items of Chats, `chat#` and `direct#` of Users.

A chat exists if its head does; its members are those in head.members. A change of both tables is
one transaction, or writes the head last.
"""

import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdas.errors import ChatError, bad_request, not_found
from lambdas.messages.heads import Head, read_head, read_heads
from lambdas.tables import (
    DEVICES,
    HEAD,
    Item,
    Table,
    TransactionCancelled,
    chat_key,
    member_item,
    transact,
    user_key,
)

MEMBERS_LIMIT = 256
CHANGES_PER_TRANSACTION = 49  # two items each, beside the head: at most 100 actions
ATTEMPTS = 8
CURSOR = re.compile(r"[A-Za-z0-9_-]{1,64}")

Names = list[str]
ChatPage = tuple[list[dict[str, Any]], str | None]


class Changed(NamedTuple):
    """A completed change of a chat's members."""

    before: frozenset[str]  # the members before the change
    added: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True)
class Chat:
    chat: str
    kind: str  # direct | group
    members: Names  # sorted


class Chats:
    """`sleep` and `new_id` are arguments for tests."""

    def __init__(
        self,
        chats: Table,
        users: Table,
        sleep: Callable[[float], None] = time.sleep,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._chats = chats
        self._users = users
        self._sleep = sleep
        self._new_id = new_id

    def direct(self, user: str, peer: str) -> tuple[Chat, bool]:
        """The one chat of the two, and whether this call created it.

        Raises ChatError: bad_request for oneself, not_found for an unknown user.
        """
        if user == peer:
            raise bad_request("a direct chat is with somebody else")
        members = sorted((user, peer))
        self._require_users(members)
        for attempt in range(ATTEMPTS):
            claimed = self._users.get(user_key(user, f"direct#{peer}"), consistent=True)
            if claimed:
                return Chat(claimed["chat"], "direct", members), False
            chat = self._new_id()
            try:
                transact(self._users, self._new_direct(chat, members))
            except TransactionCancelled:  # the peer created it at the same time
                self._pause(attempt)
                continue
            return Chat(chat, "direct", members), True
        raise ChatError("conflict", "the chat is being made by the other side; try again")

    def _new_direct(self, chat: str, members: Names) -> list[dict[str, Any]]:
        claims = [
            self._users.put_action(
                {**user_key(one, f"direct#{other}"), "chat": chat}, "attribute_not_exists(chat)"
            )
            for one, other in (members, members[::-1])
        ]
        joins = [action for member in members for action in self._join(chat, member, 0)]
        return [*claims, *joins, self._chats.put_action(_new_head(chat, "direct", members))]

    def group(self, user: str, members: Iterable[str]) -> Chat:
        """A new group of `user` and `members`. Raises ChatError bad_request or not_found."""
        everybody = sorted({user, *members})
        if len(everybody) > MEMBERS_LIMIT:
            raise bad_request(f"a group has at most {MEMBERS_LIMIT} members")
        self._require_users(everybody)
        chat = self._new_id()
        # the head last: without it the chat does not exist, and its rows are ignored
        self._chats.batch_write(puts=[_new_member(chat, member, 0) for member in everybody])
        self._users.batch_write(puts=[_row(chat, member) for member in everybody])
        self._chats.put(_new_head(chat, "group", everybody))
        return Chat(chat, "group", everybody)

    def head(self, chat: str, user: str) -> Head:
        """Raises ChatError not_found for an unknown chat and for one that is not the user's."""
        return read_head(self._chats, chat, user)

    def names(
        self, user: str, cursor: str | None = None, limit: int | None = None
    ) -> tuple[Names, str | None]:
        """A page of the chats that the user has a row for, in their order, and the next cursor.

        Some of them may not exist (any more). A cursor is the last chat of the page before. A chat
        that the user comes into or leaves between two pages moves no other one to another page.
        """
        start = user_key(user, f"chat#{cursor}") if cursor else None
        page = self._users.query(
            {"user": user}, prefix="chat#", limit=limit, start=start, consistent=True
        )
        names = [row["item"].removeprefix("chat#") for row in page.items]
        return names, page.next["item"].removeprefix("chat#") if page.next else None

    def change(
        self,
        user: str,
        chat: str,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        changed: Callable[[Changed], object] = lambda _: None,
    ) -> Names:
        """Adds and removes members of a group; returns its members then, sorted.

        Any member may do both. Added users see what is sent from then on; removed users lose the
        whole chat. `changed` is called after each part, also if a later one fails. Raises
        ChatError: not_found, forbidden for a direct chat, bad_request, conflict when the chat is
        too busy.
        """
        if both := set(add) & set(remove):
            raise bad_request(f"to be added and removed at once: {', '.join(sorted(both))}")
        if self.head(chat, user).kind != "group":
            raise ChatError("forbidden", "the members of a direct chat don't change")
        self._require_users(add)
        # the caller is removed last, because only a member may change members
        leaving = sorted(set(remove), key=lambda member: (member == user, member))
        for members in _chunks(sorted(set(add))):
            self._change(chat, user, changed, add=members)
        for members in _chunks(leaving):
            self._change(chat, user, changed, remove=members)
        head = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
        return sorted(head.get("members", ()))

    def leave(self, user: str, chat: str, changed: Callable[[Changed], object]) -> None:
        """Leaves a chat of either kind, as the user of a deleted account does. Idempotent."""
        try:
            self._change(chat, user, changed, remove=[user])
        except ChatError as error:
            if error.code != "not_found":
                raise

    def _change(
        self,
        chat: str,
        user: str,
        changed: Callable[[Changed], object],
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> None:
        """One transaction: head, member items and rows change together, or not at all."""
        for attempt in range(ATTEMPTS):
            head = self.head(chat, user)
            new = [member for member in add if member not in head.members]
            old = [member for member in remove if member in head.members]
            if not new and not old:
                return
            if len(head.members) + len(new) > MEMBERS_LIMIT:
                raise bad_request(f"a group has at most {MEMBERS_LIMIT} members")
            actions = self._add(head, new) if new else self._remove(head, old)
            try:
                transact(self._chats, actions)
            except TransactionCancelled:  # by a message or another change of the members
                self._pause(attempt)
                continue
            changed(Changed(head.members, new, old))
            return
        raise ChatError("conflict", "too much happens in this chat at once; try again")

    def _add(self, head: Head, members: Sequence[str]) -> list[dict[str, Any]]:
        """Conditional on the seq that was read: nobody sees a message from before joining."""
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            "ADD members :new",
            "seq = :seq AND members = :old",
            new=set(members),
            seq=head.seq,
            old=set(head.members),
        )
        joins = [each for member in members for each in self._join(head.chat, member, head.seq)]
        return [to_head, *joins]

    def _remove(self, head: Head, members: Sequence[str]) -> list[dict[str, Any]]:
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            "DELETE members :gone",
            "members = :old",
            gone=set(members),
            old=set(head.members),
        )
        deletes = [
            action
            for member in members
            for action in (
                self._chats.delete_action(chat_key(head.chat, member_item(member))),
                self._users.delete_action(user_key(member, f"chat#{head.chat}")),
            )
        ]
        return [to_head, *deletes]

    def _join(self, chat: str, member: str, joined_seq: int) -> list[dict[str, Any]]:
        return [
            self._chats.put_action(_new_member(chat, member, joined_seq)),
            self._users.put_action(_row(chat, member)),
        ]

    def _require_users(self, users: Iterable[str]) -> None:
        asked = set(users)
        items = self._users.batch_get([user_key(user, DEVICES) for user in asked], consistent=True)
        if unknown := asked - {item["user"] for item in items}:
            raise not_found(f"no such user: {', '.join(sorted(unknown))}")

    def _pause(self, attempt: int) -> None:
        self._sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - no secret

    def list(self, user: str, cursor: str | None = None, limit: int = 100) -> ChatPage:
        """A page of the user's chats in protocol form, and the cursor of the next page.

        Raises ChatError bad_request for a cursor that no page had.
        """
        if cursor is not None and not CURSOR.fullmatch(cursor):
            raise bad_request("there is no such cursor")
        names, following = self.names(user, cursor, limit)
        heads = read_heads(self._chats, names, user)
        return [_listed(heads[name]) for name in names if name in heads], following


def _listed(head: Head) -> dict[str, Any]:
    return {
        "chat": head.chat,
        "kind": head.kind,
        "members": sorted(head.members),
        "seq": head.seq,
        "delivered": max([head.joined_seq, *head.delivered.values()]),
        "read": head.read,
    }


def _new_head(chat: str, kind: str, members: Iterable[str]) -> Item:
    key = chat_key(chat, HEAD)
    return {**key, "seq": 0, "kind": kind, "members": set(members), "purged_to": 0}


def _new_member(chat: str, user: str, joined_seq: int) -> Item:
    key = chat_key(chat, member_item(user))
    return {**key, "delivered": {}, "read": joined_seq, "joined_seq": joined_seq}


def _row(chat: str, user: str) -> Item:
    return dict(user_key(user, f"chat#{chat}"))


def _chunks(members: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(members), CHANGES_PER_TRANSACTION):
        yield members[start : start + CHANGES_PER_TRANSACTION]
