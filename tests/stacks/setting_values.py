"""Wrong values of every setting, and valid values at its limits.

`wrong_texts` come from the command line, `wrong_values` from cdk.json with their type. `with_` is
what else the context has to say for the setting to be looked at, or to make sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from stacks.config.functions import FUNCTIONS, setting_name
from stacks.config.releases import Shifting
from tests.stacks.complete import ACCOUNT, CERTIFICATE, REGION

LONG = "a" * 5_000
UUID = "1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:push/fcm-a1B2c3"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{UUID}"
BALANCER, CHECK = "load_balancer", "load_balancer.health_check"
MINIMUM = "load_balancer.minimum_healthy_targets"
IN_REGION = {"region": REGION, "account": ACCOUNT}
RETAINED = {"retain": True, **IN_REGION}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"
CHATS = "chats-restored"
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{CHATS}/stream/2026-11-29T17:00:00.000"
TABLE_NAMES = (
    *("", " ", "ab", "a b", "a/b", "a:b", "\u00e4bc", "abc\n", " abc", "a#b", "${abc}", "x" * 256),
    LONG,
)
VERSIONS = {"releases.shifting": "all_at_once"}
IN_ZONE = {"zone.id": "Z0123456789ABCDEFGHIJ", "zone.domain": "example.com"}
# what CloudFront needs behind it
BEHIND = {
    **IN_ZONE,
    "load_balancer.domain_name": "api.example.com",
    "load_balancer.plain_http": False,
}
CLOUDFRONT_CERTIFICATE = CERTIFICATE.replace(REGION, "us-east-1")
WEB_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/chat/{UUID}"
NO_ZONE = {"zone.id": None, "zone.domain": None}


@dataclass(frozen=True)
class Values:
    wrong_texts: tuple[str, ...]
    wrong_values: tuple[Any, ...]
    # a value, or a value and the settings that go with it
    right: tuple[Any, ...]
    with_: Mapping[str, Any] = field(default_factory=dict)


def number(low: int, high: int, *right: Any, optional: bool = False, **more: Any) -> Values:
    """Whole numbers from `low` to `high`."""
    beyond = (low - 1, high + 1, -7, 10**19, -(10**30))
    nothing = () if optional else (None,)
    return Values(
        (
            *map(str, beyond),
            *("", " ", "a week", "1.5", "1e3", "0x10", f"{low + 1}\n", f" {low + 1}", "1__0", "_1"),
            "\u0663",  # a digit, in Arabic
            "NaN",
            "1" * 5_000,
        ),
        (*beyond, *nothing, True, False, 1.5, float(low), [low], {"x": low}, {}),
        (low, high, str(low), str(high), *(("none", None) if optional else ()), *right),
        **more,
    )


def one_of(*right: Any, wrong: tuple[Any, ...], optional: bool = False, **more: Any) -> Values:
    """Whole numbers that are in a list."""
    values = number(1, 2, optional=optional)
    wrong_values = tuple(each for each in values.wrong_values if type(each) is not int)
    texts = tuple(each for each in values.wrong_texts if each.strip("-1234567890"))
    return Values((*map(str, wrong), *texts), (*wrong, *wrong_values), right, **more)


def flag(*right: Any, **more: Any) -> Values:
    return Values(
        ("", "yes", "no", "on", "1", "0", "none", "tru", "true ", "true\n", "tr\u0443e", LONG),
        (1, 0, 1.0, None, [True], {"x": True}, [], 10**30),
        right or (True, False, "true", "False", "TRUE"),
        **more,
    )


def text(wrong: tuple[str, ...], right: tuple[Any, ...], **more: Any) -> Values:
    """`optional` texts take none, others do not."""
    optional = more.pop("optional", False)
    nothing = () if optional else (None,)
    return Values(
        wrong,
        (*wrong, 5, -1, 1.5, True, ["x"], {"x": "y"}, [], *nothing),
        (*right, *(("none", None, "None") if optional else ())),
        **more,
    )


def arn_of(right: str, *more_right: str, service: str, others: tuple[str, ...]) -> Values:
    """An ARN of the region and account of IN_REGION."""
    foreign = (
        right.replace(REGION, "eu-west-2"),
        right.replace("arn:aws:", "arn:aws-cn:"),
        right.replace("arn:aws:", "arn::"),
        right.replace(REGION, "moon-1"),
        right.replace(REGION, ""),
        right.replace(ACCOUNT, "12345"),
        right.replace(ACCOUNT, "\u0661" * 12),
        right.replace(f":{service}:", ":iam:"),
        right.upper(),
        f"{right}\n",
        f" {right}",
        f"{right}:1",
        right[:-1],
        f"{right},{right}",
        f"{right}{LONG}",
    )
    return text(
        ("", "x", "arn", ":::::", *foreign, *others),
        ((right, IN_REGION), *((each, IN_REGION) for each in more_right)),
        optional=True,
        with_=IN_REGION,
    )


def secret() -> Values:
    return arn_of(
        SECRET,
        f"{SECRET[:-7]}/_+=.@-ABCDEF",
        service="secretsmanager",
        others=(
            SECRET.replace(ACCOUNT, "210987654321"),
            SECRET[:-7],
            SECRET.replace("push/", "push "),
            SECRET.replace(":secret:", ":parameter:"),
        ),
    )


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


def domain() -> Values:
    """The WebSocket API's, with a certificate that is made in the zone of all names."""
    names = (
        "ws.example.com",
        "example.com",
        f"{'a' * 52}.example.com",
        "a-1.xn--bcher-kva.example.com",
    )
    values = text(
        (
            *("", "ws", "wss://ws.example.com", "ws.example.com:443", "*.example.com", "1.2"),
            *("ws..example.com", "-ws.example.com", "ws-.example.com", "WS.example.com"),
            *("192.0.2.1", "ws.example.com\n", "b\u00fccher.example.com", "ws.example.com.", LONG),
            *(f"{'a' * 53}.example.com", "ws.example.net", "badexample.com"),
        ),
        names,
        optional=True,
        with_=IN_ZONE,
    )
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (*names, *((none, NO_ZONE) for none in ("none", None))),
        IN_ZONE,
    )


