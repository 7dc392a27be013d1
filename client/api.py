"""The REST side of the protocol: one method for each route."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from typing import Any, NamedTuple, TypeVar

from client.core.bodies_generated import (
    AdminsResponse,
    ChatResponse,
    Contact,
    DeviceResponse,
    DownloadResponse,
    FileResponse,
    Invitation,
    LinkConfirmationResponse,
    LinkOfferResponse,
    ListedChat,
    OneTimeKeysResponse,
    OwnDevice,
    SettingsResponse,
    SignInResponse,
    StoredItem,
    TicketResponse,
    parse_accept_response,
    parse_account_response,
    parse_admins_response,
    parse_chat_response,
    parse_chats_response,
    parse_contacts_response,
    parse_delete_account_response,
    parse_device_response,
    parse_download_response,
    parse_email_code_response,
    parse_email_response,
    parse_file_response,
    parse_link_confirmation_response,
    parse_link_offer_response,
    parse_link_response,
    parse_members_response,
    parse_one_time_keys_response,
    parse_own_devices_response,
    parse_password_response,
    parse_reset_code_response,
    parse_reset_response,
    parse_settings_response,
    parse_sign_in_response,
    parse_ticket_response,
    parse_token_response,
)
from client.core.fields import Reader
from client.errors import ServerFault, Unauthorized
from client.requests import Requests, Tokens

T = TypeVar("T")


class Listing(NamedTuple):
    """A user's devices and former devices: entries of the response, unchecked."""

    devices: dict[str, Any]
    former: list[Any]


