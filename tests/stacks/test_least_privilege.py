"""What each function and task may call, read from the templates: permissions.py on real resources.

That a row has what its function calls, and no more, is shown from recorded calls in tests/lambdas.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from stacks.config.overrides import environment_from
from stacks.config.permissions import PERMISSIONS
from stacks.config.tables import TABLES
from tests.stacks.synthesized import Resource, Synthesize, Synthesized
from tests.support.rows import rows

ACCOUNT = "<AWS::Region>:<AWS::AccountId>"
POSTS = f"arn:<AWS::Partition>:execute-api:{ACCOUNT}:<WebSocketApi>/prod/POST/@connections/*"
CLOSES = f"arn:<AWS::Partition>:execute-api:{ACCOUNT}:<WebSocketApi>/prod/DELETE/@connections/*"
NAMES = (
    "GCM/switchboard-prod-fcm",
    "APNS/switchboard-prod-apns",
    "APNS_SANDBOX/switchboard-prod-apns-sandbox",
)
APPLICATIONS = [f"arn:<AWS::Partition>:sns:{ACCOUNT}:app/{name}" for name in NAMES]
ANY_APPLICATION = f"arn:<AWS::Partition>:sns:{ACCOUNT}:app/*"
ENDPOINTS = [f"arn:<AWS::Partition>:sns:{ACCOUNT}:endpoint/{name}/*" for name in NAMES]

SECRETS = ["<CredentialsFcm>", "<CredentialsApns>", "<CredentialsApnsSandbox>"]
# what the names of permissions.py stand for
ARNS: Mapping[str, list[str]] = {
    **{name.lower(): [f"<{name}.Arn>"] for name in TABLES},
    "any_platform_application": [ANY_APPLICATION],
    "any_stream": ["*"],
    "chats_stream": ["<Chats.StreamArn>"],
    "close_connections": [CLOSES],
    "files": ["<FilesBucket.Arn>/files/*"],
    "own_stack": ["<AWS::StackId>"],
    "platform_applications": APPLICATIONS,
    "platform_endpoints": ENDPOINTS,
    "post_to_connections": [POSTS],
    "push_credentials": SECRETS,
    "push_feedback": ["<FeedbackRole.Arn>"],
    "push_queue": ["<PushQueue.Arn>"],
    "stream_failures": ["<StreamFailures.Arn>"],
    "user_pool": ["<UserPool.Arn>"],
    "web_push_key": ["<WebPushKey.Arn>"],
}
# tables and secrets
ENCRYPTED = {*(name.lower() for name in TABLES), "chats_stream", "push_credentials"}
# wildcards in resources, and why they stand
REVIEWED = {
    POSTS: "a connection's id is given by API Gateway; the method, API and stage are ours",
    CLOSES: "the same",
    ANY_APPLICATION: "IAM asks for creating one on app/, without the name that it will have",
    **dict.fromkeys(ENDPOINTS, "an endpoint's id is given by SNS; the application is ours"),
    "<FilesBucket.Arn>/files/*": "a file's key is random, and the bucket has nothing else",
    "*": "IAM knows no resource for ListStreams and for ECR's GetAuthorizationToken",
}
STAR_ACTIONS = {"dynamodb:ListStreams", "ecr:GetAuthorizationToken"}


def allowed(name: str) -> dict[str, set[str]]:
    """ARN -> the actions that the function's row grants on it."""
    return {
        arn: set(actions)
        for resource, actions in PERMISSIONS[name].items()
        for arn in ARNS[resource]
    }


def test_no_two_resources_of_the_table_are_one_in_a_template() -> None:
    arns = [arn for each in ARNS.values() for arn in each]
    assert len(set(arns)) == len(arns)
    assert {resource for row in PERMISSIONS.values() for resource in row} == set(ARNS)


@rows("name", PERMISSIONS)
def test_a_role_allows_the_actions_of_its_row_on_the_resources_named_there_and_nothing_else(
    prod: Synthesized, name: str
) -> None:
    role = prod.one("AWS::IAM::Role", f"{name}Role")
    granted = prod.grants(role.logical_id)
    logs = granted.pop(f"<{name}Logs.Arn>")
    key = granted.pop("<Key.Arn>", set())
    assert granted == allowed(name)
    assert logs == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert bool(key) == bool(ENCRYPTED & set(PERMISSIONS[name]))


@pytest.mark.parametrize("pool", ["Large", "Small"])
def test_a_task_may_do_what_the_api_function_may(prod: Synthesized, pool: str) -> None:
    role = prod.one("AWS::IAM::Role", f"{pool}PoolTaskTaskRole")
    granted = prod.grants(role.logical_id)
    granted.pop("<Key.Arn>")
    assert granted == allowed("Api")


def test_every_function_has_a_role_of_its_own(prod: Synthesized) -> None:
    functions = prod.all("AWS::Lambda::Function")
    roles = [prod.show(function.properties["Role"]) for function in functions]
    assert len(set(roles)) == len(functions)


def test_no_action_is_a_wildcard(prod: Synthesized) -> None:
    for statement in _all_statements(prod):
        assert not [action for action in _list(statement["Action"]) if "*" in action]


