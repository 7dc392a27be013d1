"""The emoji comparison of two devices (SAS), as a state machine: steps in, steps out.

It has no I/O and stores nothing; a restart ends it. docs/encryption.md has the steps. A message out
of turn, or one that does not fit, ends the comparison: there is no way back to an earlier step, so
nobody can try twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from vodozemac import Curve25519PublicKey, EstablishedSas, Sas

from client.crypto.emoji import Emoji, emoji_of
from client.crypto.envelope import Device
from client.crypto.signing import canonical, encode

METHOD = "emoji"
# Seconds. A request waits for somebody who may be away; after that two people sit and compare.
REQUEST_LIFE = 24 * 3600.0
STEP_LIFE = 600.0
MAC_OF = "ed25519"

Step = dict[str, Any]  # the fields of a `sas` message


class Stage(Enum):
    ASKED = "asked"  # the other device asks, this user has not answered
    REQUESTED = "requested"  # the other device has not answered
    WAITING = "waiting"  # for the other device's key
    COMPARING = "comparing"  # the emoji are to be compared
    CONFIRMED = "confirmed"  # this user has; the other side is not through yet
    VERIFIED = "verified"
    CANCELLED = "cancelled"


class _Rejected(Exception):
    """The step doesn't fit; the message is the reason to cancel with."""


