"""Membership of groups: they are founded, users join, are invited, leave and are removed.

Who may is decided by roles.py. A change is one transaction of head, member items and rows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from lambdas.errors import ChatError, bad_request, forbidden
from lambdas.messages import roles
from lambdas.messages.chats import (
    ATTEMPTS,
    Chat,
    Chats,
    busy,
    new_head,
    new_member,
    row,
)
from lambdas.messages.heads import Head, admins_as_read, as_read, no_such_chat, read_head
from lambdas.messages.invited import CONDITION_FAILED, InvitedUsers
from lambdas.people.invitations import Invitations
from lambdas.presence.devices import DEVICES_LIMIT, Devices
from lambdas.tables import (
    HEAD,
    TRANSACTION_LIMIT,
    ConditionFailed,
    TransactionCancelled,
    chat_key,
    member_item,
    transact,
    user_key,
)
from lambdas.throttling import TooBusy

MEMBERS_LIMIT = 1_024  # decisions/0073
# Of all members of a chat: one function can post to as many in its time. decisions/0043
CHAT_DEVICES_LIMIT = 2_560
Inviting = Callable[[str, Sequence[str]], None]  # writes the invitations of users to a chat
# Two items of who is removed, three of who is added or to be invited, beside the head: 100 actions.
REMOVED_PER_TRANSACTION = 49
ADDED_PER_TRANSACTION = 33


class Changed(NamedTuple):
    """A completed change of a chat's members."""

    before: frozenset[str]  # the members before the change
    added: Sequence[str]
    removed: Sequence[str]


