"""A server that speaks FCM's HTTP v1 API and the OAuth grant before it.

Source: "Send messages using the FCM HTTP v1 API"; "Using OAuth 2.0 for Server to Server
Applications" (the jwt-bearer grant).
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import jwt
from aiohttp import web

from emulator.listening import HttpListener, Port, read_body
from emulator.push.fcm_messages import FcmError, read_message, unauthenticated, unregistered
from emulator.push.phones import Phones, Push

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/firebase.messaging",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
LIFETIME = 3600  # seconds of an access token, and the longest an assertion may ask for
BODY_BYTES = 64 * 1024
_SEND = re.compile(r"/v1/projects/([^/]+)/messages:send")


class ServiceAccount(NamedTuple):
    """The service account whose assertions are accepted; `public_key` in PEM."""

    client_email: str
    public_key: str


class Granted(NamedTuple):
    expires: float
    messaging: bool


class FcmServer:
    """Tokens at POST /token, messages at POST /v1/projects/<project>/messages:send.

    `now` gives epoch seconds, `new_id` opaque texts for access tokens and message names. While
    `revoked` no credential is taken.
    """

    def __init__(
        self,
        *,
        port: Port,
        project: str,
        account: ServiceAccount,
        phones: Phones,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._project = project
        self._account = account
        self._phones = phones
        self._now = now
        self._new_id = new_id
        self.revoked: Callable[[], bool] = lambda: False
        self._granted: dict[str, Granted] = {}
        self._sent = 0
        self._listener = HttpListener(self._handle, port, "FCM")

    async def start(self) -> None:
        await self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()

    @property
    def url(self) -> str:
        """The base URL; the token URI is this and /token."""
        return self._listener.url

    def phone(self, token: str) -> list[Push]:
        return self._phones.phone(token)

    def state(self) -> dict[str, Any]:
        return {"fcm": {"sent": self._sent}}

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        send = _SEND.fullmatch(path)
        if request.method != "POST" or (send is None and path != "/token"):
            return _response(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": path}})
        body = await read_body(request, BODY_BYTES)
        if send is None:
            return self._grant(body)
        try:
            return _response(200, self._send(send[1], request.headers.get("Authorization"), body))
        except FcmError as error:
            return _response(error.status, error.as_json())

    def _grant(self, body: bytes) -> web.StreamResponse:
        form = parse_qs(body.decode("utf-8", "replace"))
        if form.get("grant_type") != [GRANT]:
            return _response(
                400,
                {
                    "error": "unsupported_grant_type",
                    "error_description": "Invalid grant_type",
                },
            )
        try:
            scopes = self._scopes(form.get("assertion", [""])[0])
        except jwt.PyJWTError as error:
            return _response(
                400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}
            )
        token = f"ya29.{self._new_id()}"
        self._granted[token] = Granted(self._now() + LIFETIME, bool(scopes & SCOPES))
        return _response(
            200, {"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer"}
        )

    def _scopes(self, assertion: str) -> set[str]:
        """Raises jwt.PyJWTError."""
        claims = jwt.decode(
            assertion,
            self._account.public_key,
            algorithms=["RS256"],
            audience=f"{self.url}/token",
            issuer=self._account.client_email,
            options={
                "require": ["iss", "aud", "iat", "exp", "scope"],
                # on our own clock, below
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        now = self._now()
        if not claims["iat"] - 60 <= now < claims["exp"] <= claims["iat"] + LIFETIME:
            raise jwt.ExpiredSignatureError(
                "Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            )
        return set(str(claims["scope"]).split())

    def _send(self, project: str, authorization: str | None, body: bytes) -> dict[str, Any]:
        scheme, _, access_token = (authorization or "").partition(" ")
        granted = self._granted.get(access_token)
        ended = granted is None or granted.expires <= self._now()
        if scheme.lower() != "bearer" or granted is None or ended or self.revoked():
            raise unauthenticated()
        if project != self._project or not granted.messaging:
            resource = f"//cloudresourcemanager.googleapis.com/projects/{project}"
            raise FcmError(
                403,
                "PERMISSION_DENIED",
                f"Permission 'cloudmessaging.messages.create' denied on resource '{resource}'",
            )
        request = _parsed(body)
        token, message = read_message(request)
        if self._phones.uninstalled_at(token) is not None:
            raise unregistered()
        if request.get("validate_only", request.get("validateOnly")) is not True:
            self._phones.receive(token, "fcm", message)
            self._sent += 1
        return {"name": f"projects/{project}/messages/{self._new_id()}"}


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FcmError(
            400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}"
        ) from error


def _response(status: int, document: Any) -> web.Response:
    return web.json_response(document, status=status)
