"""Sessions by their access keys, what their roles allow, and which verdicts are cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.rows import rows

from emulator import credentials
from emulator.iam import keys, managed
from emulator.iam.account import Account, Role, Session
from emulator.iam.authority import ANY_RESOURCE, Authority, Need, UnknownKey
from emulator.iam.documents import read

ROLE = "arn:aws:iam::123456789012:role/service/app"
KEY = "Send-0a1b2c"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/chats"
NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


def authority(
    statement: Mapping[str, Any], own: Mapping[str, list[dict[str, Any]]] | None = None
) -> Authority:
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}
    role = Role(ROLE, "AROAAPP", {"Team": "red"}, {"Default": policy})
    account = Account(
        roles={ROLE: role}, sessions={"Send": Session(ROLE, "chat-send")}, resources=dict(own or {})
    )
    return Authority(Account.parsed(account.as_json()), lambda: NOON)


def denial_message(known: Authority, action: str, *resources: str, **context: list[str]) -> str:
    """The message of the denial; empty where there is none."""
    session = known.session(KEY, credentials.session_token(KEY))
    assert session is not None
    need = Need(
        action, resources, lambda: {name.replace("__", ":"): v for name, v in context.items()}
    )
    denial = known.denial(KEY, session, [need], {"aws:useragent": ["boto3"]})
    return "" if denial is None else denial.message


GET = {"Action": "dynamodb:GetItem", "Resource": TABLE}


def test_a_denial_names_session_action_resource_and_reason_as_aws_does() -> None:
    known = authority(GET)
    assert denial_message(known, "dynamodb:GetItem", TABLE) == ""
    assert denial_message(known, "dynamodb:PutItem", TABLE) == (
        "User: arn:aws:sts::123456789012:assumed-role/app/chat-send is not authorized to perform: "
        f"dynamodb:PutItem on resource: {TABLE} because no identity-based policy allows the "
        "dynamodb:PutItem action"
    )


def test_one_of_several_resources_is_enough() -> None:
    known = authority(GET)
    assert (
        denial_message(known, "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:1:table/x", TABLE)
        == ""
    )


def test_what_the_emulator_does_not_know_is_decided_by_its_action() -> None:
    known = authority(GET)
    assert denial_message(known, "dynamodb:GetItem", ANY_RESOURCE) == ""
    assert "logs:PutLogEvents on resource: *" in denial_message(
        known, "logs:PutLogEvents", ANY_RESOURCE
    )


LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
ONE = "arn:aws:logs:us-east-1:123456789012:log-group:a"
NO_LOGS = {"Effect": "Deny", "Action": "logs:Filter*", "Resource": "*"}
REASONS = {
    "identity": "explicit deny in an identity-based policy",
    "boundary": "explicit deny in a permissions boundary",
    "none": "because no permissions boundary allows the logs:FilterLogEvents action",
}


@rows(
    ("statements", "boundary", "reason"),
    [
        ([LOGS], None, ""),
        ([LOGS, NO_LOGS], None, "identity"),
        ([LOGS, {**NO_LOGS, "Resource": "arn:aws:logs:*:*:*"}], None, "identity"),
        ([LOGS, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}], None, "identity"),
        ([LOGS, {**NO_LOGS, "Action": "logs:PutLogEvents"}], None, ""),
        ([LOGS, {**NO_LOGS, "Resource": "arn:aws:sqs:*:*:*"}], None, ""),
        ([LOGS, {**NO_LOGS, "Resource": ONE}], None, ""),  # perhaps on another one
        ([LOGS, {"Effect": "Deny", "Action": "*", "NotResource": "*"}], None, ""),
        ([LOGS, {**NO_LOGS, "Condition": {"Null": {"aws:UserAgent": "true"}}}], None, ""),
        ([LOGS], [LOGS], ""),
        ([LOGS], [LOGS, NO_LOGS], "boundary"),
        ([LOGS], [{**LOGS, "Action": "dynamodb:*"}], "none"),
    ],
)
def test_a_deny_and_the_boundary_count_where_the_action_decides(
    statements: list[Any], boundary: list[Any] | None, reason: str
) -> None:
    role = Role(ROLE, "AROAAPP", policies={"Default": {"Statement": statements}})
    account = Account(roles={ROLE: role}, sessions={"Send": Session(ROLE, "chat-send")})
    if boundary is not None:
        role.boundary = "limit"
        account.managed["limit"] = {"Statement": boundary}
    known = Authority(account, lambda: NOON)
    message = denial_message(known, "logs:FilterLogEvents", ANY_RESOURCE)
    assert message.endswith(REASONS[reason] if reason else "") and bool(message) is bool(reason)


@pytest.mark.parametrize(
    ("key", "token"),
    [
        ("AKIDEXAMPLE", None),
        ("Send", credentials.session_token("Send")),
        (KEY, None),
        (KEY, credentials.session_token("Send-0a1b2d")),
        ("Push-0a1b2c", credentials.session_token("Push-0a1b2c")),
    ],
)
def test_keys_without_their_token_and_of_nobody_are_not_known(key: str, token: str | None) -> None:
    with pytest.raises(UnknownKey):
        authority(GET).session(key, token)


def test_the_administrator_is_no_session() -> None:
    assert authority(GET).session(credentials.ACCESS_KEY, None) is None


@rows(
    ("condition", "allowed"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, True),  # HTTP here stands for TLS
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"ArnEquals": {"aws:PrincipalArn": ROLE}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "red"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/TEAM": "blue"}}, False),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, True),
        ({"StringLike": {"aws:userid": "AROAAPP:*"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T11:59:59Z"}}, True),
        ({"DateLessThan": {"aws:EpochTime": "2026-01-01T11:59:59Z"}}, False),
        ({"StringEquals": {"aws:UserAgent": "boto3"}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "b"}}, False),
        ({"Null": {"aws:MultiFactorAuthAge": "true"}}, True),
    ],
)
def test_conditions_are_compared_with_the_request(condition: dict[str, Any], allowed: bool) -> None:
    known = authority({**GET, "Condition": condition})
    for _ in range(2):  # the second time from memory, where that may be
        message = denial_message(known, "dynamodb:GetItem", TABLE, dynamodb__leadingkeys=["a"])
        assert (message == "") is allowed


def test_what_depends_on_the_request_is_never_remembered() -> None:
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}}
    known = authority({**GET, "Condition": condition})
    assert denial_message(known, "dynamodb:GetItem", TABLE, dynamodb__leadingkeys=["a"]) == ""
    assert denial_message(known, "dynamodb:GetItem", TABLE, dynamodb__leadingkeys=["b"]) != ""


OWN_FILES = "arn:aws:s3:::files/${aws:userid}/*"
BY_USER = {"StringEquals": {"aws:userid": "AROAAPP:a"}}
OF_A_RESOURCE = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/app/a"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}


@pytest.mark.parametrize(
    ("statement", "need"),
    [
        (
            {"Action": "*", "Resource": OWN_FILES},
            ("s3:GetObject", "arn:aws:s3:::files/AROAAPP:a/x"),
        ),
        ({**GET, "Condition": BY_USER}, ("dynamodb:GetItem", TABLE)),
        (GET, ("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:jobs")),
    ],
)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_what_one_session_may_is_not_remembered_for_another_of_its_role(
    statement: dict[str, Any], need: tuple[str, str], order: str
) -> None:
    own = {need[1]: [{"Version": "2012-10-17", "Statement": OF_A_RESOURCE}]}
    known = authority(statement, own if need[0].startswith("sqs") else None)
    for name in (*order, *order):
        denial = known.denial(KEY, Session(ROLE, name), [Need(need[0], need[1:])], {})
        assert (denial is None) is (name == "a")


def test_the_policy_of_a_bucket_is_about_its_objects_and_a_function_s_about_its_versions() -> None:
    bucket, function = "arn:aws:s3:::files", "arn:aws:lambda:us-east-1:123456789012:function:f"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    own = {
        each: [{"Version": "2012-10-17", "Statement": deny}] for each in (bucket, function, TABLE)
    }
    known = authority({"Action": "*", "Resource": "*"}, own)
    for action, resource in (
        ("s3:GetObject", f"{bucket}/a/b"),
        ("s3:ListBucket", bucket),
        ("lambda:InvokeFunction", f"{function}:live"),
        ("dynamodb:Query", f"{TABLE}/index/by-mail"),
    ):
        assert denial_message(known, action, resource).endswith(
            "an explicit deny in a resource-based policy"
        )
    assert denial_message(known, "s3:GetObject", "arn:aws:s3:::others/a") == ""


def test_a_service_invokes_what_the_function_s_policy_lets_it_from_where_it_says() -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": function,
        "Condition": {
            "ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:api/*$connect"}
        },
    }
    known = authority(GET, {function: [{"Version": "2012-10-17", "Statement": statement}]})
    source = "arn:aws:execute-api:us-east-1:1:api/dev/$connect"
    assert known.invocation("apigateway.amazonaws.com", function, source) is None
    for service, named, place in (
        ("elasticloadbalancing.amazonaws.com", function, source),
        ("apigateway.amazonaws.com", f"{function}2", source),
        ("apigateway.amazonaws.com", f"{function}:live", source),
        ("apigateway.amazonaws.com", function, source.replace("$connect", "$default")),
    ):
        assert known.invocation(service, named, place) is not None
    alias = {**statement, "Resource": f"{function}:live"}
    known = authority(GET, {function: [{"Version": "2012-10-17", "Statement": alias}]})
    assert known.invocation("apigateway.amazonaws.com", f"{function}:live", source) is None
    assert known.invocation("apigateway.amazonaws.com", function, source) is not None


def test_every_managed_policy_of_aws_can_be_read() -> None:
    basic = managed.document("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert basic is not None and basic["Statement"][0]["Effect"] == "Allow"
    assert managed.document("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole") is None
    assert managed.document("arn:aws:iam::123456789012:policy/AdministratorAccess") is None
    for name, found in managed._all().items():
        read(name, found["Document"])


@pytest.mark.parametrize(
    ("action", "key", "unsupported"),
    [
        ("dynamodb:GetItem", "aws:ResourceTag/team", True),
        ("*", "aws:RequestTag/team", True),
        ("s3:Put*", "s3:x-amz-server-side-encryption", True),
        ("dynamodb:GetItem", "dynamodb:LeadingKeys", False),
        ("dynamodb:GetItem", "aws:PrincipalTag/team", False),
        ("dynamodb:GetItem", "AWS:SecureTransport", False),
        ("ec2:RunInstances", "ec2:InstanceType", False),  # nothing calls it here
    ],
)
def test_keys_that_requests_do_not_have_here_are_found(
    action: str, key: str, unsupported: bool
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = {**statement, "Condition": {"StringEquals": {key: "x"}}}
    assert keys.unsupported(read("it", {"Statement": policy})) == (
        {key.lower()} if unsupported else set()
    )
