"""Who this client is to the backend: user, tokens, device, push token and published keys."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from random import Random

from client.api import Api, Ticket, Tokens
from client.crypto.device_keys import KEYS_LOW, DeviceKeys
from client.errors import ApiError, Conflict, Unauthorized
from client.store import Store


class Account:
    """`platform` is where pushes for this device go: fcm, apns, apns_sandbox or None."""

    def __init__(
        self,
        api_url: str,
        user: str,
        device: str,
        password: str | Callable[[], str] | None,
        store: Store,
        random: Random,
        *,
        platform: str | None,
        push_token: str | None,
    ) -> None:
        self._user, self._device, self._password = user, device, password
        self._store = store
        self._platform, self._push_token = platform, push_token
        self._keys = DeviceKeys(store, user, device)
        session = store.session()
        self.api = Api(
            api_url,
            Tokens(session.access_token, session.refresh_token) if session else Tokens(),
            random=random,
            saved=lambda tokens: store.save_tokens(tokens.access, tokens.refresh),
            sign_in_again=self._sign_in if password is not None else None,
        )

    async def sign_up_or_in(self) -> bool:
        """True for a new user. Kept tokens serve as long as they are good."""
        if self.api.tokens.refresh:
            with contextlib.suppress(ApiError):
                await self.api.refresh()
                return False
        if self._password is None:
            raise Unauthorized("unauthorized", f"{self._user} needs a password to sign in", 401)
        try:
            await self._sign_in()
        except Unauthorized as wrong:
            try:
                await self.api.sign_up(self._user, self._secret())
            except Conflict:
                raise wrong from None
            await self._sign_in()
            return True
        return False

    async def register(self) -> None:
        """Makes the device, its push token and its keys known. May be repeated."""
        body = self._keys.registration()
        if self._platform is not None:
            body["push"] = {"platform": self._platform, "token": self._token(self._platform)}
        await self.api.register(self._device, body)
        remaining = await self.api.upload_keys(self._device, {"one_time_keys": {}})
        if remaining < KEYS_LOW:
            await self.publish_keys(remaining)

    async def publish_keys(self, remaining: int, *, fallback_used: bool = False) -> None:
        """Fills the directory up again; it has `remaining` one-time keys of this device."""
        body = self._keys.upload(remaining, new_fallback=fallback_used)
        await self.api.upload_keys(self._device, body)
        self._keys.published(body)

    async def ticket(self) -> Ticket:
        return await self.api.ticket(self._device)

    def _token(self, platform: str) -> str:
        session = self._store.session()
        known = self._push_token or (session.push_token if session else None)
        token = known or secrets.token_hex(32)
        self._store.save_push(platform, token)
        return token

    async def _sign_in(self) -> None:
        await self.api.sign_in(self._user, self._secret())

    def _secret(self) -> str:
        """Asked for once, when it is needed."""
        if callable(self._password):
            self._password = self._password()
        return self._password or ""
