"""The Lambda functions: one row each, and their sizes.

A new function is two places: here, for its row in FUNCTIONS and its field in FunctionSizes, and
permissions.py. tests/stacks/test_functions.py checks that all three have the same names.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.config.errors import require, require_between
from stacks.config.type_checks import require_types

# "You can reserve up to the Unreserved account concurrency value that is shown, minus 100 for
# functions that don't have reserved concurrency":
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """A queue or stream that Lambda reads for the function.

    `id` is the construct id of the event source mapping, `settings` are its properties. `resource`
    and `on_failure`, the queue that gets the batches given up, are names of permissions.py.
    """

    id: str
    resource: str
    settings: Mapping[str, Any]
    filters: tuple[Mapping[str, Any], ...] = ()
    on_failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class FunctionRow:
    """`routes` are route keys of the WebSocket API, `timeout` is in seconds.

    `variables` names the environment variables besides those that every function has; the stack
    that makes the function gives them their values. `versioned`: where the environment shifts
    releases, this function has versions and an alias.
    """

    handler: str
    routes: tuple[str, ...] = ()
    event_source: EventSource | None = None
    timeout: int = 6  # the rule that closes gaps in a chat's log depends on it
    variables: tuple[str, ...] = ()
    versioned: bool = True

    @property
    def service(self) -> str:
        """The name in logs and metrics: its folder under lambdas/."""
        return self.handler.split(".")[1]


def _records(event: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    """A filter for stream records whose sort key starts with `prefix`."""
    return {**event, "dynamodb": {"Keys": {"item": {"S": [{"prefix": prefix}]}}}}


_EXPIRED = {"eventName": ["REMOVE"], "userIdentity": {"principalId": ["dynamodb.amazonaws.com"]}}

_JOINED = {
    "eventName": ["INSERT"],
    "dynamodb": {
        "Keys": {"item": {"S": [{"prefix": "member#"}]}},
        "NewImage": {"joined_seq": {"N": [{"anything-but": ["0"]}]}},
    },
}

# The keys are the ids of the functions' constructs, and the names in permissions.py.
FUNCTIONS: Mapping[str, FunctionRow] = {
    # the authorizer of $connect
    "Authorize": FunctionRow(
        handler="lambdas.presence.authorize.handler",
        variables=("TICKETS_TABLE",),
    ),
    "Connection": FunctionRow(
        handler="lambdas.presence.connection.handler",
        routes=("$connect", "$disconnect"),
        variables=("USERS_TABLE", "CONNECTIONS_URL"),
    ),
    "Presence": FunctionRow(
        handler="lambdas.presence.presence.handler",
        routes=("$default", "watch", "ping"),
        variables=("USERS_TABLE", "CONNECTIONS_URL"),
    ),
    "Send": FunctionRow(
        handler="lambdas.messages.send.handler",
        routes=("send",),
        variables=(
            "CHATS_TABLE",
            "USERS_TABLE",
            "CONNECTIONS_URL",
            "PUSH_QUEUE_URL",
            "MESSAGE_TTL_DAYS",
        ),
    ),
    "Sync": FunctionRow(
        handler="lambdas.messages.sync.handler",
        routes=("sync", "typing"),
        variables=("CHATS_TABLE", "USERS_TABLE", "CONNECTIONS_URL"),
    ),
    "Receipt": FunctionRow(
        handler="lambdas.delivery.receipt.handler",
        routes=("receipt",),
        variables=("CHATS_TABLE", "USERS_TABLE", "CONNECTIONS_URL", "PUSH_QUEUE_URL"),
    ),
    "DeliveryWatch": FunctionRow(
        handler="lambdas.delivery.delivery_watch.handler",
        event_source=EventSource(
            id="ChatsStream",
            resource="chats_stream",
            settings={
                "starting_position": "TRIM_HORIZON",
                # Lambda reads no further batch of the shard while the function waits for receipts
                "batch_size": 1_000,
                "maximum_batching_window_in_seconds": 5,
                "bisect_batch_on_function_error": True,
                "maximum_retry_attempts": 5,
                "maximum_record_age_in_seconds": 3600,
            },
            # New messages; messages that expired, but not those that this function deletes;
            # watermarks that moved, which are in a member's item; members who left; and members
            # who joined after the chat was made, as they may have been members before. Those who
            # were there from the beginning have joined at seq 0.
            filters=(
                _records({"eventName": ["INSERT"]}, "message#"),
                _records(_EXPIRED, "message#"),
                _records({"eventName": ["MODIFY", "REMOVE"]}, "member#"),
                _JOINED,
            ),
            on_failure="stream_failures",
        ),
        timeout=60,
        variables=(
            "CHATS_TABLE",
            "USERS_TABLE",
            "CONNECTIONS_URL",
            "PUSH_QUEUE_URL",
            "MESSAGE_TTL_DAYS",
            "RETAIN_UNTIL_EXPIRY",
        ),
    ),
    "Push": FunctionRow(
        handler="lambdas.delivery.push.handler",
        event_source=EventSource(id="PushJobs", resource="push_queue", settings={"batch_size": 10}),
        timeout=30,
        variables=(
            "CHATS_TABLE",
            "USERS_TABLE",
            "MESSAGE_TTL_DAYS",
            "VAPID_KEY",
            "WEB_PUSH_CONTACT",
        ),
    ),
    # The function of a custom resource. Its timeout is below the resource's ServiceTimeout of five
    # minutes: SNS may take 20 s for each of three credentials, and a slow call is tried again.
    # A deployment calls it once, with the code that is deployed, so there is nothing to shift.
    "PlatformApplications": FunctionRow(
        handler="lambdas.notifications.platform_applications.handler", timeout=240, versioned=False
    ),
    # Nothing calls it but an operator, with lambda:InvokeFunction (tools/operator.py).
    "Operator": FunctionRow(
        handler="lambdas.api.operator.handler",
        timeout=60,
        versioned=False,
        variables=(
            "CHATS_TABLE",
            "USERS_TABLE",
            "CONNECTIONS_URL",
            "USER_POOL_ID",
            "USER_POOL_CLIENT_ID",
            "FCM_APPLICATION_ARN",
            "APNS_APPLICATION_ARN",
            "APNS_SANDBOX_APPLICATION_ARN",
            "MESSAGE_TTL_DAYS",
            "SIGN_IN_SECONDS",
        ),
    ),
    # The Lambda pool of the load balancer. The tasks of container pools have the same permissions
    # and variables.
    "Api": FunctionRow(
        handler="lambdas.api.api.handler",
        timeout=10,
        variables=(
            "CHATS_TABLE",
            "USERS_TABLE",
            "TICKETS_TABLE",
            "CONNECTIONS_URL",
            "WEBSOCKET_URL",
            "RECONNECT_WINDOW",
            "USER_POOL_ID",
            "USER_POOL_CLIENT_ID",
            "TOKEN_ISSUER",
            "FCM_APPLICATION_ARN",
            "APNS_APPLICATION_ARN",
            "APNS_SANDBOX_APPLICATION_ARN",
            "VAPID_KEY",
            "MESSAGE_TTL_DAYS",
            "SIGN_IN_SECONDS",
            "PASSWORD_RESET",
            "BEHIND_CLOUDFRONT",
            "FILES_BUCKET",
            "FILES_URL",
            "FILE_MIB",
            "FILES_PER_DAY",
            "FILE_MIB_PER_DAY",
            "POOL_NAME",
        ),
    ),
}


# What API Gateway calls, and what tasks run themselves where they hold the sockets.
SOCKET_FUNCTIONS = ("Authorize", *(name for name, row in FUNCTIONS.items() if row.routes))


def readers(resources: Collection[str]) -> list[str]:
    """The functions that read one of these queues or streams: the stack that has it makes them."""
    return [
        name
        for name, row in FUNCTIONS.items()
        if row.event_source and row.event_source.resource in resources
    ]


@dataclass(frozen=True, kw_only=True)
class FunctionSize:
    """memory in MiB, and CPU in proportion (1,769 MiB = one vCPU). reserved_concurrency both
    guarantees and limits; None shares the account's. provisioned_concurrency is the number of
    execution environments that are always started, and paid for by the hour; only versions can have
    them.
    """

    memory: int = 512
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None


def setting_name(function: str) -> str:
    """The field of FunctionSizes for a function: DeliveryWatch -> delivery_watch."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", function).lower()


