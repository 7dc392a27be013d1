"""The environments: one frozen, validated value for each, with everything that differs.

Any field can be overridden from the context by its dotted name, pools by their names:
`-c load_balancer.algorithm=least_outstanding_requests -c pools.small.max=20`.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from stacks.config import arns
from stacks.config.cloudfront import CloudFront, check_cloudfront
from stacks.config.domains import HostedZone, check_domains, serves_https
from stacks.config.errors import require, require_between, require_one_of
from stacks.config.existing_vpc import ExistingVpc
from stacks.config.functions import FunctionSize, FunctionSizes
from stacks.config.guard_rails import GuardRails, Tokens
from stacks.config.load_balancer import LoadBalancer
from stacks.config.names import check_names, is_email
from stacks.config.pools import ContainerPool, LambdaPool, Pool
from stacks.config.regions import check_region, check_zones
from stacks.config.releases import Releases
from stacks.config.restored import Restored
from stacks.config.rules import check_together, container_pools
from stacks.config.settings import Files, Network, Pipeline, Push, WebSocket
from stacks.config.type_checks import require_types

Architecture = Literal["arm64", "x86_64"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One deployment. `account` and `region` are its target; None means those of the credentials,
    which is an error where `retain` is set (overrides.py).

    `retain` keeps what holds data when it leaves the template or its stack is deleted.
    `deletion_protection` makes AWS reject the deletion of stacks, tables, users and load
    balancers; turn it on after the first successful deployment, since it also blocks the rollback
    of a failed one. `password_reset` lets users confirm an e-mail address, to which Cognito sends a
    code when they have forgotten their password. `backup_days`: the tables are copied into a vault
    each day, and each copy is retained for this many days; None makes no copies. `live_log_level`
    lets functions and tasks look once a minute for another log level, in the SSM parameter
    /<project>/<name>/log-level, if there is one. `tracing` sends traces of functions to X-Ray.
    `concurrent_executions` is the account's Lambda quota in the region. `runbooks_url` is where the
    team reads docs/runbooks/, linked to by alarms. `canary_minutes`: the minutes between two runs
    of the canary, which tries the environment end to end as two users would; None deploys no
    canary.
    """

    name: str
    project: str = "switchboard"
    account: str | None = None
    region: str | None = None
    availability_zones: tuple[str, ...] = ()  # of `region`; empty: the region's first two
    network: Network = field(default_factory=Network)
    vpc: ExistingVpc = field(default_factory=ExistingVpc)
    pools: tuple[Pool, ...]
    load_balancer: LoadBalancer = field(default_factory=LoadBalancer)
    websocket: WebSocket = field(default_factory=WebSocket)
    zone: HostedZone = field(default_factory=HostedZone)
    cloudfront: CloudFront = field(default_factory=CloudFront)
    functions: FunctionSizes = field(default_factory=FunctionSizes)
    concurrent_executions: int = 1_000
    releases: Releases = field(default_factory=Releases)
    push: Push = field(default_factory=Push)
    files: Files = field(default_factory=Files)
    pipeline: Pipeline = field(default_factory=Pipeline)
    architecture: Architecture = "arm64"
    retain: bool = False
    deletion_protection: bool = False
    point_in_time_recovery: bool = False
    backup_days: int | None = None
    restored: Restored = field(default_factory=Restored)
    tokens: Tokens = field(default_factory=Tokens)
    guard_rails: GuardRails = field(default_factory=GuardRails)
    second_region: str | None = None
    customer_managed_key: bool = False
    message_ttl_days: int = 30
    retain_until_expiry: bool = False
    log_level: LogLevel = "INFO"
    live_log_level: bool = False
    tracing: bool = False
    log_retention_days: int = 30
    container_insights: bool = False
    password_reset: bool = False
    waf: bool = False
    alarms_email: str | None = None
    runbooks_url: str | None = None
    canary_minutes: int | None = None

    def __post_init__(self) -> None:
        require_types(self, "")
        for name, kind in (("architecture", Architecture), ("log_level", LogLevel)):
            allowed = get_args(kind)
            require_one_of(allowed, name, getattr(self, name), ", ".join(allowed))
        require_one_of(
            LOG_RETENTION_DAYS,
            "log_retention_days",
            self.log_retention_days,
            f"the periods CloudWatch Logs has: {', '.join(map(str, LOG_RETENTION_DAYS))}",
        )
        self._check_numbers()
        self._check_addresses()
        require(
            self.retain or not self.deletion_protection,
            "deletion_protection",
            self.deletion_protection,
            "where retain is False the stacks are meant to be deleted with all that is in them, "
            "and AWS would not delete that",
            "Set retain to true, or deletion_protection to false",
        )
        check_names(self.project, self.name)
        check_together(self.load_balancer, self.pools)
        check_domains(self.load_balancer, self.websocket, self.cloudfront, self.zone)
        check_cloudfront(self.cloudfront, self.load_balancer, https=self.https, waf=self.waf)
        self.functions.check_reserved(self.concurrent_executions)
        self.functions.check_provisioned(self.releases.shifting)
        self.guard_rails.check_environment(self.account, self.alarms_email)
        self._check_location()

    @property
    def https(self) -> bool:
        """Whether the load balancer serves HTTPS, and HTTP only redirects to it."""
        return serves_https(self.load_balancer, self.zone)

    def _check_numbers(self) -> None:
        # docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html: at least one day
        if self.backup_days is not None:
            require_between(
                1, 36_500, "backup_days", self.backup_days, "the life of a backup in days"
            )
        # twice that is the period of its alarm, a day at most; each run takes two names for good
        if self.canary_minutes is not None:
            canary = self.canary_minutes
            require_between(5, 720, "canary_minutes", canary, "the minutes between two runs")
        require_between(1, 3_650, "message_ttl_days", self.message_ttl_days, "a life in days")
        # 1,000 by default, less for new accounts, and raised "up to tens of thousands":
        # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
        quota = self.concurrent_executions
        require_between(1, 1_000_000, "concurrent_executions", quota, "the account's Lambda quota")

    def _check_addresses(self) -> None:
        require(
            self.alarms_email is None or is_email(self.alarms_email),
            "alarms_email",
            self.alarms_email,
            "alarms are sent to an e-mail address",
            "Set alarms_email to an address, or to none for alarms without a subscriber",
        )
        require(
            self.runbooks_url is None or bool(re.fullmatch(r"https://\S+", self.runbooks_url)),
            "runbooks_url",
            self.runbooks_url,
            "alarms link to their pages by an https address",
            "Set runbooks_url to that of docs/runbooks in your repository, or to none",
        )

    def _check_location(self) -> None:
        require(
            self.account is None or bool(re.fullmatch(arns.ACCOUNT, self.account)),
            "account",
            self.account,
            "an account of AWS has 12 digits",
            "Set account to them, or to none for that of the credentials",
        )
        check_region(self.region)
        require(
            self.second_region is None,
            "second_region",
            self.second_region,
            "an environment is in one region: the design for two (decision 0070) is not built yet",
            "Set second_region to none",
        )
        containers = bool(container_pools(self.pools))
        check_zones(self.availability_zones, self.region, containers=containers)
        certificates = (
            arns.NamedArn(f"{field}.certificate_arn", each.certificate_arn, arns.CERTIFICATE)
            for field, each in (
                ("load_balancer", self.load_balancer),
                ("websocket", self.websocket),
            )
        )
        arns.check_region_and_account(
            (*certificates, *self.push.named_arns(), *self.restored.named_arns()),
            self.region,
            self.account,
        )
        gateways, most = self.network.nat_gateways, len(self.availability_zones) or 2
        require_between(0, most, "network.nat_gateways", gateways, f"a number for {most} zones")
        self.vpc.check_environment(
            len(self.availability_zones), gateways, flow_logs=self.network.flow_logs
        )

    @property
    def public_tasks(self) -> bool:
        """Whether tasks are in public subnets, with addresses of their own."""
        return self.network.nat_gateways == 0 and not self.vpc.private_subnets