def zone(wrong: tuple[str, ...], right: str, other: tuple[Any, Mapping[str, Any]]) -> Values:
    values = text(wrong, (), optional=True)
    given = {**IN_ZONE, "websocket.domain_name": "ws.example.com"}
    none = {**NO_ZONE, "websocket.domain_name": None}
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (right, other, ("none", none), (None, none)),
        given,
    )


def before_cloudfront(wrong: tuple[str, ...], right: str, beside: Mapping[str, Any]) -> Values:
    """What a distribution may have, beside what it needs with it."""
    values = text(wrong, (), optional=True)
    there = {**BEHIND, "cloudfront.enabled": True}
    alone = {**there, **dict.fromkeys(beside)}
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (right, ("none", alone), (None, alone)),
        {**there, **beside},
    )


def websocket_certificate() -> Values:
    here = {**IN_REGION, "websocket.domain_name": "ws.example.com"}
    values = certificate()
    none = {"websocket.domain_name": None}
    right = ((CERTIFICATE, here), ("none", none), (None, none))
    return Values(values.wrong_texts, values.wrong_values, right, here)


def key() -> Values:
    """Of secrets of one's own, and possibly of another account."""
    beside = {**IN_REGION, "push.fcm_secret_arn": SECRET}
    values = arn_of(
        KEY,
        service="kms",
        others=(KEY.replace("key/", "alias/"), "alias/mine", UUID, KEY.replace("-", "")),
    )
    right = (
        KEY,
        KEY.replace(ACCOUNT, "210987654321"),
        KEY.replace(UUID, f"mrk-{UUID.replace('-', '')}"),
        "none",
        None,
    )
    return Values(values.wrong_texts, values.wrong_values, right, beside)