class Membership(InvitedUsers):
    """The members of groups, and who leaves a chat of either kind."""

    def found(
        self,
        user: str,
        members: Iterable[str],
        invited: Iterable[str] = (),
        inviting: Inviting = lambda _chat, _names: None,
        noting: Callable[[str], Sequence[dict[str, Any]]] = lambda _chat: (),
        now: float = 0.0,
    ) -> Chat:
        """A new group of `user`, its admin, and `members`; others are `invited` to it.

        `noting` gives actions that are one transaction with the chat's head. `now` (epoch seconds):
        `Chats.list` forgets rows that have got no head by then. Raises ChatError bad_request or
        not_found, TransactionCancelled if a condition of theirs does not hold.
        """
        everybody, waiting = sorted({user, *members}), sorted({*invited} - {user, *members})
        if len(everybody) + len(waiting) > MEMBERS_LIMIT:
            raise _too_many()
        self._require_users([*everybody, *waiting])
        self._require_room(everybody)
        chat = self._new_id()
        invitations = Invitations(self._users)
        # the head last: without it the chat does not exist, and its rows are ignored
        with self._forgetting(chat, everybody, waiting, Exception):
            self._chats.batch_write(puts=[new_member(chat, member, 0) for member in everybody])
            self._users.batch_write(puts=[row(chat, member, now) for member in everybody])
            if waiting:
                invitations.note_named(waiting, chat)
                inviting(chat, waiting)
        head = {**new_head(chat, "group", everybody), "admins": {user}}
        if waiting:
            head["invited"] = {*waiting}
        # after another error there may be a head
        with self._forgetting(chat, everybody, waiting, TransactionCancelled, TooBusy):
            transact(self._chats, [self._chats.put_action(head), *noting(chat)])
        # Too many for checks in the transaction: a deletion that begins now finds the head.
        deleted = invitations.deleted([*everybody, *waiting])
        for names in _chunks([name for name in deleted if name != user], REMOVED_PER_TRANSACTION):
            self._change(chat, user, lambda _: None, remove=names)
        there, named = ([n for n in names if n not in deleted] for names in (everybody, waiting))
        return Chat(chat, "group", there, named)

    @contextmanager
    def _forgetting(
        self, chat: str, members: Sequence[str], invited: Sequence[str], *errors: type[Exception]
    ) -> Iterator[None]:
        """At one of these errors, what has been written of a group that has got no head."""
        try:
            yield
        except errors:
            with suppress(TooBusy):  # the error itself says more
                keys = [chat_key(chat, member_item(user)) for user in members]
                self._chats.batch_write(deletes=keys)
                rows = [user_key(user, f"chat#{chat}") for user in members]
                self._users.batch_write(deletes=rows)
                Invitations(self._users).forget(invited, chat)
            raise

    def change(
        self,
        user: str,
        chat: str,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        changed: Callable[[Changed], object] = lambda _: None,
        invite: Sequence[str] = (),
        inviting: Inviting = lambda _chat, _names: None,
    ) -> Chat:
        """Adds, invites and removes members of a group; returns it as it is then.

        The group's rules decide who may. Added users see what is sent from then on; removed users
        lose the whole chat, or their invitation; who is invited is only named, and so is who has
        left for good meanwhile. `changed` is called after each part, also if a later one fails.

        Raises ChatError: not_found, forbidden for a direct chat and by the rules, bad_request,
        conflict when the chat is too busy.
        """
        if both := set(add) & set(remove):
            raise bad_request(f"to be added and removed at once: {', '.join(sorted(both))}")
        head = read_head(self._chats, chat, user)
        if head.kind != "group":
            raise forbidden("the members of a direct chat don't change")
        roles.require(head, user, "add", {*add, *invite} - head.members)
        roles.require(head, user, "remove", {*remove} - {user})
        self._require_users([*add, *invite])
        # before the first part: a change that is too large as a whole adds nobody
        _require_places(head, {*add, *invite})
        if len(add) > ADDED_PER_TRANSACTION:
            self._require_room(head.members | {*add})
        # the caller is removed last, because only a member may change members
        leaving = sorted(set(remove), key=lambda member: (member == user, member))
        left: set[str] = set()
        for members in _chunks(sorted({*add}), ADDED_PER_TRANSACTION):
            left |= self._change(chat, user, changed, add=members)
        for members in _chunks(sorted({*invite} | left), ADDED_PER_TRANSACTION):
            self._invite(chat, user, members, inviting)
        for members in _chunks(leaving, REMOVED_PER_TRANSACTION):
            self._change(chat, user, changed, remove=members)
        item = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
        return Chat(chat, "group", sorted(item.get("members", ())), sorted(item.get("invited", ())))

    def join(self, chat: str, user: str, also: Sequence[dict[str, Any]] = ()) -> Changed:
        """Makes an invited user a member, together with the actions in `also`.

        Raises ChatError not_found, conflict, bad_request.
        """
        key = chat_key(chat, HEAD)
        for attempt in range(ATTEMPTS):
            item = self._chats.get(key, consistent=True) or {}
            members = frozenset(item.get("members", ()))
            change = Changed(members, [], [])
            joins = [self._chats.check_action(key, "contains(members, :user)", user=user)]
            if user not in members:
                if user not in item.get("invited", ()) or not members:
                    raise no_such_chat(chat)
                if len(members) >= MEMBERS_LIMIT:
                    raise _too_many()
                self._require_room([*members, user])
                head = Head(chat, user, "group", item["seq"], 0, members, item["seq"], {}, 0)
                change = Changed(members, [user], [])
                joins = self._add(head, [user], invited=True)
            try:
                transact(self._chats, [*joins, *also])
            except TransactionCancelled:
                self._pause(attempt)
                continue
            return change
        raise busy()

    def leave(self, user: str, chat: str, changed: Callable[[Changed], object]) -> None:
        """Leaves a chat of either kind, as the user of a deleted account does. Idempotent. Of a
        group that was not founded, the user's items are deleted.
        """
        try:
            self._change(chat, user, changed, remove=[user])
        except ChatError as error:
            if error.code != "not_found":
                raise
            Chats(self._chats, self._users).forget(user, chat)

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
            head = read_head(self._chats, chat, user)
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

    def _invite(self, chat: str, user: str, names: Sequence[str], inviting: Inviting) -> None:
        """The items of invitations come first, each once, and the head names who still has them:
        nobody who has declined meanwhile or deletes the account. Who is named by no head, or is a
        member by then, keeps none.
        """
        invitations = Invitations(self._users)
        written, gone = set[str](), set[str]()
        for attempt in range(ATTEMPTS):
            head = read_head(self._chats, chat, user)
            waiting = {*names} - head.members - gone
            new = sorted(waiting - head.invited)
            roles.require(head, user, "add", {*new})
            _require_places(head, {*new})
            if unwritten := sorted(waiting - written):
                invitations.note_named(unwritten, chat)
                inviting(chat, unwritten)
                written |= {*unwritten}
            if not written:
                return
            checks = [each for name in new for each in invitations.naming_checks(name, chat)]
            over = sorted(written - waiting - head.invited)
            ends = [each for name in over for each in invitations.end_actions(name, chat)]
            try:
                transact(self._chats, [self._naming(head, new), *checks, *ends])
            except TransactionCancelled as cancelled:
                failed = [reason == CONDITION_FAILED for reason in cancelled.reasons[1:]]
                pairs = zip(new, failed[::2], failed[1::2], strict=False)
                gone |= {name for name, *checked in pairs if any(checked)}
                self._pause(attempt)
                continue
            return
        raise busy()

    def _change(
        self,
        chat: str,
        user: str,
        changed: Callable[[Changed], object],
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> set[str]:
        """One transaction: head, member items and rows change together, or not at all.

        Returns the users who were not added since they have left for good. That is read after the
        head, on which the transaction is conditional, and users write it before they leave.
        """
        for attempt in range(ATTEMPTS):
            head = read_head(self._chats, chat, user)
            roles.require(head, user, "add", {*add} - head.members)
            roles.require(head, user, "remove", {*remove} - {user})
            asked = [member for member in add if member not in head.members]
            left = Invitations(self._users).have_left(asked, chat) if asked else set()
            new = [member for member in asked if member not in left]
            old = [member for member in remove if member in head.members | head.invited]
            if not new and not old:
                return left
            _require_places(head, {*new})
            if new:
                self._require_room([*head.members, *new])
            actions = self._add(head, new) if new else self._remove(head, old)
            if len(actions) > TRANSACTION_LIMIT:  # three more for each who was invited
                for part in _chunks(new or old, ADDED_PER_TRANSACTION // 2):
                    added, removed = (part, ()) if new else ((), part)
                    left |= self._change(chat, user, changed, added, removed)
                return left
            try:
                transact(self._chats, actions)
            except TransactionCancelled:  # by a message or another change of the members
                self._require_users(new)  # or the end of an account
                self._pause(attempt)
                continue
            gone = [member for member in old if member in head.members]
            if new or gone:  # else an invitation is taken back
                changed(Changed(head.members, new, gone))
            return left
        raise busy()

    def _require_room(self, members: Collection[str]) -> None:
        """Raises ChatError conflict if these users have more devices than a chat may have."""
        if len(members) * DEVICES_LIMIT <= CHAT_DEVICES_LIMIT:
            return
        there = Devices(self._users).of(members)
        if sum(map(len, there.values())) > CHAT_DEVICES_LIMIT:
            raise ChatError("conflict", f"a chat has at most {CHAT_DEVICES_LIMIT:,} devices")

    def _add(
        self, head: Head, members: Sequence[str], *, invited: bool = False
    ) -> list[dict[str, Any]]:
        """Conditional on the seq that was read: nobody sees a message from before joining. With
        `invited` the users must still be invited. Without it, nobody may have been invited
        meanwhile: invited users have a place in the group already.
        """
        condition, values = as_read(head)
        if invited:
            condition = "members = :members AND contains(invited, :first)"
            values = {"members": set(head.members), "first": members[0]}
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            "ADD members :new DELETE invited :new",
            f"seq = :seq AND {condition}",
            new=set(members),
            seq=head.seq,
            **values,
        )
        joins = [each for member in members for each in self._join(head.chat, member, head.seq)]
        return [to_head, *joins, *self._end_invitations(head, members)]

    def _remove(self, head: Head, members: Sequence[str]) -> list[dict[str, Any]]:
        """If the last admin leaves, the longest member becomes admin. Conditional on members,
        invited users and admins as they were read: a user who has joined meanwhile is then removed
        as a member, and a user who is no admin any more removes nobody.
        """
        expression = "DELETE members :gone, invited :gone"
        values: dict[str, Any] = {"gone": set(members)}
        if head.admins & {*members}:
            admins = head.admins - {*members} or self._successor(head.chat, members)
            expression = (
                "SET admins = :admins " + expression if admins else ("REMOVE admins " + expression)
            )
            values |= {"admins": set(admins)} if admins else {}
        members_are, members_were = as_read(head)
        admins_are, were = admins_as_read(head)
        to_head = self._chats.update_action(
            chat_key(head.chat, HEAD),
            expression,
            f"{members_are} AND {admins_are}",
            **members_were,
            **were,
            **values,
        )
        deletes = [
            action
            for member in members
            if member in head.members
            for action in (
                self._chats.delete_action(chat_key(head.chat, member_item(member))),
                self._users.delete_action(user_key(member, f"chat#{head.chat}")),
            )
        ]
        return [to_head, *deletes, *self._end_invitations(head, members)]

    def _successor(self, chat: str, leaving: Iterable[str]) -> frozenset[str]:
        items = self._chats.query_all({"chat": chat}, prefix="member#", consistent=True)
        joined = {item["item"].removeprefix("member#"): item["joined_seq"] for item in items}
        return roles.successor(joined, leaving)

    def _update_head(self, head: Head, expression: str, condition: str, **values: Any) -> None:
        self._chats.update(
            chat_key(head.chat, HEAD), expression, condition, returns="NONE", **values
        )


def _require_places(head: Head, names: Set[str]) -> None:
    """Raises ChatError bad_request if the group has no places for these users."""
    there = head.members | head.invited  # who has a place already, and can always join
    if not names <= there and len(there | names) > MEMBERS_LIMIT:
        raise _too_many()


def _too_many() -> ChatError:
    return bad_request(f"a group has at most {MEMBERS_LIMIT:,} members, with those invited")


def _chunks(members: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    for start in range(0, len(members), size):
        yield members[start : start + size]