def by_name(*environments: Environment) -> dict[str, Environment]:
    """The values of `env`. Two environments of one name would share their stacks."""
    found: dict[str, Environment] = {}
    for environment in environments:
        require(
            environment.name not in found,
            "name",
            environment.name,
            "another environment is called so, and the stacks of both would be the same",
            "Rename one of them",
        )
        found[environment.name] = environment
    return found


DEV = Environment(
    name="dev",
    pools=(
        LambdaPool(weight=1),
        ContainerPool(name="small", cpu=256, memory=512, weight=4, min=2, max=4),
    ),
    load_balancer=LoadBalancer(plain_http=True),
    websocket=WebSocket(rate_limit=200, burst_limit=100),
    push=Push(feedback_percent=100),
    log_retention_days=7,
)

STAGING = Environment(
    name="staging",
    network=Network(nat_gateways=1),
    pools=(
        LambdaPool(weight=1),
        ContainerPool(
            name="large", cpu=1024, memory=2048, weight=5, min=1, max=4, requests_per_target=4_000
        ),
        ContainerPool(name="small", cpu=256, memory=512, weight=2, min=1, max=4),
    ),
    load_balancer=LoadBalancer(deregistration_delay=60, access_logs=True),
    releases=Releases(shifting="canary_10_percent_5_minutes", task_alarms=True),
    push=Push(feedback_percent=100),
    point_in_time_recovery=True,
    customer_managed_key=True,
    container_insights=True,
    waf=True,
)

PROD = Environment(
    name="prod",
    network=Network(nat_gateways=2, flow_logs=True),
    pools=(
        LambdaPool(weight=1),
        ContainerPool(
            name="large", cpu=1024, memory=2048, weight=5, min=2, max=20, requests_per_target=4_000
        ),
        ContainerPool(name="small", cpu=256, memory=512, weight=2, min=2, max=20),
    ),
    load_balancer=LoadBalancer(deregistration_delay=120, access_logs=True),
    websocket=WebSocket(rate_limit=8_000, burst_limit=4_000),
    releases=Releases(shifting="canary_10_percent_5_minutes", task_alarms=True),
    # Reserved, so that people can still connect while a flood of frames uses all unreserved
    # executions. 500 new connections a second, the region's quota, are 50 executions at a time if
    # each takes a tenth of a second.
    functions=FunctionSizes(
        authorize=FunctionSize(reserved_concurrency=50),
        connection=FunctionSize(reserved_concurrency=50),
    ),
    push=Push(feedback_percent=10),
    retain=True,
    point_in_time_recovery=True,
    customer_managed_key=True,
    log_retention_days=365,
    container_insights=True,
    waf=True,
)

ENVIRONMENTS = by_name(DEV, STAGING, PROD)
