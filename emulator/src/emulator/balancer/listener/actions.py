"""The actions of a listener rule: forward, fixed response, redirect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from emulator.balancer.properties import Properties, number_within, unsupported
from emulator.balancer.stickiness import LONGEST, SHORTEST
from emulator.providers import EmulatorError

MOST_GROUPS = 5
HEAVIEST = 999
CONTENT_TYPES = (
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
)
LONGEST_BODY = 1024
LONGEST_PART = 128  # characters of a redirect's host, path or query


class Forward(NamedTuple):
    """Target-group ARN -> weight, 0 to 999; a weight may change while it runs. `sticky_seconds`:
    for how long a client stays with its group, None where it doesn't."""

    weights: dict[str, int]
    sticky_seconds: int | None = None


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
            raise unsupported(where, f"the action {action['Type']}", "sign in within the API")
    if len(actions) != 1:
        raise EmulatorError(f"{where}: a rule has one action, this one {len(actions)}")
    action = actions[0]
    match action["Type"]:
        case "forward":
            return _read_forward(where, action)
        case "fixed-response":
            return _read_fixed(where, action["FixedResponseConfig"])
        case "redirect":
            return _read_redirect(where, action["RedirectConfig"])
        case kind:
            raise unsupported(
                where, f"the action {kind}", "use forward, fixed-response or redirect"
            )


def _read_forward(where: str, action: Properties) -> Forward:
    config = action.get("ForwardConfig")
    if config is None:
        return Forward({action["TargetGroupArn"]: 1})
    groups: list[dict[str, Any]] = config["TargetGroups"]
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise EmulatorError(
            f"{where}: a forward action takes 1 to {MOST_GROUPS} target groups, got {len(groups)}"
        )
    weights: dict[str, int] = {}
    for group in groups:
        arn, weight = group["TargetGroupArn"], group.get("Weight", 1)
        if arn in weights:
            raise EmulatorError(f"{where}: {arn} stands twice in one forward action: once will do")
        weights[arn] = number_within(where, "weight", weight, 0, HEAVIEST, of=arn)
    return Forward(weights, _sticky_seconds(where, config.get("TargetGroupStickinessConfig", {})))


def _sticky_seconds(where: str, config: Properties) -> int | None:
    if str(config.get("Enabled", False)).lower() != "true":
        return None
    if "DurationSeconds" not in config:
        raise EmulatorError(
            f"{where}: TargetGroupStickinessConfig is enabled without DurationSeconds: add it"
        )
    given = config["DurationSeconds"]
    return number_within(where, "DurationSeconds", given, SHORTEST, LONGEST, "s")


def _read_fixed(where: str, config: Properties) -> FixedResponse:
    status = str(config["StatusCode"])
    if not re.fullmatch(r"[245]\d\d", status):
        raise EmulatorError(f"{where}: a fixed response has status 2XX, 4XX or 5XX, not {status}")
    content_type = config.get("ContentType", "text/plain")
    if content_type not in CONTENT_TYPES:
        raise EmulatorError(
            f"{where}: a fixed response's ContentType is one of {', '.join(CONTENT_TYPES)}, not "
            f"{content_type}"
        )
    body = config.get("MessageBody", "")
    if len(body) > LONGEST_BODY:
        raise EmulatorError(
            f"{where}: a fixed response's MessageBody has up to {LONGEST_BODY} characters, this "
            f"one {len(body)}"
        )
    return FixedResponse(int(status), content_type, body)


def _read_redirect(where: str, config: Properties) -> Redirect:
    codes = {"HTTP_301": 301, "HTTP_302": 302}
    if config["StatusCode"] not in codes:
        raise EmulatorError(
            f"{where}: a redirect's StatusCode is HTTP_301 or HTTP_302, not {config['StatusCode']}"
        )
    redirect = Redirect(
        codes[config["StatusCode"]],
        config.get("Protocol", "#{protocol}"),
        config.get("Host", "#{host}"),
        str(config.get("Port", "#{port}")),
        config.get("Path", "/#{path}"),
        config.get("Query", "#{query}"),
    )
    wrong = _wrong_part(redirect)
    if wrong is not None:
        raise EmulatorError(f"{where}: a redirect's {wrong}")
    return redirect


def _wrong_part(redirect: Redirect) -> str | None:
    """The part of a redirect that AWS rejects; None where there is none."""
    if redirect.protocol not in ("HTTP", "HTTPS", "#{protocol}"):
        return f"Protocol is HTTP, HTTPS or #{{protocol}}, not {redirect.protocol}"
    if redirect.port != "#{port}" and not (
        re.fullmatch(r"\d{1,5}", redirect.port) and 1 <= int(redirect.port) <= 65535
    ):
        return f"Port is 1 to 65535 or #{{port}}, not {redirect.port}"
    if not redirect.path.startswith("/"):
        return f"Path starts with a slash, and {redirect.path} doesn't"
    for name, part in (("Host", redirect.host), ("Path", redirect.path), ("Query", redirect.query)):
        least = 0 if name == "Query" else 1
        if not least <= len(part) <= LONGEST_PART:
            return f"{name} has {least} to {LONGEST_PART} characters, this one {len(part)}"
    same = ("#{protocol}", "#{host}", "#{port}", "/#{path}")
    if (redirect.protocol, redirect.host, redirect.port, redirect.path) == same:
        return "protocol, host, port and path are all the request's own, which goes round for ever"
    return None


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
