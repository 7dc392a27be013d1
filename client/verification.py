"""Verification of devices by people: comparisons run in memory, trust is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random

from client.core.engine import Engine
from client.core.events import (
    ControlReceived,
    Event,
    IdentityChanged,
    VerificationCancelled,
    Verified,
)
from client.core.ids import user_and_device
from client.core.step import Step
from client.crypto.envelope import Device
from client.crypto.identities import Identities, KnownDevice, Trust
from client.crypto.safety_number import SafetyNumber, safety_number
from client.crypto.sas import Stage
from client.crypto.verifications import Effect, Proved, Say, Verifications
from client.driver import Driver
from client.errors import CannotVerify, Closed, StoreError

KIND = "sas"
logger = logging.getLogger("client")


class Verification:
    """`me` is this device; `drive` gives the driver of its engine, `publish` gets the events.

    `may_compare`: whether a chat is the direct one with a user; own devices may use any.
    """

    def __init__(
        self,
        me: Device,
        identities: Identities,
        random: Random,
        drive: Callable[[], Driver],
        publish: Callable[[Event], None],
        may_compare: Callable[[str, str], bool],
    ) -> None:
        self._me, self._identities = me, identities
        self._drive, self._publish = drive, publish
        self._may_compare = may_compare
        self._verifications = Verifications(me, random)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    # -- emoji

    def stages(self) -> dict[str, Stage]:
        """The comparisons under way, by `user/device`."""
        found = {name: self._verifications.stage(name) for name in self._verifications.open()}
        return {name: stage for name, stage in found.items() if stage is not None}

    def asked_by(self, user: str) -> str | None:
        """The device of the user that asks to compare, if it is one."""
        asking = [
            user_and_device(name)[1]
            for name, stage in self.stages().items()
            if stage is Stage.ASKED and name.startswith(f"{user}/")
        ]
        return asking[0] if len(asking) == 1 else None

    def start(self, chat: str, device: KnownDevice) -> None:
        """Asks the device, or agrees to what it asks. Raises CannotVerify."""
        if device.trust is Trust.CHANGED:
            raise CannotVerify(
                f"the keys of {device.name} are not accepted, so nothing can be sent to it yet"
            )
        if self._verifications.stage(device.name) not in (None, Stage.ASKED):
            raise CannotVerify(f"a comparison with {device.name} is under way")
        peer = Device(device.name, device.ed25519)
        self._carry_out(self._verifications.start(chat, peer, self._loop.time()))

    def confirm(self, user: str, device: str | None, match: bool) -> None:
        """Raises CannotVerify if there are no emoji to say yes to."""
        name = self._meant(user, device)
        shown = self._verifications.stage(name) is Stage.COMPARING
        if shown:
            effects = self._verifications.decide(name, match, self._loop.time())
        elif match:
            raise CannotVerify(f"there are no emoji of {name} to compare now")
        else:
            effects = self._verifications.cancel(name)
        self._carry_out(effects)

    def _meant(self, user: str, device: str | None) -> str:
        names = [name for name in self._verifications.open() if name.startswith(f"{user}/")]
        if device is not None:
            names = [name for name in names if name == f"{user}/{device}"]
        if not names:
            raise CannotVerify(f"no comparison with {user} is under way")
        if len(names) > 1:
            raise CannotVerify(f"comparisons are under way with {_listed(names)}: name the device")
        return names[0]

    # -- what happens

    def happened(self, event: Event) -> None:
        """Called while the engine's step is being carried out: what follows is a later step."""
        match event:
            case ControlReceived(kind=kind) if kind == KIND:
                self._loop.call_soon(self._guarded, lambda: self._received(event))
            case IdentityChanged():
                name = f"{event.user}/{event.device}"
                self._loop.call_soon(self._guarded, lambda: self._changed(name))
            case _:
                pass

    def leave(self) -> None:
        """The user leaves: cancels all comparisons, which notifies the other devices."""
        for name in self._verifications.open():
            self._carry_out(self._verifications.cancel(name))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _received(self, event: ControlReceived) -> None:
        name = f"{event.sender}/{event.sender_device}"
        device = self._identities.trusted(name)
        if device is None or name == self._me.name:
            return
        if not self._may_compare(event.chat, event.sender):
            return  # in a group, nobody sees whose emoji these are
        if self._identities.blocked(name):
            self._changed(name)
            return
        peer = Device(name, device.ed25519)
        now = self._loop.time()
        self._carry_out(self._verifications.received(event.chat, peer, event.fields, now))

    def _changed(self, name: str) -> None:
        self._carry_out(self._verifications.cancel(name, "identity_changed"))

    def _due(self) -> None:
        self._timer = None
        self._guarded(lambda: self._carry_out(self._verifications.due(self._loop.time())))

    # -- safety numbers

    def safety_number(self, user: str) -> SafetyNumber:
        """From what is known of both users' devices. Raises CannotVerify if there are none."""
        return self._number(user, _keys(self._identities.devices(user)))

    def _number(self, user: str, theirs: Mapping[str, str]) -> SafetyNumber:
        me, device = user_and_device(self._me.name)
        if user == me:
            raise CannotVerify("a safety number is with somebody else")
        if not theirs:
            raise CannotVerify(f"{user} has no device yet")
        mine = _keys(self._identities.devices(me)) | {device: self._me.key}
        return safety_number({user: theirs, me: mine})

    def compare(self, user: str, shown: str) -> bool:
        """True: the numbers are the same, and the user's devices are accepted and verified: those
        that the number was made of, and no others.

        Raises ValueError if `shown` is no safety number of these two.
        """
        keys = _keys(self._identities.devices(user))
        if not self._number(user, keys).same_as(shown):
            return False
        if not self._drive().step(Engine.compared, user, keys):
            return False
        for device in keys:
            self._publish(Verified(user, device))
        return True

    # -- carrying out

    def _guarded(self, work: Callable[[], None]) -> None:
        """For what nobody waits for."""
        try:
            work()
        except (StoreError, Closed) as error:
            logger.warning("a comparison does not go on: %s", error)

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Say():
                    self._say(effect)
                case Proved():
                    self._prove(effect.device)
                case _:
                    self._publish(effect)
        self.stop()
        due = self._verifications.next_due()
        if due is not None:
            self._timer = self._loop.call_at(due, self._due)

    def _say(self, say: Say) -> None:
        self._drive().step(Engine.send_to_device, say.chat, say.device, KIND, say.fields)

    def _prove(self, proved: Device) -> None:
        user, device = user_and_device(proved.name)

        def stored(engine: Engine, step: Step) -> bool:
            return self._identities.verify(user, device, proved.key)

        if self._drive().step(stored):
            self._publish(Verified(user, device))
        else:
            self._publish(VerificationCancelled(user, device, "identity_changed", by_peer=False))


def chosen(devices: Iterable[KnownDevice], user: str, device: str | None) -> KnownDevice:
    """The device that is meant; without a name the only one, or the only one not verified yet.

    Raises CannotVerify.
    """
    there = list(devices)
    if device is not None:
        named = [one for one in there if one.device == device]
        if not named:
            names = _listed(one.device for one in there) or "none"
            raise CannotVerify(f"{user} has no device {device} to compare with, only: {names}")
        return named[0]
    if not there:
        raise CannotVerify(f"{user} has no device to compare with")
    left = [one for one in there if one.trust is not Trust.VERIFIED] or there
    if len(left) > 1:
        names = _listed(one.device for one in left)
        raise CannotVerify(f"{user} has several devices: {names}; name one of them")
    return left[0]


def _keys(devices: Iterable[KnownDevice]) -> dict[str, str]:
    return {device.device: device.ed25519 for device in devices}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
