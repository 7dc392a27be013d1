"""Rotation of group sessions: when one is used up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MESSAGES = 100
SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Outbound:
    """`holders`: the devices that have its key, with the Ed25519 identity each had then."""

    made_at: float
    messages: int
    holders: Mapping[str, str]


def reason_to_rotate(session: Outbound, devices: Mapping[str, str], now: float) -> str | None:
    """Why the next message needs a new session; None if it doesn't.

    `devices` are those that are to read it, as `holders`; times in epoch seconds.
    """
    for name, identity in session.holders.items():
        if name not in devices:
            return f"{name} is no longer in the chat"
        if devices[name] != identity:
            return f"{name} has another identity"
    if session.messages >= MESSAGES:
        return f"{MESSAGES} messages were sent with it"
    if not 0 <= now - session.made_at < SECONDS:
        return "it is 7 days old"
    return None
