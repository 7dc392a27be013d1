"""Additions to moto's sign-in: the states of an account, and the settings of a pool's client.

Source: Cognito developer guide, "Managing error responses" (PreventUserExistenceErrors),
"Application-specific settings with app clients" (authentication flows, validity of tokens),
"Signing up and confirming user accounts" (states); API reference, InitiateAuth.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.exceptions import (
    InvalidParameterException,
    NotAuthorizedError,
    UsernameExistsException,
    UserNotConfirmedException,
    UserNotFoundError,
)
from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUserPool
from moto.core.exceptions import JsonRESTError

from emulator.aws import cognito_challenges
from emulator.aws.cognito_challenges import PasswordResetRequired
from emulator.aws.cognito_settings import UNITS
from emulator.aws.hooks import replace

# Where a client names no flows: "ALLOW_REFRESH_TOKEN_AUTH, ALLOW_USER_SRP_AUTH, and
# ALLOW_CUSTOM_AUTH".
_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
_REFRESH = ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH")
# The parameters of AuthParameters that a flow needs: InitiateAuth, API reference.
_PASSWORD = ("USERNAME", "PASSWORD")
_NEEDED = {
    "USER_PASSWORD_AUTH": _PASSWORD,
    "ADMIN_USER_PASSWORD_AUTH": _PASSWORD,
    "ADMIN_NO_SRP_AUTH": _PASSWORD,
    "USER_SRP_AUTH": ("USERNAME", "SRP_A"),
}


class CodeMismatch(JsonRESTError):
    """A code that was never mailed, or for something else."""

    def __init__(self) -> None:
        message = "Invalid verification code provided, please try again."
        super().__init__("CodeMismatchException", message)


def install(now: Callable[[], float] = time.time) -> None:
    """Change moto's Cognito as this module's docstring describes."""
    original = CognitoIdpBackend.initiate_auth

    def initiate_auth(
        self: Any, client_id: str, auth_flow: str, auth_parameters: dict[str, str]
    ) -> Any:
        auth_parameters = auth_parameters or {}
        pool = next((p for p in self.user_pools.values() if client_id in p.clients), None)
        if pool is None:
            return original(self, client_id, auth_flow, auth_parameters)
        check_sign_in(pool, client_id, auth_flow, auth_parameters, now())
        return original(self, client_id, auth_flow, auth_parameters)

    replace(CognitoIdpBackend, "initiate_auth", initiate_auth)
    _check_administrators_sign_in(now)
    _keep_the_time_of_the_sign_in()
    _know_when_tokens_were_made(now)
    _compare_names()
    cognito_challenges.install()


def check_sign_in(
    pool: Any, client_id: str, flow: str, given: dict[str, str] | None, now: float
) -> None:
    """Raises Cognito's error."""
    given = given or {}
    config = pool.clients[client_id].extended_config
    _check_flow(config, flow)
    for name in ("REFRESH_TOKEN",) if flow in _REFRESH else _NEEDED.get(flow, ()):
        if not given.get(name):
            raise InvalidParameterException(f"Missing required parameter {name}")
    if flow in _REFRESH:
        _check_refresh(pool, client_id, given["REFRESH_TOKEN"], now)
    else:
        _check_account(pool, config, given)


def _check_administrators_sign_in(now: Callable[[], float]) -> None:
    """AdminInitiateAuth looks at the same states and settings."""
    original = CognitoIdpBackend.admin_initiate_auth

    def admin_initiate_auth(
        self: Any, user_pool_id: str, client_id: str, flow: str, given: dict[str, str]
    ) -> Any:
        pool = self.user_pools.get(user_pool_id)
        if pool is None or client_id not in pool.clients:
            return original(self, user_pool_id, client_id, flow, given)
        check_sign_in(pool, client_id, flow, given, now())
        if flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
            user = pool._get_user(given["USERNAME"])
            if user.enabled and user.password != given["PASSWORD"]:
                raise NotAuthorizedError("Incorrect username or password.")
            if user.enabled and user.status.value == "UNCONFIRMED":
                raise UserNotConfirmedException("User is not confirmed.")
        return original(self, user_pool_id, client_id, flow, given)

    replace(CognitoIdpBackend, "admin_initiate_auth", admin_initiate_auth)


