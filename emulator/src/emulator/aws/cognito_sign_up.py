"""Signing up by a code that is mailed, and deleting one's own account; moto has neither.

Source: the API reference of SignUp, ConfirmSignUp, ResendConfirmationCode and DeleteUser; Cognito
developer guide, "Managing error responses". A code is good for a day: "Quotas in Amazon Cognito".
"""

from __future__ import annotations

from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool, UserStatus
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.responses import ActionResult, EmptyResult

from emulator.aws import cognito_codes
from emulator.aws.cognito_codes import CODES, VERIFY_SECONDS
from emulator.aws.cognito_tokens import require_unconfirmed
from emulator.aws.hooks import replace

PURPOSE = "confirm"


def install() -> None:
    """Adds the operations, and replaces moto's."""
    original = CognitoIdpResponse.sign_up

    def sign_up(self: Any) -> ActionResult:
        if self._get_param("Password") is None:  # pools here have no passwordless sign-in
            raise cognito_codes.error("InvalidParameterException", "Password is required")
        made: Any = original(self)
        _, pool = cognito_codes.of_client(self._get_param("ClientId"))
        user = pool._get_user(self._get_param("Username"))
        result = {k: v for k, v in made.result.items() if k != "CodeDeliveryDetails"}
        if user is not None and not result["UserConfirmed"] and _mails(pool, user):
            result["CodeDeliveryDetails"] = _send(pool, user)
        return ActionResult(result)

    replace(CognitoIdpResponse, "sign_up", sign_up)
    replace(CognitoIdpResponse, "confirm_sign_up", confirm_sign_up)
    for operation in (resend_confirmation_code, delete_user):
        setattr(CognitoIdpResponse, operation.__name__, operation)


def confirm_sign_up(self: Any) -> EmptyResult:
    pool, user = _pool_and_user(self)
    if user is None:  # as for a code that is too old
        CODES.take(PURPOSE, pool.id, "", "")
    require_unconfirmed(user)
    CODES.take(PURPOSE, pool.id, user.username, self._get_param("ConfirmationCode"))
    CODES.used(PURPOSE, pool.id, user.username)
    user.status = UserStatus.CONFIRMED
    user.update_attributes([{"Name": "email_verified", "Value": "true"}])
    return EmptyResult()


def resend_confirmation_code(self: Any) -> ActionResult:
    pool, user = _pool_and_user(self)
    if user is None:  # the same for a user who does not exist
        name = self._get_param("Username")
        return ActionResult({"CodeDeliveryDetails": _details(f"{name}@example.com")})
    if user.status != UserStatus.UNCONFIRMED:
        raise cognito_codes.error("InvalidParameterException", "User is already confirmed.")
    if not _mails(pool, user):
        message = "Cannot resend codes. Auto verification not turned on."
        raise cognito_codes.error("InvalidParameterException", message)
    return ActionResult({"CodeDeliveryDetails": _send(pool, user)})


def delete_user(self: Any) -> EmptyResult:
    backend, pool, user = cognito_codes.of_token(self._get_param("AccessToken"))
    backend.admin_delete_user(pool.id, user.username)
    return EmptyResult()


def _pool_and_user(self: Any) -> tuple[CognitoIdpUserPool, Any]:
    """The user is None where there is none and the client does not report that."""
    client, name = self._get_param("ClientId"), self._get_param("Username")
    _, pool = cognito_codes.of_client(client)
    user = pool._get_user(name)
    if user is None and cognito_codes.reports_unknown_users(pool, client):
        message = "Username/client id combination not found."
        raise cognito_codes.error("UserNotFoundException", message)
    return pool, user


def _mails(pool: Any, user: Any) -> bool:
    verified = pool.extended_config.get("AutoVerifiedAttributes") or []
    return "email" in verified and bool(user.attribute_lookup.get("email"))


def _send(pool: Any, user: Any) -> dict[str, str]:
    email = user.attribute_lookup["email"]
    CODES.send(PURPOSE, pool.id, user.username, email, VERIFY_SECONDS)
    return _details(email)


def _details(email: str) -> dict[str, str]:
    destination = cognito_codes.masked(email)
    return {"Destination": destination, "DeliveryMedium": "EMAIL", "AttributeName": "email"}
