"""One step of the engine: the times, the store and the encryption."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.cipher import Cipher
from client.core.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of the ledger. Every input of the engine is called inside one.

    `now` is of a clock that only goes forward, `time` in epoch seconds.
    """

    now: float
    time: float
    ledger: Ledger
    cipher: Cipher
