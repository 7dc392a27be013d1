"""Direct chats: the one chat of two users, its request and its block.

Users  <user>  direct#<peer>  chat
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.errors import ChatError, bad_request, forbidden
from lambdas.messages.chats import ATTEMPTS, Chat, ChatWriter, busy, new_head
from lambdas.messages.heads import no_such_chat
from lambdas.people.consent import BLOCKED, View
from lambdas.people.contacts import Contacts
from lambdas.tables import (
    HEAD,
    ConditionFailed,
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

        `decide` is asked again if the peer has decided something else meanwhile: who blocks while
        the chat begins finds none to write that into. Raises ChatError: bad_request for oneself,
        not_found for an unknown user, forbidden for one who takes no requests, conflict.
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
            except TransactionCancelled:  # the peer created it at the same time, or has decided
                self._pause(attempt)
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

        `blocks` in the head has the positions: conditional on seq, since each message is hidden or
        not by the head when its position is taken. `request`: only while the chat is a request of
        the user, who may accept it at the same time. Raises ChatError not_found, conflict.
        """
        for attempt in range(ATTEMPTS):
            head = self._chats.get(chat_key(chat, HEAD), consistent=True) or {}
            if user not in head.get("members", ()) or (request and head.get("request_of") != user):
                raise no_such_chat(chat)
            if blocked == (user in head.get("blocked_by", ())):
                return
            change = after_blocking if blocked else after_unblocking
            same = {"old": head["blocks"]} if "blocks" in head else {}
            try:
                self._chats.update(
                    chat_key(chat, HEAD),
                    f"SET blocks = :blocks {'ADD' if blocked else 'DELETE'} blocked_by :me",
                    "contains(members, :user) AND seq = :seq AND "
                    + ("blocks = :old" if same else "attribute_not_exists(blocks)")
                    + (" AND request_of = :user" if request else ""),
                    returns="NONE",
                    blocks=change(head.get("blocks", ()), user, head["seq"]),
                    me={user},
                    user=user,
                    seq=head["seq"],
                    **same,
                )
            except ConditionFailed:
                self._pause(attempt)
                continue
            return
        raise busy()

    def settle_block(self, user: str, peer: str, *, blocked: bool, chat: str | None = None) -> None:
        """Puts into the direct chat of the two, if there is one, what `send` reads there.

        `blocked` is what the user has decided about the peer. What another request has decided
        meanwhile is put there too. `chat`: if it is known. Raises ChatError conflict.
        """
        chat = chat or self.find(user, peer)
        if chat is None:
            return
        for _ in range(ATTEMPTS):
            self.block(chat, user, blocked=blocked)
            before, blocked = blocked, Contacts(self._users).state(user, peer) == BLOCKED
            if blocked == before:
                return
        raise busy()


def after_blocking(blocks: Sequence[Block], user: str, seq: int) -> list[Block]:
    return [*blocks, (user, seq + 1, 0)]


def after_unblocking(blocks: Sequence[Block], user: str, seq: int) -> list[Block]:
    """One that hid nothing is left out. The oldest of too many become one: then the messages
    between them count as undelivered too."""
    of_others = [block for block in blocks if block[0] != user]
    closed = [(user, first, last or seq) for name, first, last in blocks if name == user]
    own = [block for block in closed if block[1] <= block[2]]
    while len(own) > BLOCKS_LIMIT:
        own[:2] = [(user, own[0][1], own[1][2])]
    return [*of_others, *own]
