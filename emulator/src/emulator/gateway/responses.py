"""The responses that the results of integrations become.

Source: "Set up Lambda proxy integrations" (response format) and "WebSocket API status codes", API
Gateway developer guide.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
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
_NO_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")  # no header has one: RFC 9110, 5.5


class ConnectResult(NamedTuple):
    """The response to the upgrade: 200 means it is accepted, with a SUBPROTOCOL header for each of
    `subprotocols`; no other header is passed on: github.com/aws/chalice/pull/1768."""

    status: int
    subprotocols: Sequence[str] = ()


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
    values = [value for name, value in _headers(response) if name.lower() == SUBPROTOCOL.lower()]
    return ConnectResult(200, tuple(dict.fromkeys(values)))


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
    "Forbidden", … Its blanks are those in github.com/dvmatyun/web_socket/issues/13."""
    return json.dumps(
        {"message": message, "connectionId": connection_id, "requestId": request_id},
        separators=(", ", ":"),
    ).replace(":", ": ", 1)


def logged(result: InvokeResult, latency: int) -> dict[str, Any]:
    """The access log's variables about an integration, whose latency is in milliseconds. As
    "Configure logging for WebSocket APIs in API Gateway" has it, $context.integration.status is
    what the function returned, "equivalent to $context.integrationStatus", and
    $context.integration.integrationStatus what Lambda itself did."""
    response = None if result.error else _proxy_response(result.payload)
    status = None if response is None else response["statusCode"]
    error = error_message(result) if result.error else None
    return {
        "integration": {
            "error": error,
            "integrationStatus": 200,  # also where the function failed
            "latency": latency,
            "status": status,
        },
        "integrationErrorMessage": error,
        "integrationLatency": latency,
        "integrationStatus": status,
    }


def error_message(result: InvokeResult) -> str | None:
    """The message of a function's error."""
    try:
        return str(json.loads(result.payload)["errorMessage"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return None


def _headers(response: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Those of `headers` and of `multiValueHeaders`, which API Gateway merges."""
    single, several = response.get("headers") or {}, response.get("multiValueHeaders") or {}
    pairs = [*single.items(), *((name, each) for name in several for each in several[name])]
    return (
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in pairs
        if value is not None
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
    lists = (response.get("multiValueHeaders") or {}).values()
    if not all(isinstance(each, list) for each in lists):
        return None
    values = [
        *(response.get("headers") or {}).values(),
        *(value for each in lists for value in each),
    ]
    if any(isinstance(each, dict | list) or _NO_VALUE.search(str(each)) for each in values):
        return None
    status = response.get("statusCode")
    if isinstance(status, str) and _STATUS.fullmatch(status):
        status = int(status)
    if type(status) is not int:
        return None
    return {**response, "statusCode": status}
