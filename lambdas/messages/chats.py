"""The chats of a user: `head` and `member#` items of Chats, `chat#` items of Users.

A chat exists if its head does; its members are those in head.members. How a chat begins and changes
is in direct.py and membership.py: a change of both tables is one transaction, or writes the head
last.
"""

import contextlib
import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lambdas.errors import ChatError, bad_request, not_found
from lambdas.messages import roles
from lambdas.messages.heads import Head, read_head, read_heads
from lambdas.tables import (
    ACCOUNT,
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
from lambdas.throttling import TooBusy

FOUNDING_SECONDS = 3_600  # no function runs as long
ATTEMPTS = 8  # of a transaction that others overtake
# In one page: 350 KB at most, of the 1 MB that a load balancer takes from a Lambda function.
PAGE_NAMES = 10_000
CURSOR = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")
Names = list[str]
ChatPage = tuple[list[dict[str, Any]], str | None]


@dataclass(frozen=True)
class Chat:
    chat: str
    kind: str  # direct | group
    members: Names  # sorted
    invited: Names = field(default_factory=list)  # sorted


class Chats:
    """The reader of chats, for one of their members."""

    def __init__(self, chats: Table, users: Table) -> None:
        self._chats = chats
        self._users = users

    def head(self, chat: str, user: str) -> Head:
        """Raises ChatError not_found for an unknown chat and for one that is not the user's."""
        return read_head(self._chats, chat, user)

    def names(
        self, user: str, cursor: str | None = None, limit: int | None = None
    ) -> tuple[Names, str | None]:
        """A page of the chats that the user has a row for, in their order, and the next cursor.

        Some of them may not exist (any more). A cursor is the last chat of the page before. If the
        user joins or leaves a chat between two pages, no other chat moves to another page.
        """
        rows, following = self._rows(user, cursor, limit)
        return list(rows), following

    def all_names(self, user: str) -> Iterator[str]:
        """The names of all pages, each page read when it is needed."""
        return _every(lambda cursor: self.names(user, cursor))

    def _rows(
        self, user: str, cursor: str | None, limit: int | None
    ) -> tuple[dict[str, Item], str | None]:
        """chat -> its row, and the next cursor."""
        start = user_key(user, f"chat#{cursor}") if cursor else None
        page = self._users.query(
            {"user": user}, prefix="chat#", limit=limit, start=start, consistent=True
        )
        rows = {row["item"].removeprefix("chat#"): row for row in page.items}
        return rows, page.next["item"].removeprefix("chat#") if page.next else None

    def list(
        self, user: str, cursor: str | None = None, limit: int = 100, now: float = 0.0
    ) -> ChatPage:
        """A page of the user's chats in protocol form, and the cursor of the next page.

        With `now` (epoch seconds) what is left of groups that were not founded, since the process
        ended, is forgotten. Raises ChatError bad_request for a cursor that no page had.
        """
        if cursor is not None and not CURSOR.fullmatch(cursor):
            raise bad_request("there is no such cursor")
        rows, following = self._rows(user, cursor, limit)
        names = list(rows)
        heads = read_heads(self._chats, names, user)
        for name in names:
            if name not in heads and rows[name].get("founded_at", now) < now - FOUNDING_SECONDS:
                self.forget(user, name)
        count = _fitting([heads.get(name) for name in names])
        if count < len(names):
            following = names[count - 1]
        listed = [
            _listed(heads[name], rows[name].get("muted_until"))
            for name in names[:count]
            if name in heads
        ]
        return listed, following

    def forget(self, user: str, chat: str) -> None:
        """The user's items of a chat, if it has no head. Where DynamoDB is too busy they stay."""
        actions = [
            self._chats.check_action(chat_key(chat, HEAD), "attribute_not_exists(seq)"),
            self._chats.delete_action(chat_key(chat, member_item(user))),
            self._users.delete_action(user_key(user, f"chat#{chat}")),
        ]
        with contextlib.suppress(TransactionCancelled, TooBusy):
            transact(self._chats, actions)

    def all_of(self, user: str) -> Iterator[dict[str, Any]]:
        """All chats of the user in protocol form, each page read when it is needed."""
        return _every(lambda cursor: self.list(user, cursor))

    def mute(self, user: str, chat: str, until: int) -> None:
        """No pushes of the chat until then (epoch seconds). Raises ChatError not_found."""
        self.head(chat, user)
        self._users.update(
            user_key(user, f"chat#{chat}"), "SET muted_until = :until", returns="NONE", until=until
        )


class ChatWriter:
    """What DirectChats and Membership share. `sleep` and `new_id` are arguments for tests."""

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

    def _join(self, chat: str, member: str, joined_seq: int) -> list[dict[str, Any]]:
        """The deletion of an account marks it first, and then leaves the chats of all rows."""
        account = user_key(member, ACCOUNT)
        return [
            self._users.check_action(account, "attribute_not_exists(deleted_at)"),
            self._chats.put_action(new_member(chat, member, joined_seq)),
            self._users.put_action(row(chat, member)),
        ]

    def _require_users(self, users: Iterable[str]) -> None:
        asked = set(users)
        items = self._users.batch_get([user_key(user, DEVICES) for user in asked], consistent=True)
        if unknown := asked - {item["user"] for item in items}:
            raise not_found(f"no such user: {', '.join(sorted(unknown))}")

    def _pause(self, attempt: int) -> None:
        self._sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - no secret


def _every(read: Callable[[str | None], tuple[Sequence[T], str | None]]) -> Iterator[T]:
    """The entries of all pages; `read` takes a page's cursor, and returns the page and the next
    cursor.
    """
    cursor = None
    while True:
        page, cursor = read(cursor)
        yield from page
        if cursor is None:
            return


def _fitting(heads: Sequence[Head | None]) -> int:
    """How many of them fit into a page by the users that they name; at least one."""
    room = PAGE_NAMES
    for number, head in enumerate(heads):
        room -= len(head.members) + len(head.invited) + len(head.admins) if head else 0
        if room < 0 and number:
            return number
    return len(heads)


def busy() -> ChatError:
    return ChatError("conflict", "too much happens in this chat at once; try again")


def _listed(head: Head, muted_until: int | None = None) -> dict[str, Any]:
    listed = {
        "chat": head.chat,
        "kind": head.kind,
        "members": sorted(head.members),
        "seq": head.seq,
        "delivered": max([head.joined_seq, *head.delivered.values()]),
        "read": head.read,
    }
    if head.kind == "group":
        listed |= {
            "admins": sorted(head.admins),
            "invited": sorted(head.invited),
            "rules": roles.rules(head),
        }
    if head.request_of == head.user:
        listed["request"] = True
    if head.user in head.blocked_by:
        listed["blocked"] = True
    if muted_until:
        listed["muted_until"] = muted_until
    return listed


def new_head(chat: str, kind: str, members: Iterable[str]) -> Item:
    key = chat_key(chat, HEAD)
    return {**key, "seq": 0, "kind": kind, "members": set(members), "purged_to": 0}


def new_member(chat: str, user: str, joined_seq: int) -> Item:
    key = chat_key(chat, member_item(user))
    return {**key, "delivered": {}, "read": joined_seq, "joined_seq": joined_seq}


def row(chat: str, user: str, founded_at: float = 0.0) -> Item:
    """`founded_at`, in epoch seconds, of a group's first members: their rows come before its head.
    The others' are one transaction with it."""
    founded = {"founded_at": int(founded_at)} if founded_at else {}
    return {**user_key(user, f"chat#{chat}"), **founded}
