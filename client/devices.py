"""Devices of users as a client sees them: lists, trust, verification, and linking a new one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from client.core.bodies_generated import OwnDevice
from client.core.cipher import FetchResult
from client.core.engine import Engine
from client.crypto.envelope import Device
from client.crypto.identities import KnownDevice, Trust
from client.crypto.safety_number import SafetyNumber
from client.crypto.sas import Stage
from client.directory import fetch
from client.errors import CannotVerify, ClientError, Unreachable
from client.linking import Linking
from client.messages import MessageMethods
from client.verification import Verification, chosen

ATTEMPTS = 3  # at a device list that changes while it is asked for


class DeviceMethods(MessageMethods):
    """The part of ChatClient for devices and whom to trust."""

    async def devices(self, user: str) -> list[KnownDevice]:
        """The user's devices as the backend lists them now; this device is not among them.

        Of a user who is known, what is known if the backend can't be reached.
        """
        for _ in range(ATTEMPTS):
            request = self._drive().step(Engine.look_at, user)
            try:
                result = await fetch(self._api, request)
            except Unreachable:
                known = self.known_devices(user)
                if not known:
                    raise
                return known
            if self._fetched(result):
                break  # else they have changed since they were asked for
        return self.known_devices(user)

    def _fetched(self, result: FetchResult) -> bool:
        return self._drive().step(Engine.fetch_succeeded, result)

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        """This user's devices with their names and when they were seen, this one among them."""
        return await self._api.own_devices()

    async def remove_device(self, device: str) -> None:
        """Removes one of this user's devices from the account; it gets nothing from then on."""
        await self._api.remove_device(device)
        with contextlib.suppress(ClientError):
            await self.devices(self.user)  # the others hear of it by `devices_changed`

    @property
    def linking(self) -> Linking:
        """Letting a new device of this user in."""
        me = f"{self.user}/{self.device}"
        identities = self._encryption.identities
        keys = self._account.keys
        return Linking(me, self._api, keys, identities, self._drive, self.devices)

    @property
    def push_token(self) -> str | None:
        session = self._store.session()
        return session.push_token if session else None

    # -- whom to trust

    def trust(self, user: str) -> Trust:
        """What is known of the user's devices together: VERIFIED if all of them are."""
        return self._encryption.identities.trust(user)

    def known_devices(self, user: str) -> list[KnownDevice]:
        """The devices as the backend listed them last; makes no request."""
        return self._encryption.identities.devices(user)

    def accept_identity(self, user: str, shown: Iterable[KnownDevice]) -> bool:
        """Trusts the keys of these devices, as the user was shown them.

        True: that was all, and sending to the user goes on. False: there are others by now.
        """
        keys = {device.device: device.ed25519 for device in shown if device.user == user}
        return self._drive().step(Engine.accept, user, keys)

    async def verify(self, user: str, device: str | None = None) -> KnownDevice:
        """Asks the device to compare emoji, or agrees to what it asks; gives the device.

        EmojiShown follows once both have agreed, and Verified or VerificationCancelled at the
        end; whoever is away is waited for, up to a day. `device` may be left out if there is no
        choice. Raises CannotVerify.
        """
        device = device or self._verify().asked_by(user)
        meant = chosen(await self.devices(user), user, device)
        self._verify().start(await self._common_chat(user), meant)
        return meant

    def confirm(self, user: str, match: bool, device: str | None = None) -> None:
        """Whether the emoji of EmojiShown are the same on both; False ends it at any time.

        `device` may be left out if there is no choice. Raises CannotVerify.
        """
        self._verify().confirm(user, device, match)

    def comparisons(self) -> dict[str, Stage]:
        """The emoji comparisons under way, by `user/device`."""
        return self._verify().stages()

    async def safety_number(self, user: str) -> SafetyNumber:
        """The same as `user` sees for this user, unless somebody sits in between.

        Raises CannotVerify if the user has no device.
        """
        await self._lists(user)
        return self._verify().safety_number(user)

    async def compare_safety_number(self, user: str, shown: str) -> bool:
        """`shown` is what `user` sees: the digits, or the content of the QR code.

        True: all devices of the user are verified now, and changed keys accepted. Raises
        ValueError if it is no safety number of the two.
        """
        await self._lists(user)
        return self._verify().compare(user, shown)

    # -- inside

    def _verify(self) -> Verification:
        if self._verification is None:
            me = Device(f"{self.user}/{self.device}", self._account.keys.ed25519)
            self._verification = Verification(
                me,
                self._encryption.identities,
                self._random,
                self._drive,
                self._feed.publish,
                self._may_compare,
            )
        return self._verification

    def _may_compare(self, chat: str, user: str) -> bool:
        if self._store.request(chat):
            return False  # nothing is sent there before the user has accepted it
        return user == self.user or user in (self._store.pair(chat) or ())

    async def _common_chat(self, user: str) -> str:
        """Where this device and one of `user` meet; own devices do in any chat."""
        if user != self.user:
            return await self.direct(user)
        chats = [each for each in self.chats() if not (each.left or self._store.request(each.chat))]
        if not chats:
            raise CannotVerify("your own devices meet in a chat, and there is none yet")
        return chats[-1].chat

    async def _lists(self, user: str) -> None:
        """Brings the devices of both up to date, if the backend can be reached."""
        await self.devices(user)
        with contextlib.suppress(Unreachable):
            await self.devices(self.user)
