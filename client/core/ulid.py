"""Message ids: a ULID, 48 bits of milliseconds and 80 random ones in Crockford's base 32."""

from __future__ import annotations

from random import Random

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(milliseconds: int, random: Random) -> str:
    number = (milliseconds & (1 << 48) - 1) << 80 | random.getrandbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
