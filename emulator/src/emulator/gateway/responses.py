"""The responses that the results of integrations become.

Source: "Set up Lambda proxy integrations" (response format) and "WebSocket API status codes", API
Gateway developer guide.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from emulator.gateway.limits import MESSAGE_BYTES
from emulator.providers import InvokeResult

BAD_GATEWAY = 502
SUBPROTOCOL = "Sec-WebSocket-Protocol"
_TYPES: dict[str, type] = {
    "headers": dict,
    "multiValueHeaders": dict,
    "body": str,
    "isBase64Encoded": bool,
}
_STATUS = re.compile(r"[0-9]{3}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # no header has one: RFC 9110, 5.5


class ConnectResult(NamedTuple):
    """The response to the upgrade: 200 means it is accepted, with these headers."""

    status: int
    headers: Mapping[str, str] = {}


class MessageResult(NamedTuple):
    """`failed` sends the error frame; `body` goes back where the route has a route response."""

    failed: bool
    body: str = ""


def connect_result(result: InvokeResult) -> ConnectResult:
    """502 for a function error or a malformed response, as API Gateway gives them."""
    response = None if result.error else _proxy_response(result.payload)
    if response is None:
        return ConnectResult(BAD_GATEWAY)
    status = response["statusCode"]
    if not 200 <= status < 300:
        return ConnectResult(status if 400 <= status < 600 else BAD_GATEWAY)
    headers = response.get("headers") or {}
    for name, value in headers.items():
        if name.lower() == SUBPROTOCOL.lower() and value is not None:
            return ConnectResult(200, {SUBPROTOCOL: str(value)})
    return ConnectResult(200)


def message_result(result: InvokeResult) -> MessageResult:
    """The status code is not looked at beyond being there: a WebSocket message has none."""
    response = None if result.error else _proxy_response(result.payload)
    if response is None:
        return MessageResult(failed=True)
    body = response.get("body")
    if body is None:
        return MessageResult(failed=False)
    if response.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return MessageResult(failed=True)
    return MessageResult(failed=len(body.encode()) > MESSAGE_BYTES, body=body)


def error_frame(message: str, connection_id: str, request_id: str) -> str:
    """The frame that API Gateway itself sends on a connection: "Internal server error",
    "Forbidden", …"""
    return json.dumps(
        {"message": message, "connectionId": connection_id, "requestId": request_id},
        separators=(", ", ":"),
    )


def _proxy_response(payload: bytes) -> dict[str, Any] | None:
    """The document, its statusCode a number; None for what isn't of the format. Fields may be
    null, unlike in a response to a load balancer."""
    try:
        response = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(response, dict):
        return None
    for name, kind in _TYPES.items():
        if response.get(name) is not None and not isinstance(response[name], kind):
            return None
    headers = (response.get("headers") or {}).values()
    if any(isinstance(each, dict | list) or _CONTROL.search(str(each)) for each in headers):
        return None
    status = response.get("statusCode")
    if isinstance(status, str) and _STATUS.fullmatch(status):
        status = int(status)
    if type(status) is not int:
        return None
    return {**response, "statusCode": status}
