"""Linking: what a new device offers under a code, and what a signed-in device seals for it.

    Users  link#<code>  link  offer, sealed?, expires_at (s)

The code is a hash of the offer, so a device that has read it from the new device's screen can check
the keys in the offer, and need not trust the backend with them. The first confirmation of a link
counts: one conditional write. The link then stays for at least half a minute, so that the new
device finds a confirmation that came just before the link would have expired.
"""

import base64
import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdas.keys.signatures import canonical
from lambdas.tables import ConditionFailed, Table, user_key

LINK_SECONDS = 120
CONFIRMED_SECONDS = 30  # a new device asks every two seconds, and again after an error
CODE_BYTES = 20  # 160 bits: nobody finds another offer with the same code, or guesses one
PURPOSE = b"SWITCHBOARD_LINK|"


class Link(NamedTuple):
    """`sealed` is what the signed-in device has left for the new one; None before that."""

    offer: dict[str, Any]
    sealed: dict[str, Any] | None
    expires_in: int  # seconds


def code_of(offer: Mapping[str, Any]) -> str:
    """32 characters of base32 (RFC 4648): the beginning of the offer's SHA-256."""
    digest = hashlib.sha256(PURPOSE + canonical(offer)).digest()
    return base64.b32encode(digest[:CODE_BYTES]).decode()


class Links:
    """Links in the Users table. `now` is in epoch seconds."""

    def __init__(self, users: Table) -> None:
        self._users = users

    def offer(self, offer: Mapping[str, Any], now: float) -> int | None:
        """The seconds until it expires. None for one that was confirmed or has expired: each link
        needs keys of its own.
        """
        code = code_of(offer)
        item = {
            **user_key(f"link#{code}", "link"),
            "offer": dict(offer),
            "expires_at": math.floor(now) + LINK_SECONDS,
        }
        try:
            self._users.put(item, "attribute_not_exists(expires_at)")
        except ConditionFailed:
            there = self.get(code, now)
            return there.expires_in if there and there.sealed is None else None
        return LINK_SECONDS

    def get(self, code: str, now: float) -> Link | None:
        """None for what is unknown or has expired."""
        item = self._users.get(user_key(f"link#{code}", "link"), consistent=True)
        seconds = item["expires_at"] - math.floor(now) if item else 0
        return Link(item["offer"], item.get("sealed"), seconds) if item and seconds > 0 else None

    def confirm(self, code: str, sealed: Mapping[str, Any], now: float) -> Link | None:
        """The link from now on, with what was sealed for it first. None as for `get`."""
        link = self.get(code, now)
        if link is None or link.sealed is not None:
            return link
        seconds = max(link.expires_in, CONFIRMED_SECONDS)
        try:
            self._users.update(
                user_key(f"link#{code}", "link"),
                "SET sealed = :sealed, expires_at = :until",
                "expires_at > :now AND attribute_not_exists(sealed)",
                returns="NONE",
                sealed=dict(sealed),
                until=math.floor(now) + seconds,
                now=math.floor(now),
            )
        except ConditionFailed:  # another device has confirmed it, or it was deleted
            return self.get(code, now)
        return Link(link.offer, dict(sealed), seconds)
