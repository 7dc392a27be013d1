"""Listener rules: which one a request takes.

Source: "Condition types for listener rules", user guide of Application Load Balancers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from local.balancer.actions import Action
from local.balancer.refusals import Properties, not_played


@dataclass(frozen=True)
class Seen:
    """What rules look at. `path` and `query` (name, value) are as on the wire, not decoded;
    header names are lower case."""

    method: str
    host: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, Sequence[str]]
    source_ip: str


Condition = Callable[[Seen], bool]


class Rule(NamedTuple):
    """All conditions have to hold; the listener's default action is a rule without any."""

    priority: int
    conditions: tuple[Condition, ...]
    action: Action


def first_match(rules: Iterable[Rule], seen: Seen) -> Rule | None:
    """The matching rule of the lowest priority; `rules` may stand in any order."""
    return next(
        (
            rule
            for rule in sorted(rules, key=lambda rule: rule.priority)
            if all(condition(seen) for condition in rule.conditions)
        ),
        None,
    )


def read_condition(where: str, properties: Properties) -> Condition:
    """One entry of a ListenerRule's `Conditions`."""
    field = properties["Field"]
    config = properties.get(_CONFIGS.get(field, ""), {})
    if "RegexValues" in properties or "RegexValues" in config:
        raise not_played(where, "a condition of regular expressions", "use Values with * and ?")
    values = config.get("Values", properties.get("Values", ()))
    match field:
        case "path-pattern":
            return _any_of(values, lambda seen: [seen.path], ignore_case=False)
        case "host-header":
            return _any_of(values, lambda seen: [_without_port(seen.host)])
        case "http-request-method":
            methods = frozenset(values)
            return lambda seen: seen.method in methods
        case "http-header":
            name = config["HttpHeaderName"].lower()
            return _any_of(values, lambda seen: seen.headers.get(name, ()))
        case "query-string":
            return _query_condition(values)
        case "source-ip":
            networks = [ipaddress.ip_network(value) for value in values]
            return lambda seen: any(
                ipaddress.ip_address(seen.source_ip) in network for network in networks
            )
        case _:
            raise not_played(where, f"the condition {field}", "use one that the user guide lists")


_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def pattern(text: str, ignore_case: bool = True) -> re.Pattern[str]:
    """`*` stands for any characters, `?` for one; a backslash takes their meaning away."""
    parts = re.findall(r"\\[*?\\]|.", text, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _any_of(
    values: Iterable[str], read: Callable[[Seen], Sequence[str]], ignore_case: bool = True
) -> Condition:
    patterns = [pattern(value, ignore_case) for value in values]
    return lambda seen: any(p.fullmatch(text) for text in read(seen) for p in patterns)


def _query_condition(values: Iterable[Mapping[str, Any]]) -> Condition:
    """`{"Key"?, "Value"}`: without a key, any parameter's value may match."""
    pairs = [
        (pattern(value["Key"]) if "Key" in value else None, pattern(value["Value"]))
        for value in values
    ]
    return lambda seen: any(
        (key is None or key.fullmatch(name)) and value.fullmatch(text)
        for name, text in seen.query
        for key, value in pairs
    )


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", host)
