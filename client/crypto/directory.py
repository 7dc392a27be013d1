"""Other devices' keys: nothing from the backend's directory is used before its signature holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from client.api import Api
from client.crypto.signing import device_document, key_document, verify
from client.errors import SignatureError
from client.store import Store


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    user: str
    device: str
    curve25519: str
    ed25519: str

    @property
    def name(self) -> str:
        return f"{self.user}/{self.device}"


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    id: str
    key: str
    fallback: bool


class Directory:
    def __init__(self, api: Api, store: Store) -> None:
        self._api, self._store = api, store
        self._users: dict[str, dict[str, DeviceIdentity]] = {}

    async def devices(self, user: str) -> dict[str, DeviceIdentity]:
        """The user's devices by `user/device`. Raises SignatureError if one is not its own."""
        if user not in self._users:
            answer = await self._api.devices(user)
            found = [_identity(user, device, entry) for device, entry in answer.items()]
            self._remember(user, found)
            self._users[user] = {identity.name: identity for identity in found}
        return self._users[user]

    def changed(self, user: str) -> None:
        """`devices_changed`: the next question goes to the backend."""
        self._users.pop(user, None)

    async def claim(self, devices: Iterable[str]) -> dict[str, ClaimedKey]:
        """A key for each of `user/device` that has one. Raises SignatureError on a bad one."""
        names = sorted(devices)
        identities: dict[str, DeviceIdentity] = {}
        for user in {name.split("/")[0] for name in names}:
            identities |= await self.devices(user)
        answer = await self._api.claim(names)
        claimed: dict[str, ClaimedKey] = {}
        for name, entry in answer.items():
            identity = identities.get(name)
            if identity is None or name not in names:
                raise SignatureError(f"a key of {name}, which is none of the devices asked for")
            claimed[name] = _claimed(identity, entry)
        return claimed

    def _remember(self, user: str, found: Iterable[DeviceIdentity]) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM known_devices WHERE user = ?", (user,))
            db.executemany(
                "INSERT INTO known_devices VALUES (?, ?, ?, ?)",
                [(one.user, one.device, one.curve25519, one.ed25519) for one in found],
            )


def _identity(user: str, device: str, entry: Mapping[str, Any]) -> DeviceIdentity:
    keys = entry["keys"]
    identity = DeviceIdentity(user, device, keys["curve25519"], keys["ed25519"])
    document = device_document(user, device, identity.curve25519, identity.ed25519)
    verify(identity.ed25519, document, entry["signature"])
    return identity


def _claimed(identity: DeviceIdentity, entry: Mapping[str, Any]) -> ClaimedKey:
    key = ClaimedKey(entry["id"], entry["key"], bool(entry["fallback"]))
    document = key_document(identity.user, identity.device, key.id, key.key, key.fallback)
    verify(identity.ed25519, document, entry["signature"])
    return key
