"""Codes that Cognito mails: to confirm an address, and to reset a password.

moto mails none, takes nearly every code, and checks neither policy nor time. A mail is a line in
the server's log, and an entry of `GET /_local/mails`. Sources: the API reference of ForgotPassword,
ConfirmForgotPassword, UpdateUserAttributes and VerifyUserAttribute, and "Quotas in Amazon Cognito"
(docs.aws.amazon.com/cognito/latest/developerguide/quotas.html): codes to reset a password are good
for an hour, those to verify an attribute for a day.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.aws.cognito_accounts import CodeMismatch

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/_local/mails"
RESET_SECONDS = 3600
VERIFY_SECONDS = 24 * 3600
# "between five and 20" attempts in an hour: docs.aws.amazon.com/cognito/latest/developerguide/
# managing-users-passwords.html
ATTEMPTS = 20


@dataclass
class Code:
    text: str
    email: str
    until: float  # epoch seconds
    failed: int = 0


@dataclass
class Codes:
    """The mails that were sent, and the codes that wait, by purpose, pool and user."""

    clock: Callable[[], float] = time.time
    mails: list[dict[str, str]] = field(default_factory=list)
    waiting: dict[tuple[str, str, str], Code] = field(default_factory=dict)

    def send(self, purpose: str, pool: str, user: str, email: str, seconds: float) -> None:
        code = Code(f"{secrets.randbelow(10**6):06d}", email, self.clock() + seconds)
        self.waiting[purpose, pool, user] = code
        self.mails.append({"to": email, "purpose": purpose, "user": user, "code": code.text})
        print(f"mail to {email}: the code of {user} ({purpose}) is {code.text}", flush=True)

    def take(self, purpose: str, pool: str, user: str, text: str) -> Code:
        """Raises Cognito's error for a code that is wrong, used or too old."""
        code = self.waiting.get((purpose, pool, user))
        if code is None or code.until <= self.clock():
            message = "Invalid code provided, please request a code again."
            raise error("ExpiredCodeException", message)
        if code.failed >= ATTEMPTS:
            message = "Attempt limit exceeded, please try after some time."
            raise error("LimitExceededException", message)
        if code.text != text:
            code.failed += 1
            raise CodeMismatch
        return code

    def used(self, purpose: str, pool: str, user: str) -> None:
        del self.waiting[purpose, pool, user]


CODES = Codes()


def install() -> None:
    """Replaces moto's operations."""
    from moto.cognitoidp.responses import CognitoIdpResponse

    for operation in (
        forgot_password,
        confirm_forgot_password,
        update_user_attributes,
        verify_user_attribute,
    ):
        setattr(CognitoIdpResponse, operation.__name__, operation)


def add_routes(app: web.Application) -> None:
    """GET gives the mails, the oldest first."""
    from aiohttp import web  # who only calls moto needs no server

    async def mails(_: web.Request) -> web.Response:
        return web.json_response({"mails": CODES.mails})

    app.router.add_get(PATH, mails)


