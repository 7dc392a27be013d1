"""The template's permissions, as resources, and the checks that the emulator's components make with
them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.iam.scene import FUNCTION, HERE, TABLE, Scene, allowing

from emulator import credentials
from emulator.balancer.provider import LoadBalancingProvider
from emulator.clock import Clock
from emulator.events import permissions as of_pollers
from emulator.events.model import read_mapping
from emulator.gateway.connections import Registry
from emulator.gateway.dispatch import Dispatcher
from emulator.gateway.events import ConnectionInfo
from emulator.gateway.management import ManagementApi
from emulator.gateway.model import Integration, Route, WebSocketApi
from emulator.providers import EmulatorError, InvokeResult, Resource
from emulator.template.place import Place
from emulator.traces.ring import Ring

STREAM, QUEUE = f"{TABLE}/stream/1", f"arn:aws:sqs:{HERE}:jobs"
API = f"arn:aws:execute-api:{HERE}:api/dev"


LONG = "NotificationsPushSenderFunctionServiceRoleThatTakesSixtyFourCharacters"


def test_roles_whose_long_names_begin_alike_stay_two(scene: Scene) -> None:
    made = {}
    for suffix, action in (("1A2B3C4D", "s3:GetObject"), ("5E6F7A8B", "sqs:SendMessage")):
        policies = [{"PolicyName": "Own", "PolicyDocument": allowing([action])}]
        made[action] = scene.make("IAM::Role", f"{LONG}{suffix}", Policies=policies)
    for index, (action, role) in enumerate(made.items()):
        assert len(role.ref) == 64 and role.ref.startswith(f"Stack-{LONG[:40]}")
        scene.provider.add_function("it", f"F{index}", role.attributes["Arn"], "store")
        assert [scene.may(each) for each in made] == [each == action for each in made]


def test_a_role_has_its_policies_from_everywhere(scene: Scene) -> None:
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    own = scene.make("IAM::ManagedPolicy", "Own", PolicyDocument=allowing(["dynamodb:Query"]))
    scene.function_with(
        "dynamodb:PutItem",
        Policies=[{"PolicyName": "Inline", "PolicyDocument": allowing(["dynamodb:Scan"])}],
        ManagedPolicyArns=[basic, own.ref],
    )
    scene.make(
        "IAM::ManagedPolicy",
        "Attached",
        PolicyDocument=allowing(["dynamodb:GetItem"]),
        Roles=["Stack-Role"],
    )
    for action in ("PutItem", "Scan", "Query", "GetItem"):
        assert scene.may(f"dynamodb:{action}"), action
    assert scene.may("sqs:ReceiveMessage", QUEUE)
    assert not scene.may("dynamodb:DeleteItem")


def test_a_boundary_limits_what_the_policies_allow(scene: Scene) -> None:
    limit = scene.make("IAM::ManagedPolicy", "Limit", PolicyDocument=allowing(["dynamodb:Get*"]))
    scene.function_with("dynamodb:*", PermissionsBoundary=limit.ref)
    assert scene.may("dynamodb:GetItem") and not scene.may("dynamodb:PutItem")


@pytest.mark.parametrize(
    ("kind", "properties", "action", "resource"),
    [
        ("SQS::QueuePolicy", {"Queues": ["http://127.0.0.1/123456789012/jobs"]}, "sqs:SendMessage", QUEUE),
        ("SNS::TopicPolicy", {"Topics": [f"arn:aws:sns:{HERE}:t"]}, "sns:Publish", f"arn:aws:sns:{HERE}:t"),
        ("S3::BucketPolicy", {"Bucket": "files"}, "s3:GetObject", "arn:aws:s3:::files/a"),
        ("SecretsManager::ResourcePolicy", {"SecretId": f"arn:aws:secretsmanager:{HERE}:secret:s-1"}, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:s-1"),
    ],
)  # fmt: skip
def test_the_policy_of_a_resource_counts(
    scene: Scene, kind: str, properties: dict[str, Any], action: str, resource: str
) -> None:
    scene.function_with(action)
    assert scene.may(action, resource)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    name = "ResourcePolicy" if "ResourcePolicy" in kind else "PolicyDocument"
    scene.make(kind, "Own", **properties, **{name: {"Statement": [statement]}})
    assert not scene.may(action, resource)


def test_what_can_t_be_decided_stops_the_start_by_name(scene: Scene, tmp_path: Path) -> None:
    statement = {**allowing(["dynamodb:GetItem"])["Statement"][0]}
    statement["Condition"] = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    given = {"PolicyName": "Tagged", "Roles": [], "PolicyDocument": policy}
    with pytest.raises(EmulatorError, match=r"Policy Tagged.*aws:resourcetag/team"):
        scene.make("IAM::Policy", "Tagged", **given)
    Scene(tmp_path, "warn").make("IAM::Policy", "Tagged", **given)
    with pytest.raises(EmulatorError, match="no managed policy arn:aws:iam::aws:policy/Nothing"):
        scene.make("IAM::Role", "R", ManagedPolicyArns=["arn:aws:iam::aws:policy/Nothing"])
    with pytest.raises(EmulatorError, match="EventSourceToken"):
        scene.make(
            "Lambda::Permission",
            "P",
            EventSourceToken="x",
            FunctionName="f",
            Principal="*",
            Action="*",
        )
    with pytest.raises(EmulatorError, match="no template makes"):
        scene.provider.add_function("the function", "F", "arn:aws:iam::1:role/other", "f")


def test_a_denial_is_logged_each_time_and_shown_once(scene: Scene, tmp_path: Path) -> None:
    scene.function_with("dynamodb:GetItem")
    assert not scene.may("dynamodb:PutItem") and not scene.may("dynamodb:PutItem")
    assert scene.reported == [
        f"not permitted: Store: dynamodb:PutItem on {TABLE} because no identity-based policy "
        "allows the dynamodb:PutItem action"
    ]
    assert len((tmp_path / "denials.log").read_text().splitlines()) == 2
    (first, _) = scene.provider.state()["denials"]
    assert (first["by"], first["action"], first["resource"]) == ("Store", "dynamodb:PutItem", TABLE)


@pytest.mark.parametrize(("mode", "reports"), [("warn", 1), ("off", 0)])
def test_other_modes_let_everything_pass(tmp_path: Path, mode: str, reports: int) -> None:
    scene = Scene(tmp_path, mode)
    scene.function_with("dynamodb:GetItem")
    assert scene.may("dynamodb:PutItem")
    assert len(scene.reported) == reports
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=Store-0a1b2c/x"}
    headers["X-Amz-Security-Token"] = credentials.session_token("Store-0a1b2c")
    assert scene.provider.connections(headers, f"{API}/POST/@connections/a=") is None


def test_connections_are_posted_to_by_who_may(scene: Scene) -> None:
    scene.function_with("execute-api:ManageConnections", resource=f"{API}/POST/@connections/*")

    def status(key: str, method: str, token: str | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/x"}
        headers["X-Amz-Security-Token"] = credentials.session_token(key) if token is None else token
        denied = scene.provider.connections(headers, f"{API}/{method}/@connections/a1b2=")
        return (200, "") if denied is None else (denied.status, denied.body.decode())

    assert status("Store-0a1b2c", "POST") == (200, "")
    assert status("local", "DELETE") == (200, "")
    code, body = status("Store-0a1b2c", "DELETE")
    # as on AWS, which names neither the whole account nor the connection
    place = "arn:aws:execute-api:us-east-1:********9012:api/dev/DELETE/@connections/{connectionId}"
    assert code == 403 and f"execute-api:ManageConnections on resource: {place}" in body
    assert status("Store-0a1b2c", "POST", "another")[0] == status("AKID", "POST")[0] == 403


@pytest.mark.parametrize("named", ["store", "123456789012:function:store"])
def test_a_permission_is_of_the_function_in_its_own_partition(tmp_path: Path, named: str) -> None:
    scene = Scene(tmp_path, place=Place(region="cn-north-1"))
    principal, action = "sns.amazonaws.com", "lambda:InvokeFunction"
    scene.make("Lambda::Permission", "P", FunctionName=named, Principal=principal, Action=action)
    function = "arn:aws-cn:lambda:cn-north-1:123456789012:function:store"
    assert scene.provider.invocation(principal, function, "") is None


QUEUES = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
STREAMS = [
    *("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    "dynamodb:ListStreams",
]
FAILURES = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}


@pytest.mark.parametrize(
    ("source", "actions", "more", "error"),
    [
        (QUEUE, QUEUES, {}, "does not have permissions to call {} on SQS"),
        (STREAM, STREAMS, {}, "Cannot access stream"),
        (STREAM, [*STREAMS, "sqs:SendMessage"], FAILURES, "Cannot access stream|on failure"),
    ],
)
def test_a_poller_needs_its_function_s_role(
    tmp_path: Path, source: str, actions: list[str], more: dict[str, Any], error: str
) -> None:
    start = {"StartingPosition": "LATEST"} if source == STREAM else {}
    given = {"EventSourceArn": source, "FunctionName": FUNCTION, **start, **more}
    mapping = read_mapping("the mapping", given)
    scene = Scene(tmp_path)
    scene.function_with(*actions)
    of_pollers.check(mapping, scene.provider)
    for lacking in actions:
        scene = Scene(tmp_path)
        scene.function_with(*(each for each in actions if each != lacking))
        with pytest.raises(EmulatorError, match=error.format(lacking.partition(":")[2])):
            of_pollers.check(mapping, scene.provider)


def test_the_management_api_asks_before_it_posts(scene: Scene) -> None:
    scene.function_with("execute-api:ManageConnections", resource=f"{API}/POST/@connections/*")

    async def statuses() -> list[int]:
        management = ManagementApi(
            Registry(),
            "dev",
            0,
            lambda: "id",
            Ring(lambda: 0.0),
            lambda headers, path: scene.provider.connections(
                headers, f"{API.removesuffix('/dev')}{path}"
            ),
        )
        await management.start()
        url = f"{management.listener.url}/dev/@connections/L0SM9cOFvHcCIhw="
        key = "Store-0a1b2c"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/execute-api/x, "
            "SignedHeaders=host, Signature=x",
            "X-Amz-Date": "20260101T000000Z",
            "X-Amz-Security-Token": credentials.session_token(key),
        }
        try:
            async with ClientSession(headers=headers) as http:
                return [(await http.request(method, url)).status for method in ("POST", "DELETE")]
        finally:
            await management.stop()

    # who may gets the response that the connection is gone
    assert asyncio.run(statuses()) == [410, 403]


def test_the_load_balancer_invokes_what_a_permission_of_the_function_names(scene: Scene) -> None:
    async def invoke(function: str, event: bytes) -> InvokeResult:
        raise AssertionError("nothing is requested")

    async def start(allowed: bool) -> None:
        provider = LoadBalancingProvider(invoke, port=0, clock=Clock(), gate=scene.provider)
        properties = {"TargetType": "lambda", "Targets": [{"Id": FUNCTION}]}
        group = Resource("Stack", "Group", "AWS::ElasticLoadBalancingV2::TargetGroup", properties)
        made = await provider.create(group, properties)
        if allowed:
            permission = {
                "FunctionName": FUNCTION,
                "Action": "lambda:InvokeFunction",
                "Principal": "elasticloadbalancing.amazonaws.com",
                "SourceArn": made.ref,
            }
            resource = Resource("Stack", "P", "AWS::Lambda::Permission", permission)
            await scene.provider.create(resource, permission)
        try:
            await provider.start()
        finally:
            await provider.stop()

    with pytest.raises(
        EmulatorError, match="elasticloadbalancing principal does not have permission"
    ):
        asyncio.run(start(False))
    asyncio.run(start(True))


def test_api_gateway_invokes_what_a_permission_of_the_function_names(scene: Scene) -> None:
    invoked = []

    async def invoke(function: str, event: bytes) -> InvokeResult:
        invoked.append(function)
        return InvokeResult(b'{"statusCode": 200}', False)

    routes = {key: Route(key, Integration(FUNCTION)) for key in ("$connect", "$default")}
    api = WebSocketApi("api", "dev", ("action",), routes)
    dispatcher = Dispatcher(
        api,
        invoke,
        "us-east-1",
        "123456789012",
        lambda: 0.0,
        lambda n: b"a" * n,
        gate=scene.provider,
    )
    scene.make(
        "Lambda::Permission",
        "Permission",
        FunctionName=FUNCTION,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{HERE}:api/*$connect",
    )
    info = ConnectionInfo("a1b2=", "api", "dev", dispatcher.domain_name, "127.0.0.1", None, 0.0)
    response = asyncio.run(dispatcher.message(info, "{}"))
    assert response is not None and "Internal server error" in response
    assert invoked == []
    assert (
        scene.provider.invocation("apigateway.amazonaws.com", FUNCTION, f"{API}/$connect") is None
    )
