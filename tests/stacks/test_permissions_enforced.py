"""Each role does its calls and no more, as the emulator decides it: the same that AWS would say.

Every action of permissions.py is called once on its resource, in the form in which AWS checks it;
without the action, the call is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from emulator import credentials
from emulator.iam.account import Account, Role, Session
from emulator.iam.authority import Authority, Need
from emulator.iam.calls import table
from emulator.iam.calls.call import JSON, QUERY, S3, Call, Place
from stacks.config.permissions import PERMISSIONS
from tests.stacks.synthesized import Synthesized
from tests.support.rows import rows

PLACE = Place("123456789012", "us-east-1")
HERE = f"{PLACE.region}:{PLACE.account}"
POOL, STACK = "us-east-1_pool", f"arn:aws:cloudformation:{HERE}:stack/notifications/0000"
KEY, STREAM = f"arn:aws:kms:{HERE}:key/web-push", f"arn:aws:dynamodb:{HERE}:table/chats/stream/1"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:fcm-AbCdEf"
API = f"arn:aws:execute-api:{HERE}:api/prod"
ACCESS_KEY = "Some-0a1b2c"
# what the references of the templates stand for here
ARNS = {
    "AWS::AccountId": PLACE.account,
    "AWS::Partition": PLACE.partition,
    "AWS::Region": PLACE.region,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": STACK,
    "Chats.StreamArn": STREAM,
    "CredentialsFcm": SECRET,
    "FeedbackRole.Arn": "arn:aws:iam::123456789012:role/feedback",
    "FilesBucket.Arn": "arn:aws:s3:::files",
    "UserPool.Arn": f"arn:aws:cognito-idp:{HERE}:userpool/{POOL}",
    "WebPushKey.Arn": KEY,
    "WebSocketApi": "api",
    **{f"{name}.Arn": f"arn:aws:dynamodb:{HERE}:table/{name.lower()}" for name in ("Chats", "Users", "Tickets")},
    **{f"{name}.Arn": f"arn:aws:sqs:{HERE}:{name}" for name in ("PushQueue", "StreamFailures")},
}  # fmt: skip
QUEUES = {"push_queue": "PushQueue", "stream_failures": "StreamFailures"}
ROLE = "arn:aws:iam::123456789012:role/feedback"
APPLICATION = f"arn:aws:sns:{HERE}:app/GCM/switchboard-prod-fcm"
ENDPOINT = f"arn:aws:sns:{HERE}:endpoint/GCM/switchboard-prod-fcm/0a1b"


class Names:
    def secret(self, identifier: str) -> str | None:
        return identifier

    def key(self, identifier: str) -> str | None:
        return identifier

    def dead_letter_sources(self, queue: str) -> list[str]:
        return []

    def partition_key(self, table: str, index: str | None) -> str | None:
        return "pk"


class Grant(NamedTuple):
    """One action on one of the names of permissions.py, for one of its functions."""

    function: str
    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.function} {self.action} {self.resource}"


GRANTS = [
    Grant(function, resource, action)
    for function, row in PERMISSIONS.items()
    for resource, actions in row.items()
    for action in actions
]
# a push is allowed by either of the two: both have to go
EITHER = {"platform_endpoints": "platform_applications"}


def needs(grant: Grant) -> list[Need]:
    """What the call needs that the action is granted for."""
    service, _, operation = grant.action.partition(":")
    if service == "execute-api":
        method = "POST" if grant.resource == "post_to_connections" else "DELETE"
        return [Need(grant.action, (f"{API}/{method}/@connections/a1b2=",))]
    return table.needs(_call(grant, service, operation), PLACE, Names(), b"")


def _call(grant: Grant, service: str, operation: str) -> Call:
    match service:
        case "dynamodb":
            return Call(service, operation, JSON, given=_of_table(grant.resource, operation))
        case "sqs":
            url = f"https://sqs/{PLACE.account}/{QUEUES[grant.resource]}"
            return Call(service, operation, JSON, given={"QueueUrl": url})
        case "cognito-idp":
            return Call(service, operation, JSON, given={"UserPoolId": POOL})
        case "secretsmanager":
            return Call(service, operation, JSON, given={"SecretId": SECRET})
        case "kms":
            return Call(service, operation, JSON, given={"KeyId": KEY})
        case "cloudformation":
            return Call(service, operation, QUERY, given={"StackName": STACK})
        case "s3":
            method = {"PutObject": "PUT", "GetObject": "GET"}[operation]
            return Call(service, "", S3, method=method, path="/files/files/a1b2")
    if grant.action == "iam:PassRole":  # no call of its own
        role = {
            "Attributes.entry.1.key": "FailureFeedbackRoleArn",
            "Attributes.entry.1.value": ROLE,
        }
        given = {"PlatformApplicationArn": APPLICATION, **role}
        return Call("sns", "SetPlatformApplicationAttributes", QUERY, given=given)
    if operation == "CreatePlatformApplication":
        given = {"Platform": "GCM", "Name": "switchboard-prod-fcm"}
    elif operation == "Publish":
        given = {"TargetArn": ENDPOINT}
    elif "Endpoint" in operation and operation != "CreatePlatformEndpoint":
        given = {"EndpointArn": ENDPOINT}
    else:
        given = {"PlatformApplicationArn": APPLICATION}
    return Call(service, operation, QUERY, given=given)


def _of_table(resource: str, operation: str) -> Mapping[str, Any]:
    if resource == "chats_stream":
        return {"StreamArn": STREAM, "ShardIterator": f"{STREAM}|1|x"}
    if operation.startswith("Batch"):
        return {"RequestItems": {resource: {"Keys": []}}}
    return {"TableName": resource}


def _role(templates: Synthesized, function: str) -> Role:
    """With the policies of the template, and ARNs for what they refer to."""
    found = templates.one("AWS::IAM::Role", f"{function}Role")
    policy = {
        "Version": "2012-10-17",
        "Statement": [_shown(templates, each) for each in templates.statements(found.logical_id)],
    }
    return Role(f"arn:aws:iam::{PLACE.account}:role/{function}", "AROA", {}, {"Default": policy})


def _shown(templates: Synthesized, value: Any) -> Any:
    """A statement with its references replaced."""
    if isinstance(value, list):
        return [_shown(templates, each) for each in value]
    if isinstance(value, dict) and not any(
        name == "Ref" or name.startswith("Fn::") for name in value
    ):
        return {name: _shown(templates, each) for name, each in value.items()}
    return re.sub(
        r"<([^>]*)>", lambda ref: ARNS.get(ref[1], f"arn:aws:x:::{ref[1]}"), templates.show(value)
    )


def _refused(role: Role, grant: Grant) -> str:
    session = Session(role.arn, grant.function)
    account = Account(roles={role.arn: role}, sessions={"Some": session})
    denial = Authority(account, lambda: 0).denial(ACCESS_KEY, session, needs(grant), {})
    return "" if denial is None else denial.message


def _without(role: Role, grant: Grant) -> Role:
    """The role without the action, wherever it is granted on the grant's resource."""
    (policy,) = role.policies.values()
    gone = {resource for need in needs(grant) for resource in need.resources}
    statements = [_less(each, grant.action, gone) for each in policy["Statement"]]
    return Role(role.arn, role.id, {}, {"Default": {**policy, "Statement": statements}})


