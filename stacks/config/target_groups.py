"""Settings of target groups: stickiness, health checks, minimum healthy targets.

Limits: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/ under "Target groups",
and the Network Load Balancer's page of that name, which has the same limits for health checks.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from stacks.config.errors import require, require_between, require_one_of
from stacks.config.type_checks import require_types

StickinessKind = Literal["none", "group", "lb_cookie", "app_cookie"]
# RFC 6265 section 4.1.1: a cookie's name is a token, of RFC 2616's characters
COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 6265 section 6.1: of a cookie, browsers keep 4096 bytes with its name and value
LONGEST_COOKIE_NAME = 4_095
# AWSALB, AWSALBTG and AWSALBAPP-<n>, and each with CORS behind it
RESERVED_COOKIES = "AWSALB"
STICKY_SECONDS = 3_600


@dataclass(frozen=True, kw_only=True)
class Stickiness:
    """Whether a client's next request goes to the same pool or target.

    none: every request is balanced. group: to the same pool, any of its targets. lb_cookie: to the
    same target, by the balancer's own cookie (and so also to the same pool). app_cookie: to the
    same target, by a cookie that the application sets; only with a single pool. Seconds.
    """

    kind: StickinessKind = "none"
    duration: int = STICKY_SECONDS
    cookie_name: str = ""

    def __post_init__(self) -> None:
        path = "load_balancer.stickiness"
        require_types(self, f"{path}.")
        require(
            str(self.kind) != "source_ip",
            f"{path}.kind",
            self.kind,
            "a target group of an Application Load Balancer rejects source_ip, which is a Network "
            "Load Balancer's",
            "Set load_balancer.ip_hash to true for a Network Load Balancer that has it, or "
            f"{path}.kind to lb_cookie",
        )
        kinds = get_args(StickinessKind)
        require_one_of(kinds, f"{path}.kind", self.kind, ", ".join(kinds))
        require_between(
            1, 604_800, f"{path}.duration", self.duration, "a stickiness duration in seconds"
        )
        require(
            self.duration == STICKY_SECONDS or self.kind != "none",
            f"{path}.duration",
            self.duration,
            f"it is how long a client is kept, and {path}.kind is none",
            f"Set {path}.kind to group or lb_cookie, or {path}.duration to {STICKY_SECONDS}",
        )
        self._check_cookie(path)

    def _check_cookie(self, path: str) -> None:
        require(
            bool(self.cookie_name) == (self.kind == "app_cookie"),
            f"{path}.cookie_name",
            self.cookie_name,
            f"it is given with kind app_cookie and only then, and the kind is {self.kind}",
            f"Set both {path}.kind and {path}.cookie_name, or neither",
        )
        require(
            not self.cookie_name.startswith(RESERVED_COOKIES),
            f"{path}.cookie_name",
            self.cookie_name,
            "names that start with AWSALB are the load balancer's own",
            "Choose another cookie name",
        )
        require(
            not self.cookie_name
            or (
                bool(COOKIE_NAME.fullmatch(self.cookie_name))
                and len(self.cookie_name) <= LONGEST_COOKIE_NAME
            ),
            f"{path}.cookie_name",
            self.cookie_name,
            "a cookie's name has letters, digits and !#$%&'*+-.^_`|~ only, at most "
            f"{LONGEST_COOKIE_NAME} of them",
            "Choose another cookie name",
        )


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Of container pools only: for a Lambda pool each check would be an invocation.

    interval and timeout are in seconds. A target that hangs gets requests for up to
    interval x unhealthy_threshold.
    """

    path: str = "/api/health"
    interval: int = 15
    timeout: int = 5
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2

    def __post_init__(self) -> None:
        name = "load_balancer.health_check"
        require_types(self, f"{name}.")
        require(
            bool(re.fullmatch(r"/[!-~]{0,1023}", self.path)),
            f"{name}.path",
            self.path,
            "a path starts with a slash and has at most 1024 characters, none of them a space",
            f"Set {name}.path to a route that returns 200 without a token, as /api/health does",
        )
        require_between(5, 300, f"{name}.interval", self.interval, "an interval in seconds")
        require_between(2, 120, f"{name}.timeout", self.timeout, "a timeout in seconds")
        for threshold in ("healthy_threshold", "unhealthy_threshold"):
            require_between(2, 10, f"{name}.{threshold}", getattr(self, threshold), "a threshold")
        require(
            self.timeout < self.interval,
            f"{name}.timeout",
            self.timeout,
            f"it must be shorter than the interval, which is {self.interval} s",
            f"Lower {name}.timeout or raise {name}.interval",
        )


@dataclass(frozen=True, kw_only=True)
class MinimumHealthyTargets:
    """How many targets of a group have to be healthy for health checks to count.

    Below `count` targets or `percentage` of those registered, new ones among them, requests go to
    every target, healthy or not ("fail open"). Below the dns_failover thresholds the balancer's
    node is taken out of DNS; without a value they are the same as the others.
    """

    count: int = 1
    percentage: int | None = None
    dns_failover_count: int | None = None
    dns_failover_percentage: int | None = None

    def __post_init__(self) -> None:
        name = "load_balancer.minimum_healthy_targets"
        require_types(self, f"{name}.")
        require(
            self.count >= 1,
            f"{name}.count",
            self.count,
            "a target group needs at least one healthy target",
            f"Set {name}.count to 1 or more",
        )
        if self.percentage is not None:
            require_between(1, 100, f"{name}.percentage", self.percentage, "a percentage")
        # "the threshold for DNS failover must be greater than or equal to the threshold for
        # routing failover", Application Load Balancer guide, "Target group health"
        for kind, given in (
            ("count", self.dns_failover_count),
            ("percentage", self.dns_failover_percentage),
        ):
            routing = getattr(self, kind)
            require(
                given is None or routing is None or given >= routing,
                f"{name}.dns_failover_{kind}",
                given,
                f"a node leaves DNS before or when it sends to all targets, so this is not below "
                f"{name}.{kind}, which is {routing}",
                f"Raise it, lower {name}.{kind}, or set {name}.dns_failover_{kind} to none for "
                "the same",
            )
        if self.dns_failover_percentage is not None:
            percentage = self.dns_failover_percentage
            require_between(1, 100, f"{name}.dns_failover_percentage", percentage, "a percentage")

    @property
    def dns_count(self) -> int:
        return self.dns_failover_count or self.count

    @property
    def dns_percentage(self) -> int | None:
        return self.dns_failover_percentage or self.percentage
