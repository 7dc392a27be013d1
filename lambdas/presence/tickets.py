"""Single-use tickets for opening a connection; the table stores only their SHA-256."""

import hashlib
import math
from collections.abc import Callable
from typing import NamedTuple

from lambdas.tables import ConditionFailed, Table

TICKET_SECONDS = 30
TICKET_BYTES = 32


class Ticket(NamedTuple):
    """Who may connect. `asked_at` (ms) is before anything was checked for the ticket. `sign_in` has
    asked for it, where it is another one than the device's own.
    """

    user: str
    device: str
    asked_at: int
    sign_in: str | None = None


def issue(
    tickets: Table,
    user: str,
    device: str,
    now: float,
    random: Callable[[int], str],
    sign_in: str | None = None,
) -> str:
    """A ticket good for TICKET_SECONDS from `now`, when it was asked for; `sign_in` as in `Ticket`.

    `random` is secrets.token_urlsafe or alike.
    """
    ticket = random(TICKET_BYTES)
    tickets.put(
        {
            "ticket": _digest(ticket),
            "user": user,
            "device": device,
            "asked_at": int(now * 1000),
            "expires_at": math.ceil(now + TICKET_SECONDS),
            **({"sign_in": sign_in} if sign_in else {}),
        }
    )
    return ticket


def redeem(tickets: Table, ticket: str, now: float) -> Ticket | None:
    """The ticket the first time, None for what is unknown, used or expired.

    One conditional delete: of two requests with the same ticket, one succeeds.
    """
    try:
        found = tickets.delete({"ticket": _digest(ticket)}, "attribute_exists(ticket)")
    except ConditionFailed:
        return None
    if found is None or found["expires_at"] <= now:
        return None
    return Ticket(found["user"], found["device"], int(found["asked_at"]), found.get("sign_in"))


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
