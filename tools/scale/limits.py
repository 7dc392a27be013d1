"""AWS's default quotas and the system's own limits: the load that reaches each, and its remedy."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from tools.scale.acts import ACTS, ROUND_TRIP_MS
from tools.scale.behaviour import Behaviour
from tools.scale.model import PARTITION_WRITES, Load, to_group
from tools.scale.sockets import costs as costs_of_sockets

GUIDE = "https://docs.aws.amazon.com"


class Limit(NamedTuple):
    """`used` is in the units of `most`; `remedy` is what to ask AWS for, or to change."""

    name: str
    most: Callable[[Load], float]
    used: Callable[[Load], float]
    remedy: str
    source: str


def _watched(load: Load) -> float:
    """Chats that the delivery watch can look at in a second: one after another in each shard, each
    read before and after its devices had time to acknowledge."""
    seconds = 2 * ACTS["a batch of the delivery watch"].rounds * ROUND_TRIP_MS / 1000
    return load.partitions / seconds


LIMITS: tuple[Limit, ...] = (
    Limit(
        "chats a second that the delivery watch can look at, one batch a shard",
        _watched,
        lambda load: load.messages,
        "set `parallelization_factor` of DeliveryWatch's event source (to 10 at most) in "
        "stacks/config/functions.py: chats keep their order, since a chat is a partition key",
        f"{GUIDE}/lambda/latest/dg/with-ddb.html",
    ),
    Limit(
        "Cognito, sign-ins and refreshes a second (UserAuthentication)",
        lambda _: 120,
        lambda load: load.rate("refresh") + load.rate("sign-in"),
        "buy a higher rate of the category in Service Quotas, or let access tokens live longer",
        f"{GUIDE}/cognito/latest/developerguide/quotas.html",
    ),
    Limit(
        "Cognito, look-ups of a user a second (UserRead), one for each ticket",
        lambda _: 120,
        lambda load: load.rate("ticket"),
        "buy a higher rate of the category in Service Quotas",
        f"{GUIDE}/cognito/latest/developerguide/quotas.html",
    ),
    Limit(
        "Lambda, executions at once",
        lambda _: 1_000,
        lambda load: load.concurrency,
        "have the quota raised in Service Quotas, and set `concurrent_executions` to it",
        f"{GUIDE}/lambda/latest/dg/gettingstarted-limits.html",
    ),
    Limit(
        "API Gateway, requests a second of the account: frames that come, and posts",
        lambda _: 10_000,
        lambda load: load.peak("requests"),
        "have the quota raised; beyond it, a cell more",
        f"{GUIDE}/apigateway/latest/developerguide/limits.html",
    ),
    Limit(
        "API Gateway, new connections a second",
        lambda _: 500,
        lambda load: load.rate("a connection"),
        "have the quota raised, and set `websocket.reconnect_window`",
        f"{GUIDE}/apigateway/latest/developerguide/"
        "apigateway-execution-service-websocket-limits-table.html",
    ),
    Limit(
        "DynamoDB, write units a second of a table",
        lambda _: 40_000,
        lambda load: load.peak("writes"),
        "have the table's quota raised in Service Quotas; before a launch, warm the table",
        f"{GUIDE}/amazondynamodb/latest/developerguide/Limits.html",
    ),
    Limit(
        "DynamoDB, read units a second of a table",
        lambda _: 40_000,
        lambda load: load.peak("reads"),
        "have the table's quota raised in Service Quotas; before a launch, warm the table",
        f"{GUIDE}/amazondynamodb/latest/developerguide/Limits.html",
    ),
    Limit(
        "SQS, jobs a second of the FIFO queue, at high throughput, not batched",
        lambda _: 70_000,
        lambda load: load.rate("a push"),
        "have the quota raised; the queue has a message group for each chat of a user",
        f"{GUIDE}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html",
    ),
    Limit(
        "SNS, pushes a second",
        lambda _: 30_000,
        lambda load: load.rate("a push"),
        "have the quota raised",
        f"{GUIDE}/general/latest/gr/sns.html",
    ),
    Limit(
        "sockets in containers: targets of an Application Load Balancer, in a deployment",
        lambda _: 1_000,
        lambda load: 2 * costs_of_sockets(load).number,
        "have the quota raised, that of a target group too; or give each task more CPU and memory",
        f"{GUIDE}/elasticloadbalancing/latest/application/load-balancer-limits.html",
    ),
    Limit(
        "sockets in containers: tasks of an ECS service",
        lambda _: 5_000,
        lambda load: costs_of_sockets(load).number,
        "give each task more CPU and memory, up to a vCPU; beyond it, a cell more",
        f"{GUIDE}/general/latest/gr/ecs-service.html",
    ),
    # the same for any number of users: it depends on how busy the busiest chat is
    Limit(
        "DynamoDB, messages a second in the biggest group, whose log is one partition key",
        lambda load: messages_in_one_chat(load.behaviour.biggest_group),
        lambda load: load.behaviour.busiest_chat,
        "split the group, or bound how often its members write; a head without names is the next "
        "step of the design",
        f"{GUIDE}/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
    ),
)
MOST_USERS = 10**12


def users_at(limit: Limit, behaviour: Behaviour) -> float:
    """The users with whom the limit is used up: infinity where no number of them does. Use grows
    with them; some limits do as well."""
    most = Load(MOST_USERS, behaviour)
    if limit.used(most) <= limit.most(most):
        return math.inf
    low, high = 0, MOST_USERS
    while high - low > 1:
        middle = (low + high) // 2
        load = Load(middle, behaviour)
        if limit.used(load) > limit.most(load):
            high = middle
        else:
            low = middle
    return low


@cache
def in_order(behaviour: Behaviour) -> tuple[tuple[float, Limit], ...]:
    """The limits with the users at whom each is hit, the first one first."""
    found = ((users_at(each, behaviour), each) for each in LIMITS)
    return tuple(sorted(found, key=lambda pair: pair[0]))


def messages_in_one_chat(members: int) -> float:
    """A second, until the partition of its head is used up: a chat's log is one partition key."""
    return PARTITION_WRITES / (to_group(members).writes)