def _stream() -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Wrong ones: of another table, region or account, or of another form."""
    wrong = (
        *("", "x", "arn", ":::::", STREAM[:-30], STREAM.partition("/stream")[0], f"{STREAM} "),
        STREAM.replace(CHATS, "other"),
        STREAM.replace(REGION, "eu-west-2"),
        STREAM.replace(REGION, "moon-1"),
        STREAM.replace(ACCOUNT, "210987654321"),
        STREAM.replace(":dynamodb:", ":kinesis:"),
        STREAM.upper(),
        f"{STREAM}{LONG}",
    )
    return wrong, (*wrong, 5, -1, 1.5, True, ["x"], {"x": "y"}, [])


NAMES = (
    *("", " ", "-x", "x-", "-", "1x", "a_b", "a.b", "a b", "a\n", "\u00e4b", "a/b", "a:b", "${x}"),
    LONG,
)
ZONES = [f"{REGION}{letter}" for letter in "abcd"]
VPC = "vpc-0123456789abcdef0"
SUBNETS = [f"subnet-0123456789abcdef{number}" for number in range(4)]
IN_VPC = {
    **IN_REGION,
    "availability_zones": ",".join(ZONES[:2]),
    "vpc.id": VPC,
    "vpc.public_subnets": ",".join(SUBNETS[:2]),
}


def subnets(standard: str) -> Values:
    """One in each zone of IN_VPC."""
    one, two, three, _ = SUBNETS
    wrong = (
        *(one, f"{one},{one}", f"{one},{two},{three}", "subnet-", "x,y", f"{one},subnet-1234567g"),
        *(f"{one},{VPC}", f"{one};{two}", f"{one.upper()},{two}", f"{one} {two}", f"{one},{two},"),
    )
    typed = (5, True, 1.5, None, {"x": "y"}, [1, 2], [[one, two]], [""], [one], [one, None])
    return Values(
        wrong,
        typed,
        ((f"{two},{three}", IN_VPC), ([two, three], IN_VPC), (standard, IN_VPC)),
        IN_VPC,
    )


# field -> its values
VALUES: dict[str, Values] = {
    "name": Values((*NAMES, "x" * 24), (), ("x", "Perf-2", "x" * 13)),
    "project": text(
        (*NAMES, "Switch_board", "aws", "AWS", "x" * 22, "a" * 100),
        ("x", "chat", "My-Chat2", "x" * 21, "a--b"),
    ),
    "account": text(
        (
            "",
            "12345",
            "1234567890123",
            "12345678901a",
            "1234-5678-9012",
            "\u0661" * 12,
            LONG,
            f"{ACCOUNT}\n",
            f" {ACCOUNT}",
            "-12345678901",
            "0x1234567890",
        ),
        (ACCOUNT, "000000000001"),
        optional=True,
    ),
    "region": text(
        (
            "",
            "moon-1",
            "eu-west",
            "eu-west-1a",
            "EU-WEST-1",
            "eu-west-1\n",
            "eu west 1",
            LONG,
            "cn-north-1",
            "cn-northwest-1",
            "us-iso-east-1",
            "eu-west-\u0661",
            "Ireland",
            "aws",
        ),
        ("eu-west-1", "us-east-1", "us-gov-west-1", "ap-southeast-7"),
        optional=True,
    ),
    "availability_zones": Values(
        (
            *("", ",", ZONES[0], "a,b", "eu-west-1,eu-west-1", f"{ZONES[0]},{ZONES[0]}"),
            f"{ZONES[0]},eu-west-2a",
            f"{ZONES[0]},,{ZONES[1]}",
            f"{ZONES[0]},eu-west-1-lhr-1a",
            f"{ZONES[0]},eu-west-1B",
            f"{ZONES[0]},euw1-az1",
            ",".join([*ZONES, "eu-west-1e"]),
            ",".join([*ZONES, ZONES[0]]),
            LONG,
        ),
        (
            *(5, True, 1.5, None, {"x": "y"}, [1, 2], [ZONES], [ZONES[0], None], [""], [ZONES[0]]),
            [ZONES[0], ZONES[0]],
            [ZONES[0], f"{ZONES[1]}\n"],
            [*ZONES, "eu-west-1e"],
        ),
        (
            *((zones, IN_REGION) for zones in (ZONES, ZONES[:2], ", ".join(ZONES), "none", [])),
            ("us-west-1a,us-west-1c", {"region": "us-west-1"}),
        ),
        IN_REGION,
    ),
    "network.cidr": text(
        (
            *("", "10.0.0.0", "10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/16", "8.8.8.0/24", "::/16"),
            *("10.0.0.0/255.255.0.0", "10.0.0.0/016", "10.0/16", "010.0.0.0/16", "10.0.0.0/16\n"),
            *("172.32.0.0/16", "192.169.0.0/16", "100.128.0.0/16", "127.0.0.0/16", "0.0.0.0/16"),
            "\u0661\u0660.0.0.0/16",
            "10.0.0.0/16,10.1.0.0/16",
            LONG,
        ),
        ("10.255.0.0/16", "172.31.255.0/24", "192.168.0.0/16", "100.64.0.0/24", "100.127.0.0/16"),
    ),
    "network.nat_gateways": number(0, 2, (4, {**IN_REGION, "availability_zones": ",".join(ZONES)})),
    "network.flow_logs": flag(),
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
    "websocket.plane": text(
        (
            *("", "none", "lambda", "Containers", "api-gateway", "apigateway", "container"),
            *("containers\n", " containers", LONG, "ecs"),
        ),
        ("api_gateway", "containers"),
    ),
    "websocket.tasks.cpu": one_of(
        *((cpu, {"websocket.tasks.memory": cpu * 4}) for cpu in (256, 512, 1024, 2048)),
        wrong=(0, -256, 255, 257, 300, 768, 32768, 10**19),
    ),
    "websocket.tasks.memory": one_of(
        *(1024, 2048, 4096, "2048"), wrong=(0, -512, 511, 512, 513, 1000, 1536, 8192, 10**19)
    ),
    "websocket.tasks.min": number(1, 5_000, with_={"websocket.tasks.max": 5_000}),
    "websocket.tasks.max": number(2, 5_000),
    "websocket.tasks.connections": number(10, 50_000, with_={"websocket.tasks.memory": 4096}),
    "websocket.tasks.cpu_target": number(1, 99),
    "websocket.tasks.drain": number(10, 3_585),
    "websocket.tasks.stop_timeout": number(6, 120),
    "websocket.rate_limit": number(1, 10_000),
    "websocket.burst_limit": number(1, 5_000),
    "websocket.access_logs": flag(),
    "websocket.account_log_role": flag(),
    "websocket.reconnect_window": number(0, 600),
    "websocket.domain_name": domain(),
    "websocket.certificate_arn": websocket_certificate(),
    "cloudfront.enabled": flag(
        *((each, BEHIND) for each in (True, "true", "TRUE")), False, "false", with_=BEHIND
    ),
    "cloudfront.domain_name": before_cloudfront(
        (
            *("", "chat", "https://chat.example.com", "chat.example.com:443", "*.example.com"),
            *("chat..example.com", "-chat.example.com", "CHAT.example.com", "192.0.2.1", LONG),
            *("chat.example.net", "api.example.com"),
        ),
        "chat.example.com",
        {"cloudfront.certificate_arn": CLOUDFRONT_CERTIFICATE},
    ),
    "cloudfront.certificate_arn": before_cloudfront(
        (
            *("", "x", "arn", ":::::", CERTIFICATE, CLOUDFRONT_CERTIFICATE.upper(), LONG),
            *(CLOUDFRONT_CERTIFICATE[:-1], f"{CLOUDFRONT_CERTIFICATE}\n", f" {CERTIFICATE}"),
            CLOUDFRONT_CERTIFICATE.replace(":acm:", ":iam:"),
        ),
        CLOUDFRONT_CERTIFICATE,
        {"cloudfront.domain_name": "chat.example.com"},
    ),
    "cloudfront.web_acl_arn": before_cloudfront(
        (
            *("", "x", "arn", ":::::", WEB_ACL.upper(), WEB_ACL[:-1], f"{WEB_ACL}\n", LONG),
            *(WEB_ACL.replace("global", "regional"), WEB_ACL.replace("us-east-1", "eu-west-1")),
        ),
        WEB_ACL,
        {},
    ),
    "cloudfront.secret_version": number(1, 10_000),
    "zone.id": zone(
        (
            *("", "Z", "z0123456789abc", "/hostedzone/Z0123456789ABC", "Z012-3", "Z 1", "Z1\n"),
            *("0Z1", f"Z{'A' * 32}", "example.com", LONG),
        ),
        "Z1",
        (f"Z{'A' * 31}", {}),
    ),
    "zone.domain": zone(
        (
            *("", "com", "example.com.", "Example.com", "*.example.com", "https://example.com"),
            *("example..com", "-example.com", "192.0.2.1", "example.com\n", LONG),
        ),
        "example.com",
        ("ws.example.com", {}),
    ),
    "files.max_mib": number(1, 1_024, with_={"files.mib_per_day": 2_048}),
    "files.per_day": number(1, 100_000),
    "files.mib_per_day": number(1, 1_048_576, with_={"files.max_mib": 1}),
    **{
        f"functions.{setting_name(name)}.{setting}": values
        for name in FUNCTIONS
        for setting, values in {
            "memory": number(128, 10_240),
            "reserved_concurrency": number(1, 900, optional=True),
            "provisioned_concurrency": (
                number(1, 900, optional=True, with_=VERSIONS)
                if FUNCTIONS[name].versioned
                else one_of("none", None, wrong=(1, 0, -1, 900), optional=True, with_=VERSIONS)
            ),
        }.items()
    },
    "releases.shifting": text(
        (
            *("", "canary", "linear", "LambdaCanary10Percent5Minutes", "all-at-once", "AllAtOnce"),
            *("canary_10_percent_5_minutes ", "canary_20_percent_5_minutes", "All_At_Once", "0"),
            LONG,
        ),
        get_args(Shifting),
        optional=True,
    ),
    "releases.task_alarms": flag(),
    "restored.users": text(
        TABLE_NAMES, ("abc", "users-restored.2026_11", "x" * 255), optional=True
    ),
    "restored.chats": Values(
        TABLE_NAMES,
        (*TABLE_NAMES, 5, -1, 1.5, True, ["x"], {"x": "y"}, []),
        (
            (CHATS, {"restored.chats_stream": STREAM}),
            ("none", {"restored.chats_stream": "none"}),
            (None, {"restored.chats_stream": None}),
        ),
        {**IN_REGION, "restored.chats_stream": STREAM},
    ),
    "restored.chats_stream": Values(
        *_stream(),
        (
            (STREAM, {"restored.chats": CHATS}),
            ("none", {"restored.chats": "none"}),
            (None, {"restored.chats": None}),
        ),
        {**IN_REGION, "restored.chats": CHATS},
    ),
    "vpc.id": text(
        (
            *("", "vpc", "vpc-", "vpc-1234567", "vpc-123456789", "vpc-1234567g", "VPC-12345678"),
            *("subnet-12345678", f"{VPC}\n", f" {VPC}", f"{VPC}0", LONG),
        ),
        ((VPC, IN_VPC), ("vpc-12345678", IN_VPC)),
        optional=True,
    ),
    "vpc.public_subnets": subnets(IN_VPC["vpc.public_subnets"]),
    "vpc.private_subnets": subnets("none"),
    "tokens.access_minutes": number(5, 1_440),
    "tokens.refresh_days": number(1, 3_650),
    "guard_rails.permission_boundary": text(
        (
            *(
                "",
                "x",
                "arn:aws:iam::aws:policy/AdministratorAccess",
                f"{BOUNDARY}\n",
            ),
            BOUNDARY.replace(ACCOUNT, "210987654321"),
            BOUNDARY.replace(ACCOUNT, "1234"),
            BOUNDARY.replace(":policy/", ":role/"),
            BOUNDARY.replace(":iam:", ":sts:"),
            f"{BOUNDARY}*",
            f"{BOUNDARY}{LONG}",
        ),
        ((BOUNDARY, IN_REGION), (BOUNDARY.replace("team", "team/a+b"), IN_REGION)),
        optional=True,
        with_=IN_REGION,
    ),
    "guard_rails.tags": Values(
        (
            *("x", "=x", "aws:x=y", "AWS:x=y", "project=x", "environment=x", "pool=x", "a\n=b"),
            *("a=1,a=2", "a=<b>", f"{'x' * 129}=y", f"x={'y' * 257}", "\u00e4\u0000=b"),
        ),
        (5, True, 1.5, None, {"x": "y"}, [1, 2], [["a=b"]], [""], ["a"], ["a=b", None]),
        (("cost-center=chat,team=a/b+c@d"), ["a=", "b=x=y"], "none", []),
    ),
    "guard_rails.monthly_budget": number(
        1, 10_000_000, optional=True, with_={"alarms_email": "ops@example.com"}
    ),
    "second_region": text(
        (
            *(
                "",
                "eu-west-1",
                "eu-central-1",
                "us-east-1",
                "moon-1",
                "x",
                "eu-west-1\n",
                "EU",
                "eu",
            ),
            *("none ", LONG),
        ),
        (),
        optional=True,
    ),
    "backup_days": number(1, 36_500, optional=True),
    "concurrent_executions": number(1, 1_000_000),
    "push.fcm_secret_arn": secret(),
    "push.apns_secret_arn": secret(),
    "push.apns_sandbox_secret_arn": secret(),
    "push.secret_key_arn": key(),
    "push.credentials_version": number(1, 2**53 - 1),
    "push.web_push_contact": text(
        (
            *("", "ops", "a@b.cd", "mailto:", "mailto:a", "mailto:a@b", "mailto:a b@c.de"),
            *("mailto:@b.cd", "mailto:a@b.cd\n", "http://example.com", "https://", "https://x"),
            *("https://localhost", "HTTPS://example.com", "https://example.com/a b"),
        ),
        ("mailto:ops@example.com", "https://example.com/contact"),
        optional=True,
    ),
    "push.feedback_percent": number(1, 100, optional=True),
    "pipeline.subject": text(
        (
            *("", "repo:o/r:*", "repo:o/*:environment:prod", "repo:o/r:environment:*", "repo:o/r"),
            *("repo:o/r:ref:refs/heads/main", "repo:o:environment:prod", "o/r:environment:prod"),
            *("repo:o/r:environment:", "repo:o/r:environment:a b", "repo:o/r:environment:prod\n"),
            *("repo:o/r:environment:pro?", "repo:o/r:pull_request", "repo:/r:environment:prod"),
        ),
        ("repo:example/chat:environment:prod", "repo:example@12/chat@345:environment:prod"),
        optional=True,
    ),
    "pipeline.new_provider": flag(),
    "architecture": text(
        ("", "arm", "ARM64", "x86", "x86-64", "amd64", "riscv", "arm64 ", "arm64\n", LONG, "none"),
        ("arm64", "x86_64"),
    ),
    "retain": flag(False, (True, IN_REGION)),
    "deletion_protection": flag(False, (True, RETAINED)),
    "point_in_time_recovery": flag(),
    "customer_managed_key": flag(),
    "message_ttl_days": number(1, 3_650),
    "retain_until_expiry": flag(),
    "log_level": text(
        ("", "info", "TRACE", "WARN", "CRITICAL", "INFO ", "INFO\n", "10", "none", "NOTSET", LONG),
        ("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
    "log_retention_days": one_of(
        *(1, 3653, "30"), wrong=(0, -1, 2, 8, 31, 366, 3650, 3654, 10**19)
    ),
    "container_insights": flag(),
    "live_log_level": flag(),
    "tracing": flag(),
    "password_reset": flag(),
    "waf": flag(),
    "alarms_email": text(
        (
            *("", "ops", "a@", "@b.c", "a@b@c.d", "a b@c.d", "a@b c.d", "a@b", "a@b..c", "a@-b.c"),
            *(".a@b.cd", "a.@b.cd", "a..b@c.de", "a@b.cd\n", "\u00e4@b.cd", "a@b.cd,e@f.gh", LONG),
            *("mailto:a@b.cd", "a@\u212a.cd", "Ops <a@b.cd>", f"{'a' * 65}@b.cd", "a@192.0.2.1"),
            f"a@{'.'.join(['b' * 62] * 4)}.cd",
        ),
        ("a@b.cd", "ops+alarms@Example.COM", f"{'a' * 64}@b.cd"),
        optional=True,
    ),
    "canary_minutes": number(5, 720, optional=True),
    "runbooks_url": text(
        (
            *("", "docs/runbooks", "http://example.com", "HTTPS://example.com", "https://"),
            *("https://x y", "https://example.com\n", "https:/example.com", "example.com"),
            *(" https://example.com", "ftp://example.com", "https:// example.com"),
        ),
        ("https://example.com/team/runbooks", "https://example.com/team/runbooks/"),
        optional=True,
    ),
}
