"""Wrong values of every setting, and valid values at its limits.

`wrong_texts` come from the command line, `wrong_values` from cdk.json with their type. `with_` is
what else the context has to say for the setting to be looked at, or to make sense.
"""

from typing import Any, get_args

from stacks.config.functions import FUNCTIONS, setting_name
from stacks.config.releases import Shifting
from tests.stacks.balancing_values import BALANCING
from tests.stacks.complete import ACCOUNT, REGION
from tests.stacks.domain_values import DOMAINS
from tests.stacks.network_values import NETWORK
from tests.stacks.setting_kinds import (
    IN_REGION,
    LONG,
    NAMES,
    UUID,
    Values,
    arn_of,
    flag,
    number,
    one_of,
    text,
)

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:push/fcm-a1B2c3"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{UUID}"
RETAINED = {"retain": True, **IN_REGION}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"
CHATS = "chats-restored"
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{CHATS}/stream/2026-11-29T17:00:00.000"
TABLE_NAMES = (
    *("", " ", "ab", "a b", "a/b", "a:b", "\u00e4bc", "abc\n", " abc", "a#b", "${abc}", "x" * 256),
    LONG,
)
VERSIONS = {"releases.shifting": "all_at_once"}


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
    **NETWORK,
    **BALANCING,
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
    **DOMAINS,
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
