"""Wrong and valid values of the settings of pools and load balancers."""

from tests.stacks.complete import ACCOUNT, CERTIFICATE, REGION
from tests.stacks.setting_kinds import (
    IN_REGION,
    LONG,
    NAMES,
    Values,
    arn_of,
    flag,
    number,
    one_of,
    text,
)

BALANCER, CHECK = "load_balancer", "load_balancer.health_check"
MINIMUM = "load_balancer.minimum_healthy_targets"


def certificate() -> Values:
    here = {**IN_REGION, f"{BALANCER}.plain_http": False}
    values = arn_of(
        CERTIFICATE,
        service="acm",
        others=(
            CERTIFICATE.replace(ACCOUNT, "210987654321"),
            f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1b2c",
            f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/*",
        ),
    )
    plain = {f"{BALANCER}.plain_http": True}
    right = ((CERTIFICATE, here), ("none", plain), (None, plain))
    return Values(values.wrong_texts, values.wrong_values, right, here)


BALANCING: dict[str, Values] = {
    "pools.lambda.weight": number(0, 999),
    "pools.small.name": Values((*NAMES, "x" * 33, "Large", "lambda"), (), ("x", "x" * 32, "a-1")),
    "pools.small.cpu": one_of(
        256,
        *((cpu, {"pools.small.memory": cpu * 4}) for cpu in (512, 1024, 2048, 4096, 8192)),
        (16384, {"pools.small.memory": 122880}),
        wrong=(0, -256, 255, 257, 300, 768, 32768, 10**19),
    ),
    "pools.small.memory": one_of(
        *(512, 1024, 2048, "2048"), wrong=(0, -512, 511, 513, 1000, 1536, 3072, 4096, 10**19)
    ),
    "pools.small.weight": number(0, 999),
    "pools.small.min": number(1, 5_000, with_={"pools.small.max": 5_000}),
    "pools.small.max": number(2, 5_000),  # dev has a min of 2
    "pools.small.requests_per_target": number(1, 1_000_000),
    "pools.small.cpu_target": number(1, 99, optional=True),
    "pools.small.scale_out_cooldown": number(0, 3_600),
    "pools.small.scale_in_cooldown": number(0, 3_600),
    "pools.small.stop_timeout": number(6, 120),
    f"{BALANCER}.algorithm": text(
        (
            "",
            "none",
            "fastest",
            "source_ip",
            "Round_Robin",
            "round-robin",
            "round_robin\n",
            LONG,
            "roundrobin",
            "least",
            "weighted",
            "random",
        ),
        (
            *("round_robin", "least_outstanding_requests", "weighted_random"),
            *("least_connections", "weighted_round_robin", "ip_hash"),
        ),
    ),
    f"{BALANCER}.anomaly_mitigation": flag(
        False, (True, {f"{BALANCER}.algorithm": "weighted_random"})
    ),
    f"{BALANCER}.slow_start": one_of(
        *(0, 30, 900, "900"), wrong=(-1, 1, 29, 901, -30, 3_600, 10**19, -(10**19))
    ),
    f"{BALANCER}.deregistration_delay": number(0, 3_600),
    f"{BALANCER}.stickiness.kind": text(
        (
            "",
            "none ",
            "source_ip",
            "sticky",
            "LB_COOKIE",
            "lb-cookie",
            "cookie",
            "group\n",
            LONG,
            "pool",
            "target",
            "session",
        ),
        ("none", "group", "lb_cookie"),
    ),
    f"{BALANCER}.stickiness.duration": number(
        1, 604_800, with_={f"{BALANCER}.stickiness.kind": "lb_cookie"}
    ),
    f"{BALANCER}.stickiness.cookie_name": text(
        (
            "",
            "a b",
            "a;b",
            "a=b",
            "a,b",
            "a\n",
            "\u00e4",
            '"a"',
            "AWSALB",
            "AWSALBAPP-0",
            LONG,
            "AWSALBTG",
            "a@b",
        ),
        (("", {f"{BALANCER}.stickiness.kind": "none"}),),
        with_={f"{BALANCER}.stickiness.kind": "app_cookie"},
    ),
    f"{CHECK}.path": text(
        (
            "",
            "x",
            "api/health",
            "http://x/",
            " /",
            "/a b",
            "/\n",
            "/\u00e4",
            "/\x00",
            f"/{LONG}",
            "\\",
            "?x=/",
            "/" + "a" * 1_024,
        ),
        ("/", "/" + "a" * 1_023, "/api/health?deep=1"),
    ),
    f"{CHECK}.interval": number(5, 300, with_={f"{CHECK}.timeout": 2}),
    f"{CHECK}.timeout": number(2, 120, with_={f"{CHECK}.interval": 300}),
    f"{CHECK}.healthy_threshold": number(2, 10),
    f"{CHECK}.unhealthy_threshold": number(2, 10),
    f"{MINIMUM}.count": number(1, 4),  # dev's pool has at most 4 targets
    f"{MINIMUM}.percentage": number(1, 100, optional=True),
    f"{MINIMUM}.dns_failover_count": number(1, 4, optional=True),
    f"{MINIMUM}.dns_failover_percentage": number(1, 100, optional=True),
    f"{BALANCER}.ip_hash": flag(),
    f"{BALANCER}.ip_hash_pool": text(
        (
            "",
            "lambda",
            "big",
            "Small",
            "small ",
            "small\n",
            "small,small",
            "pools.small",
            "0",
            LONG,
        ),
        (("small", {f"{BALANCER}.ip_hash": True}),),
        optional=True,
        with_={f"{BALANCER}.ip_hash": True},
    ),
    f"{BALANCER}.idle_timeout": number(1, 4_000),
    f"{BALANCER}.certificate_arn": certificate(),
    f"{BALANCER}.domain_name": text(
        (
            *("", "api", "https://api.example.com", "api.example.com:443", "*.example.com", "1.2"),
            *("api..example.com", "-api.example.com", "api-.example.com", "API.example.com"),
            *("192.0.2.1", "api.example.com\n", "b\u00fccher.example", "api.example.com.", LONG),
            f"{'a' * 64}.example.com",
        ),
        ("example.com", f"{'a' * 63}.example.com", "a-1.xn--bcher-kva.example.xn--p1ai"),
        optional=True,
    ),
    f"{BALANCER}.plain_http": flag(
        True, (False, {f"{BALANCER}.certificate_arn": CERTIFICATE}), "true"
    ),
    f"{BALANCER}.access_logs": flag(),
}