class Comparison:
    """Times are seconds on any one clock; each method gives the steps to send then."""

    def __init__(
        self, me: Device, peer: Device, txn: str, stage: Stage, now: float, make: Callable[[], Sas]
    ) -> None:
        self.peer, self.txn, self.stage = peer, txn, stage
        self.deadline = now + REQUEST_LIFE
        self.emoji: tuple[Emoji, ...] = ()
        self.reason = ""  # of CANCELLED
        self.by_peer = False  # the other device has cancelled
        self._me = me
        self._started = stage is Stage.REQUESTED
        self._sas = make()
        self._key = self._sas.public_key.to_base64()
        self._secret: EstablishedSas | None = None
        self._expected = "accept" if self._started else ""
        self._start: Step = {}
        self._commitment = ""
        self._proved = False  # the other's MAC fits
        self._taken: list[Mapping[str, Any]] = []

    @classmethod
    def begin(
        cls, me: Device, peer: Device, txn: str, now: float, make: Callable[[], Sas] = Sas
    ) -> Comparison:
        """This user wants to compare; `opening` is to be sent."""
        made = cls(me, peer, txn, Stage.REQUESTED, now, make)
        made._start = made._step("start", methods=[METHOD])
        return made

    @classmethod
    def asked(
        cls, me: Device, peer: Device, start: Mapping[str, Any], now: float,
        make: Callable[[], Sas] = Sas,
    ) -> Comparison:  # fmt: skip
        """The other device has sent `start`, whose `txn` is known to be a string."""
        made = cls(me, peer, start["txn"], Stage.ASKED, now, make)
        made._start = made._step("start", methods=start.get("methods"))
        made._taken.append(dict(start))
        return made

    @property
    def opening(self) -> Step:
        return dict(self._start)

    @property
    def ended(self) -> bool:
        return self.stage in (Stage.VERIFIED, Stage.CANCELLED)

    # -- what the user says

    def agree(self, now: float) -> list[Step]:
        """This user wants to compare too."""
        if self.stage is not Stage.ASKED:
            return []
        methods = self._start["methods"]
        if not isinstance(methods, list) or not all(_plain(one) for one in methods):
            return self.cancel("invalid_message")
        if METHOD not in methods:
            return self.cancel("unknown_method")
        self._go(Stage.WAITING, now, expected="key")
        return [self._step("accept", commitment=commitment(self._key, self._start))]

    def decide(self, match: bool, now: float) -> list[Step]:
        """This user says whether the emoji are the same on both."""
        if self.stage is not Stage.COMPARING:
            return []
        if not match:
            return self.cancel("mismatched_sas")
        self._go(Stage.CONFIRMED, now)
        mac = self._established().calculate_mac(self._me.key, self._mac_info(self._me, self.peer))
        return [self._step("mac", macs={MAC_OF: mac}), *self._done()]

    def cancel(self, reason: str) -> list[Step]:
        if self.ended:
            return []
        self._end(reason)
        return [self._step("cancel", reason=reason)]

    def due(self, now: float) -> list[Step]:
        return self.cancel("timeout") if now >= self.deadline else []

    # -- what the other device says

    def received(self, step: Mapping[str, Any], now: float) -> list[Step]:
        if self.ended or step in self._taken:
            return []
        name = step.get("step")
        if name == "cancel":
            reason = step.get("reason")
            self._end(reason if isinstance(reason, str) else "", by_peer=True)
            return []
        if name != self._expected:
            return self.cancel("unexpected_message")
        self._taken.append(dict(step))
        try:
            return self._take(name, step, now)
        except _Rejected as rejected:
            return self.cancel(str(rejected))

    def _take(self, name: str, step: Mapping[str, Any], now: float) -> list[Step]:
        match name:
            case "accept":
                self._commitment = _text(step, "commitment")
                self._go(Stage.WAITING, now, expected="key")
                return [self._step("key", key=self._key)]
            case "key":
                return self._take_key(_text(step, "key"), now)
            case "mac":
                self._take_mac(step.get("macs"))
                self._go(self.stage, now, expected="done")
                return self._done()
            case _:
                return self._take_done()

    def _take_key(self, key: str, now: float) -> list[Step]:
        # The starter's key was not known when the other one chose its own: neither could look
        # for a key that makes the emoji come out as wished.
        if self._started and commitment(key, self._start) != self._commitment:
            raise _Rejected("mismatched_commitment")
        try:
            self._secret = self._sas.diffie_hellman(Curve25519PublicKey.from_base64(key))
        except ValueError as error:  # what vodozemac raises is below it
            raise _Rejected("invalid_message") from error
        self.emoji = emoji_of(self._secret.bytes(self._info(key)).emoji_indices)
        self._go(Stage.COMPARING, now, expected="mac")
        return [] if self._started else [self._step("key", key=self._key)]

    def _take_mac(self, macs: object) -> None:
        if not isinstance(macs, Mapping):
            raise _Rejected("invalid_message")
        info = self._mac_info(self.peer, self._me)
        try:
            self._established().verify_mac(self.peer.key, info, _text(macs, MAC_OF).rstrip("="))
        except ValueError as error:
            raise _Rejected("mismatched_mac") from error
        self._proved = True

    def _take_done(self) -> list[Step]:
        if self.stage is not Stage.CONFIRMED:  # it can't have this device's MAC
            raise _Rejected("unexpected_message")
        self.stage = Stage.VERIFIED
        self._secret = None
        return []

    # -- small

    def _done(self) -> list[Step]:
        """Both users have said yes, and the other's MAC fits."""
        through = self.stage is Stage.CONFIRMED and self._proved
        return [self._step("done")] if through else []

    def _go(self, stage: Stage, now: float, expected: str = "") -> None:
        self.stage, self.deadline = stage, now + STEP_LIFE
        self._expected = expected or self._expected

    def _end(self, reason: str, *, by_peer: bool = False) -> None:
        self.stage, self.reason, self.by_peer = Stage.CANCELLED, reason, by_peer
        self._secret, self.emoji = None, ()

    def _step(self, name: str, **fields: object) -> Step:
        return {"txn": self.txn, "step": name, **fields}

    def _established(self) -> EstablishedSas:
        if self._secret is None:
            raise _Rejected("unexpected_message")
        return self._secret

    def _info(self, their_key: str) -> str:
        mine = [self._me.name, self._me.key, self._key]
        theirs = [self.peer.name, self.peer.key, their_key]
        both = mine + theirs if self._started else theirs + mine
        return "|".join(["SWITCHBOARD_SAS", *both, self.txn])

    def _mac_info(self, sender: Device, receiver: Device) -> str:
        return f"SWITCHBOARD_MAC|{sender.name}|{receiver.name}|{self.txn}|{MAC_OF}"


def commitment(key: str, start: Mapping[str, Any]) -> str:
    """The commitment of the accepting device to its `key`, for the `start` that it accepts."""
    document = canonical({"kind": "sas", **start})
    return encode(hashlib.sha256(key.encode() + document).digest())


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not _plain(value):
        raise _Rejected("invalid_message")
    return str(value)


def _plain(value: object) -> bool:
    """ASCII: what else JSON can hold may not even have an encoding."""
    return isinstance(value, str) and value.isascii()
