"""Connection ids of sockets that tasks hold: each names the task that has it, and is never reused.

A post goes to the task by the address in the id, so nothing has to be looked up. The id is no
secret and not signed: only holders of the key of posts can use one, and clients never send any.
"""

import base64
import binascii
import ipaddress
from typing import NamedTuple

RANDOM_BYTES = 12  # an address is given to another task one day, which must not know old ids
_ADDRESS_BYTES = 6


class Holder(NamedTuple):
    """Where a task listens, inside the network."""

    host: str  # an IPv4 address
    port: int


def new_id(holder: Holder, random: bytes) -> str:
    """24 characters of base64url, from RANDOM_BYTES random bytes."""
    address = ipaddress.IPv4Address(holder.host).packed + holder.port.to_bytes(2, "big")
    return base64.urlsafe_b64encode(address + random).decode()


def holder_of(connection_id: str) -> Holder | None:
    """None for an id that is not of this form, such as one of API Gateway's."""
    try:
        raw = base64.b64decode(connection_id, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _ADDRESS_BYTES + RANDOM_BYTES:
        return None
    host = str(ipaddress.IPv4Address(raw[:4]))
    return Holder(host, int.from_bytes(raw[4:_ADDRESS_BYTES], "big"))
