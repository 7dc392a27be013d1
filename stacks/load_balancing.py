"""How the load balancer chooses a target, keeps it, and finds out that it is well.

Limits: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/ under "Target groups".
"""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from stacks.pools import ContainerPool, Pool
from stacks.refusal import require, require_between, require_one_of

Algorithm = Literal["round_robin", "least_outstanding_requests", "weighted_random"]
StickinessKind = Literal["none", "group", "lb_cookie", "app_cookie"]
CERTIFICATE_ARN = re.compile(r"arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/.+")


@dataclass(frozen=True, kw_only=True)
class Stickiness:
    """Whether a client comes back to where its last request went.

    none: every request is balanced. group: to the same pool, any of its targets. lb_cookie: to the
    same target, by the balancer's own cookie (and so also to the same pool). app_cookie: to the
    same target, by a cookie that the application sets; only with a single pool.
    """

    kind: StickinessKind = "none"
    duration: int = 3_600  # seconds
    cookie_name: str = ""

    def __post_init__(self) -> None:
        path = "load_balancer.stickiness"
        require_one_of(
            get_args(StickinessKind), f"{path}.kind", self.kind, ", ".join(get_args(StickinessKind))
        )
        require_between(
            1, 604_800, f"{path}.duration", self.duration, "a stickiness duration in seconds"
        )
        require(
            bool(self.cookie_name) == (self.kind == "app_cookie"),
            f"{path}.cookie_name",
            self.cookie_name,
            f"it is given with kind app_cookie and only then, and the kind is {self.kind}",
            f"Set both {path}.kind and {path}.cookie_name, or neither",
        )
        require(
            not self.cookie_name.startswith("AWSALB"),
            f"{path}.cookie_name",
            self.cookie_name,
            "names that start with AWSALB are the load balancer's own",
            "Choose another cookie name",
        )


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Of the container pools. A Lambda pool has none: a check would be an invocation each time."""

    path: str = "/api/health"
    interval: int = 15  # seconds
    timeout: int = 5  # seconds
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2

    def __post_init__(self) -> None:
        name = "load_balancer.health_check"
        require(
            self.path.startswith("/") and len(self.path) <= 1024,
            f"{name}.path",
            self.path,
            "a path starts with a slash and has at most 1024 characters",
            f"Set {name}.path to a route that answers 200 without a token, as /api/health does",
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
class LoadBalancer:
    """The Application Load Balancer in front of the pools.

    Durations are in seconds. slow_start is how long a new target's share grows, 0 for not at all.
    certificate_arn makes it listen on HTTPS and redirect HTTP; without one it serves HTTP, with a
    warning unless plain_http says that this is meant.
    """

    algorithm: Algorithm = "round_robin"
    slow_start: int = 0
    deregistration_delay: int = 30
    stickiness: Stickiness = field(default_factory=Stickiness)
    health_check: HealthCheck = field(default_factory=HealthCheck)
    idle_timeout: int = 60
    certificate_arn: str | None = None
    plain_http: bool = False
    access_logs: bool = False

    def __post_init__(self) -> None:
        name = "load_balancer"
        require_one_of(
            get_args(Algorithm), f"{name}.algorithm", self.algorithm, ", ".join(get_args(Algorithm))
        )
        require(
            self.slow_start == 0 or 30 <= self.slow_start <= 900,
            f"{name}.slow_start",
            self.slow_start,
            "a slow start takes between 30 and 900 seconds",
            f"Set {name}.slow_start to a value in that range, or to 0 for none",
        )
        require(
            not self.slow_start or self.algorithm == "round_robin",
            f"{name}.slow_start",
            self.slow_start,
            f"slow start works with round_robin only, and {name}.algorithm is {self.algorithm}",
            f"Set {name}.slow_start to 0 or {name}.algorithm to round_robin",
        )
        delay = self.deregistration_delay
        require_between(0, 3_600, f"{name}.deregistration_delay", delay, "a delay in seconds")
        require_between(1, 4_000, f"{name}.idle_timeout", self.idle_timeout, "a timeout in seconds")
        require(
            self.certificate_arn is None or bool(CERTIFICATE_ARN.fullmatch(self.certificate_arn)),
            f"{name}.certificate_arn",
            self.certificate_arn,
            "it is the ARN of a certificate in AWS Certificate Manager, "
            "arn:aws:acm:<region>:<account>:certificate/<id>",
            f"Set {name}.certificate_arn to such an ARN, or to none for HTTP",
        )
        require(
            not (self.plain_http and self.certificate_arn),
            f"{name}.plain_http",
            self.plain_http,
            "with a certificate HTTP only redirects to HTTPS",
            f"Set {name}.plain_http to false, or {name}.certificate_arn to none",
        )


def check_together(balancer: LoadBalancer, pools: tuple[Pool, ...]) -> None:
    """The rules that need both: what the pools are decides what the balancer can do."""
    require(
        1 <= len(pools) <= 5,
        "pools",
        f"{len(pools)} pools",
        "a load balancer forwards to at least 1 and at most 5 target groups",
        "Keep between 1 and 5 pools",
    )
    names = [pool.name for pool in pools]
    require(
        len(set(names)) == len(names),
        "pools",
        ", ".join(names),
        "a pool's name is what x-served-by and the override paths call it, so it occurs once",
        "Rename or remove the pool that occurs twice",
    )
    require(
        any(pool.weight for pool in pools),
        "pools",
        "weight 0 everywhere",
        "a forward needs a target group that gets requests",
        "Give a pool a weight of 1 or more",
    )
    require(
        balancer.stickiness.kind != "app_cookie" or len(pools) == 1,
        "load_balancer.stickiness.kind",
        balancer.stickiness.kind,
        f"app_cookie does not work when requests are forwarded by weight, to {len(pools)} pools",
        "Set load_balancer.stickiness.kind to lb_cookie, or keep a single container pool",
    )
    require(
        balancer.stickiness.kind != "group" or len(pools) > 1,
        "load_balancer.stickiness.kind",
        balancer.stickiness.kind,
        "it keeps a client with its pool, and there is only one",
        "Set load_balancer.stickiness.kind to none or lb_cookie, or add a pool",
    )
    if not any(isinstance(pool, ContainerPool) for pool in pools):
        _check_lambda_only(balancer)


def _check_lambda_only(balancer: LoadBalancer) -> None:
    """A Lambda target group has no algorithm, no slow start and no sticky targets."""
    default = LoadBalancer()
    kind = balancer.stickiness.kind
    ignored = {
        "algorithm": (balancer.algorithm, default.algorithm),
        "slow_start": (balancer.slow_start, default.slow_start),
        "stickiness.kind": ("none" if kind == "group" else kind, "none"),
    }
    for name, (value, neutral) in ignored.items():
        require(
            value == neutral,
            f"load_balancer.{name}",
            value,
            "the only pool is the Lambda pool, whose target group has no such attribute",
            f"Set load_balancer.{name} to {neutral}, or add a container pool",
        )
