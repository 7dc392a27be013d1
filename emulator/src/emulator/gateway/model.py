"""A WebSocket API as its template resources describe it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.functions.limits import within
from emulator.gateway.authorization import IdentitySource, parse_identity_sources
from emulator.gateway.limits import INTEGRATION_SECONDS, LEAST_INTEGRATION_SECONDS
from emulator.gateway.routing import CONNECT, DEFAULT, DISCONNECT, selection_path
from emulator.providers import EmulatorError

Properties = Mapping[str, Any]
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")  # CreateStage, API reference
_MAPPING = re.compile(r"[A-Za-z0-9$\-_.+!*'()]{0,300}")
_FUNCTION = re.compile(r"functions/(arn:[^/]+)/invocations$")


@dataclass(frozen=True)
class Authorizer:
    """`id` as in the source of its invocations, `.../authorizers/<id>`."""

    function: str
    identity_sources: tuple[IdentitySource, ...]
    id: str = ""


@dataclass(frozen=True)
class Integration:
    """`seconds` is how long API Gateway waits for the function."""

    function: str
    seconds: float = INTEGRATION_SECONDS


@dataclass(frozen=True)
class Route:
    """`responses`: the integration's body goes back to the caller (two-way communication)."""

    key: str
    integration: Integration
    responses: bool = False
    authorizer: Authorizer | None = None


@dataclass(frozen=True)
class WebSocketApi:
    """`mappings` has the path by the domain name that is mapped to the stage, without slashes."""

    api_id: str
    stage: str
    selection: tuple[str, ...]
    routes: Mapping[str, Route]
    mappings: Mapping[str, str] = field(default_factory=dict)

    def named(self, host: str, path: str) -> str | None:
        """The domain name by which a client came to the path, "" for API Gateway's own; None where
        nothing is there. By an address of this machine it may be any of them."""
        found = path.strip("/")
        if host in self.mappings:
            return host if found == self.mappings[host] else None
        if found == self.stage:
            return ""
        return next((name for name, mapped in self.mappings.items() if mapped == found), None)


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
        parse_identity_sources(properties.get("IdentitySource") or ()),
        identifier,
    )


def read_integration(properties: Properties) -> Integration:
    kind = properties.get("IntegrationType")
    if kind != "AWS_PROXY":
        raise EmulatorError(f"integration type {kind} is not supported locally: use AWS_PROXY")
    # "Quotas for configuring and running a WebSocket in API Gateway"
    milliseconds = within(
        "an integration",
        "TimeoutInMillis",
        properties.get("TimeoutInMillis", 1000 * INTEGRATION_SECONDS),
        round(1000 * LEAST_INTEGRATION_SECONDS),
        1000 * INTEGRATION_SECONDS,
    )
    return Integration(function_of(properties["IntegrationUri"]), milliseconds / 1000)


def read_route(
    properties: Properties,
    integrations: Mapping[str, Integration],
    authorizers: Mapping[str, Authorizer],
    responses: bool,
) -> Route:
    """`integrations` and `authorizers` by their ids, `responses`: the route has a RouteResponse."""
    key = properties["RouteKey"]
    if key.startswith("$") and key not in (CONNECT, DISCONNECT, DEFAULT):
        # "This prefix is reserved for predefined routes": "Create routes for WebSocket APIs"
        raise EmulatorError(f"route {key}: only $connect, $disconnect and $default begin with $")
    kind = properties.get("AuthorizationType", "NONE")
    if kind not in ("NONE", "CUSTOM"):
        raise EmulatorError(f"route {key}: authorization type {kind} is not supported locally")
    if kind == "CUSTOM" and key != CONNECT:
        raise EmulatorError(f"route {key}: only $connect can have an authorizer")
    if properties.get("RouteResponseSelectionExpression", DEFAULT) != DEFAULT:
        raise EmulatorError(
            f"route {key}: its RouteResponseSelectionExpression can be $default only"
        )
    target = str(properties.get("Target", ""))
    try:
        integration = integrations[target.removeprefix("integrations/")]
        authorizer = authorizers[properties["AuthorizerId"]] if kind == "CUSTOM" else None
    except KeyError as missing:
        raise EmulatorError(f"route {key} names {missing}, which the template lacks") from missing
    two_way = responses and "RouteResponseSelectionExpression" in properties
    return Route(key, integration, two_way, authorizer)


def read_stage(properties: Properties) -> str:
    """Reads the stage's name."""
    name = str(properties["StageName"])
    if not _STAGE.fullmatch(name):
        raise EmulatorError(
            f"the stage name {name!r} is not 1 to 128 letters, digits, hyphens and underscores"
        )
    return name


def read_mapping(properties: Properties) -> str:
    """Reads an API mapping's path: "Use API mappings for WebSocket APIs", restrictions."""
    key = str(properties.get("ApiMappingKey", ""))
    if not _MAPPING.fullmatch(key):
        raise EmulatorError(
            f"the API mapping key {key!r} is not up to 300 letters, digits and $-_.+!*'()"
        )
    return key


def check_route_settings(stage: Properties, keys: Collection[str]) -> None:
    """Raises EmulatorError for settings of a route that is not there, as API Gateway does:
    github.com/terraform-aws-modules/terraform-aws-apigateway-v2/pull/80."""
    for key in stage.get("RouteSettings") or {}:
        if key not in keys:
            raise EmulatorError(
                f"Unable to find Route by key {key} within the provided RouteSettings"
            )


def read_selection(properties: Properties) -> tuple[str, ...]:
    kind = properties.get("ProtocolType")
    if kind != "WEBSOCKET":
        raise EmulatorError(
            f"an API of protocol type {kind} is not supported locally: use WEBSOCKET"
        )
    return selection_path(str(properties.get("RouteSelectionExpression", "")))
