"""Devices of users as a client sees them: lists, removing one, where pushes go."""

from __future__ import annotations

import contextlib

from client.core.bodies_generated import OwnDevice
from client.core.engine import Engine
from client.crypto.identities import KnownDevice
from client.directory import fetch
from client.errors import ClientError, RateLimited, Unreachable
from client.this_device import ThisDevice

ATTEMPTS = 3  # at a device list that changes while it is asked for


class Devices:
    """Trust in devices is in verification.py."""

    def __init__(self, device: ThisDevice) -> None:
        self._device = device

    async def of(self, user: str) -> list[KnownDevice]:
        """The user's devices as the backend lists them now; this device is not among them.

        If the backend can't be reached, the stored list of a known user.
        """
        for _ in range(ATTEMPTS):
            request = self._device.driver.step(Engine.look_at, user)
            try:
                result = await fetch(self._device.api, request)
            except Unreachable:
                known = self.known(user)
                if not known:
                    raise
                return known
            except RateLimited as error:
                self._device.driver.step(Engine.fetch_failed, request, error.retry_after)
                raise
            if self._device.driver.step(Engine.fetch_succeeded, result):
                break  # else they have changed since they were asked for
        return self.known(user)

    def known(self, user: str) -> list[KnownDevice]:
        """The devices as the backend listed them last; makes no request."""
        return self._device.identities.devices(user)

    async def own(self) -> tuple[OwnDevice, ...]:
        """This user's devices with their names and when they were seen, this one among them."""
        return await self._device.api.own_devices()

    async def remove(self, device: str) -> None:
        """Removes one of this user's devices from the account; it gets nothing from then on."""
        await self._device.api.remove_device(device)
        with contextlib.suppress(ClientError):
            await self.of(self._device.user)  # other devices are notified by `devices_changed`

    @property
    def push_token(self) -> str | None:
        session = self._device.store.session()
        return session.push_token if session else None