class Api:
    """Calls raise ApiError (by status) or Unreachable."""

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        *,
        random: Random,
        saved: Callable[[Tokens], None] = lambda tokens: None,
        sign_in_again: Callable[[], Awaitable[object]] | None = None,
        pause: float = 0.2,
    ) -> None:
        self.tokens = tokens
        self._saved, self._sign_in_again = saved, sign_in_again
        self._requests = Requests(base_url, tokens, random, pause, self._renew)
        self._call = self._requests.call

    async def close(self) -> None:
        await self._requests.close()

    # -- accounts and tokens

    async def health(self) -> dict[str, Any]:
        return await self._call("GET", "/api/health", open_route=True, repeat=True)

    async def sign_up(self, user: str, password: str) -> None:
        body = {"username": user, "password": password}
        await self._call("POST", "/api/sign-up", body, open_route=True)

    async def sign_in(self, user: str, password: str) -> None:
        tokens = await self.sign_in_anew(user, password)
        self._keep(tokens.access_token, tokens.refresh_token)

    async def sign_in_anew(self, user: str, password: str) -> SignInResponse:
        """A sign-in beside the one that is used here."""
        body = {"username": user, "password": password}
        response = await self._call("POST", "/api/sign-in", body, open_route=True, repeat=True)
        return _read(parse_sign_in_response, response)

    async def end_sign_in(self, made: SignInResponse) -> None:
        """Ends a sign-in that `sign_in_anew` has made."""
        body = {"refresh_token": made.refresh_token}
        await self._requests.with_token(made.access_token, "POST", "/api/sign-out", body)

    async def refresh(self) -> None:
        """A new access token for the refresh token. Unauthorized if there is none."""
        if not self.tokens.refresh:
            raise Unauthorized("unauthorized", "not signed in", 401)
        body = {"refresh_token": self.tokens.refresh}
        response = await self._call("POST", "/api/token", body, open_route=True, repeat=True)
        self._keep(_read(parse_token_response, response).access_token, self.tokens.refresh)

    async def change_password(self, user: str, password: str, new_password: str) -> None:
        """Ends all other sign-ins of the user. Not repeated: the old password is wrong by then."""
        body = {"username": user, "password": password, "new_password": new_password}
        response = await self._call("POST", "/api/password", body, open_route=True)
        tokens = _read(parse_password_response, response)
        self._keep(tokens.access_token, tokens.refresh_token)

    async def set_email(self, email: str, password: str) -> None:
        body = {"email": email, "password": password}
        _read(parse_email_response, await self._call("PUT", "/api/account/email", body))

    async def confirm_email(self, code: str) -> None:
        response = await self._call("POST", "/api/account/email/confirm", {"code": code})
        _read(parse_email_code_response, response)

    async def forgot_password(self, user: str) -> None:
        body = {"username": user}
        response = await self._call("POST", "/api/password/reset", body, open_route=True)
        _read(parse_reset_response, response)

    async def reset_password(self, user: str, code: str, new_password: str) -> None:
        """Ends all other sign-ins of the user. Not repeated: a code is valid once."""
        body = {"username": user, "code": code, "new_password": new_password}
        response = await self._call("POST", "/api/password/reset/confirm", body, open_route=True)
        tokens = _read(parse_reset_code_response, response)
        self._keep(tokens.access_token, tokens.refresh_token)

    async def sign_out(self, device: str | None, *, everywhere: bool = False) -> None:
        """Ends this sign-in and removes the device; `everywhere` all sign-ins and devices."""
        body: dict[str, Any] = {"everywhere": True} if everywhere else {}
        body |= {"device": device} if device else {}
        body |= {"refresh_token": self.tokens.refresh} if self.tokens.refresh else {}
        await self._call("POST", "/api/sign-out", body)

    async def delete_account(self, user: str, password: str) -> bool:
        """False if the backend had no time for all of it: it is to be repeated."""
        body = {"username": user, "password": password}
        response = await self._call("POST", "/api/account/delete", body, open_route=True)
        return _read(parse_delete_account_response, response).done

    async def account(self) -> list[StoredItem]:
        """Everything that the backend has stored of the account."""
        found: list[StoredItem] = []
        query: dict[str, str] = {}
        while True:
            response = await self._call("GET", "/api/account", query=query, repeat=True)
            page = _read(parse_account_response, response)
            found += page.items
            if not page.cursor:
                return found
            query = {"cursor": page.cursor}

    # -- devices and keys

    async def register(self, device: str, registration: Mapping[str, Any]) -> DeviceResponse:
        path = f"/api/devices/{device}"
        response = await self._call("PUT", path, registration, repeat=True)
        return _read(parse_device_response, response)

    async def remove_device(self, device: str) -> None:
        await self._call("DELETE", f"/api/devices/{device}", repeat=True)

    async def devices(self, user: str) -> Listing:
        response = await self._call("GET", f"/api/users/{user}/devices", repeat=True)
        former = response.get("former")
        return Listing(_object(response, "devices"), former if isinstance(former, list) else [])

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        response = await self._call("GET", "/api/devices", repeat=True)
        return _read(parse_own_devices_response, response).devices

    async def upload_keys(self, device: str, body: Mapping[str, Any]) -> OneTimeKeysResponse:
        """The number of the device's keys that the directory has now."""
        asking = not body["one_time_keys"]
        path = f"/api/devices/{device}/one-time-keys"
        response = await self._call("POST", path, body, repeat=asking)
        return _read(parse_one_time_keys_response, response)

    async def claim(self, devices: Iterable[str]) -> dict[str, Any]:
        """Not repeated: each call uses keys up."""
        response = await self._call("POST", "/api/keys/claim", {"devices": sorted(devices)})
        return _object(response, "keys")

    # -- linking a device

    async def offer_link(self, offer: Mapping[str, Any]) -> float:
        """Returns for how many seconds the offer is valid."""
        response = await self._call("POST", "/api/links", offer, open_route=True, repeat=True)
        return _read(parse_link_response, response).expires_in

    async def link_offer(self, code: str) -> LinkOfferResponse:
        response = await self._call("GET", f"/api/links/{code}", repeat=True)
        return _read(parse_link_offer_response, response)

    async def confirm_link(self, code: str, curve25519: str, message: str) -> None:
        body = {"curve25519": curve25519, "message": message}
        await self._call("POST", f"/api/links/{code}/confirm", body, repeat=True)

    async def link_confirmation(self, code: str) -> LinkConfirmationResponse:
        path = f"/api/links/{code}/confirmation"
        response = await self._call("GET", path, open_route=True, repeat=True)
        return _read(parse_link_confirmation_response, response)

    # -- chats

    async def direct(self, user: str) -> ChatResponse:
        """Two users have one direct chat, however often it is asked for."""
        body = {"kind": "direct", "with": user}
        response = await self._call("POST", "/api/chats", body, repeat=True)
        return _read(parse_chat_response, response)

    async def group(self, members: Iterable[str], request_id: str | None = None) -> ChatResponse:
        """A new one: one for each `request_id`, however often the request has to be repeated."""
        request = request_id or secrets.token_urlsafe(16)
        body = {"kind": "group", "members": sorted(members), "request_id": request}
        response = await self._call("POST", "/api/chats", body, repeat=True)
        return _read(parse_chat_response, response)

    async def chats(self) -> list[ListedChat]:
        found: list[ListedChat] = []
        cursor: str | None = None
        while True:
            query = {"cursor": cursor} if cursor else {}
            response = await self._call("GET", "/api/chats", query=query, repeat=True)
            page = _read(parse_chats_response, response)
            found += page.chats
            cursor = page.cursor
            if not cursor:
                return found

    async def change_members(
        self, chat: str, add: Iterable[str], remove: Iterable[str]
    ) -> list[str]:
        body = {"add": sorted(add), "remove": sorted(remove)}
        body = {name: users for name, users in body.items() if users}
        response = await self._call("POST", f"/api/chats/{chat}/members", body, repeat=True)
        return list(_read(parse_members_response, response).members)

    async def invitations(self) -> tuple[Invitation, ...]:
        """To groups, by the chat's id; the first hundred."""
        response = await self._call("GET", "/api/chats", query={"limit": 1}, repeat=True)
        return _read(parse_chats_response, response).invitations or ()

    async def accept(self, chat: str) -> list[str]:
        """Joins a group, or accepts a request; the members then."""
        response = await self._call("POST", f"/api/chats/{chat}/accept", repeat=True)
        return list(_read(parse_accept_response, response).members)

    async def decline(self, chat: str) -> None:
        await self._call("POST", f"/api/chats/{chat}/decline")

    async def leave(self, chat: str) -> None:
        await self._call("POST", f"/api/chats/{chat}/leave")

    async def change_admins(
        self,
        chat: str,
        appoint: Iterable[str] = (),
        dismiss: Iterable[str] = (),
        rules: Mapping[str, str] | None = None,
    ) -> AdminsResponse:
        body = {"appoint": sorted(appoint), "dismiss": sorted(dismiss), "rules": dict(rules or {})}
        body = {name: value for name, value in body.items() if value}
        response = await self._call("POST", f"/api/chats/{chat}/admins", body, repeat=True)
        return _read(parse_admins_response, response)

    async def mute(self, chat: str, until: int) -> None:
        """No pushes until then, in epoch seconds."""
        await self._call("PUT", f"/api/chats/{chat}/mute", {"until": until}, repeat=True)

    # -- files

    async def file_form(self, chat: str, size: int) -> FileResponse:
        """A form by which a file of `size` bytes is put into the bucket, and the file's id."""
        response = await self._call("POST", f"/api/chats/{chat}/files", {"size": size}, repeat=True)
        return _read(parse_file_response, response)

    async def file_url(self, chat: str, file: str) -> DownloadResponse:
        response = await self._call("GET", f"/api/chats/{chat}/files/{file}", repeat=True)
        return _read(parse_download_response, response)

    # -- contacts and settings

    async def contacts(self) -> tuple[Contact, ...]:
        response = await self._call("GET", "/api/contacts", repeat=True)
        return _read(parse_contacts_response, response).contacts

    async def set_contact(self, user: str, state: str) -> None:
        """`state`: contact or blocked."""
        await self._call("PUT", f"/api/contacts/{user}", {"state": state}, repeat=True)

    async def remove_contact(self, user: str) -> None:
        await self._call("DELETE", f"/api/contacts/{user}", repeat=True)

    async def settings(self) -> SettingsResponse:
        response = await self._call("GET", "/api/settings", repeat=True)
        return _read(parse_settings_response, response)

    async def change_settings(self, changes: Mapping[str, Any]) -> SettingsResponse:
        response = await self._call("PUT", "/api/settings", dict(changes), repeat=True)
        return _read(parse_settings_response, response)

    async def messages(self, chat: str, device: str, after: int, limit: int) -> dict[str, Any]:
        """As `sync` would send them to `device`: {messages, complete_to, missing, more}."""
        query = {"device": device, "after": after, "limit": limit}
        return await self._call("GET", f"/api/chats/{chat}/messages", query=query, repeat=True)

    async def ticket(self, device: str) -> TicketResponse:
        response = await self._call("POST", "/api/tickets", {"device": device}, repeat=True)
        return _read(parse_ticket_response, response)

    # -- tokens

    async def _renew(self) -> None:
        try:
            await self.refresh()
        except Unauthorized as error:
            if error.code != "unauthorized" or self._sign_in_again is None:
                raise
            await self._sign_in_again()

    def _keep(self, access: str, refresh: str) -> None:
        self.tokens.access, self.tokens.refresh = access, refresh
        self._saved(self.tokens)


def _object(response: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = response.get(name)
    if not isinstance(value, dict):
        raise ServerFault("internal", f"the response has no {name}", 200)
    return value


def _read(parse: Reader[T], response: Mapping[str, Any]) -> T:
    """Reads a response; one that does not follow the protocol raises ServerFault."""
    try:
        return parse(response)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"the response has another form: {error!r}"
        raise ServerFault("internal", reason, 200) from error
