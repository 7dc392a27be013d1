"""Names of messages and of devices.

The id of a message that is to be shown is a ULID, that of one that changes another or a chat a UUID
of version 7, that of everything else one of version 4: so a device that got no payload of a message
learns from the id whether it lacks a text of people.
"""

from __future__ import annotations

import uuid
from random import Random

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_LENGTH = 26
_UUID_LENGTH = 36


def ulid(milliseconds: int, random: Random) -> str:
    """48 bits of milliseconds and 80 random ones in Crockford's base 32."""
    number = (milliseconds & (1 << 48) - 1) << 80 | random.getrandbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def hidden_id(random: Random) -> str:
    """A UUID, version 4: of a key, a request, a copy."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def change_id(milliseconds: int, random: Random) -> str:
    """A UUID, version 7 (RFC 9562, section 5.7): of a reaction, an edit, the name of a chat."""
    number = (milliseconds & (1 << 48) - 1) << 80 | random.getrandbits(76)
    return str(uuid.UUID(int=number & ~(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62))


def user_of(name: str) -> str:
    """The user of a device that is named `user/device`."""
    return name.partition("/")[0]


def user_and_device(name: str) -> tuple[str, str]:
    user, _, device = name.partition("/")
    return user, device


def is_shown(message_id: str) -> bool:
    """Whether the message of this id is one to show."""
    return len(message_id) == ULID_LENGTH


def is_written(message_id: str) -> bool:
    """Whether people wrote it: a message to show, or a change of one; otherwise it is a key or the
    like.
    """
    return is_shown(message_id) or (len(message_id) == _UUID_LENGTH and message_id[14] == "7")
