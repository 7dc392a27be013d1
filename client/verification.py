"""Verification of devices by people: comparisons run in memory, trust is stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping

from client.chats import Chats
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
from client.crypto.identities import KnownDevice, Trust
from client.crypto.safety_number import SafetyNumber, safety_number
from client.crypto.sas import Stage
from client.crypto.verifications import Effect, Proved, Say, Verifications
from client.devices import Devices
from client.errors import CannotVerify, Closed, StoreError, Unreachable
from client.this_device import ThisDevice

KIND = "sas"
logger = logging.getLogger("client")


class Verification:
    def __init__(self, device: ThisDevice, devices: Devices, chats: Chats) -> None:
        self._device, self._devices, self._chats = device, devices, chats
        self._identities = device.identities
        self._me = Device(device.name, device.keys.ed25519)
        self._verifications = Verifications(self._me, device.random)
        self._timer: asyncio.TimerHandle | None = None

    # -- safety numbers

    async def safety_number(self, user: str) -> SafetyNumber:
        """The same number as `user` sees for this user, unless somebody intercepts. It is made of
        the known devices of both. Raises CannotVerify if the user has none.
        """
        await self._ask_for_devices(user)
        return self._number(user, _keys(self._devices.known(user)))

    async def compare_safety_number(self, user: str, shown: str) -> bool:
        """`shown` is what `user` sees: the digits, or the content of the QR code.

        True: all devices of the user are verified now, and changed keys accepted: those that the
        number was made of, and no others. Raises ValueError if it is no safety number of the two.
        """
        await self._ask_for_devices(user)
        keys = _keys(self._devices.known(user))
        if not self._number(user, keys).same_as(shown):
            return False
        if not self._device.driver.step(Engine.compared, user, keys):
            return False
        for device in keys:
            self._device.feed.publish(Verified(user, device))
        return True

    async def _ask_for_devices(self, user: str) -> None:
        """Brings the devices of both up to date, if the backend can be reached."""
        await self._devices.of(user)
        with contextlib.suppress(Unreachable):
            await self._devices.of(self._device.user)

    def _number(self, user: str, theirs: Mapping[str, str]) -> SafetyNumber:
        me, device = user_and_device(self._me.name)
        if user == me:
            raise CannotVerify("a safety number is with somebody else")
        if not theirs:
            raise CannotVerify(f"{user} has no device yet")
        mine = _keys(self._devices.known(me)) | {device: self._me.key}
        return safety_number({user: theirs, me: mine})

    # -- whom to trust

    def trust(self, user: str) -> Trust:
        """What is known of the user's devices together: VERIFIED if all of them are."""
        return self._identities.trust(user)

    def accept(self, user: str, shown: Iterable[KnownDevice]) -> bool:
        """Trusts the keys of these devices, as the user was shown them.

        True: no others wait, and sending to the user continues. False: there are other keys by now.
        """
        keys = {device.device: device.ed25519 for device in shown if device.user == user}
        return self._device.driver.step(Engine.accept, user, keys)

    # -- emoji

    async def compare(self, user: str, device: str | None = None) -> KnownDevice:
        """Asks the device to compare emoji, or agrees to what it asks; gives the device.

        EmojiShown follows once both have agreed, and Verified or VerificationCancelled at the
        end; it waits for a user who is away, up to a day. `device` may be left out if there is no
        choice. Raises CannotVerify.
        """
        device = device or self._asked_by(user)
        meant = chosen(await self._devices.of(user), user, device)
        self._start(await self._common_chat(user), meant)
        return meant

    def decide(self, user: str, match: bool, device: str | None = None) -> None:
        """Whether the emoji of EmojiShown are the same on both; False ends it at any time.

        `device` may be left out if there is no choice. Raises CannotVerify.
        """
        name = self._meant(user, device)
        shown = self._verifications.stage(name) is Stage.COMPARING
        if shown:
            effects = self._verifications.decide(name, match, _now())
        elif match:
            raise CannotVerify(f"there are no emoji of {name} to compare now")
        else:
            effects = self._verifications.cancel(name)
        self._carry_out(effects)

    def comparisons(self) -> dict[str, Stage]:
        """The emoji comparisons under way, by `user/device`."""
        found = {name: self._verifications.stage(name) for name in self._verifications.open()}
        return {name: stage for name, stage in found.items() if stage is not None}

    def _asked_by(self, user: str) -> str | None:
        """The device of the user that asks to compare, if it is one."""
        asking = [
            user_and_device(name)[1]
            for name, stage in self.comparisons().items()
            if stage is Stage.ASKED and name.startswith(f"{user}/")
        ]
        return asking[0] if len(asking) == 1 else None

    async def _common_chat(self, user: str) -> str:
        """Where this device and one of `user` meet; own devices do in any chat but a request.

        Where it is not known whether the chat is a request, what is sent there waits.
        """
        request = self._device.store.request
        if user != self._device.user:
            known = self._chats.known_direct(user)
            if known is None or request(known) is None:
                await self._chats.refresh()
                known = self._chats.known_direct(user)
            if known is not None and request(known):  # to ask for the chat would accept it
                raise CannotVerify(f"accept the request of {user} first, or answer it")
            return await self._chats.direct(user)
        chats = [each for each in self._chats.all() if not (each.left or request(each.chat))]
        sure = [each for each in chats if each.kind == "group" or request(each.chat) is False]
        if not chats:
            raise CannotVerify("your own devices meet in a chat, and there is none yet")
        return (sure or chats)[-1].chat

    def _start(self, chat: str, device: KnownDevice) -> None:
        if device.trust is Trust.CHANGED:
            raise CannotVerify(
                f"the keys of {device.name} are not accepted, so nothing can be sent to it yet"
            )
        if self._verifications.stage(device.name) not in (None, Stage.ASKED):
            raise CannotVerify(f"a comparison with {device.name} is under way")
        peer = Device(device.name, device.ed25519)
        self._carry_out(self._verifications.start(chat, peer, _now()))

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
                _loop().call_soon(self._guarded, lambda: self._received(event))
            case IdentityChanged():
                name = f"{event.user}/{event.device}"
                _loop().call_soon(self._guarded, lambda: self._changed(name))
            case _:
                pass

    def leave(self) -> None:
        """The user leaves: cancels all comparisons, which notifies the other devices."""
        for name in self._verifications.open():
            self._carry_out(self._verifications.cancel(name))

    def end(self) -> None:
        """Ends like a crash: all comparisons are forgotten, and nobody is notified."""
        self._stop_timer()
        self._verifications.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _received(self, event: ControlReceived) -> None:
        name = f"{event.sender}/{event.sender_device}"
        device = self._identities.trusted(name)
        if device is None or name == self._me.name:
            return
        if self._device.store.request(event.chat):
            return  # nothing is sent there before the user has accepted it
        pair = self._device.store.pair(event.chat) or ()
        if event.sender != self._device.user and event.sender not in pair:
            return  # in a group, nobody sees whose emoji these are
        if self._identities.blocked(name):
            self._changed(name)
            return
        peer = Device(name, device.ed25519)
        self._carry_out(self._verifications.received(event.chat, peer, event.fields, _now()))

    def _changed(self, name: str) -> None:
        self._carry_out(self._verifications.cancel(name, "identity_changed"))

    def _due(self) -> None:
        self._timer = None
        self._guarded(lambda: self._carry_out(self._verifications.due(_now())))

    # -- carrying out

    def _guarded(self, work: Callable[[], None]) -> None:
        """Runs an act that no caller waits for, and logs its errors."""
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
                    self._device.feed.publish(effect)
        self._stop_timer()
        due = self._verifications.next_due()
        if due is not None:
            self._timer = _loop().call_at(due, self._due)

    def _say(self, say: Say) -> None:
        self._device.driver.step(Engine.send_to_device, say.chat, say.device, KIND, say.fields)

    def _prove(self, proved: Device) -> None:
        user, device = user_and_device(proved.name)

        def stored(engine: Engine, step: Step) -> bool:
            return self._identities.verify(user, device, proved.key)

        if self._device.driver.step(stored):
            self._device.feed.publish(Verified(user, device))
        else:
            self._device.feed.publish(
                VerificationCancelled(user, device, "identity_changed", by_peer=False)
            )


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


def _now() -> float:
    return _loop().time()


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
