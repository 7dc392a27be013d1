"""What a rule does with a request: forward, fixed response, redirect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from local.balancer.refusals import Properties, not_played
from local.providers import LocalModeError

MOST_GROUPS = 5
HEAVIEST = 999


class Forward(NamedTuple):
    """Target-group ARN -> weight, 0 to 999."""

    weights: dict[str, int]


class FixedResponse(NamedTuple):
    status: int
    content_type: str
    body: str


class Redirect(NamedTuple):
    """Parts may hold #{protocol}, #{host}, #{port}, #{path} (without its leading slash) and
    #{query}, which stand for the request's own."""

    status: int
    protocol: str
    host: str
    port: str
    path: str
    query: str


Action = Forward | FixedResponse | Redirect


def read_actions(where: str, actions: Sequence[Properties]) -> Action:
    """The one action of `Actions` or `DefaultActions`."""
    for action in actions:
        if action["Type"].startswith("authenticate-") or action["Type"] == "jwt-validation":
            raise not_played(where, f"the action {action['Type']}", "sign in within the API")
    if len(actions) != 1:
        raise LocalModeError(f"{where}: a rule has one action, this one {len(actions)}")
    action = actions[0]
    match action["Type"]:
        case "forward":
            return _read_forward(where, action)
        case "fixed-response":
            config = action["FixedResponseConfig"]
            return FixedResponse(
                int(config["StatusCode"]),
                config.get("ContentType", "text/plain"),
                config.get("MessageBody", ""),
            )
        case "redirect":
            return _read_redirect(action["RedirectConfig"])
        case kind:
            raise not_played(where, f"the action {kind}", "use forward, fixed-response or redirect")


def _read_forward(where: str, action: Properties) -> Forward:
    config = action.get("ForwardConfig")
    if config is None:
        return Forward({action["TargetGroupArn"]: 1})
    sticky = config.get("TargetGroupStickinessConfig", {})
    if str(sticky.get("Enabled", False)).lower() == "true":
        raise not_played(where, "stickiness of target groups", "turn it off in this environment")
    groups: list[dict[str, Any]] = config["TargetGroups"]
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise LocalModeError(
            f"{where}: a forward action takes 1 to {MOST_GROUPS} target groups, got {len(groups)}"
        )
    weights = {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    for arn, weight in weights.items():
        if not 0 <= weight <= HEAVIEST:
            raise LocalModeError(f"{where}: weight {weight} of {arn} is not within 0 to {HEAVIEST}")
    return Forward(weights)


def _read_redirect(config: Properties) -> Redirect:
    status = {"HTTP_301": 301, "HTTP_302": 302}[config["StatusCode"]]
    return Redirect(
        status,
        config.get("Protocol", "#{protocol}"),
        config.get("Host", "#{host}"),
        str(config.get("Port", "#{port}")),
        config.get("Path", "/#{path}"),
        config.get("Query", "#{query}"),
    )


def location(redirect: Redirect, protocol: str, host: str, port: int, path: str, query: str) -> str:
    """The Location header for a request with these parts; `host` without its port."""
    own = {
        "protocol": protocol,
        "host": host,
        "port": str(port),
        "path": path.removeprefix("/"),
        "query": query,
    }

    def fill(text: str) -> str:
        return re.sub(r"#\{(protocol|host|port|path|query)\}", lambda m: own[m[1]], text)

    scheme = fill(redirect.protocol).lower()
    query_part = fill(redirect.query)
    return f"{scheme}://{fill(redirect.host)}:{fill(redirect.port)}{fill(redirect.path)}" + (
        f"?{query_part}" if query_part else ""
    )
