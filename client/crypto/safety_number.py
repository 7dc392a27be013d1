"""The number that two people compare, to know that nobody sits between them. Pure.

Both compute it from the identity keys of all their devices; docs/encryption.md has the recipe.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from client.crypto.signing import decode

VERSION = b"\x00\x01"
# As many as Signal takes: what makes it costly to look for keys with a similar number.
ROUNDS = 5_200
KEY_BYTES = 32
DIGITS = 30  # for each of the two users

_CODE = re.compile(
    rf"switchboard:1:([a-z0-9_]+):([0-9]{{{DIGITS}}}):([a-z0-9_]+):([0-9]{{{DIGITS}}})"
)
_BETWEEN_DIGITS = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class SafetyNumber:
    """Of two users, the smaller name first; `first` and `second` are (user, 30 digits)."""

    first: tuple[str, str]
    second: tuple[str, str]

    @property
    def digits(self) -> str:
        return self.first[1] + self.second[1]

    @property
    def groups(self) -> list[str]:
        """The 60 digits in twelve groups of five."""
        return [self.digits[at : at + 5] for at in range(0, 2 * DIGITS, 5)]

    @property
    def code(self) -> str:
        """What the QR code says."""
        return ":".join(["switchboard:1", *self.first, *self.second])

    def same_as(self, shown: str) -> bool:
        """Whether `shown` is what the other one sees: the digits, or the content of the QR code.

        Raises ValueError if it is neither, or about other users.
        """
        number = _BETWEEN_DIGITS.sub("", shown)
        if re.fullmatch(rf"[0-9]{{{2 * DIGITS}}}", number):
            return number == self.digits
        found = _CODE.fullmatch(shown.strip())
        if found is None:
            raise ValueError(
                f"that is no safety number: {2 * DIGITS} digits, or a QR code's content, which "
                "begins with switchboard:1:"
            )
        if (found[1], found[3]) != (self.first[0], self.second[0]):
            raise ValueError(
                f"that is the safety number of {found[1]} and {found[3]}, not of "
                f"{self.first[0]} and {self.second[0]}"
            )
        return shown.strip() == self.code


def fingerprint(user: str, devices: Mapping[str, str]) -> str:
    """30 digits for the user and all the user's devices (name -> Ed25519 key, base64)."""
    data = VERSION
    for name in sorted(devices):
        data += name.encode() + b"\x00" + decode(devices[name])
    digest = hashlib.sha512(data + user.encode()).digest()
    for _ in range(ROUNDS - 1):
        digest = hashlib.sha512(digest + data).digest()
    groups = (digest[at : at + 5] for at in range(0, DIGITS, 5))
    return "".join(f"{int.from_bytes(group, 'big') % 100_000:05}" for group in groups)


def safety_number(users: Mapping[str, Mapping[str, str]]) -> SafetyNumber:
    """`users`: two of them, each with its devices. Raises ValueError for another count."""
    if len(users) != 2:
        raise ValueError(f"a safety number is of two users, got {', '.join(users) or 'none'}")
    first, second = sorted(users)
    return SafetyNumber(
        (first, fingerprint(first, users[first])), (second, fingerprint(second, users[second]))
    )
