"""Direct chats: the one chat of two users, its request and its block.

Users  <user>  direct#<peer>  chat
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdas.errors import ChatError, bad_request, forbidden
from lambdas.messages.chats import ATTEMPTS, Chat, ChatWriter, busy, new_head
from lambdas.messages.heads import has_blocked, no_such_chat
from lambdas.people.consent import BLOCKED, CONTACT, View
from lambdas.people.contacts import Contacts
from lambdas.tables import (
    HEAD,
    ConditionFailed,
    Item,
    TransactionCancelled,
    chat_key,
    transact,
    user_key,
)

BLOCKS_LIMIT = 10  # of each user, in the head that every send writes

Block = tuple[str, int, int]  # by whom, first and last position that it hides; 0 while it lasts


@dataclass(frozen=True)
class Begin:
    """How a direct chat begins: `request` unless the peer has the other as a contact."""

    welcome: bool = True  # False: the peer takes no requests
    request: bool = False
    decided: View | None = None  # by the peer about the other; the chat begins only if it still is


class DirectChats(ChatWriter):
    """One for each pair of users."""

    def begin(self, user: str, peer: str, decide: Callable[[], Begin] = Begin) -> tuple[Chat, bool]:
        """The one chat of the two, and whether this call created it.

        The chat is created on condition of the peer's decision, and the peer becomes a contact of
        the user in the same transaction. `decide` is called again if the peer has decided something
        else meanwhile: a block during the creation finds no chat yet to write the block into.
        Raises ChatError: bad_request for oneself, not_found for an unknown user, forbidden for one
        who takes no requests or whom the user has blocked, conflict.
        """
        if user == peer:
            raise bad_request("a direct chat is with somebody else")
        members = sorted((user, peer))
        self._require_users(members)
        for attempt in range(ATTEMPTS):
            claimed = self._users.get(user_key(user, f"direct#{peer}"), consistent=True)
            if claimed:
                return Chat(claimed["chat"], "direct", members), False
            how = decide()
            if not how.welcome:
                raise forbidden(f"{peer} takes messages of contacts only")
            chat = self._new_id()
            try:
                transact(self._users, self._new_direct(chat, user, peer, how))
            except TransactionCancelled as cancelled:
                if how.decided and (cancelled.items[1] or {}).get("contact") == BLOCKED:
                    raise has_blocked() from None
                self._pause(attempt)  # the peer created it at the same time, or has decided
                continue
            return Chat(chat, "direct", members), True
        raise ChatError("conflict", "the other side is changing this at the same time; try again")

    def _new_direct(self, chat: str, user: str, peer: str, how: Begin) -> list[dict[str, Any]]:
        members = sorted((user, peer))
        claims = [
            self._users.put_action(
                {**user_key(one, f"direct#{other}"), "chat": chat}, "attribute_not_exists(chat)"
            )
            for one, other in (members, members[::-1])
        ]
        joins = [action for member in members for action in self._join(chat, member, 0)]
        head = new_head(chat, "direct", members)
        checks = []
        if how.decided:
            contacts = Contacts(self._users)
            checks.append(contacts.check_action(peer, user, how.decided.state))
            checks.append(contacts.begin_action(user, peer))
        if how.decided and how.decided.blocked:
            head |= {"blocked_by": {peer}, "blocks": after_blocking([], peer, 0)}
        if how.request:
            head["request_of"] = peer
        return [*checks, *claims, *joins, self._chats.put_action(head)]

    def find(self, user: str, peer: str) -> str | None:
        """The direct chat of the two, if there is one."""
        claimed = self._users.get(user_key(user, f"direct#{peer}"), consistent=True)
        return claimed["chat"] if claimed else None

    def block(self, chat: str, user: str, *, blocked: bool, request: bool = False) -> None:
        """Hides from the user what the other one sends in a direct chat, or no longer. Idempotent.

        `request`: only while the chat is a request of the user, who may accept it at the same time.
        Raises ChatError not_found, conflict.
        """
        for attempt in range(ATTEMPTS):
            head = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
            if user not in head.get("members", ()) or (request and head.get("request_of") != user):
                raise no_such_chat(chat)
            if blocked == (user in head.get("blocked_by", ())):
                return
            change = _blocking(head, user, blocked=blocked)
            if request:
                change = change._replace(condition=change.condition + " AND request_of = :user")
            try:
                self._chats.update(
                    chat_key(chat, HEAD),
                    change.expression,
                    change.condition,
                    returns="NONE",
                    **change.values,
                )
            except ConditionFailed:
                self._pause(attempt)
                continue
            return
        raise busy()

    def decide(self, user: str, peer: str, state: str | None) -> None:
        """Makes the peer a contact of the user, blocks or forgets them (None). Idempotent.

        The decision, and the part of the chat's head that `send` reads, change in one transaction,
        so that the two never differ. Raises ChatError conflict.
        """
        for attempt in range(ATTEMPTS):
            chat = self.find(user, peer)
            head = self._chats.get(chat_key(chat, HEAD), consistent=True) if chat else None
            if chat is None:  # one that begins meanwhile is conditional on what is decided
                claim = user_key(user, f"direct#{peer}")
                there = [self._users.check_action(claim, "attribute_not_exists(chat)")]
            elif head is None or user not in head.get("members", ()):
                there = []
            else:
                there = [self._head_action(head, _blocking(head, user, blocked=state == BLOCKED))]
            try:
                decided = Contacts(self._users).set_action(user, peer, state)
                transact(self._chats, [*there, decided])
            except TransactionCancelled:
                self._pause(attempt)
                continue
            return
        raise busy()

    def accept(self, chat: str, user: str, *, opening: bool = False) -> bool:
        """Ends the request of a direct chat, and makes the user who began it a contact. Idempotent.

        A block of the other user ends, so that a request that was declined can still be accepted.
        With `opening` only a request changes, and a chat with a blocked contact stays as it is.

        True if it was a request, and is none now. Raises ChatError not_found, conflict.
        """
        for attempt in range(ATTEMPTS):
            head = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
            if user not in head.get("members", ()):
                raise no_such_chat(chat)
            change, requested = _blocking(head, user, blocked=False), head.get("request_of") == user
            if opening and not requested:
                return False
            if requested:
                change = _Change(
                    f"{change.expression} REMOVE request_of".strip(),
                    f"{change.condition} AND request_of = :user",
                    {**change.values, "user": user},
                )
            contacts = Contacts(self._users)
            peers = head["members"] - {user}
            if opening:
                made = [contacts.begin_action(user, peer) for peer in peers]
            else:
                made = [contacts.set_action(user, peer, CONTACT) for peer in peers]
            try:
                transact(self._chats, [self._head_action(head, change), *made])
            except TransactionCancelled as cancelled:
                if any((item or {}).get("contact") == BLOCKED for item in cancelled.items[1:]):
                    return False
                self._pause(attempt)
                continue
            return requested
        raise busy()

    def _head_action(self, head: Item, change: "_Change") -> dict[str, Any]:
        key = chat_key(head["chat"], HEAD)
        # only a check, with the permission to update
        expression = change.expression or "SET seq = seq"
        return self._chats.update_action(key, expression, change.condition, **change.values)


class _Change(NamedTuple):
    """An update of a head, or with no expression a check of it."""

    expression: str
    condition: str
    values: dict[str, Any]


def _blocking(head: Item, user: str, *, blocked: bool) -> _Change:
    """`blocks` in the head has the positions: conditional on seq, since each message is hidden or
    not by the head when its position is taken."""
    if blocked == (user in head.get("blocked_by", ())):
        same = "contains(blocked_by, :user)"
        return _Change("", same if blocked else f"NOT {same}", {"user": user})
    change = after_blocking if blocked else after_unblocking
    old = {"old": head["blocks"]} if "blocks" in head else {}
    return _Change(
        f"SET blocks = :blocks {'ADD' if blocked else 'DELETE'} blocked_by :me",
        "contains(members, :user) AND seq = :seq AND "
        + ("blocks = :old" if old else "attribute_not_exists(blocks)"),
        {
            "blocks": change(head.get("blocks", ()), user, head["seq"]),
            "me": {user},
            "user": user,
            "seq": head["seq"],
            **old,
        },
    )


def after_blocking(blocks: Sequence[Block], user: str, seq: int) -> list[Block]:
    return [*blocks, (user, seq + 1, 0)]


def after_unblocking(blocks: Sequence[Block], user: str, seq: int) -> list[Block]:
    """A block that hid nothing is left out. If there are too many, the oldest are joined into one:
    then the messages between them count as undelivered too.
    """
    of_others = [block for block in blocks if block[0] != user]
    closed = [(user, first, last or seq) for name, first, last in blocks if name == user]
    own = [block for block in closed if block[1] <= block[2]]
    while len(own) > BLOCKS_LIMIT:
        own[:2] = [(user, own[0][1], own[1][2])]
    return [*of_others, *own]
