"""The settings of an Application Load Balancer and its listener, read from their attributes.

Source: "Edit attributes for your Application Load Balancer" and "HTTP header modification", user
guide of Application Load Balancers; LoadBalancerAttribute and ListenerAttribute, API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from emulator.balancer.properties import CROSS_ZONE, number_within, require_known, unsupported
from emulator.providers import EmulatorError

APPEND, PRESERVE, REMOVE = "append", "preserve", "remove"
DEFENSIVE, STRICTEST, MONITOR = "defensive", "strictest", "monitor"

_IDLE = "idle_timeout.timeout_seconds"
_KEEP_ALIVE = "client_keep_alive.seconds"
_DESYNC = "routing.http.desync_mitigation_mode"
_DROP_INVALID = "routing.http.drop_invalid_header_fields.enabled"
_PRESERVE_HOST = "routing.http.preserve_host_header.enabled"
_CLIENT_PORT = "routing.http.xff_client_port.enabled"
_FORWARDED_FOR = "routing.http.xff_header_processing.mode"
_WAF = "waf.fail_open.enabled"

# What acts on S3, on zones, on TLS or on HTTP/2 (which is for HTTPS listeners, on AWS too).
_WITHOUT_MEANING = {
    "access_logs.s3.bucket",
    "access_logs.s3.enabled",
    "access_logs.s3.prefix",
    "connection_logs.s3.bucket",
    "connection_logs.s3.enabled",
    "connection_logs.s3.prefix",
    "deletion_protection.enabled",
    "ipv6.deny_all_igw_traffic",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "routing.http2.enabled",
    "zonal_shift.config.enabled",
}
_KNOWN = _WITHOUT_MEANING | {
    _IDLE,
    _KEEP_ALIVE,
    _DESYNC,
    _DROP_INVALID,
    _PRESERVE_HOST,
    _CLIENT_PORT,
    _FORWARDED_FOR,
    CROSS_ZONE,
    _WAF,
}

_SERVER = "routing.http.response.server.enabled"
_ADDED = {
    f"routing.http.response.{name.lower().replace('-', '_')}.header_value": name
    for name in (
        "Strict-Transport-Security",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    )
}
_HEADER_VALUE = re.compile(r"[A-Za-z0-9_ :;.,\\/'?!(){}\[\]@<>=\-+*#&`|~^%]{1,1024}")


@dataclass(frozen=True)
class BalancerSettings:
    """Times in real seconds. `forwarded_for` is append, preserve or remove; `desync` defensive,
    strictest or monitor; `added_headers` (name, value) are set on every response."""

    idle_seconds: float = 60
    client_keep_alive_seconds: float = 3600
    forwarded_for: str = APPEND
    forwarded_client_port: bool = False
    preserve_host: bool = False
    drop_invalid_headers: bool = False
    desync: str = DEFENSIVE
    server_header: bool = True
    added_headers: tuple[tuple[str, str], ...] = ()


def read_settings(where: str, attributes: Mapping[str, str]) -> BalancerSettings:
    """From LoadBalancerAttributes. Raises EmulatorError for what isn't supported, and for what AWS
    rejects."""
    require_known(where, attributes, _KNOWN)
    desync = _one_of(where, attributes, _DESYNC, (DEFENSIVE, STRICTEST, MONITOR))
    if _flag(where, attributes, _WAF):
        raise unsupported(where, f"{_WAF} true, as AWS WAF is not", "leave it at false")
    if not _flag(where, attributes, CROSS_ZONE, default=True):
        raise EmulatorError(
            f"{where}: {CROSS_ZONE} is false: an Application Load Balancer's is always on: "
            "remove it or set it to true"
        )
    return BalancerSettings(
        idle_seconds=_seconds(where, attributes, _IDLE, 60, 1, 4000),
        client_keep_alive_seconds=_seconds(where, attributes, _KEEP_ALIVE, 3600, 60, 604_800),
        forwarded_for=_one_of(where, attributes, _FORWARDED_FOR, (APPEND, PRESERVE, REMOVE)),
        forwarded_client_port=_flag(where, attributes, _CLIENT_PORT),
        preserve_host=_flag(where, attributes, _PRESERVE_HOST),
        drop_invalid_headers=_flag(where, attributes, _DROP_INVALID),
        desync=desync,
    )


def with_listener_attributes(
    where: str, settings: BalancerSettings, attributes: Mapping[str, str]
) -> BalancerSettings:
    """`settings` and what a Listener's ListenerAttributes ask for. Raises EmulatorError as
    `read_settings` does; the headers of TLS and mutual TLS are among what isn't supported."""
    require_known(where, attributes, _ADDED.keys() | {_SERVER})
    added = []
    for key, name in _ADDED.items():
        value = attributes.get(key, "")
        if value and not _HEADER_VALUE.fullmatch(value):
            raise EmulatorError(
                f"{where}: {key} {value!r} is not a header value of at most 1024 letters, digits "
                "and the signs that the user guide lists: shorten it or leave the others out"
            )
        if value:  # an empty one reverts to the default: the response's own header stays
            added.append((name, value))
    return replace(
        settings,
        server_header=_flag(where, attributes, _SERVER, default=True),
        added_headers=tuple(added),
    )


def _flag(where: str, attributes: Mapping[str, str], name: str, default: bool = False) -> bool:
    values = ("true", "false") if default else ("false", "true")
    return _one_of(where, attributes, name, values) == "true"


def _one_of(where: str, attributes: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    """The first of `values` is the default."""
    value = attributes.get(name, values[0])
    if value not in values:
        raise EmulatorError(f"{where}: {name} {value!r} is none of {', '.join(values)}: use one")
    return value


def _seconds(
    where: str, attributes: Mapping[str, str], name: str, default: int, least: int, most: int
) -> float:
    return number_within(where, name, attributes.get(name, default), least, most, "seconds")
