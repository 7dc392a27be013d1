"""The README's table of emulated and ignored types: `python -m emulator.resource_types`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from emulator.balancer.provider import LoadBalancingProvider
from emulator.containers.provider import ContainerProvider
from emulator.events.provider import EventSourceProvider
from emulator.events.schedules import ScheduleProvider
from emulator.functions.asynchronous import AsynchronousProvider
from emulator.functions.provider import FunctionProvider
from emulator.functions.versions import VersionProvider
from emulator.gateway.provider import ApiGatewayProvider
from emulator.metrics.log_groups import LogGroupProvider
from emulator.metrics.provider import CloudWatchProvider
from emulator.resources.buckets import BucketProvider
from emulator.resources.custom import CustomResourceProvider
from emulator.resources.permissions import PermissionProvider
from emulator.resources.queues import QueueProvider, TopicProvider
from emulator.resources.secrets import KeyProvider, SecretProvider
from emulator.resources.tables import TableProvider
from emulator.resources.user_pools import UserPoolProvider
from emulator.template.ignored import IGNORED

_MOTO = "moto, or the emulator that `AWS_ENDPOINT_URL_{}` names"

EMULATED: Mapping[type, str] = {
    FunctionProvider: "worker processes with Lambda's runtime client, Python only; the AWS endpoint"
    " has Invoke for them",
    AsynchronousProvider: "asynchronous events are tried again, and go to queues and functions"
    " then",
    VersionProvider: "names by which the function's one code is invoked; each alias needs a"
    " permission of its own, as on AWS",
    ContainerProvider: "processes with the container's command and files, without Docker; also the"
    " pods of a Deployment in a stack's output that is bound to a target group",
    LoadBalancingProvider: "an Application and a Network Load Balancer, with health checks",
    ApiGatewayProvider: "one WebSocket API, with authorizer and `@connections`",
    EventSourceProvider: "pollers of queues and DynamoDB streams",
    ScheduleProvider: "functions are called at a rate, by the emulator's clock; not supported are "
    "rules with patterns, and those with cron that are enabled",
    CustomResourceProvider: "calls of the function behind the `ServiceToken`; all `Custom::` types",
    TableProvider: _MOTO.format("DYNAMODB"),
    QueueProvider: _MOTO.format("SQS"),
    BucketProvider: f"{_MOTO.format('S3')}; presigned URLs and forms are checked as S3 does,"
    " lifecycle rules delete, CORS rules count; buckets in the path only",
    TopicProvider: "moto; nobody subscribes",
    UserPoolProvider: _MOTO.format("COGNITO_IDENTITY_PROVIDER"),
    CloudWatchProvider: "metrics that functions and tasks print, and those of AWS that alarms here"
    " need; alarms are evaluated once a minute of the emulator's clock; the console names what of"
    " them can't be",
    LogGroupProvider: "files in .local/logs; a filter makes a metric, by terms or conditions of"
    " JSON; `DefaultValue` and the patterns `[…]` and `%…%` stop the start",
    SecretProvider: _MOTO.format("SECRETS_MANAGER"),
    PermissionProvider: "every call of a function or task is checked against them, and denied as"
    " AWS does",
    KeyProvider: "moto; nothing is encrypted with them, and those for it sign",
}


def table() -> str:
    """Markdown: a row for each provider, and for each reason why types are ignored."""
    rows = ["| Resource types | On this machine |", "|---|---|"]
    rows += [_row(_types(provider), text) for provider, text in EMULATED.items()]
    reasons = defaultdict(list)
    for resource_type, reason in IGNORED.items():
        reasons[reason].append(resource_type)
    rows += [_row(types, f"ignored: {reason}") for reason, types in reasons.items()]
    return "\n".join(rows) + "\n"


def _types(provider: type) -> Sequence[str]:
    types: tuple[str, ...] = vars(provider)["types"]
    return types


def _row(types: Sequence[str], text: str) -> str:
    """Types of one service share its prefix: `AWS::Logs::` LogGroup, MetricFilter."""
    services: dict[str, list[str]] = defaultdict(list)
    for resource_type in types:
        service, _, name = resource_type.rpartition("::")
        services[service].append(name)
    named = (f"`{service}::` {', '.join(names)}" for service, names in services.items())
    return f"| {'; '.join(named)} | {text} |"


if __name__ == "__main__":
    print(table(), end="")
