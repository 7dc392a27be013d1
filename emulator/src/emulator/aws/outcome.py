"""The outcomes of a push."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    delivered = "the platform took it"
    unregistered = "the platform does not know the device token"
    try_again = "the platform could not take it now"
    rejected = "the platform rejected it"
