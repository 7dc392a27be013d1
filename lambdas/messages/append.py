"""Appends to a chat's log: takes a position, then puts the message there, or closes it."""

from typing import NamedTuple

from lambdas.messages.heads import no_such_chat
from lambdas.messages.message import void
from lambdas.tables import HEAD, ConditionFailed, Item, Table, chat_key
from lambdas.telemetry import logger


class Position(NamedTuple):
    seq: int
    members: frozenset[str]  # when the position was taken: who gets the message
    request_of: str | None = None  # see Head
    blocked_by: frozenset[str] = frozenset()


def take(chats: Table, chat: str, sender: str) -> Position:
    """Authorizes the sender, orders the message and names its recipients, in one write.

    Raises ChatError not_found for an unknown chat and for one that is not the sender's.
    """
    try:
        head = chats.update(
            chat_key(chat, HEAD), "SET seq = seq + :one", "contains(members, :me)", one=1, me=sender
        )
    except ConditionFailed:
        raise no_such_chat(chat) from None
    return Position(
        head["seq"],
        frozenset(head["members"]),
        head.get("request_of"),
        frozenset(head.get("blocked_by", ())),
    )


def answer(chats: Table, chat: str, user: str) -> None:
    """Ends that a direct chat is a request of the user. Idempotent."""
    try:
        chats.update(
            chat_key(chat, HEAD),
            "REMOVE request_of",
            "request_of = :me",
            returns="NONE",
            me=user,
        )
    except ConditionFailed:
        return


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


def _put_once(chats: Table, new: Item, message: Item) -> bool:
    """Puts `new`; True if `message` is there already, by a request whose response was lost."""
    try:
        chats.put(new, "attribute_not_exists(chat)")
    except ConditionFailed as failure:
        if failure.item != message:
            raise
        return True
    return False
