"""The account of this device at the backend: user, tokens, push token and published keys."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from client.api import Api
from client.core.bodies_generated import StoredItem, TicketResponse
from client.crypto.account import KEYS_LOW, KEYS_WANTED, AccountKeys
from client.errors import Conflict, NotFound, Removed, ServerFault, Unauthorized
from client.requests import Tokens
from client.store import Store

DELETING_REQUESTS = 1000  # each leaves some 100 chats


@dataclass(frozen=True, slots=True)
class SignIn:
    """`password` may be a function; it is called once the kept tokens are no longer good.

    `label` is what the device calls itself, printable ASCII of at most 64 characters.
    """

    user: str
    device: str
    password: str | Callable[[], str] | None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """The target of pushes for this device: `platform` is fcm, apns, apns_sandbox or None.

    Without a `token` a random one is made once and kept.
    """

    platform: str | None = None
    token: str | None = None


class Account:
    """`anew` is called after the backend has lost its data and the user was signed up again."""

    def __init__(
        self,
        api_url: str,
        sign_in: SignIn,
        push: Push,
        store: Store,
        random: Random,
        anew: Callable[[], None] = lambda: None,
    ) -> None:
        user, device = self._user, self._device = sign_in.user, sign_in.device
        self._password, self._store = sign_in.password, store
        self._label = sign_in.label
        self._platform, self._push_token = push.platform, push.token
        self._anew = anew
        self.keys = AccountKeys(store, user, device)
        self._publishing = asyncio.Lock()
        session = store.session()
        self.api = Api(
            api_url,
            Tokens(session.access_token, session.refresh_token) if session else Tokens(),
            random=random,
            saved=lambda tokens: store.save_tokens(tokens.access, tokens.refresh),
            sign_in_again=self._sign_in_or_up if self._password is not None else None,
        )

    async def sign_up_or_in(self) -> bool:
        """True for a new user. Stored tokens are used as long as they are valid."""
        if self.api.tokens.refresh:
            try:
                await self.api.refresh()
            except Unauthorized as error:
                if error.code != "unauthorized":  # nothing else says that the token is over
                    raise
            else:
                return False
        if self._password is None:
            raise Unauthorized("unauthorized", f"{self._user} needs a password to sign in", 401)
        return await self._sign_in_or_up()

    async def _sign_in_or_up(self) -> bool:
        """True for a new user, also for one whom the backend knew before it lost its data: a
        backend with its data gives no name a second time.
        """
        try:
            await self._sign_in()
        except Unauthorized:
            try:
                await self.api.sign_up(self._user, self._secret())
            except Conflict:
                # a wrong password, unless another device has signed the user up meanwhile
                await self._sign_in()
            else:
                await self._sign_in()
                self._anew()
                return True
        return False

    async def register(self) -> None:
        """Makes the device, its push token and its keys known. May be repeated."""
        body = self.keys.registration()
        if self._label is not None:
            body["label"] = self._label
        if self._platform is not None:
            body["push"] = {"platform": self._platform, "token": self._token(self._platform)}
        registered = await self.api.register(self._device, body)
        self.keys.registered(registered.time / 1000)
        # the rest follows once messages under way to old keys are here
        await self.replenish(below=1)

    async def come_back(self) -> None:
        """Registers this device again, which the backend does not know any more. Raises Removed if
        another one removed it.

        A backend that was made anew knows no device of the user.
        """
        with contextlib.suppress(NotFound):
            others = (await self.api.devices(self._user)).devices
            if others.keys() - {self._device}:
                raise Removed(f"{self._user}/{self._device} was removed from this account")
        await self.register()

    async def replenish(self, below: int = KEYS_LOW, *, fallback_used: bool = False) -> None:
        """Fills the directory up if it has fewer one-time keys of this device than `below`."""
        async with self._publishing:
            there = await self.api.upload_keys(self._device, {"one_time_keys": {}})
            remaining = there.remaining
            fallback_used |= there.fallback_used
            if remaining >= below:
                if not fallback_used:
                    return
                remaining = KEYS_WANTED  # only the fallback key is replaced
            body = self.keys.upload(remaining, new_fallback=fallback_used)
            if not body["one_time_keys"] and "fallback_key" not in body:
                return
            await self.api.upload_keys(self._device, body)
            self.keys.published()

    async def ticket(self) -> TicketResponse:
        return await self.api.ticket(self._device)

    async def change_password(self, password: str, new_password: str) -> None:
        """This device stays signed in; all others have to sign in again."""
        await self.api.change_password(self._user, password, new_password)
        self._password_is(new_password)

    async def set_email(self, email: str, password: str) -> None:
        """Has a code mailed to the address, with which `confirm_email` confirms it."""
        await self.api.set_email(email, password)

    async def confirm_email(self, code: str) -> None:
        """From then on a forgotten password can be reset by mail to that address."""
        await self.api.confirm_email(code)

    async def forgot_password(self) -> None:
        """Has a code mailed to the user's confirmed address. Nobody learns whether there is one."""
        await self.api.forgot_password(self._user)

    async def reset_password(self, code: str, new_password: str) -> None:
        """Signs in with another password, by the code; all other devices have to sign in again."""
        await self.api.reset_password(self._user, code, new_password)
        self._password_is(new_password)

    async def stored_items(self) -> list[StoredItem]:
        """Everything that the backend has stored of this user's account."""
        return await self.api.account()

    async def sign_out(self, *, everywhere: bool) -> None:
        """Ends this sign-in and removes this device, or all of the user's."""
        await self.api.sign_out(self._device, everywhere=everywhere)

    async def delete(self, password: str) -> None:
        """Deletes the account with all that the backend has of it, for good."""
        for _ in range(DELETING_REQUESTS):
            if await self.api.delete_account(self._user, password):
                return
        raise ServerFault("internal", "the account is not deleted yet; do it again", 500)

    def _token(self, platform: str) -> str:
        session = self._store.session()
        known = self._push_token or (session.push_token if session else None)
        token = known or secrets.token_hex(32)
        self._store.save_push(platform, token)
        return token

    async def _sign_in(self) -> None:
        await self.api.sign_in(self._user, self._secret())

    def _password_is(self, password: str) -> None:
        """Signs in with this password from now on."""
        if self._password is not None:
            self._password = password

    def _secret(self) -> str:
        """The password, asked for once, when it is needed."""
        if callable(self._password):
            self._password = self._password()
        return self._password or ""