def _check_flow(config: dict[str, Any], flow: str) -> None:
    flows = config.get("ExplicitAuthFlows") or _DEFAULT_FLOWS
    if flow in _REFRESH:
        flow = "REFRESH_TOKEN_AUTH"
        if not any(each.startswith("ALLOW_") for each in flows):
            return  # the older names have none for it: it is always on
    if flow == "ADMIN_NO_SRP_AUTH" and "ALLOW_ADMIN_USER_PASSWORD_AUTH" in flows:
        return  # the older name of the same
    if f"ALLOW_{flow}" not in flows and flow not in flows:
        raise InvalidParameterException(f"{flow} flow not enabled for this client")


def _check_refresh(pool: Any, client_id: str, token: str, now: float) -> None:
    known = pool.refresh_tokens.get(token)
    if known is None or known[0] != client_id:
        raise NotAuthorizedError("Invalid Refresh Token")
    user = pool._get_user(known[1])
    if user is None:
        raise NotAuthorizedError("Invalid Refresh Token")
    if not user.enabled:
        raise NotAuthorizedError("User is disabled.")
    if user.status.value == "RESET_REQUIRED":
        raise PasswordResetRequired
    config = pool.clients[client_id].extended_config
    unit = (config.get("TokenValidityUnits") or {}).get("RefreshToken", "days")
    lasts = int(config.get("RefreshTokenValidity") or 30) * UNITS[unit]
    if pool.__dict__.get("emulator_made", {}).get(token, now) + lasts < now:
        raise NotAuthorizedError("Refresh Token has expired")


def _check_account(pool: Any, config: dict[str, Any], given: dict[str, str]) -> None:
    user = pool._get_user(given.get("USERNAME", ""))
    if user is None:
        if config.get("PreventUserExistenceErrors") == "ENABLED":
            raise NotAuthorizedError("Incorrect username or password.")
        raise UserNotFoundError("User does not exist.")
    if user.enabled and user.status.value == "RESET_REQUIRED":
        raise PasswordResetRequired
    given["USERNAME"] = user.username  # as it was signed up, in a pool that ignores case


def _know_when_tokens_were_made(now: Callable[[], float]) -> None:
    original = CognitoIdpUserPool.create_refresh_token

    def create_refresh_token(self: Any, client_id: str, username: str) -> Any:
        token, origin = original(self, client_id, username)
        made = self.__dict__.setdefault("emulator_made", {})
        made[token] = made[origin] = now()
        return token, origin

    replace(CognitoIdpUserPool, "create_refresh_token", create_refresh_token)


def _keep_the_time_of_the_sign_in() -> None:
    """auth_time is "the authentication time … that your user completed authentication", also in
    tokens by a refresh token, where moto has the time of that; and each token has an event_id:
    "Understanding the access token", Cognito developer guide."""
    original = CognitoIdpUserPool.create_jwt

    def create_jwt(self: Any, *args: Any, extra_data: Any = None, **given: Any) -> Any:
        at = self.__dict__.get("emulator_made", {}).get((extra_data or {}).get("origin_jti"))
        times = {} if at is None else {"auth_time": int(at)}
        given["extra_data"] = {"event_id": str(uuid.uuid4()), **(extra_data or {}), **times}
        return original(self, *args, **given)

    replace(CognitoIdpUserPool, "create_jwt", create_jwt)


def _compare_names() -> None:
    """Compares user names without regard to case, where a pool's UsernameConfiguration says so."""
    find, sign_up = CognitoIdpUserPool._get_user, CognitoIdpBackend.sign_up

    def get_user(self: Any, username: str) -> Any:
        found = find(self, username)
        if found is None and _ignores_case(self):
            lower = str(username).lower()
            found = next((u for name, u in self.users.items() if name.lower() == lower), None)
        return found

    def signed_up(self: Any, client_id: str, username: str, *args: Any, **kwargs: Any) -> Any:
        for pool in self.user_pools.values():
            if client_id in pool.clients and _ignores_case(pool) and pool._get_user(username):
                raise UsernameExistsException("User already exists")
        return sign_up(self, client_id, username, *args, **kwargs)

    replace(CognitoIdpUserPool, "_get_user", get_user)
    replace(CognitoIdpBackend, "sign_up", signed_up)


def _ignores_case(pool: Any) -> bool:
    settings = pool.extended_config.get("UsernameConfiguration") or {}
    return settings.get("CaseSensitive") in (False, "false")
