"""Attacks against the table of permissions: whatever a function may write is compared before and
after each attack, and whatever it may do is done in one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lambdas import limits
from lambdas.tables import user_key
from stacks.config.functions import FUNCTIONS
from stacks.config.permissions import CONNECTIONS, PERMISSIONS
from stacks.config.tables import TABLES
from tests.attacks import aims
from tests.attacks.attempts import OPERATIONS, attempts
from tests.attacks.world import DEVICE, World
from tests.support.lambdas import rest
from tests.support.lambdas.permissions import recorded_actions

pytestmark = pytest.mark.xdist_group("attacks")

ROOT = Path(__file__).parents[2]
READING = ("Get", "BatchGet", "Query", "Describe", "List", "ConditionCheck", "AdminGet", "Sign")
# What no request or frame leads to: deployments, and what Lambda does in the name of a function.
OF_DEPLOYMENTS = {"PlatformApplications"}
BY_LAMBDA = {row.event_source.on_failure for row in FUNCTIONS.values() if row.event_source}

ATTACKED_IN = {
    "Authorize": ("tests/lambdas/presence/test_presence.py", "tests/system/test_attacks.py"),
    "Connection": ("tests/lambdas/presence/test_presence.py",),
    "DeliveryWatch": ("tests/lambdas/delivery/test_stream.py",),
    "Push": ("tests/lambdas/delivery/test_push.py",),
    "Operator": ("tests/lambdas/api/test_api_operator.py",),
}


def written() -> set[str]:
    """The resources that requests and frames, and what follows from them, may write."""
    return {
        resource
        for function, row in PERMISSIONS.items()
        if function not in OF_DEPLOYMENTS
        for resource, actions in row.items()
        if resource not in BY_LAMBDA
        and not all(action.partition(":")[2].startswith(READING) for action in actions)
    }


def _put(table: str) -> Callable[[World], object]:
    def put(world: World) -> object:
        item = {key: {"S": "planted"} for key in TABLES[table].keys}
        return world.api.aws.dynamodb.put_item(TableName=table, Item=item)

    return put


def _wake(world: World) -> None:
    url = rest.client("sqs").get_queue_url(QueueName="Pushes.fifo")["QueueUrl"]
    rest.client("sqs").send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )


def _disable(world: World) -> None:
    pool = world.api.aws.settings["USER_POOL_ID"]
    rest.client("cognito-idp").admin_disable_user(UserPoolId=pool, Username=world.names["victim"])


def _disable_endpoint(world: World) -> None:
    key = user_key(world.names["victim"], "devices")
    devices = world.api.aws.users.get(key, consistent=True) or {}
    rest.client("sns").set_endpoint_attributes(
        EndpointArn=devices["devices"][DEVICE]["endpoint_arn"], Attributes={"Enabled": "false"}
    )


def _post(world: World) -> None:
    world.api.gateway.received[world.connection("victim")].append({"type": "pong"})


# A change of each resource. A new one gets a row here, and a place in World.stored().
CHANGES: dict[str, Callable[[World], object]] = {
    **{table.lower(): _put(table) for table in TABLES},
    "push_queue": _wake,
    "user_pool": _disable,
    "platform_applications": _disable_endpoint,
    "platform_endpoints": _disable_endpoint,
    "post_to_connections": _post,
    "close_connections": lambda world: world.api.gateway.received.pop(world.connection("victim")),
    "files": lambda world: world.api.aws.files.upload("files/a/b", 1),
}


def test_each_resource_that_a_function_may_write_can_be_changed_here() -> None:
    assert written() == set(CHANGES)


@pytest.mark.parametrize("resource", CHANGES)
def test_a_change_of_each_resource_is_seen(world: World, resource: str) -> None:
    before = world.stored()
    with world.put_back():
        CHANGES[resource](world)
        assert world.stored() != before
    assert world.stored() == before


# Of users' items and the queue, what functions do where a connection is gone, a member is away, or
# the log has a hole: tests/lambdas/test_frame_permissions.py makes them do it.
LOST = {("users", "dynamodb:Query"), ("users", "dynamodb:UpdateItem")}
AWAY = {("sqs", "sqs:SendMessage")}
HOLES = {("chats", "dynamodb:GetItem"), ("chats", "dynamodb:PutItem")}
ELSEWHERE = {
    "Send": LOST | AWAY,
    "Receipt": LOST | AWAY,
    "Sync": LOST | HOLES,
}


@pytest.mark.deep
def test_what_each_function_may_do_is_done_in_an_attack(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SAMPLE", 1)
    done: dict[str, set[tuple[str, str]]] = {"Api": set()}
    for operation in OPERATIONS:
        function = next((name for name in FUNCTIONS if operation in FUNCTIONS[name].routes), "Api")
        with recorded_actions() as seen:
            for attacker in ("stranger", "invited", "member"):
                for values in (aims.values, aims.own_values):
                    consumed = sum(1 for _ in attempts(world, operation, attacker, values))
                    assert consumed, operation
        used = {(resource, action) for resource, actions in seen.items() for action in actions}
        done[function] = done.get(function, set()) | used
    lacking = {}
    for function, used in done.items():
        granted = {
            (resource if action.startswith("dynamodb:") else action.partition(":")[0], action)
            for resource, actions in PERMISSIONS[function].items()
            for action in actions
            if action not in CONNECTIONS  # posts and closings are signed by hand
        }
        if rest := granted - used - ELSEWHERE.get(function, set()):
            lacking[function] = rest
    assert lacking == {}


def test_functions_that_no_frame_reaches_are_attacked_in_tests_of_their_own() -> None:
    reached = {name for name, row in FUNCTIONS.items() if {*row.routes} & {*OPERATIONS}} | {"Api"}
    assert {*FUNCTIONS} - reached == set(ATTACKED_IN) | OF_DEPLOYMENTS
    for paths in ATTACKED_IN.values():
        assert all((ROOT / path).is_file() for path in paths)
