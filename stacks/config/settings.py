"""Settings of the network, WebSockets, files, push notifications and the pipeline."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal, get_args

from stacks.config import arns
from stacks.config.errors import require, require_between, require_one_of
from stacks.config.names import DOMAIN_NAME
from stacks.config.socket_tasks import SocketTasks
from stacks.config.type_checks import require_types

# RFC 1918 section 3, and RFC 6598 section 7: addresses that nobody has on the internet. AWS accepts
# other networks, but then the hosts that own these addresses can't be reached.
PRIVATE = [
    IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]
# The largest integer that all readers of JSON agree on (RFC 8259 section 6).
MOST_IN_JSON = 2**53 - 1
CONTACT = re.compile(r"mailto:[^\s@]+@[^\s@]+\.[^\s@]+|https://[^\s/]+\.\S+")
# Names of owners and repositories may have ids behind an @.
SUBJECT = re.compile(r"repo:[\w.@-]+/[\w.@-]+:environment:[\w.%-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Network:
    """nat_gateways: 0 puts the tasks into public subnets with addresses of their own, closed to
    everything but the load balancer. That is the cheapest way: a NAT gateway is about 33 US$ a
    month, and the interface endpoints that the tasks would need instead cost more than one."""

    cidr: str = "10.0.0.0/16"
    nat_gateways: int = 0
    flow_logs: bool = False

    def __post_init__(self) -> None:
        require_types(self, "network.")
        advice = "Set network.cidr to one such as 10.0.0.0/16"
        try:
            network = IPv4Network(self.cidr)
        except ValueError:
            network = PRIVATE[0]
        require(
            # written as AWS wants it, and not with a mask or a zero before the number
            str(network) == self.cidr and 16 <= network.prefixlen <= 24,
            "network.cidr",
            self.cidr,
            "a VPC here is an IPv4 network of /16 to /24 with its host bits zero",
            advice,
        )
        require(
            any(network.subnet_of(private) for private in PRIVATE),
            "network.cidr",
            self.cidr,
            "these addresses belong to others on the internet, and a VPC has private ones: of "
            f"{', '.join(map(str, PRIVATE))}",
            advice,
        )
        # with four zones; the configuration knows how many there really are
        require_between(0, 4, "network.nat_gateways", self.nat_gateways, "a number of gateways")


Plane = Literal["api_gateway", "containers"]


@dataclass(frozen=True, kw_only=True)
class WebSocket:
    """`plane` is what holds the sockets: API Gateway, or tasks of a service behind the load
    balancer, which `tasks` describes. The other settings but reconnect_window are API Gateway's.

    Limits of the WebSocket stage over all routes are in frames per second. The account's own quota
    for new connections (500/s) and requests (10,000/s) also applies.

    After a mass disconnect clients spread their first attempts over reconnect_window seconds, so
    that they stay below that quota; 0 leaves it to the clients.

    API Gateway writes access logs with a role that is a setting of the account in a region:
    account_log_role makes one, and is false where the account already has it.

    domain_name is the name that clients connect to, with a certificate of the environment's region;
    without one it is API Gateway's own. Posts to connections keep the latter.
    """

    plane: Plane = "api_gateway"
    tasks: SocketTasks = field(default_factory=SocketTasks)
    rate_limit: int = 1_000
    burst_limit: int = 500
    access_logs: bool = True
    account_log_role: bool = True
    reconnect_window: int = 0
    domain_name: str | None = None
    certificate_arn: str | None = None

    def __post_init__(self) -> None:
        require_types(self, "websocket.")
        planes = get_args(Plane)
        require_one_of(planes, "websocket.plane", self.plane, ", ".join(planes))
        require_between(1, 10_000, "websocket.rate_limit", self.rate_limit, "a rate per second")
        require_between(1, 5_000, "websocket.burst_limit", self.burst_limit, "a burst of requests")
        require_between(
            0, 600, "websocket.reconnect_window", self.reconnect_window, "a window in seconds"
        )
        self._check_domain()

    @property
    def in_containers(self) -> bool:
        return self.plane == "containers"

    def _check_domain(self) -> None:
        require(
            self.domain_name is None or not self.in_containers,
            "websocket.domain_name",
            self.domain_name,
            "with websocket.plane containers clients connect to the load balancer, by its name",
            "Set load_balancer.domain_name to the name, and websocket.domain_name to none",
        )
        require(
            self.domain_name is None or bool(DOMAIN_NAME.fullmatch(self.domain_name)),
            "websocket.domain_name",
            self.domain_name,
            "it is the name alone that clients connect to: labels of lower-case letters, digits "
            "and hyphens with dots between them, no scheme, port or wildcard",
            "Set websocket.domain_name to one such as ws.example.com, or to none",
        )
        require(
            self.certificate_arn is None or arns.is_arn_of(arns.CERTIFICATE, self.certificate_arn),
            "websocket.certificate_arn",
            self.certificate_arn,
            f"it is the ARN of a certificate in AWS Certificate Manager, {arns.CERTIFICATE.form}",
            "Set websocket.certificate_arn to such an ARN, or to none",
        )
        require(
            self.certificate_arn is None or self.domain_name is not None,
            "websocket.certificate_arn",
            self.certificate_arn,
            "websocket.domain_name is None, and API Gateway's own name has a certificate",
            "Set websocket.domain_name to a name that it covers, or websocket.certificate_arn to "
            "none",
        )


@dataclass(frozen=True, kw_only=True)
class Files:
    """Limits of the files that a user sends, as they are stored: encrypted, in MiB.

    max_mib is that of one file, per_day and mib_per_day those of a user in a day. A browser holds a
    whole file in its memory, some of it twice.
    """

    max_mib: int = 64
    per_day: int = 200
    mib_per_day: int = 512

    def __post_init__(self) -> None:
        require_types(self, "files.")
        require_between(1, 1_024, "files.max_mib", self.max_mib, "a size in MiB")
        require_between(1, 100_000, "files.per_day", self.per_day, "a number of files")
        require_between(1, 1_048_576, "files.mib_per_day", self.mib_per_day, "a size in MiB")
        require(
            self.max_mib <= self.mib_per_day,
            "files.mib_per_day",
            self.mib_per_day,
            f"files.max_mib is {self.max_mib}, and a file of that size could never be sent",
            "Raise files.mib_per_day, or lower files.max_mib",
        )

    def variables(self) -> dict[str, str]:
        """The values, by the names of the environment variables that hold them."""
        return {
            "FILE_MIB": str(self.max_mib),
            "FILES_PER_DAY": str(self.per_day),
            "FILE_MIB_PER_DAY": str(self.mib_per_day),
        }


@dataclass(frozen=True, kw_only=True)
class Push:
    """ARNs of the secrets with the FCM and APNs credentials; None makes an empty one to fill.

    CloudFormation does not see a secret's value change: raise credentials_version after you
    changed one, and the next deployment makes or updates the platform applications. secret_key_arn
    is the KMS key of secrets of one's own that are encrypted with a customer managed key.

    web_push_contact is a mailto: or https: URL by which the owners of browsers' push services find
    who pushes (RFC 8292, 2.1); None is the environment's alarms_email. Apple rejects pushes that
    name nobody.

    feedback_percent: SNS logs the responses of FCM and APNs, all errors and so many percent of
    the rest, and the dashboard shows it by status; None logs nothing.
    """

    fcm_secret_arn: str | None = None
    apns_secret_arn: str | None = None
    apns_sandbox_secret_arn: str | None = None
    secret_key_arn: str | None = None
    credentials_version: int = 1
    web_push_contact: str | None = None
    feedback_percent: int | None = None

    def __post_init__(self) -> None:
        require_types(self, "push.")
        for name in ("fcm_secret_arn", "apns_secret_arn", "apns_sandbox_secret_arn"):
            arn = getattr(self, name)
            require(
                arn is None or arns.is_arn_of(arns.SECRET, arn),
                f"push.{name}",
                arn,
                f"it is the whole ARN of a secret in Secrets Manager, {arns.SECRET.form}, with the "
                "six characters at its end",
                f"Set push.{name} to such an ARN, or to none for an empty secret that you fill",
            )
        self._check_key()
        contact = self.web_push_contact
        require(
            contact is None or bool(CONTACT.fullmatch(contact)),
            "push.web_push_contact",
            contact,
            "it is an address by which somebody is found, as mailto:ops@example.com",
            "Set push.web_push_contact to a mailto: or https: URL, or to none",
        )
        # of none nobody would know which share the failures are
        if self.feedback_percent is not None:
            require_between(
                1, 100, "push.feedback_percent", self.feedback_percent, "a share in percent"
            )
        require_between(
            1,
            MOST_IN_JSON,
            "push.credentials_version",
            self.credentials_version,
            "a number that is raised from 1",
        )

    def _check_key(self) -> None:
        require(
            self.secret_key_arn is None or arns.is_arn_of(arns.KEY, self.secret_key_arn),
            "push.secret_key_arn",
            self.secret_key_arn,
            f"it is the ARN of a key in KMS, {arns.KEY.form}, and not of an alias",
            "Set push.secret_key_arn to such an ARN, or to none where the secrets are encrypted "
            "with aws/secretsmanager",
        )
        require(
            self.secret_key_arn is None or any(self.own_secrets),
            "push.secret_key_arn",
            self.secret_key_arn,
            "it is the key of secrets of one's own, and no secret is named: those that are made "
            "here are encrypted with the key of the stack",
            "Name a secret, as in push.fcm_secret_arn, or set push.secret_key_arn to none",
        )

    @property
    def own_secrets(self) -> tuple[str | None, ...]:
        return (self.fcm_secret_arn, self.apns_secret_arn, self.apns_sandbox_secret_arn)

    def named_arns(self) -> Iterator[arns.NamedArn]:
        """The key may belong to another account, if its key policy allows this one to use it."""
        names = ("fcm_secret_arn", "apns_secret_arn", "apns_sandbox_secret_arn")
        for name, arn in zip(names, self.own_secrets, strict=True):
            yield arns.NamedArn(f"push.{name}", arn, arns.SECRET)
        yield arns.NamedArn("push.secret_key_arn", self.secret_key_arn, arns.KEY, own_account=False)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The role with which a GitHub workflow deploys this environment; without a subject, none.

    `subject` is the `sub` claim of the workflow's token, whole:
    `repo:<owner>/<repository>:environment:<name of the GitHub environment>`. Repositories may be
    set up to have ids in it. new_provider makes the account's identity provider for GitHub, of
    which an account has one; it is false where the account already has it.
    docs.github.com/en/actions/concepts/security/openid-connect
    """

    subject: str | None = None
    new_provider: bool = True

    def __post_init__(self) -> None:
        require_types(self, "pipeline.")
        require(
            self.subject is None or bool(SUBJECT.fullmatch(self.subject)),
            "pipeline.subject",
            self.subject,
            "a token with it permits deployments, so it names one repository and one of its "
            "environments, without wildcards",
            "Set pipeline.subject to repo:<owner>/<repository>:environment:<name>, or to none for "
            "no role",
        )
