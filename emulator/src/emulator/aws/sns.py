"""Platform endpoints as SNS keeps them, and publishing that reaches FCM and APNs.

moto finds an endpoint by its first token in any application, stores what is published, and shows
credentials. Source: SNS API reference, CreatePlatformEndpoint, SetEndpointAttributes,
GetPlatformApplicationAttributes, Publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from moto.sns.exceptions import (
    DuplicateSnsEndpointError,
    SnsEndpointDisabled,
    SNSInvalidParameter,
)
from moto.sns.models import PlatformEndpoint, SNSBackend

from emulator.aws import sns_requests
from emulator.aws.hooks import replace
from emulator.aws.relay import Relay

USER_DATA_BYTES = 2048
_ATTRIBUTES = frozenset({"CustomUserData", "Enabled", "Token"})
_APNS_TOKEN = re.compile(r"[0-9A-Fa-f]{1,400}")
_SECRET = ("PlatformCredential", "PlatformPrincipal")


def install(relay: Relay) -> None:
    """Change moto's SNS as this module's docstring describes."""
    _keep_endpoints_per_application()
    _hide_credentials()
    _relay_publishes(relay)
    sns_requests.install()


def _keep_endpoints_per_application() -> None:
    original_set = SNSBackend.set_endpoint_attributes

    def set_endpoint_attributes(self: Any, arn: str, attributes: dict[str, Any]) -> Any:
        endpoint = self.get_endpoint(arn)
        _check_attributes(endpoint.application.platform, attributes)
        if "Token" in attributes:
            known = _with_token(self, endpoint.application, attributes["Token"])
            if known is not None and known is not endpoint:
                raise SNSInvalidParameter(_token_is_taken(known))
        return original_set(self, arn, attributes)

    replace(SNSBackend, "create_platform_endpoint", _create_platform_endpoint)
    replace(SNSBackend, "set_endpoint_attributes", set_endpoint_attributes)


def _create_platform_endpoint(
    self: Any,
    application: Any,
    custom_user_data: str | None,
    token: str,
    attributes: dict[str, Any],
) -> Any:
    """Idempotent for a token with the same attributes, rejected for one with others."""
    _check_attributes(application.platform, {**attributes, "Token": token})
    wanted = attributes | ({"CustomUserData": custom_user_data} if custom_user_data else {})
    _check_attributes(application.platform, wanted)
    known = _with_token(self, application, token)
    if known is not None:
        asked = {"Enabled": True, "CustomUserData": None} | wanted | {"Token": token}
        if all(known.attributes.get(name) == value for name, value in asked.items()):
            return known
        raise DuplicateSnsEndpointError(_token_is_taken(known))
    made = PlatformEndpoint(
        self.account_id, self.region_name, application, custom_user_data or "", token, wanted
    )
    self.platform_endpoints[made.arn] = made
    return made


def _check_attributes(platform: str, attributes: dict[str, Any]) -> None:
    """Raises SNSInvalidParameter. Source: SetEndpointAttributes, API reference."""
    for name, value in attributes.items():
        if name not in _ATTRIBUTES:
            raise SNSInvalidParameter(
                f"Invalid parameter: Attributes Reason: Invalid attribute name: {name}"
            )
        if name == "Token" and not value:
            raise SNSInvalidParameter("Invalid parameter: Token Reason: must not be empty")
        if name == "Token" and platform.startswith("APNS") and not _APNS_TOKEN.fullmatch(value):
            raise SNSInvalidParameter(
                "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 "
                "hexadecimal characters"
            )
        if name == "CustomUserData" and len(str(value).encode()) > USER_DATA_BYTES:
            raise SNSInvalidParameter(
                "Invalid parameter: CustomUserData Reason: must be at most "
                f"{USER_DATA_BYTES} bytes long in UTF-8 encoding"
            )


def _token_is_taken(endpoint: Any) -> str:
    return (
        f"Invalid parameter: Token Reason: Endpoint {endpoint.arn} already exists with the same "
        "Token, but different attributes."
    )


def _with_token(backend: Any, application: Any, token: str) -> Any:
    endpoints: Iterable[Any] = backend.platform_endpoints.values()
    for endpoint in endpoints:
        if endpoint.application.arn == application.arn and endpoint.attributes["Token"] == token:
            return endpoint
    return None


def _hide_credentials() -> None:
    original = SNSBackend.get_platform_application_attributes

    def get_platform_application_attributes(self: Any, arn: str) -> dict[str, str]:
        attributes = original(self, arn)
        return {name: value for name, value in attributes.items() if name not in _SECRET}

    replace(SNSBackend, "get_platform_application_attributes", get_platform_application_attributes)


def _relay_publishes(relay: Relay) -> None:
    original = SNSBackend.publish

    def publish(self: Any, message: str, arn: str | None, *args: Any, **kwargs: Any) -> str:
        sns_requests.check_publish(self, message, arn, *args, **kwargs)
        endpoint = self.platform_endpoints.get(arn)
        if endpoint is None:
            return original(self, message, arn, *args, **kwargs)
        payload = message
        if kwargs.get("message_structure") == "json":
            payload = entry_for(endpoint.application.platform, message)
        if not endpoint.enabled:
            raise SnsEndpointDisabled("Endpoint is disabled")
        return relay.deliver(endpoint, payload, kwargs.get("message_attributes") or {})

    replace(SNSBackend, "publish", publish)


def entry_for(platform: str, message: str) -> str:
    """The entry of a `MessageStructure=json` message that goes to this platform: its own, or
    `default`. One of another type than text counts as absent."""
    entries = sns_requests.entries_of(message)
    for name in (platform, "default"):
        if isinstance(entries.get(name), str):
            return str(entries[name])
    raise SNSInvalidParameter(
        f"Invalid parameter: JSON must contain an entry for 'default' or '{platform}'."
    )
