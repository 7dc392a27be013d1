"""Listener rules: which one a request takes.

Source: "Condition types for listener rules" and "Quotas", user guide of Application Load
Balancers; RuleCondition and what it refers to in the API reference.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from emulator.balancer.listener import condition_limits
from emulator.balancer.listener.actions import Action
from emulator.balancer.messages.head import query_pairs
from emulator.balancer.properties import Properties, unsupported
from emulator.providers import EmulatorError


class Seen(NamedTuple):
    """What rules look at. `path` and `query` are as on the wire, not decoded; header names are
    lower case; `source_ip` is the connection's address, whatever X-Forwarded-For says."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]
    source_ip: str


Condition = Callable[[Seen], bool]


class Rule(NamedTuple):
    """All conditions have to hold; the listener's default action is a rule without any.

    `hosts` are the names that its host-header conditions ask for.
    """

    priority: int
    conditions: tuple[Condition, ...]
    action: Action
    hosts: tuple[re.Pattern[str], ...] = ()


def first_match(rules: Iterable[Rule], seen: Seen) -> Rule | None:
    """The matching rule of the lowest priority; `rules` may stand in any order."""
    found: Rule | None = None
    for rule in rules:  # loops rather than sorted and all: this is in the way of every request
        if found is not None and found.priority < rule.priority:
            continue
        for condition in rule.conditions:
            if not condition(seen):
                break
        else:
            found = rule
    return found


def read_conditions(where: str, conditions: Sequence[Properties]) -> tuple[Condition, ...]:
    """A ListenerRule's `Conditions`. Raises EmulatorError for what isn't supported, and for what
    AWS rejects."""
    read = tuple(read_condition(where, condition) for condition in conditions)
    condition_limits.check_counts(
        where, [(each["Field"], _values(each), _texts(each)) for each in conditions]
    )
    return read


def read_hosts(conditions: Iterable[Properties]) -> tuple[re.Pattern[str], ...]:
    """The names in a ListenerRule's host-header conditions."""
    asked = [each for each in conditions if each["Field"] == "host-header"]
    return tuple(pattern(value) for each in asked for value in _values(each))


def read_condition(where: str, properties: Properties) -> Condition:
    """One entry of a ListenerRule's `Conditions`."""
    field = properties["Field"]
    config = _config(properties)
    if properties.get("RegexValues") or config.get("RegexValues"):
        # The guide says neither which letters' case counts nor whether the whole has to match.
        raise unsupported(where, "a condition of regular expressions", "use Values with * and ?")
    values = _values(properties)
    if not values:
        raise EmulatorError(f"{where}: the condition {field} has no values: give it one")
    condition_limits.check_lengths(where, field, _texts(properties))
    match field:
        case "path-pattern":
            paths = condition_limits.paths(where, values)
            return _any_of(paths, lambda seen: [normalized(seen.path)], ignore_case=False)
        case "host-header":
            return _any_of(
                condition_limits.hosts(where, values), lambda seen: [_without_port(seen.host)]
            )
        case "http-request-method":
            methods = frozenset(condition_limits.methods(where, values))
            return lambda seen: seen.method in methods
        case "http-header":
            name = condition_limits.header_name(where, config.get("HttpHeaderName", ""))
            return _any_of(values, lambda seen: seen.headers.get(name, ()))
        case "query-string":
            return _query_condition(values)
        case "source-ip":
            return _source_condition(where, values)
        case _:
            raise unsupported(where, f"the condition {field}", "use one that the user guide lists")


def _config(properties: Properties) -> Properties:
    config: Properties = properties.get(_CONFIGS.get(properties["Field"], ""), {})
    return config


def _values(properties: Properties) -> Sequence[Any]:
    values: Sequence[Any] = _config(properties).get("Values") or properties.get("Values") or ()
    return values


def _texts(properties: Properties) -> list[str]:
    """The values' strings: of a query string its keys and values, where they are given."""
    return [
        text
        for value in _values(properties)
        for text in (value.values() if isinstance(value, Mapping) else [value])
    ]


def _source_condition(where: str, values: Sequence[str]) -> Condition:
    if "255.255.255.255/32" in values:
        raise EmulatorError(f"{where}: source-ip: 255.255.255.255/32 is no condition: remove it")
    try:
        if alone := [value for value in values if "/" not in value]:
            raise ValueError(f"{alone[0]!r} has no length of its prefix")
        networks = [ipaddress.ip_network(value) for value in values]
    except ValueError as error:
        raise EmulatorError(
            f"{where}: source-ip: {error}: write it in CIDR form, such as 192.0.2.0/24"
        ) from error

    def holds(seen: Seen) -> bool:
        address = ipaddress.ip_address(seen.source_ip)
        return any(address in network for network in networks)

    return holds


_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def pattern(text: str, ignore_case: bool = True) -> re.Pattern[str]:
    """`*` stands for any characters, `?` for one; a backslash takes their meaning away. Hosts,
    headers and query strings are compared without regard to case, paths with it."""
    parts = re.findall(r"\\[*?\\]|.", text, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


@functools.lru_cache(1024)
def normalized(path: str) -> str:
    """A path as path patterns see it: "The rule evaluation is performed only after URI
    normalization occurs" (the guide), which RFC 3986 section 6.2.2 defines. The target gets it as
    it came."""
    if "%" not in path and "/." not in path:
        return path
    root, *rest = _ESCAPED.sub(_normalized_octet, path).split("/")
    segments: list[str] = []
    for segment in rest:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if rest[-1:] in (["."], [".."]):  # the directory itself
        segments.append("")
    return "/".join([root, *segments])


def _normalized_octet(escaped: re.Match[str]) -> str:
    character = chr(int(escaped[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escaped[0].upper()


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
        for name, text in query_pairs(seen.query)
        for key, value in pairs
    )


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host)
