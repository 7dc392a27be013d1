"""Settings of pools and clients that Cognito rejects, and moto takes.

Source: API reference, CreateUserPool and CreateUserPoolClient (AccessTokenValidity: 5 minutes to a
day, RefreshTokenValidity: an hour to ten years; "You can't assign these legacy ExplicitAuthFlows
values to user pool clients at the same time as values that begin with ALLOW_").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.cognitoidp.exceptions import InvalidParameterException
from moto.cognitoidp.models import CognitoIdpBackend

from emulator.aws.hooks import replace

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_DAY = 86_400
# Of each kind of token: the unit where none is given, the shortest and the longest in seconds.
_VALIDITY = {
    "AccessToken": ("hours", 300, _DAY),
    "IdToken": ("hours", 300, _DAY),
    "RefreshToken": ("days", 3600, 3650 * _DAY),
}


def install() -> None:
    """Change moto's Cognito as this module's docstring describes."""
    replace(CognitoIdpBackend, "create_user_pool", _checked("create_user_pool", _check_pool))
    for name in ("create_user_pool_client", "update_user_pool_client"):
        replace(CognitoIdpBackend, name, _checked(name, _check_client))


def _checked(name: str, check: Callable[[Mapping[str, Any]], None]) -> Callable[..., Any]:
    original = getattr(CognitoIdpBackend, name)

    def operation(self: Any, *args: Any, **given: Any) -> Any:
        check(given.get("extended_config") or args[-1] or {})
        return original(self, *args, **given)

    return operation


def _check_pool(config: Mapping[str, Any]) -> None:
    if config.get("AliasAttributes") and config.get("UsernameAttributes"):
        raise InvalidParameterException(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
        )


def _check_client(config: Mapping[str, Any]) -> None:
    flows = config.get("ExplicitAuthFlows") or []
    if len({each.startswith("ALLOW_") for each in flows}) > 1:
        raise InvalidParameterException(
            "ExplicitAuthFlows has older values beside those that begin with ALLOW_"
        )
    units = config.get("TokenValidityUnits") or {}
    for name, (unit, least, most) in _VALIDITY.items():
        value = config.get(f"{name}Validity")
        if not value:  # 0 is the default
            continue
        if not least <= int(value) * UNITS[units.get(name, unit)] <= most:
            raise InvalidParameterException(f"Invalid range for token validity: {name}")
