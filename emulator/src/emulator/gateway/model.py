"""A WebSocket API as its template resources describe it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.gateway.authorization import IdentitySource, parse_identity_sources
from emulator.gateway.routing import CONNECT, selection_path
from emulator.providers import EmulatorError

Properties = Mapping[str, Any]
_FUNCTION = re.compile(r"functions/(arn:[^/]+)/invocations$")


@dataclass(frozen=True)
class Authorizer:
    """`id` as in the source of its invocations, `.../authorizers/<id>`."""

    function: str
    identity_sources: tuple[IdentitySource, ...]
    id: str = ""


@dataclass(frozen=True)
class Route:
    """`responses`: the integration's body goes back to the caller (two-way communication)."""

    key: str
    function: str
    responses: bool = False
    authorizer: Authorizer | None = None


@dataclass(frozen=True)
class WebSocketApi:
    api_id: str
    stage: str
    selection: tuple[str, ...]
    routes: Mapping[str, Route]


def function_of(uri: str) -> str:
    """The function's ARN in a Lambda invocation URI."""
    match = _FUNCTION.search(uri)
    if match is None:
        raise EmulatorError(f"{uri!r} is not the invocation URI of a Lambda function")
    return match[1]


def read_authorizer(properties: Properties, identifier: str = "") -> Authorizer:
    if properties.get("AuthorizerType") != "REQUEST":
        raise EmulatorError("a WebSocket API takes authorizers of type REQUEST only")
    return Authorizer(
        function_of(properties["AuthorizerUri"]),
        parse_identity_sources(properties.get("IdentitySource", ())),
        identifier,
    )


def read_integration(properties: Properties) -> str:
    """The function an integration invokes."""
    kind = properties.get("IntegrationType")
    if kind != "AWS_PROXY":
        raise EmulatorError(f"integration type {kind} is not supported locally: use AWS_PROXY")
    for name in ("ContentHandlingStrategy", "RequestTemplates", "RequestParameters"):
        if name in properties:
            raise EmulatorError(f"{name} of an integration is not supported locally: remove it")
    return function_of(properties["IntegrationUri"])


def read_route(
    properties: Properties,
    integrations: Mapping[str, str],
    authorizers: Mapping[str, Authorizer],
    responses: bool,
) -> Route:
    """`integrations` and `authorizers` by their ids, `responses`: the route has a RouteResponse."""
    key = properties["RouteKey"]
    kind = properties.get("AuthorizationType", "NONE")
    if kind not in ("NONE", "CUSTOM"):
        raise EmulatorError(f"route {key}: authorization type {kind} is not supported locally")
    if kind == "CUSTOM" and key != CONNECT:
        raise EmulatorError(f"route {key}: only $connect can have an authorizer")
    target = str(properties.get("Target", ""))
    try:
        function = integrations[target.removeprefix("integrations/")]
        authorizer = authorizers[properties["AuthorizerId"]] if kind == "CUSTOM" else None
    except KeyError as missing:
        raise EmulatorError(f"route {key} names {missing}, which the template lacks") from missing
    two_way = responses and properties.get("RouteResponseSelectionExpression") == "$default"
    return Route(key, function, two_way, authorizer)


def read_selection(properties: Properties) -> tuple[str, ...]:
    kind = properties.get("ProtocolType")
    if kind != "WEBSOCKET":
        raise EmulatorError(
            f"an API of protocol type {kind} is not supported locally: use WEBSOCKET"
        )
    return selection_path(properties["RouteSelectionExpression"])
