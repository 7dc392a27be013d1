"""The parts of an environment that have no file of their own."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from stacks.refusal import require, require_between

SECRET_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:.+-\w{6}")


@dataclass(frozen=True, kw_only=True)
class Network:
    """nat_gateways: 0 puts the tasks into public subnets with addresses of their own, closed to
    everything but the load balancer. That is the cheap way out: a NAT gateway is about 33 US$ a
    month, and the interface endpoints that the tasks would need instead cost more than one."""

    cidr: str = "10.0.0.0/16"
    nat_gateways: int = 0
    flow_logs: bool = False

    def __post_init__(self) -> None:
        try:
            valid = 16 <= IPv4Network(self.cidr).prefixlen <= 24
        except ValueError:
            valid = False
        require(
            valid,
            "network.cidr",
            self.cidr,
            "a VPC here is an IPv4 network of /16 to /24 with its host bits zero",
            "Set network.cidr to one such as 10.0.0.0/16",
        )


@dataclass(frozen=True, kw_only=True)
class WebSocket:
    """Limits of the WebSocket stage over all routes, in frames per second.

    The account's own quota for new connections (500/s) and requests (10,000/s) stands above them.
    Over reconnect_window seconds clients spread their first attempt after a mass disconnect, so
    that they stay below it; 0 tells them nothing.

    API Gateway writes access logs with a role that is a setting of the account in a region:
    account_log_role makes one, and is false where the account already has it.
    """

    rate_limit: int = 1_000
    burst_limit: int = 500
    access_logs: bool = True
    account_log_role: bool = True
    reconnect_window: int = 0

    def __post_init__(self) -> None:
        require_between(1, 10_000, "websocket.rate_limit", self.rate_limit, "a rate per second")
        require_between(1, 5_000, "websocket.burst_limit", self.burst_limit, "a burst of requests")
        require_between(
            0, 600, "websocket.reconnect_window", self.reconnect_window, "a window in seconds"
        )


@dataclass(frozen=True, kw_only=True)
class FunctionSize:
    """memory in MiB, and CPU in proportion (1,769 MiB = one vCPU). reserved_concurrency both
    guarantees and limits; None shares the account's."""

    memory: int = 512
    reserved_concurrency: int | None = None


@dataclass(frozen=True, kw_only=True)
class Functions:
    authorize: FunctionSize = FunctionSize()
    connection: FunctionSize = FunctionSize()
    presence: FunctionSize = FunctionSize()
    send: FunctionSize = FunctionSize(memory=1024)
    sync: FunctionSize = FunctionSize(memory=1024)
    receipt: FunctionSize = FunctionSize()
    delivery_watch: FunctionSize = FunctionSize()
    push: FunctionSize = FunctionSize()
    platform_applications: FunctionSize = FunctionSize()
    api: FunctionSize = FunctionSize(memory=1024)

    def __post_init__(self) -> None:
        for name, size in vars(self).items():
            path = f"functions.{name}"
            require_between(128, 10_240, f"{path}.memory", size.memory, "memory in MiB")
            require(
                size.reserved_concurrency is None or size.reserved_concurrency >= 1,
                f"{path}.reserved_concurrency",
                size.reserved_concurrency,
                "a function with none never runs",
                f"Set {path}.reserved_concurrency to 1 or more, or to none for no reservation",
            )


@dataclass(frozen=True, kw_only=True)
class Push:
    """ARNs of the secrets with the FCM and APNs credentials; None makes an empty one to fill.

    CloudFormation does not see a secret's value change: raise credentials_version after you
    changed one, and the next deployment makes or updates the platform applications. secret_key_arn
    is the KMS key of secrets of one's own that are encrypted with a customer managed key.
    """

    fcm_secret_arn: str | None = None
    apns_secret_arn: str | None = None
    apns_sandbox_secret_arn: str | None = None
    secret_key_arn: str | None = None
    credentials_version: int = 1

    def __post_init__(self) -> None:
        for name in ("fcm_secret_arn", "apns_secret_arn", "apns_sandbox_secret_arn"):
            arn = getattr(self, name)
            require(
                arn is None or bool(SECRET_ARN.fullmatch(arn)),
                f"push.{name}",
                arn,
                "it is the whole ARN of a secret in Secrets Manager, with the six characters at "
                "its end",
                f"Set push.{name} to such an ARN, or to none for an empty secret that you fill",
            )
