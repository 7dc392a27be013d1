"""Additions to moto's Cognito: what an access token lets an account do, and sign-up.

moto lets a disabled account change its password, takes attributes that the pool has not, and
confirms what is confirmed. Source: API reference, "Errors" of GetUser, ChangePassword,
GlobalSignOut, SignUp and AdminConfirmSignUp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError
from moto.cognitoidp.models import CognitoIdpBackend
from moto.cognitoidp.responses import CognitoIdpResponse

from emulator.aws.cognito_challenges import PasswordResetRequired
from emulator.aws.hooks import replace

# docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html: sub is not
# to be changed, "you can't … set … as verified" but as an administrator; a phone number is a + and
# digits.
_COGNITO_S_OWN = ("sub", "email_verified", "phone_number_verified")
_FORMS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+"), "email address"),
    "phone_number": (re.compile(r"\+[0-9]{1,15}"), "phone number"),
}


def install() -> None:
    """Change moto's Cognito as this module's docstring describes."""
    for name in ("get_user", "change_password", "global_sign_out", "associate_software_token"):
        replace(CognitoIdpBackend, name, _as_account(getattr(CognitoIdpBackend, name)))
    _values_may_be_left_out()
    _sign_up_with_known_attributes()
    _confirm_once()


def account_of(backend: Any, token: str) -> tuple[Any, Any]:
    """(pool, user) that an access token still stands for. Raises Cognito's error."""
    for pool in backend.user_pools.values():
        if token in pool.access_tokens:
            user = backend.admin_get_user(pool.id, pool.access_tokens[token][1])
            if not user.enabled:
                raise NotAuthorizedError("User is disabled.")
            if user.status.value == "RESET_REQUIRED":
                raise PasswordResetRequired
            return pool, user
    raise NotAuthorizedError("Invalid Access Token")


def _as_account(original: Callable[..., Any]) -> Callable[..., Any]:
    def operation(self: Any, access_token: str, *args: Any, **kwargs: Any) -> Any:
        if access_token:  # AssociateSoftwareToken has a session in its place
            account_of(self, access_token)
        try:
            return original(self, access_token, *args, **kwargs)
        except NotAuthorizedError as error:  # moto puts the name, or the token, in its place
            text = "Incorrect username or password."
            raise NotAuthorizedError(text) from error

    return operation


def _values_may_be_left_out() -> None:
    """Lets the values of users' attributes be left out: AttributeType, "Value", "Required: No"."""
    original = CognitoIdpResponse._get_param

    def get_param(self: Any, param_name: str, if_none: Any = None) -> Any:
        found = original(self, param_name, if_none)
        if param_name == "UserAttributes" and found:
            return [{"Value": "", **each} for each in found]
        return found

    replace(CognitoIdpResponse, "_get_param", get_param)


def _sign_up_with_known_attributes() -> None:
    original = CognitoIdpBackend.sign_up

    def sign_up(
        self: Any, client_id: str, username: str, password: str, attributes: Any
    ) -> tuple[Any, Any]:
        for pool in self.user_pools.values():
            if client_id in pool.clients:
                _check_sign_up(pool, username, attributes or ())
        return original(self, client_id, username, password, attributes)

    replace(CognitoIdpBackend, "sign_up", sign_up)


def _check_sign_up(pool: Any, username: str, attributes: Iterable[Mapping[str, str]]) -> None:
    settings = pool.extended_config.get("AdminCreateUserConfig") or {}
    if settings.get("AllowAdminCreateUserOnly") in (True, "true"):
        raise NotAuthorizedError("SignUp is not permitted for this user pool")
    check_attributes(pool, attributes)
    given = {each["Name"] for each in attributes if each["Value"]}
    # Cognito writes the username into the attribute that stands for it
    names = pool.extended_config.get("UsernameAttributes") or ()
    given |= {name for name in names if _FORMS[name][0].fullmatch(username)}
    for name, attribute in pool.schema_attributes.items():
        if attribute.required and name != "sub" and name not in given:
            raise InvalidParameterException(
                f"Attributes did not conform to the schema: {name}: The attribute is required"
            )


def check_attributes(pool: Any, attributes: Iterable[Mapping[str, str]]) -> None:
    """Raises Cognito's error for a name that the pool's schema has not, one that only Cognito
    writes, or a value of another form."""
    for each in attributes:
        if each["Name"] in _COGNITO_S_OWN:
            raise NotAuthorizedError("A client attempted to write unauthorized attribute")
        pattern, what = _FORMS.get(each["Name"], (None, ""))
        if pattern is not None and each["Value"] and not pattern.fullmatch(each["Value"]):
            raise InvalidParameterException(f"Invalid {what} format.")
        if each["Name"] not in pool.schema_attributes and not _is_standard(each["Name"]):
            raise InvalidParameterException(
                f"Attributes did not conform to the schema: {each['Name']}: Attribute does not "
                "exist in schema."
            )


def _is_standard(name: str) -> bool:
    """Each pool has these, whatever its own schema adds."""
    from moto.cognitoidp.models import CognitoIdpUserPoolAttribute

    return name in CognitoIdpUserPoolAttribute.STANDARD_SCHEMA


def _confirm_once() -> None:
    original = CognitoIdpBackend.admin_confirm_sign_up

    def admin_confirm_sign_up(self: Any, user_pool_id: str, username: str) -> str:
        require_unconfirmed(self.admin_get_user(user_pool_id, username))
        return str(original(self, user_pool_id, username))

    replace(CognitoIdpBackend, "admin_confirm_sign_up", admin_confirm_sign_up)


def require_unconfirmed(user: Any) -> None:
    """Raises Cognito's error."""
    if user.status.value != "UNCONFIRMED":
        raise NotAuthorizedError(f"User cannot be confirmed. Current status is {user.status.value}")