def test_every_wildcard_in_a_resource_has_been_reviewed(prod: Synthesized) -> None:
    found = {
        prod.show(resource): set(_list(statement["Action"]))
        for statement in _all_statements(prod)
        for resource in _list(statement["Resource"])
        if "*" in prod.show(resource)
    }
    assert set(found) == set(REVIEWED)
    assert (
        not {
            action
            for statement in _all_statements(prod)
            if "*" in _list(statement["Resource"])
            for action in _list(statement["Action"])
        }
        - STAR_ACTIONS
    )


def test_the_key_is_used_only_through_the_services_whose_data_it_encrypts(
    prod: Synthesized,
) -> None:
    via = [
        prod.show(statement["Condition"]["StringEquals"]["kms:ViaService"])
        for statement in _all_statements(prod)
        if any(action.startswith("kms:") for action in _list(statement["Action"]))
        and prod.show(statement["Resource"]) != "<WebPushKey.Arn>"  # which signs, and is called
    ]
    services = ("dynamodb", "secretsmanager")
    assert set(via) == {f"{service}.<AWS::Region>.<AWS::URLSuffix>" for service in services}


def test_no_role_of_ours_has_a_managed_policy_but_those_that_aws_itself_acts_by(
    prod: Synthesized,
) -> None:
    managed = {
        (role.name, prod.show(policy).rpartition("/")[2])
        for role in prod.all("AWS::IAM::Role")
        for policy in role.properties.get("ManagedPolicyArns", [])
    }
    assert managed == {
        ("WebSocketAccountLogRole", "AmazonAPIGatewayPushToCloudWatchLogs"),
        ("ShiftingRole", "AWSCodeDeployRoleForLambdaLimited"),
    }


def test_every_permission_to_invoke_a_function_names_who_may(prod: Synthesized) -> None:
    permissions = prod.all("AWS::Lambda::Permission")
    for permission in permissions:
        assert "SourceArn" in permission.properties, permission.logical_id
    group = f":elasticloadbalancing:{ACCOUNT}:targetgroup/switchboard-prod-live/*"
    balancer = [each for each in permissions if "elasticload" in each.properties["Principal"]]
    assert [prod.show(each.properties["SourceArn"]) for each in balancer] == [
        f"arn:<AWS::Partition>{group}"
    ]
    group_name = [
        each.properties["Name"] for each in _target_groups(prod) if "Name" in each.properties
    ]
    assert group_name == ["switchboard-prod-live"]


def _target_groups(prod: Synthesized) -> list[Resource]:
    return prod.all("AWS::ElasticLoadBalancingV2::TargetGroup")


def _all_statements(environment: Synthesized) -> list[Mapping[str, Any]]:
    """Of identity policies; a resource's own policy says who may not."""
    return [
        statement
        for role in environment.all("AWS::IAM::Role")
        for statement in environment.statements(role.logical_id)
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


OWN = {
    platform: f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{platform}-a1B2c3"
    for platform in ("fcm", "apns", "apns_sandbox")
}
OWN_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"


@pytest.mark.slow  # 14 environments of its own
@pytest.mark.parametrize(
    ("own", "own_key", "stack_key"),
    [
        (("fcm",), True, True),
        pytest.param(("fcm",), False, False, marks=pytest.mark.deep),
        *(
            pytest.param(*each, marks=pytest.mark.deep)
            for each in (
                # with a key of one's own it is refused: there is nothing that it would be of
                *(((), False, stack_key) for stack_key in (True, False)),
                *((("fcm",), own_key, not own_key) for own_key in (True, False)),
                *product([("fcm", "apns"), tuple(OWN)], (True, False), (True, False)),
            )
        ),
    ],
)
def test_the_keys_of_the_secrets_are_granted_to_their_reader_and_to_nobody_else(
    synthesize: Synthesize, own: tuple[str, ...], own_key: bool, stack_key: bool
) -> None:
    overrides: dict[str, Any] = {f"push.{each}_secret_arn": OWN[each] for each in own}
    overrides |= {"customer_managed_key": stack_key, "region": "eu-west-1"}
    if own_key:
        overrides["push.secret_key_arn"] = OWN_KEY
    environment = synthesize(environment_from(overrides))
    expected = {OWN_KEY} if own_key else set()
    if stack_key and len(own) < len(OWN):
        expected.add("<Key.Arn>")
    reader = environment.one("AWS::IAM::Role", "PlatformApplicationsRole")
    granted = environment.grants(reader.logical_id)
    assert {name for name, actions in granted.items() if "kms:Decrypt" in actions} == expected
    assert all(granted[name] == {"kms:Decrypt"} for name in expected)
    assert {
        name
        for name, actions in granted.items()
        if "secretsmanager:GetSecretValue" in actions and name.startswith("arn:")
    } == {OWN[each] for each in own}
    for role in environment.all("AWS::IAM::Role"):
        if role.logical_id != reader.logical_id:
            assert OWN_KEY not in environment.grants(role.logical_id)
    for statement in environment.statements(reader.logical_id):
        if "kms:Decrypt" in _list(statement["Action"]):
            via = statement["Condition"]["StringEquals"]["kms:ViaService"]
            assert environment.show(via).startswith("secretsmanager.")
