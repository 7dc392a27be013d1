"""The append to a chat's log: takes a position, then puts the message there, or closes it.

The head remembers who took its last positions: in one of SLOTS places, by the sender's device, the
message, the call that took it and the seq. So a request that comes twice or late (the SDK repeats
one whose response was lost, a client repeats what was not accepted) finds that its message has a
position already, and does not leave one open.
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from lambdas.errors import internal
from lambdas.messages.heads import has_blocked, no_such_chat
from lambdas.messages.message import void
from lambdas.people.contacts import Contacts
from lambdas.tables import (
    HEAD,
    ConditionFailed,
    Item,
    Table,
    TransactionCancelled,
    chat_key,
    pauses,
    transact,
)
from lambdas.telemetry import logger

SLOTS = 16  # with 50 bytes each at most, beside the members; DynamoDB bills writes by started KB
ATTEMPTS = 3
IDENTITY = ("sender", "sender_device", "message_id")


class Writer(NamedTuple):
    """The request for a position: a message of a device, in one call of the function."""

    user: str
    device: str
    message_id: str
    call: str  # random

    @property
    def slot(self) -> int:
        return zlib.crc32(f"{self.user}/{self.device}".encode()) % SLOTS

    @property
    def digest(self) -> str:
        """Short, since it is stored in the head. Somebody who makes two messages with the same
        digest closes a position of their own only.
        """
        name = f"{self.user}/{self.device}/{self.message_id}"
        return base64.b64encode(hashlib.sha256(name.encode()).digest()[:9]).decode()


class Position(NamedTuple):
    seq: int
    members: frozenset[str]  # when the position was taken: who gets the message
    stored: Item | None = None  # the message stands there already
    request_of: str | None = None  # see Head
    blocked_by: frozenset[str] = frozenset()


class _Taken(Exception):
    """An earlier request has taken a position for the message already."""

    def __init__(self, head: Item, seq: int, call: str) -> None:
        super().__init__()
        self.head, self.seq, self.call = head, seq, call


def take(chats: Table, chat: str, writer: Writer, item: Callable[[int], Item]) -> Position:
    """Authorizes the sender, orders the message and names its recipients, in one write.

    `item` makes the message's item at a position. If the message has a position already, it is
    `stored` there, or that position is closed and another one taken: a late writer of the old one
    can't store it any more, and the members of that time are not known. Raises ChatError not_found
    for an unknown chat and for one that is not the sender's.
    """
    before = ""
    for attempt in range(ATTEMPTS):
        try:
            return _take(chats, chat, writer, f"{writer.call}{attempt}", before)
        except _Taken as taken:
            before = taken.call
            if taken.seq > taken.head["purged_to"]:
                stored = _settle(chats, item(taken.seq))
                if stored is not None:
                    return Position(taken.seq, frozenset(taken.head["members"]), stored)
    raise internal()


def _take(chats: Table, chat: str, writer: Writer, call: str, before: str) -> Position:
    """Takes a new position, unless a call other than `before` took one for the message."""
    slot = writer.slot
    try:
        head = chats.update(
            chat_key(chat, HEAD),
            "SET seq = seq + :one, #seq = seq + :one, #message = :message, #call = :call",
            "contains(members, :me)"
            " AND (attribute_not_exists(#message) OR #message <> :message OR #call = :before)",
            names={"#seq": f"seq{slot}", "#message": f"message{slot}", "#call": f"call{slot}"},
            one=1,
            me=writer.user,
            message=writer.digest,
            call=call,
            before=before,
        )
    except ConditionFailed as failure:
        head = failure.item or {}
        if writer.user not in head.get("members", ()):
            raise no_such_chat(chat) from None
        raise _Taken(head, head[f"seq{slot}"], head[f"call{slot}"]) from None
    return Position(
        head["seq"],
        frozenset(head["members"]),
        request_of=head.get("request_of"),
        blocked_by=frozenset(head.get("blocked_by", ())),
    )


def answer_request(
    chats: Table, contacts: Contacts, chat: str, user: str, peers: Iterable[str]
) -> None:
    """A message of the user ends the request, and makes the user who began it a contact, in one
    transaction. A repeated call finds no request any more. Raises ChatError forbidden if another
    device has declined the request meanwhile.
    """
    ends = chats.update_action(
        chat_key(chat, HEAD),
        "REMOVE request_of",
        "request_of = :me AND NOT contains(blocked_by, :me)",
        me=user,
    )
    made = [contacts.add_action(user, peer) for peer in peers]
    for pause in pauses():
        try:
            transact(chats, [ends, *made])
        except TransactionCancelled as cancelled:
            if cancelled.reasons[0] != "ConditionalCheckFailed":
                pause()  # another request is writing the chat or the contact
                continue
            if user in (cancelled.items[0] or {}).get("blocked_by", ()):
                raise has_blocked() from None
        return


def _settle(chats: Table, message: Item) -> Item | None:
    """Makes a position void that an earlier call may have left open; returns the message if it is
    stored there.

    Void items may come at any time: readers step over them as over a hole, only sooner.
    """
    try:
        chats.put(void(message), "attribute_not_exists(chat)")
    except ConditionFailed as failure:
        there = failure.item or {}
        if all(there.get(name) == message[name] for name in IDENTITY):
            return there
    return None


def put(chats: Table, message: Item) -> None:
    """Stores a message at its position. If that fails, closes the position and raises.

    Message and void item are both written only where there is no item. So a request that arrives
    late, even after its timeout, cannot undo the other.
    """
    try:
        _put_once(chats, message, message)
    except Exception:
        if close(chats, message):
            return
        raise


def close(chats: Table, message: Item) -> bool:
    """Makes a message's position void; True if the message is stored there after all.

    Raises nothing: readers skip an open position too, only later.
    """
    try:
        return _put_once(chats, void(message), message)
    except Exception:
        place = {"chat": message["chat"], "position": message["item"]}
        logger.exception("left a position open", extra=place)
        return False


def close_hole(chats: Table, hole: Item) -> bool:
    """Puts a void item, for a reader that is going to pass; False if a message is there by now."""
    try:
        chats.put(hole, "attribute_not_exists(chat)")
    except ConditionFailed as failure:
        return bool((failure.item or {}).get("void"))
    return True


def _put_once(chats: Table, new: Item, message: Item) -> bool:
    """Puts `new`; True if `message` is there already, by a request whose response was lost."""
    try:
        chats.put(new, "attribute_not_exists(chat)")
    except ConditionFailed as failure:
        if failure.item != message:
            raise
        return True
    return False
