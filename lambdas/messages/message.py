"""A message: its item in the log, and its frame for each device. No I/O."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from lambdas.frames import Frame
from lambdas.tables import Item, chat_key, message_item, seq_of

# 100 names of 97 letters, twice, are 20 KB of the 32 KB of a frame. Without a limit, a group with
# 2,560 devices would get no response at all.
NAMES_LIMIT = 100

DeviceNames = Mapping[str, Iterable[str]]  # user -> devices


def stored(
    frame: Frame,
    *,
    seq: int,
    sender: str,
    sender_device: str,
    sent_at: int,
    expires_at: int,
    hidden_from: Collection[str] = (),
) -> Item:
    """The item of a `send` frame at its position; times: sent_at in ms, expires_at in seconds."""
    item: Item = {
        **chat_key(frame["chat"], message_item(seq)),
        "message_id": frame["message_id"],
        "sender": sender,
        "sender_device": sender_device,
        "sent_at": sent_at,
        "alg": frame["alg"],
        "expires_at": expires_at,
    }
    part = "to" if "to" in frame else "payload"
    item[part] = frame[part]
    if frame.get("urgent") is False:
        item["urgent"] = False
    if hidden_from:
        item["hidden_from"] = set(hidden_from)
    if frame.get("hidden"):
        item["hidden"] = True
    return item


def is_text_for(item: Item, user: str, device: str | None = None) -> bool:
    """Whether the message is something to read for a user, or for one of the user's devices.

    Not a hidden one, not an own one, and not one whose sender made no payload for them.
    """
    if item.get("void") or item.get("hidden") or item["sender"] == user:
        return False
    if not is_visible(item, user):
        return False
    if "to" not in item:
        return True
    if device is not None:
        return f"{user}/{device}" in item["to"]
    return any(name.startswith(f"{user}/") for name in item["to"])


def is_visible(item: Item, user: str) -> bool:
    """False for users in `hidden_from`: they have blocked the sender, or the sender has not
    answered their request. Only the sender's devices see such a message. Other readers pass its
    position as they pass a void item.
    """
    return user not in item.get("hidden_from", ())


def void(message: Item) -> Item:
    """The item that closes a position whose message could not be stored."""
    kept = {name: message[name] for name in ("chat", "item", "sent_at", "expires_at")}
    return {**kept, "void": True}


def message_frame(item: Item, user: str, device: str | None) -> Frame:
    """The `message` frame for one device; a payload for each device is None without `device`."""
    payload = item["to"].get(f"{user}/{device}") if "to" in item else item["payload"]
    return {
        "type": "message",
        "chat": item["chat"],
        "seq": seq_of(item),
        "message_id": item["message_id"],
        "sender": item["sender"],
        "sender_device": item["sender_device"],
        "sent_at": item["sent_at"],
        "alg": item["alg"],
        "payload": payload,
    }


class Addressed(NamedTuple):
    """The difference between a sender's list of devices and the registered ones; both sorted.
    `more`: the lists were cut, since a response has to fit into a frame.
    """

    missing: list[str]  # registered, but not addressed
    stale: list[str]  # addressed, but not registered
    more: bool = False


def addressed(frame: Frame, registered: DeviceNames, sender: str, sender_device: str) -> Addressed:
    """`registered`: the devices of the chat's members. The sending device is not expected."""
    if "to" not in frame:
        return Addressed([], [])
    there = {f"{user}/{device}" for user, devices in registered.items() for device in devices}
    named = set(frame["to"])
    missing = sorted(there - named - {f"{sender}/{sender_device}"})
    stale = sorted(named - there)
    more = max(len(missing), len(stale)) > NAMES_LIMIT
    return Addressed(missing[:NAMES_LIMIT], stale[:NAMES_LIMIT], more)
