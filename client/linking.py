"""Linking a new device by a code: `NewDevice` asks for it, `Linking` lets it in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from random import Random, SystemRandom

from vodozemac import Account, AnyOlmMessage, Curve25519PublicKey

from client.api import Api
from client.crypto import link
from client.crypto.account import install
from client.crypto.identities import Identities, Trust
from client.crypto.link import Confirmation, LinkedDevice, Offer
from client.crypto.signing import decode, encode
from client.devices import Devices
from client.errors import (
    CannotLink,
    ClientError,
    Conflict,
    NotFound,
    ServerFault,
    SignatureError,
    StoreError,
    Unreachable,
)
from client.requests import Tokens
from client.store import Store
from client.this_device import ThisDevice

POLL_SECONDS = 2.0
LATE_SECONDS = 10.0  # a confirmation stands for longer: Links.CONFIRMED_SECONDS
PRE_KEY = 0


class NewDevice:
    """A device that is not signed in yet. Its keys are in memory until `Linked.install`.

    `label` is what it calls itself: printable ASCII, shown to the user who is to let it in.
    """

    def __init__(
        self, api_url: str, device: str, label: str, *, random: Random | None = None
    ) -> None:
        self._account = Account()
        self._account.generate_one_time_keys(1)
        (one_time_key,) = self._account.one_time_keys.values()
        self.offer = Offer(
            device,
            label,
            self._account.curve25519_key.to_base64(),
            self._account.ed25519_key.to_base64(),
            one_time_key.to_base64(),
        )
        self._api = Api(api_url, Tokens(), random=random or SystemRandom())

    async def close(self) -> None:
        await self._api.close()

    async def ask(self) -> float:
        """Puts the offer where a signed-in device finds it; the seconds for which it stands."""
        offer = self.offer
        keys = {"curve25519": offer.curve25519, "ed25519": offer.ed25519}
        return await self._api.offer_link(
            {
                "device": offer.device,
                "label": offer.label,
                "keys": keys,
                "one_time_key": offer.one_time_key,
            }
        )

    async def confirmed(
        self, seconds: float, pause: float = POLL_SECONDS, late: float = LATE_SECONDS
    ) -> Linked:
        """Waits until a signed-in device has confirmed it. Raises CannotLink.

        The backend says when it has expired: what was confirmed in the last of the `seconds` is
        found after them. `late` is for how long it is asked then, if it says nothing.
        """
        until, over = time.monotonic() + seconds + late, False
        while not over:
            over = time.monotonic() >= until  # then it is asked once more
            try:
                response = await self._api.link_confirmation(self.offer.code)
            except NotFound:
                break
            except (Unreachable, ServerFault):
                pass  # it is asked again
            else:
                if response.message is not None and response.curve25519 is not None:
                    return self._open(response.curve25519, response.message)
            if not over:
                await asyncio.sleep(pause)
        raise CannotLink("expired")

    def _open(self, sender: str, message: str) -> Linked:
        try:
            pre_key = AnyOlmMessage.from_parts(PRE_KEY, decode(message)).to_pre_key()
            if pre_key is None:
                raise CannotLink("false")
            identity = Curve25519PublicKey.from_base64(sender)
            _, plaintext = self._account.create_inbound_session(identity, pre_key)
        except (ValueError, SignatureError) as error:  # vodozemac's errors are below the former
            raise CannotLink("false") from error
        return Linked(link.read(plaintext, self.offer, sender), self._account)


class Linked:
    """A new device that was let in. Its user has to agree first to the account that is named."""

    def __init__(self, confirmation: Confirmation, account: Account) -> None:
        self.confirmation = confirmation
        self._account = account

    def install(self, store: Path | str, passphrase: str | None = None) -> None:
        """Makes the store, with which a ChatClient then signs in without a password.

        Raises StoreError if there is one.
        """
        made = self.confirmation
        opened = Store.open(store, made.user, made.device, passphrase)
        try:
            with opened.transaction() as db:
                if db.execute("SELECT 1 FROM account").fetchone() is not None:
                    raise StoreError(f"{store} has keys already")
                install(
                    opened,
                    self._account,
                    time.time(),
                    by=made.by,
                    introduction=made.introduction,
                )
                known = Identities(db, f"{made.user}/{made.device}", time.time)
                for name, one in made.devices.items():
                    known.remember(
                        made.user, name, one.curve25519, one.ed25519, verified=one.verified
                    )
            opened.save_tokens(None, made.refresh_token)
        finally:
            opened.close()


class Linking:
    """How a signed-in device lets another one in."""

    def __init__(self, device: ThisDevice, devices: Devices) -> None:
        self._device, self._devices = device, devices
        self._user, self._api, self._keys = device.user, device.api, device.keys

    async def offer(self, scanned: str) -> Offer:
        """What the new device with this code offers. Raises CannotLink."""
        code = link.code_in(scanned)
        try:
            return link.offer_of(await self._api.link_offer(code), code)
        except NotFound:
            raise CannotLink("expired") from None
        except Conflict:
            raise CannotLink("used") from None

    async def confirm(self, offer: Offer, password: str) -> None:
        """Lets the new device in. Its user agreed, and proves with the password to be the user.

        Raises Unauthorized where the password is wrong, and CannotLink.
        """
        await self._devices.of(self._user)  # it may never have had a reason to ask for its own
        devices = self._accepted()
        if offer.device in devices:
            raise CannotLink("here")
        await self.offer(offer.code)  # it may have ended while the password was typed
        made = await self._api.sign_in_anew(self._user, password)
        try:
            await self._leave(offer, made.refresh_token, devices)
        except BaseException:  # the new device never got the sign-in, valid for 30 days
            with contextlib.suppress(ClientError):
                await self._api.end_sign_in(made)
            raise

    async def _leave(
        self, offer: Offer, refresh_token: str, devices: dict[str, LinkedDevice]
    ) -> None:
        """Leaves the sign-in for the new device, sealed. Raises CannotLink."""
        keys = (offer.device, offer.curve25519, offer.ed25519)
        made = Confirmation(
            offer.code,
            self._user,
            offer.device,
            self._device.device,
            refresh_token,
            devices,
            self._keys.introduction(*keys),
        )
        message = self._seal(offer, link.write(made))
        # before the new device can be listed
        introduce = self._device.identities.introduce
        self._device.driver.step(lambda engine, step: introduce(self._user, *keys))
        try:
            await self._api.confirm_link(offer.code, self._keys.curve25519, message)
        except NotFound:
            raise CannotLink("expired") from None
        except Conflict:
            raise CannotLink("used") from None

    def _seal(self, offer: Offer, plaintext: bytes) -> str:
        """By a session for this one message. Raises CannotLink for keys that are none."""
        try:
            session = self._keys.begin(offer.curve25519, offer.one_time_key)
            return encode(session.encrypt(plaintext).to_parts()[1])
        except ValueError as error:
            raise CannotLink("false") from error

    def _accepted(self) -> dict[str, LinkedDevice]:
        """This device, and the user's devices whose keys are accepted here."""
        found = {
            device.device: LinkedDevice(
                device.curve25519, device.ed25519, device.trust is Trust.VERIFIED
            )
            for device in self._devices.known(self._user)
            if device.trust is not Trust.CHANGED
        }
        own = LinkedDevice(self._keys.curve25519, self._keys.ed25519, verified=True)
        return found | {self._device.device: own}
