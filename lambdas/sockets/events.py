"""The events that handlers get for a socket of a task: those of API Gateway's WebSocket API.

Source: "Set up Lambda proxy integrations" and "Output from an API Gateway Lambda authorizer", API
Gateway developer guide. What depends on API Gateway itself (its id, its ARN) has other values.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]

API_ID, STAGE = "containers", "sockets"
METHOD_ARN = f"{API_ID}/{STAGE}/$connect"  # what the authorizer allows


@dataclass(frozen=True)
class Upgrade:
    """The HTTP request that asked for the connection; names of headers in lower case."""

    headers: Sequence[tuple[str, str]]
    source_ip: str

    def values(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True)
class Connected:
    """What every event of a connection contains. `at` is in epoch seconds."""

    id: str
    source_ip: str
    user_agent: str
    at: float
    authorizer: Mapping[str, str] = field(default_factory=dict)


def authorizer_event(connected: Connected, upgrade: Upgrade, request_id: str) -> Event:
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        **_headers(upgrade),
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        "requestContext": _context(connected, "$connect", "CONNECT", request_id, connected.at),
    }


def connect_event(connected: Connected, upgrade: Upgrade, request_id: str) -> Event:
    return {
        **_headers(upgrade),
        "requestContext": _context(connected, "$connect", "CONNECT", request_id, connected.at),
        "isBase64Encoded": False,
    }


def message_event(
    connected: Connected, route: str, body: str, request_id: str, now: float
) -> Event:
    context = _context(connected, route, "MESSAGE", request_id, now)
    return {
        "requestContext": {**context, "messageId": request_id},
        "body": body,
        "isBase64Encoded": False,
    }


def disconnect_event(
    connected: Connected, code: int, reason: str, request_id: str, now: float
) -> Event:
    context = _context(connected, "$disconnect", "DISCONNECT", request_id, now)
    return {
        "headers": {},
        "multiValueHeaders": {},
        "requestContext": {**context, "disconnectStatusCode": code, "disconnectReason": reason},
        "isBase64Encoded": False,
    }


def _headers(upgrade: Upgrade) -> Event:
    values = upgrade.values()
    return {
        "headers": {name: several[-1] for name, several in values.items()},
        "multiValueHeaders": values,
    }


def _context(connected: Connected, route: str, kind: str, request_id: str, now: float) -> Event:
    context: Event = {
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": STAGE,
        "connectedAt": int(connected.at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": connected.source_ip, "userAgent": connected.user_agent},
        "requestId": request_id,
        "domainName": STAGE,
        "connectionId": connected.id,
        "apiId": API_ID,
    }
    if connected.authorizer:
        context["authorizer"] = dict(connected.authorizer)
    return context