def _less(statement: Mapping[str, Any], action: str, gone: set[str]) -> dict[str, Any]:
    listed = (
        statement["Resource"]
        if isinstance(statement["Resource"], list)
        else [statement["Resource"]]
    )
    actions = (
        statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    )
    about = any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*"), arn) for each in listed for arn in gone
    )
    kept = [each for each in actions if not (about and each == action)]
    return {**statement, "Action": kept or ["none:Nothing"]}


@pytest.fixture(scope="module")
def roles(prod: Synthesized) -> Mapping[str, Role]:
    return {function: _role(prod, function) for function in PERMISSIONS}


def test_the_access_key_is_one_that_the_emulator_gives_out() -> None:
    assert credentials.WORKER.fullmatch(ACCESS_KEY)


@rows("grant", GRANTS, ids=map(str, GRANTS))
def test_a_role_may_make_the_calls_of_its_row(roles: Mapping[str, Role], grant: Grant) -> None:
    assert _refused(roles[grant.function], grant) == ""


@rows("grant", GRANTS, ids=map(str, GRANTS))
def test_without_one_of_its_actions_the_call_is_rejected_by_name(
    roles: Mapping[str, Role], grant: Grant
) -> None:
    message = _refused(_without(roles[grant.function], grant), grant)
    assert f"not authorized to perform: {grant.action} on resource: " in message
    assert any(need.resources[0] in message for need in needs(grant))


def _others() -> Iterator[tuple[str, Grant]]:
    """What one function may do and another one may not."""
    granted = {
        each: {(grant.resource, grant.action) for grant in GRANTS if grant.function == each}
        for each in PERMISSIONS
    }
    for function, mine in granted.items():
        for grant in GRANTS:
            either = EITHER.get(grant.resource, grant.resource)
            if not {(grant.resource, grant.action), (either, grant.action)} & mine:
                yield function, grant


def test_no_role_may_make_a_call_of_another_one_s_row(roles: Mapping[str, Role]) -> None:
    allowed = [
        f"{function}: {grant}"
        for function, grant in _others()
        if _refused(roles[function], grant) == ""
    ]
    assert allowed == []
