"""Chats and their members: `head` and `member#` items of Chats, `chat#` and `direct#` of Users.

A chat exists if its head does; its members are those in head.members. A change of both tables is
one transaction, or writes the head last.
"""

import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lambdas.errors import ChatError, bad_request, forbidden, not_found
from lambdas.messages import roles
from lambdas.messages.heads import Head, no_such_chat, read_head, read_heads
from lambdas.tables import (
    DEVICES,
    HEAD,
    ConditionFailed,
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
    invited: Names = field(default_factory=list)  # sorted


@dataclass(frozen=True)
class Begin:
    """How a direct chat begins: `request` unless the peer has the other as a contact."""

    welcome: bool = True  # False: the peer takes no requests
    request: bool = False
    blocked: bool = False  # the peer has blocked the other


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

    def direct(self, user: str, peer: str, begin: Begin = Begin()) -> tuple[Chat, bool]:
        """The one chat of the two, and whether this call created it.

        Raises ChatError: bad_request for oneself, not_found for an unknown user, forbidden for one
        who takes no requests.
        """
        if user == peer:
            raise bad_request("a direct chat is with somebody else")
        members = sorted((user, peer))
        self._require_users(members)
        for attempt in range(ATTEMPTS):
            claimed = self._users.get(user_key(user, f"direct#{peer}"), consistent=True)
            if claimed:
                return Chat(claimed["chat"], "direct", members), False
            if not begin.welcome and not begin.blocked:
                raise forbidden(f"{peer} takes messages of contacts only")
            chat = self._new_id()
            try:
                transact(self._users, self._new_direct(chat, members, peer, begin))
            except TransactionCancelled:  # the peer created it at the same time
                self._pause(attempt)
                continue
            return Chat(chat, "direct", members), True
        raise ChatError("conflict", "the chat is being made by the other side; try again")

    def _new_direct(
        self, chat: str, members: Names, peer: str, begin: Begin
    ) -> list[dict[str, Any]]:
        claims = [
            self._users.put_action(
                {**user_key(one, f"direct#{other}"), "chat": chat}, "attribute_not_exists(chat)"
            )
            for one, other in (members, members[::-1])
        ]
        joins = [action for member in members for action in self._join(chat, member, 0)]
        head = _new_head(chat, "direct", members)
        if begin.blocked:
            head["blocked_by"] = {peer}
        if begin.request:
            head["request_of"] = peer
        return [*claims, *joins, self._chats.put_action(head)]

    def find_direct(self, user: str, peer: str) -> str | None:
        """The direct chat of the two, if there is one."""
        claimed = self._users.get(user_key(user, f"direct#{peer}"), consistent=True)
        return claimed["chat"] if claimed else None

    def group(self, user: str, members: Iterable[str], invited: Iterable[str] = ()) -> Chat:
        """A new group of `user`, its admin, and `members`; others are `invited` to it.

        The invitations themselves are the caller's to write. Raises ChatError bad_request or
        not_found.
        """
        everybody, waiting = sorted({user, *members}), sorted({*invited} - {user, *members})
        if len(everybody) + len(waiting) > MEMBERS_LIMIT:
            raise bad_request(f"a group has at most {MEMBERS_LIMIT} members")
        self._require_users([*everybody, *waiting])
        chat = self._new_id()
        # the head last: without it the chat does not exist, and its rows are ignored
        self._chats.batch_write(puts=[_new_member(chat, member, 0) for member in everybody])
        self._users.batch_write(puts=[_row(chat, member) for member in everybody])
        head = {**_new_head(chat, "group", everybody), "admins": {user}}
        self._chats.put({**head, "invited": {*waiting}} if waiting else head)
        return Chat(chat, "group", everybody, waiting)

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
        rows, following = self._rows(user, cursor, limit)
        return list(rows), following

    def _rows(
        self, user: str, cursor: str | None, limit: int | None
    ) -> tuple[dict[str, int | None], str | None]:
        """chat -> until when it is muted (epoch seconds), and the next cursor."""
        start = user_key(user, f"chat#{cursor}") if cursor else None
        page = self._users.query(
            {"user": user}, prefix="chat#", limit=limit, start=start, consistent=True
        )
        rows = {row["item"].removeprefix("chat#"): row.get("muted_until") for row in page.items}
        return rows, page.next["item"].removeprefix("chat#") if page.next else None

    def change(
        self,
        user: str,
        chat: str,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        changed: Callable[[Changed], object] = lambda _: None,
        invite: Sequence[str] = (),
    ) -> Chat:
        """Adds, invites and removes members of a group; returns it as it is then.

        The group's rules say who may. Added users see what is sent from then on; removed users lose
        the whole chat; who is invited is only named. `changed` is called after each part, also if a
        later one fails. Raises ChatError: not_found, forbidden for a direct chat and by the rules,
        bad_request, conflict when the chat is too busy.
        """
        if both := set(add) & set(remove):
            raise bad_request(f"to be added and removed at once: {', '.join(sorted(both))}")
        head = self.head(chat, user)
        if head.kind != "group":
            raise forbidden("the members of a direct chat don't change")
        roles.require(head, user, "add", {*add, *invite} - head.members)
        roles.require(head, user, "remove", {*remove} - {user})
        self._require_users([*add, *invite])
        # the caller is removed last, because only a member may change members
        leaving = sorted(set(remove), key=lambda member: (member == user, member))
        for members in _chunks(sorted(set(add))):
            self._change(chat, user, changed, add=members)
        for members in _chunks(sorted(set(invite))):
            self._invite(chat, user, members)
        for members in _chunks(leaving):
            self._change(chat, user, changed, remove=members)
        item = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
        return Chat(chat, "group", sorted(item.get("members", ())), sorted(item.get("invited", ())))

    def _invite(self, chat: str, user: str, names: Sequence[str]) -> None:
        head = self.head(chat, user)
        new = {*names} - head.members - head.invited
        if len(head.members | head.invited) + len(new) > MEMBERS_LIMIT:
            raise bad_request(f"a group has at most {MEMBERS_LIMIT} members")
        if new:
            self._update_head(head, "ADD invited :new", "contains(members, :me)", new=new, me=user)

    def join(self, chat: str, user: str) -> Changed:
        """Makes a member of who was invited. Raises ChatError not_found, conflict, bad_request."""
        for attempt in range(ATTEMPTS):
            item = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
            members = frozenset(item.get("members", ()))
            if user in members:
                return Changed(members, [], [])
            if user not in item.get("invited", ()) or not members:
                raise no_such_chat(chat)
            if len(members) >= MEMBERS_LIMIT:
                raise bad_request(f"a group has at most {MEMBERS_LIMIT} members")
            head = Head(chat, user, "group", item["seq"], 0, members, item["seq"], {}, 0)
            try:
                transact(self._chats, self._add(head, [user], invited=True))
            except TransactionCancelled:
                self._pause(attempt)
                continue
            return Changed(members, [user], [])
        raise busy()

    def decline(self, chat: str, user: str) -> None:
        """Takes the user's name from those who are invited. Idempotent."""
        try:
            self._chats.update(
                chat_key(chat, HEAD),
                "DELETE invited :me",
                "contains(invited, :user)",
                returns="NONE",
                me={user},
                user=user,
            )
        except ConditionFailed:
            return

    def block(self, chat: str, user: str, *, blocked: bool) -> None:
        """Hides from the user what the other one sends in a direct chat, or no longer."""
        self._chats.update(
            chat_key(chat, HEAD),
            f"{'ADD' if blocked else 'DELETE'} blocked_by :me",
            "contains(members, :user)",
            returns="NONE",
            me={user},
            user=user,
        )

    def appoint(
        self,
        user: str,
        chat: str,
        appoint: Iterable[str] = (),
        dismiss: Iterable[str] = (),
        rules: Mapping[str, str] | None = None,
    ) -> Head:
        """Changes the admins and the rules of a group; its head then. Only admins may.

        Raises ChatError not_found, forbidden, bad_request (not a member; no admin would be left).
        """
        for attempt in range(ATTEMPTS):
            head = self.head(chat, user)
            admins = roles.appointed(head, user, appoint, dismiss)
            new = replace(head, admins=admins, rules=roles.changed(head, rules or {}))
            try:
                self._update_head(
                    head,
                    "SET admins = :admins, group_rules = :rules",
                    "members = :members AND admins = :old",
                    admins=set(admins),
                    rules=dict(new.rules),
                    members=set(head.members),
                    old=set(head.admins),
                )
            except ConditionFailed:
                self._pause(attempt)
                continue
            return new
        raise busy()

    def mute(self, user: str, chat: str, until: int) -> None:
        """No pushes of the chat until then (epoch seconds). Raises ChatError not_found."""
        self.head(chat, user)
        self._users.update(
            user_key(user, f"chat#{chat}"), "SET muted_until = :until", returns="NONE", until=until
        )

    def _update_head(self, head: Head, expression: str, condition: str, **values: Any) -> None:
        self._chats.update(
            chat_key(head.chat, HEAD), expression, condition, returns="NONE", **values
        )

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
            roles.require(head, user, "add", {*add} - head.members)
            roles.require(head, user, "remove", {*remove} - {user})
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
        raise busy()

    def _add(
        self, head: Head, members: Sequence[str], *, invited: bool = False
    ) -> list[dict[str, Any]]:
        """Conditional on the seq that was read: nobody sees a message from before joining.

        `invited` requires that they still are.
        """
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            "ADD members :new DELETE invited :new",
            "seq = :seq AND members = :old" + (" AND contains(invited, :first)" if invited else ""),
            **({"first": members[0]} if invited else {}),
            new=set(members),
            seq=head.seq,
            old=set(head.members),
        )
        joins = [each for member in members for each in self._join(head.chat, member, head.seq)]
        return [to_head, *joins]

    def _remove(self, head: Head, members: Sequence[str]) -> list[dict[str, Any]]:
        """The last admin who leaves passes the role to who has been a member longest."""
        expression, values = "DELETE members :gone", {}
        if head.admins & {*members}:
            admins = head.admins - {*members} or self._successor(head.chat, members)
            expression = (
                "SET admins = :admins " + expression if admins else ("REMOVE admins " + expression)
            )
            values = {"admins": set(admins)} if admins else {}
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            expression,
            "members = :old",
            gone=set(members),
            old=set(head.members),
            **values,
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

    def _successor(self, chat: str, leaving: Iterable[str]) -> frozenset[str]:
        items = self._chats.query_all({"chat": chat}, prefix="member#", consistent=True)
        joined = {item["item"].removeprefix("member#"): item["joined_seq"] for item in items}
        return roles.successor(joined, leaving)

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
        rows, following = self._rows(user, cursor, limit)
        names = list(rows)
        heads = read_heads(self._chats, names, user)
        return [_listed(heads[name], rows[name]) for name in names if name in heads], following


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
