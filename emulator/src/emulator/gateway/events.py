"""The events of API Gateway's WebSocket proxy integration and REQUEST authorizer.

Source: "Set up Lambda proxy integrations" and "Managing connected users and client apps", API
Gateway developer guide; tests/gateway/test_events.py holds each shape in full.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Event = dict[str, Any]

# Hop-by-hop, or written by the gateway itself.
_DROPPED = frozenset(
    {"connection", "content-length", "upgrade", "x-forwarded-port", "x-forwarded-proto"}
)
# As an authorizer sees them, and $connect does not: "Control access to WebSocket APIs with AWS
# Lambda REQUEST authorizers"; github.com/localstack/localstack/issues/7191.
_OF_UPGRADE = {"Connection": "upgrade", "content-length": "0", "Upgrade": "websocket"}


@dataclass(frozen=True)
class Upgrade:
    """The HTTP request that asked for the connection; header names as the client wrote them."""

    headers: Sequence[tuple[str, str]]
    query: str  # raw, without the question mark
    source_ip: str
    listener_port: int
    trace_id: str


@dataclass(frozen=True)
class ConnectionInfo:
    """The part of a connection that all of its events have; times in epoch seconds."""

    connection_id: str
    api_id: str
    stage: str
    domain_name: str
    source_ip: str
    user_agent: str | None
    connected_at: float
    authorizer: Mapping[str, str | int | None] = field(default_factory=dict)


def connect_event(info: ConnectionInfo, upgrade: Upgrade, request_id: str, now: float) -> Event:
    return {
        **_request_parts(upgrade),
        "requestContext": context_of(info, "$connect", "CONNECT", request_id, now),
        "isBase64Encoded": False,
    }


def authorizer_event(
    info: ConnectionInfo, upgrade: Upgrade, method_arn: str, request_id: str, now: float
) -> Event:
    parts = _request_parts(upgrade)
    return {
        "type": "REQUEST",
        "methodArn": method_arn,
        "headers": {**parts["headers"], **_OF_UPGRADE},
        "multiValueHeaders": {
            **parts["multiValueHeaders"],
            **{name: [value] for name, value in _OF_UPGRADE.items()},
        },
        "queryStringParameters": parts.get("queryStringParameters", {}),
        "multiValueQueryStringParameters": parts.get("multiValueQueryStringParameters", {}),
        "stageVariables": {},
        "requestContext": context_of(info, "$connect", "CONNECT", request_id, now),
    }


def message_event(
    info: ConnectionInfo, route_key: str, message_id: str, body: str, request_id: str, now: float
) -> Event:
    context = context_of(info, route_key, "MESSAGE", request_id, now)
    return {
        "requestContext": {**context, "messageId": message_id},
        "body": body,
        "isBase64Encoded": False,
    }


def disconnect_event(
    info: ConnectionInfo, host: str, code: int, reason: str, request_id: str, now: float
) -> Event:
    headers = {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = context_of(info, "$disconnect", "DISCONNECT", request_id, now)
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {
            **context,
            "disconnectStatusCode": code,
            "disconnectReason": reason,
        },
        "isBase64Encoded": False,
    }


def header_values(headers: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by name; spellings of one name are one, under the first spelling."""
    values: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in headers:
        values.setdefault(spelled.setdefault(name.lower(), name), []).append(value)
    return values


def _request_parts(upgrade: Upgrade) -> Event:
    values = header_values([pair for pair in upgrade.headers if pair[0].lower() not in _DROPPED])
    forwarded = next((name for name in values if name.lower() == "x-forwarded-for"), None)
    hops = values.pop(forwarded) if forwarded else []
    if not any(name.lower() == "x-amzn-trace-id" for name in values):
        values["X-Amzn-Trace-Id"] = [upgrade.trace_id]
    values["X-Forwarded-For"] = [", ".join([*hops, upgrade.source_ip])]
    values["X-Forwarded-Port"] = [str(upgrade.listener_port)]
    values["X-Forwarded-Proto"] = ["http"]
    parts: Event = {
        "headers": {name: several[-1] for name, several in values.items()},
        "multiValueHeaders": values,
    }
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(upgrade.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    if query:  # API Gateway leaves both out of a WebSocket event without a query
        parts["queryStringParameters"] = {name: several[-1] for name, several in query.items()}
        parts["multiValueQueryStringParameters"] = query
    return parts


def context_of(
    info: ConnectionInfo, route_key: str, event_type: str, request_id: str, now: float
) -> Event:
    """The requestContext of each event, and what access logs have of it as `$context`."""
    identity = {"sourceIp": info.source_ip}
    if info.user_agent is not None:
        identity["userAgent"] = info.user_agent
    context: Event = {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": info.stage,
        "connectedAt": int(info.connected_at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": identity,
        "requestId": request_id,
        "domainName": info.domain_name,
        "connectionId": info.connection_id,
        "apiId": info.api_id,
    }
    if info.authorizer:
        context["authorizer"] = dict(info.authorizer)
    return context
