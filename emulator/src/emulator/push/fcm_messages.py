"""FCM's rules: the messages that it accepts, and its errors in Google's shape.

Source: the REST reference of "FCM v1" (projects.messages, ErrorCode), "AIP-193 Errors".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

PAYLOAD_BYTES = 4096
_LONGEST_TTL = 28 * 24 * 3600

_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

_FIELDS = {
    "name",
    "data",
    "notification",
    "android",
    "webpush",
    "apns",
    "fcm_options",
    "token",
    "topic",
    "condition",
}
_NOTIFICATION = {"title", "body", "image"}
_ANDROID = {
    "bandwidth_constrained_ok",
    "collapse_key",
    "data",
    "direct_boot_ok",
    "fcm_options",
    "notification",
    "priority",
    "restricted_package_name",
    "restricted_satellite_ok",
    "ttl",
}
_TOKEN = re.compile(r"[A-Za-z0-9_:.-]{1,4096}")
_TTL = re.compile(r"\d+(\.\d{1,9})?s")


class FcmError(Exception):
    """A response other than 200. `code` is FCM's ErrorCode, if it has one for the case."""

    def __init__(
        self,
        status: int,
        name: str,
        message: str,
        code: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message
        self.code = code
        self.field = field

    def as_json(self) -> dict[str, Any]:
        details: list[dict[str, Any]] = []
        if self.code is not None:
            details.append({"@type": _ERROR, "errorCode": self.code})
        if self.field is not None:
            violation = {"field": self.field, "description": self.message}
            details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "status": self.name,
        }
        return {"error": error | ({"details": details} if details else {})}


def invalid(field: str, message: str) -> FcmError:
    return FcmError(400, "INVALID_ARGUMENT", message, "INVALID_ARGUMENT", field)


UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential."
)


def unauthenticated() -> FcmError:
    return FcmError(401, "UNAUTHENTICATED", UNAUTHENTICATED)


def unregistered() -> FcmError:
    return FcmError(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")


def read_message(request: Any) -> tuple[str, dict[str, Any]]:
    """The token, and the message as the phone gets it. Raises FcmError.

    Names may be written in lowerCamelCase as well, as in all of Google's JSON.
    """
    if not isinstance(request, dict) or not isinstance(request.get("message"), dict):
        raise invalid("message", "Request contains an invalid argument: message is required.")
    _known("", request, {"message", "validate_only"})
    message = _snake(request["message"])
    _known("message", message, _FIELDS)
    token = message.pop("token", None)
    if "topic" in message or "condition" in message or token is None:
        raise invalid("message.token", "Exactly one token is expected (topics: unsupported here).")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise invalid(
            "message.token", "The registration token is not a valid FCM registration token"
        )
    _check_data("message.data", message.get("data", {}))
    _check_notification(message.get("notification", {}))
    _check_android(message.get("android", {}))
    if _size(message) > PAYLOAD_BYTES:
        raise invalid("message", "Android message is too big")
    return token, message


def _check_data(field: str, data: Any) -> None:
    if not isinstance(data, dict):
        raise invalid(field, f"Invalid value at '{field}'")
    for key, value in data.items():
        if not isinstance(value, str):
            raise invalid(f"{field}[0].value", f"Invalid value at '{field}[0].value' (TYPE_STRING)")
        if key in ("from", "message_type") or key.startswith(("google.", "gcm.")):
            raise invalid(f"{field}[{key}]", f"Invalid data payload key: {key}")


def _check_notification(notification: Any) -> None:
    if not isinstance(notification, dict):
        raise invalid("message.notification", "Invalid value at 'message.notification'")
    _known("message.notification", notification, _NOTIFICATION)
    for name, value in notification.items():
        if not isinstance(value, str):
            raise invalid(f"message.notification.{name}", f"Invalid value at '{name}'")


def _check_android(android: Any) -> None:
    if not isinstance(android, dict):
        raise invalid("message.android", "Invalid value at 'message.android'")
    android = _snake(android)
    _known("message.android", android, _ANDROID)
    _check_data("message.android.data", android.get("data", {}))
    if str(android.get("priority", "normal")).lower() not in ("normal", "high"):
        raise invalid("message.android.priority", "Invalid value at 'message.android.priority'")
    ttl = android.get("ttl", "0s")
    if not isinstance(ttl, str) or not _TTL.fullmatch(ttl) or float(ttl[:-1]) > _LONGEST_TTL:
        raise invalid("message.android.ttl", "Invalid value at 'message.android.ttl' (Duration)")
    if not isinstance(android.get("collapse_key", ""), str):
        raise invalid("message.android.collapse_key", "Invalid value at 'collapse_key'")


def _known(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known and _snake_name(name) not in known:
            at = f" at '{where}'" if where else ""
            raise FcmError(
                400,
                "INVALID_ARGUMENT",
                f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.',
                field=where or name,
            )


def _size(message: Mapping[str, Any]) -> int:
    """Bytes of the keys and values that reach the app."""
    android = message.get("android", {})
    parts: Sequence[Any] = (
        message.get("data", {}),
        message.get("notification", {}),
        android.get("data", {}),
        android.get("notification", {}),
    )
    return sum(len(str(text).encode()) for part in parts for pair in part.items() for text in pair)


def _snake(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_snake_name(name): value for name, value in document.items()}


def _snake_name(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: "_" + m[1].lower(), name)
