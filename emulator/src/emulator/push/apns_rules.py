"""APNs' rules: the requests that it accepts, and the reasons with which it rejects others.

Source: "Sending notification requests to APNs", "Handling notification responses from APNs" and
"Establishing a token-based connection to APNs", Apple's UserNotifications documentation.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

PAYLOAD_BYTES = 4096
VOIP_BYTES = 5120
TOKEN_LIFETIME = 3600  # seconds from a provider token's iat
COLLAPSE_BYTES = 64

STATUS = {
    "BadCollapseId": 400,
    "BadDeviceToken": 400,
    "BadExpirationDate": 400,
    "BadMessageId": 400,
    "BadPriority": 400,
    "BadTopic": 400,
    "DeviceTokenNotForTopic": 400,
    "DuplicateHeaders": 400,
    "InvalidPushType": 400,
    "MissingDeviceToken": 400,
    "MissingTopic": 400,
    "PayloadEmpty": 400,
    "TopicDisallowed": 400,
    "ExpiredProviderToken": 403,
    "Forbidden": 403,
    "InvalidProviderToken": 403,
    "MissingProviderToken": 403,
    "BadPath": 404,
    "MethodNotAllowed": 405,
    "Unregistered": 410,
    "PayloadTooLarge": 413,
}
PUSH_TYPES = frozenset(
    {
        "alert",
        "background",
        "complication",
        "controls",
        "fileprovider",
        "liveactivity",
        "location",
        "mdm",
        "pushtotalk",
        "voip",
        "widgets",
    }
)


class Rejected(Exception):
    """The reason of APNs' response; STATUS has the code to it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Provider(NamedTuple):
    """The provider whose tokens are accepted; `public_key` in PEM."""

    key_id: str
    team_id: str
    bundle_id: str
    public_key: str


class Notification(NamedTuple):
    device_token: str
    payload: dict[str, Any]
    headers: dict[str, str]


def read_notification(
    provider: Provider, headers: Mapping[str, str], body: bytes, now: float
) -> Notification:
    """`headers` includes :method and :path; `now` in epoch seconds. Raises Rejected."""
    device_token = _device_token(headers)
    check_provider_token(provider, headers.get("authorization"), now)
    _check_headers(provider, headers)
    limit = VOIP_BYTES if headers.get("apns-push-type") == "voip" else PAYLOAD_BYTES
    if len(body) > limit:
        raise Rejected("PayloadTooLarge")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict) or not payload:
        raise Rejected("PayloadEmpty")
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){32,100}", device_token):
        raise Rejected("BadDeviceToken")
    apns_headers = {name: value for name, value in headers.items() if name.startswith("apns-")}
    return Notification(device_token, payload, apns_headers)


def check_provider_token(provider: Provider, authorization: str | None, now: float) -> None:
    """ES256, signed by the key whose id it names, for the team, and at most an hour old."""
    if not authorization:
        raise Rejected("MissingProviderToken")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Rejected("InvalidProviderToken")
    try:
        if jwt.get_unverified_header(token).get("kid") != provider.key_id:
            raise Rejected("InvalidProviderToken")
        claims = jwt.decode(
            token,
            provider.public_key,
            algorithms=["ES256"],
            issuer=provider.team_id,
            options={"require": ["iss", "iat"], "verify_iat": False, "verify_exp": False},
        )
    except jwt.PyJWTError as error:
        raise Rejected("InvalidProviderToken") from error
    issued = claims["iat"]
    if not isinstance(issued, int | float) or issued > now + 60:
        raise Rejected("InvalidProviderToken")
    if issued <= now - TOKEN_LIFETIME:
        raise Rejected("ExpiredProviderToken")


def _device_token(headers: Mapping[str, str]) -> str:
    if headers.get(":method") != "POST":
        raise Rejected("MethodNotAllowed")
    match = re.fullmatch(r"/3/device/([^/?]*)", headers.get(":path", ""))
    if match is None:
        raise Rejected("BadPath")
    if not match[1]:
        raise Rejected("MissingDeviceToken")
    return match[1]


def _check_headers(provider: Provider, headers: Mapping[str, str]) -> None:
    topic = headers.get("apns-topic")
    if topic is None:
        raise Rejected("MissingTopic")
    if topic != provider.bundle_id and not topic.startswith(provider.bundle_id + "."):
        raise Rejected("TopicDisallowed")
    push_type = headers.get("apns-push-type", "alert")
    if push_type not in PUSH_TYPES:
        raise Rejected("InvalidPushType")
    priority = headers.get("apns-priority", "10" if push_type != "background" else "5")
    if priority not in ("1", "5", "10") or (push_type == "background" and priority == "10"):
        raise Rejected("BadPriority")
    if not re.fullmatch(r"\d+", headers.get("apns-expiration", "0")):
        raise Rejected("BadExpirationDate")
    if len(headers.get("apns-collapse-id", "").encode()) > COLLAPSE_BYTES:
        raise Rejected("BadCollapseId")
    if "apns-id" in headers:
        try:
            uuid.UUID(headers["apns-id"])
        except ValueError as error:
            raise Rejected("BadMessageId") from error
