"""All emoji comparisons of this device: one with each other device at a time. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from vodozemac import Sas

from client.core.events import EmojiShown, VerificationCancelled, VerificationRequested
from client.core.ids import user_and_device
from client.crypto.envelope import Device
from client.crypto.sas import Comparison, Stage, Step

TXN_BYTES = 16
_TXN = re.compile("[!-~]{1,64}")  # others may make theirs in another way
# A device that sends more of them could begin the oldest again, and this user would be asked again.
OVER_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Say:
    """Send a `sas` message with these fields to that device, in this chat."""

    chat: str
    device: str
    fields: Step


@dataclass(frozen=True, slots=True)
class Proved:
    """Both users have seen the same emoji: `device` has this key."""

    device: Device


Effect = Say | Proved | VerificationRequested | EmojiShown | VerificationCancelled


@dataclass(slots=True)
class _Open:
    chat: str
    comparison: Comparison
    shown: bool = False  # its emoji


class Verifications:
    """Other devices are named `user/device`; times are seconds on any one clock."""

    def __init__(self, me: Device, random: Random, make: Callable[[], Sas] = Sas) -> None:
        self._me, self._random, self._make = me, random, make
        self._open: dict[str, _Open] = {}
        self._over: dict[str, None] = {}  # txns that are not to begin again, the oldest first

    def stage(self, device: str) -> Stage | None:
        """The stage of the comparison with that device; None if there is none."""
        found = self._open.get(device)
        return found.comparison.stage if found else None

    def open(self) -> list[str]:
        """The devices with which a comparison is under way."""
        return list(self._open)

    # -- what the user wants

    def start(self, chat: str, peer: Device, now: float) -> list[Effect]:
        """Asks the device, or agrees to what it asks. Nothing if one is under way."""
        found = self._open.get(peer.name)
        if found is not None:
            return self._after(found, found.comparison.agree(now))
        made = Comparison.begin(self._me, peer, self._txn(), now, self._make)
        self._open[peer.name] = found = _Open(chat, made)
        return self._after(found, [made.opening])

    def decide(self, device: str, match: bool, now: float) -> list[Effect]:
        """Nothing if there are no emoji to decide about."""
        found = self._open.get(device)
        return self._after(found, found.comparison.decide(match, now)) if found else []

    def cancel(self, device: str, reason: str = "user") -> list[Effect]:
        found = self._open.get(device)
        return self._after(found, found.comparison.cancel(reason)) if found else []

    # -- what happens

    def received(
        self, chat: str, peer: Device, fields: Mapping[str, Any], now: float
    ) -> list[Effect]:
        """A `sas` message of `peer`, with the key that this device trusts now."""
        txn, step = fields.get("txn"), fields.get("step")
        if not isinstance(txn, str) or not _TXN.fullmatch(txn):
            return []
        found = self._open.get(peer.name)
        if found is not None and found.comparison.peer != peer:
            return self.cancel(peer.name, "identity_changed")
        if found is not None and found.comparison.txn == txn:
            if found.chat != chat:
                return self.cancel(peer.name, "unexpected_message")
            return self._after(found, found.comparison.received(fields, now))
        if txn in self._over or step in ("cancel", "done"):
            return []
        if step != "start":  # of one that this device has forgotten
            forgotten = {"txn": txn, "step": "cancel", "reason": "unknown_transaction"}
            return [Say(chat, peer.name, forgotten)]
        return self._asked(chat, peer, fields, found, now)

    def due(self, now: float) -> list[Effect]:
        return [
            effect
            for found in list(self._open.values())
            for effect in self._after(found, found.comparison.due(now))
        ]

    def next_due(self) -> float | None:
        return min((found.comparison.deadline for found in self._open.values()), default=None)

    def end(self) -> None:
        """All of them are forgotten, and nobody is notified."""
        self._open.clear()

    # -- inside

    def _asked(
        self, chat: str, peer: Device, start: Mapping[str, Any], found: _Open | None, now: float
    ) -> list[Effect]:
        made = _Open(chat, Comparison.asked(self._me, peer, start, now, self._make))
        if found is None:
            self._open[peer.name] = made
            return [VerificationRequested(*user_and_device(peer.name))]
        if found.comparison.stage is not Stage.REQUESTED:
            # It knows nothing of the one under way any more: it was started anew.
            ended = self._after(found, found.comparison.cancel("superseded"))
            self._open[peer.name] = made
            return [*ended, VerificationRequested(*user_and_device(peer.name))]
        if self._me.name < peer.name:
            # Both have started, and this one's counts. It is said again, because the other may
            # have been started anew since it came.
            self._is_over(made.comparison.txn)
            return [Say(found.chat, peer.name, found.comparison.opening)]
        self._is_over(found.comparison.txn)
        self._open[peer.name] = made
        return self._after(made, made.comparison.agree(now))

    def _after(self, found: _Open, steps: list[Step]) -> list[Effect]:
        """What came of it: the steps to send, and what is new for the user."""
        comparison = found.comparison
        name = comparison.peer.name
        effects: list[Effect] = [Say(found.chat, name, step) for step in steps]
        match comparison.stage:
            case Stage.COMPARING if not found.shown:
                found.shown = True
                effects.append(EmojiShown(*user_and_device(name), comparison.emoji))
            case Stage.VERIFIED:
                effects.append(Proved(comparison.peer))
            case Stage.CANCELLED:
                cancelled = VerificationCancelled(
                    *user_and_device(name), comparison.reason, comparison.by_peer
                )
                effects.append(cancelled)
        if comparison.ended:
            self._is_over(comparison.txn)
            del self._open[name]
        return effects

    def _is_over(self, txn: str) -> None:
        self._over[txn] = None
        if len(self._over) > OVER_KEPT:
            del self._over[next(iter(self._over))]

    def _txn(self) -> str:
        random = self._random.randbytes(TXN_BYTES)
        return base64.urlsafe_b64encode(random).decode().rstrip("=")
