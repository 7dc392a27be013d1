"""The outcomes of a push."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Outcome(Enum):
    delivered = "the platform accepted it"
    unregistered = "the platform does not know the device token"
    try_again = "the platform could not accept it now"
    rejected = "the platform rejected it"


class Result(NamedTuple):
    """The response of a platform and its outcome; no status where it did not respond."""

    outcome: Outcome
    status: int | None = None
    text: str = ""