@dataclass(frozen=True, kw_only=True)
class FunctionSizes:
    authorize: FunctionSize = FunctionSize()
    connection: FunctionSize = FunctionSize()
    presence: FunctionSize = FunctionSize()
    send: FunctionSize = FunctionSize(memory=1024)
    sync: FunctionSize = FunctionSize(memory=1024)
    receipt: FunctionSize = FunctionSize()
    delivery_watch: FunctionSize = FunctionSize()
    push: FunctionSize = FunctionSize()
    platform_applications: FunctionSize = FunctionSize()
    operator: FunctionSize = FunctionSize()
    api: FunctionSize = FunctionSize(memory=1024)

    def of(self, function: str) -> FunctionSize:
        size: FunctionSize = getattr(self, setting_name(function))
        return size

    def __post_init__(self) -> None:
        require_types(self, "functions.")
        for name, size in vars(self).items():
            path = f"functions.{name}"
            require_types(size, f"{path}.")
            require_between(128, 10_240, f"{path}.memory", size.memory, "memory in MiB")
            require(
                size.reserved_concurrency is None or size.reserved_concurrency >= 1,
                f"{path}.reserved_concurrency",
                size.reserved_concurrency,
                "a function with none never runs",
                f"Set {path}.reserved_concurrency to 1 or more, or to none for no reservation",
            )
            _check_provisioned(path, size)

    def check_reserved(self, concurrent_executions: int) -> None:
        """Raises ConfigError where too little of the account's quota would be left for others."""
        taken = {
            f"functions.{name}.{setting}_concurrency": concurrency
            for name, size in vars(self).items()
            for setting, concurrency in (
                ("reserved", size.reserved_concurrency),
                # what is provisioned is taken from the function's reservation where it has one
                (
                    "provisioned",
                    None if size.reserved_concurrency else size.provisioned_concurrency,
                ),
            )
            if concurrency is not None
        }
        if not taken:
            return
        total, most = sum(taken.values()), concurrent_executions - UNRESERVED
        path = max(taken, key=lambda each: taken[each])
        require(
            total <= most,
            path,
            taken[path],
            f"Lambda leaves {UNRESERVED} of the account's concurrent executions unreserved, and "
            f"with concurrent_executions {concurrent_executions} all functions together may "
            f"reserve {max(most, 0)}, not {total}",
            f"Lower {path}, or have the quota raised and set concurrent_executions to it",
        )

    def check_provisioned(self, shifting: str | None) -> None:
        """Raises ConfigError for provisioned concurrency that an alias could not have."""
        for name, row in FUNCTIONS.items():
            path = f"functions.{setting_name(name)}.provisioned_concurrency"
            provisioned = self.of(name).provisioned_concurrency
            require(
                provisioned is None or row.versioned,
                path,
                provisioned,
                "no user waits for this function",
                f"Set {path} to none",
            )
            require(
                provisioned is None or shifting is not None,
                path,
                provisioned,
                "Lambda provisions versions, and with releases.shifting None there are none",
                f"Set releases.shifting to all_at_once, or {path} to none",
            )
            # "Alias with weights can not be used with Provisioned Concurrency":
            # https://github.com/hashicorp/terraform/issues/24957
            require(
                provisioned is None or shifting == "all_at_once",
                path,
                provisioned,
                f"with releases.shifting {shifting} CodeDeploy divides requests between two "
                "versions, and Lambda provisions nothing for an alias that does so",
                f"Set releases.shifting to all_at_once, or {path} to none",
            )


def _check_provisioned(path: str, size: FunctionSize) -> None:
    """docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""
    provisioned, reserved = size.provisioned_concurrency, size.reserved_concurrency
    require(
        provisioned is None or provisioned >= 1,
        f"{path}.provisioned_concurrency",
        provisioned,
        "at least one process is provisioned",
        f"Set {path}.provisioned_concurrency to 1 or more, or to none",
    )
    require(
        provisioned is None or reserved is None or provisioned <= reserved,
        f"{path}.provisioned_concurrency",
        provisioned,
        f"it is part of {path}.reserved_concurrency, which is {reserved}",
        f"Lower {path}.provisioned_concurrency, or raise the other",
    )