def forgot_password(self: Any) -> Any:
    from moto.core.responses import ActionResult

    name = self._get_param("Username")
    _, pool = of_client(self._get_param("ClientId"))
    user = pool._get_user(name)
    email = None if user is None else _recoverable(pool, user)
    if user is not None and email is not None:
        CODES.send("reset", pool.id, user.username, email, RESET_SECONDS)
    elif reports_unknown_users(pool, self._get_param("ClientId")):
        raise error("UserNotFoundException", "User does not exist.")
    # the same for a user who does not exist
    destination = masked(email or f"{name}@example.com")
    details = {"Destination": destination, "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    return ActionResult({"CodeDeliveryDetails": details})


def confirm_forgot_password(self: Any) -> Any:
    from moto.cognitoidp.models import UserStatus
    from moto.core.responses import EmptyResult

    backend, pool = of_client(self._get_param("ClientId"))
    user = pool._get_user(self._get_param("Username"))
    if user is None:
        raise CodeMismatch
    CODES.take("reset", pool.id, user.username, self._get_param("ConfirmationCode"))
    backend._validate_password(pool.id, self._get_param("Password"))
    CODES.used("reset", pool.id, user.username)
    user.password, user.status = self._get_param("Password"), UserStatus.CONFIRMED
    return EmptyResult()


def update_user_attributes(self: Any) -> Any:
    from moto.core.responses import ActionResult

    from emulator.aws.cognito_tokens import check_attributes

    backend, pool, user = of_token(self._get_param("AccessToken"))
    attributes = {each["Name"]: each["Value"] for each in self._get_param("UserAttributes")}
    check_attributes(pool, self._get_param("UserAttributes"))
    email, details = attributes.get("email"), []
    backend._verify_email_is_not_used(pool.id, email)
    config = pool.extended_config
    if email and "email" in (config.get("AutoVerifiedAttributes") or []):
        CODES.send("verify", pool.id, user.username, email, VERIFY_SECONDS)
        details = [
            {"Destination": masked(email), "DeliveryMedium": "EMAIL", "AttributeName": "email"}
        ]
        settings = config.get("UserAttributeUpdateSettings") or {}
        if "email" in (settings.get("AttributesRequireVerificationBeforeUpdate") or []):
            del attributes["email"]
    if "email" in attributes:
        attributes["email_verified"] = "false"
    user.update_attributes([{"Name": name, "Value": value} for name, value in attributes.items()])
    return ActionResult({"CodeDeliveryDetailsList": details})


def verify_user_attribute(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    _, pool, user = of_token(self._get_param("AccessToken"))
    if self._get_param("AttributeName") != "email":
        raise error("InvalidParameterException", "only an email is verified here")
    code = CODES.take("verify", pool.id, user.username, self._get_param("Code"))
    CODES.used("verify", pool.id, user.username)
    user.update_attributes(
        [{"Name": "email", "Value": code.email}, {"Name": "email_verified", "Value": "true"}]
    )
    return EmptyResult()


def _recoverable(pool: Any, user: Any) -> str:
    """The confirmed address. Raises Cognito's error if the password can't be reset by mail."""
    setting = pool.extended_config.get("AccountRecoverySetting") or {}
    ways = {each["Name"] for each in setting.get("RecoveryMechanisms") or []}
    if ways == {"admin_only"}:
        raise error("NotAuthorizedException", "Contact administrator to reset password.")
    if not user.enabled:
        raise error("NotAuthorizedException", "User is disabled.")
    if user.status == "FORCE_CHANGE_PASSWORD":
        message = "User password cannot be reset in the current state."
        raise error("NotAuthorizedException", message)
    attributes = user.attribute_lookup
    if "email" not in attributes or attributes.get("email_verified") != "true":
        message = (
            "Cannot reset password for the user as there is no registered/verified email or "
            "phone_number"
        )
        raise error("InvalidParameterException", message)
    return str(attributes["email"])


def reports_unknown_users(pool: Any, client: str) -> bool:
    """Whether the client says that a user does not exist (PreventUserExistenceErrors)."""
    config = pool.clients[client].extended_config
    return bool(config.get("PreventUserExistenceErrors", "LEGACY") != "ENABLED")


def _pools() -> Iterator[tuple[Any, Any]]:
    from moto.cognitoidp.models import cognitoidp_backends

    for _, regions in cognitoidp_backends.items():
        for _, backend in regions.items():
            for pool in backend.user_pools.values():
                yield backend, pool


def of_client(client: str) -> tuple[Any, Any]:
    for backend, pool in _pools():
        if client in pool.clients:
            return backend, pool
    message = f"User pool client {client} does not exist."
    raise error("ResourceNotFoundException", message)


def of_token(token: str) -> tuple[Any, Any, Any]:
    from emulator.aws.cognito_tokens import account_of

    for backend, pool in _pools():
        if token in pool.access_tokens:
            return (backend, *account_of(backend, token))
    raise error("NotAuthorizedException", "Invalid Access Token")


def masked(email: str) -> str:
    name, _, domain = email.partition("@")
    return f"{name[:1]}***@{domain[:1]}***"


def error(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    error: Exception = JsonRESTError(error_type=code, message=message)
    return error
