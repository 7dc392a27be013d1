"""Identity sources of authorizers, and what their responses mean, without a socket."""

import json
import math
from typing import Any

import pytest
from tests.rows import rows

from emulator.gateway import authorization
from emulator.gateway.authorization import IdentitySource
from emulator.providers import EmulatorError, InvokeResult

ARN = "arn:aws:execute-api:us-east-1:123456789012:local0ws1d/live/$connect"
OTHER = ARN.replace("live", "other")


@pytest.mark.parametrize(
    ("headers", "query", "known"),
    [
        ({"Sec-WebSocket-Protocol": "chat.v1"}, {"q": "1"}, True),
        ({"sec-websocket-protocol": "chat.v1"}, {"q": "1"}, True),
        ({"Sec-WebSocket-Protocol": ""}, {"q": "1"}, False),
        ({}, {"q": "1"}, False),
        ({"Sec-WebSocket-Protocol": "chat.v1"}, {}, False),
        ({"Sec-WebSocket-Protocol": "chat.v1"}, {"Q": "1"}, False),
    ],
)
def test_every_identity_source_needs_a_value(headers: Any, query: Any, known: Any) -> None:
    sources = authorization.parse_identity_sources(
        ["route.request.header.Sec-WebSocket-Protocol", "route.request.querystring.q"]
    )
    assert sources == (
        IdentitySource("header", "Sec-WebSocket-Protocol"),
        IdentitySource("querystring", "q"),
    )
    assert authorization.identified(sources, headers, query) is known


def test_an_identity_source_of_another_kind_is_rejected_at_load() -> None:
    with pytest.raises(EmulatorError, match=r"context\.identity"):
        authorization.parse_identity_sources(["context.identity.sourceIp"])


def statement(effect: str, resource: Any = ARN, action: Any = "execute-api:Invoke") -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


@rows(
    ("statements", "allowed"),
    [
        ([statement("Allow")], True),
        (statement("Allow"), True),
        ([statement("Allow", [OTHER, ARN])], True),
        ([statement("Allow", "*")], True),
        ([statement("Allow", "arn:aws:execute-api:*:*:local0ws1d/live/*")], True),
        ([statement("Allow", ARN.replace("live", "liv?"))], True),
        ([statement("Allow", action="execute-api:*")], True),
        ([statement("Allow", action=["s3:Get*", "Execute-API:invoke"])], True),
        ([statement("Allow", action="s3:GetObject")], False),
        ([statement("Allow", ARN.replace("live", "prod"))], False),
        ([statement("Allow", ARN + "x")], False),
        ([statement("Deny")], False),
        ([statement("Allow"), statement("Deny")], False),
        ([statement("Deny"), statement("Allow")], False),
        ([statement("Deny", OTHER), statement("Allow")], True),
        ([], False),
        (None, False),
    ],
)
def test_a_policy_allows_unless_denied(statements: Any, allowed: Any) -> None:
    policy = {"Version": "2012-10-17", "Statement": statements}
    assert authorization.allows(policy, ARN) is allowed


REQUEST = {"aws:sourceip": ["203.0.113.9"], "aws:useragent": ["agent/1"]}


# IAM's elements of a statement, as in any policy: "Output from an API Gateway Lambda authorizer" says
# "a policy document", and test_evaluation has the rules.
@rows(
    ("change", "allowed"),
    [
        ({"Condition": {}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}, False),
        ({"Condition": {"StringLike": {"aws:UserAgent": "agent/*"}}}, True),
        ({"Condition": {"StringLike": {"aws:Referer": "*"}}}, False),
        ({"Action": None, "NotAction": "s3:*"}, True),
        ({"Action": None, "NotAction": "execute-api:*"}, False),
        ({"Resource": None, "NotResource": "arn:aws:execute-api:*:*:other/*"}, True),
        ({"Resource": None, "NotResource": ARN}, False),
    ],
)
def test_a_statement_has_all_elements_of_a_policy(change: Any, allowed: bool) -> None:
    changed = {**statement("Allow"), **change}
    policy = {"Statement": [{name: each for name, each in changed.items() if each is not None}]}
    assert authorization.allows(policy, ARN, REQUEST) is allowed


@rows(
    "change",
    [
        {"Version": "2020-01-01", "Statement": [statement("Allow")]},
        {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke"}]},
        {"Statement": [statement("allow")]},
        {"Statement": [statement("Allow", action="invoke")]},
        {"Statement": [statement("Allow", "live/*")]},
        {"Statement": [{**statement("Allow"), "Conditions": {}}]},
        {"Statement": [{**statement("Allow"), "Condition": []}]},
        {"Statement": [{**statement("Allow"), "Condition": {"Like": {"aws:SourceIp": "*"}}}]},
        # "the Resource ARN, as shown in the policy statement output by the authorizer, is currently
        # limited to 512 characters long"
        {"Statement": [statement("Allow", "arn:aws:execute-api:" + "x" * 493)]},
    ],
)
def test_a_policy_that_is_malformed_is_the_authorizers_failure(change: Any) -> None:
    document = {"principalId": "u", "policyDocument": {"Version": "2012-10-17", **change}}
    assert authorization.verdict(result(document), ARN).status == 500


@pytest.mark.parametrize(
    "statements",
    [
        [{**statement("Allow"), "Sid": "any user-1"}],
        [{**statement("Allow"), "Sid": "one"}, {**statement("Allow"), "Sid": "one"}],
        [{**statement("Allow"), "Principal": "*"}],
    ],
)
def test_a_policy_may_have_what_only_an_identity_s_may_not(statements: Any) -> None:
    assert authorization.allows({"Statement": statements}, ARN)


def result(document: Any, error: bool = False) -> Any:
    return InvokeResult(json.dumps(document).encode(), error)


ALLOW = {"Version": "2012-10-17", "Statement": [statement("Allow")]}


@rows(
    ("response", "status"),
    [
        (result({"principalId": "u", "policyDocument": ALLOW}), 200),
        (result({"principalId": "u", "policyDocument": {"Statement": [statement("Deny")]}}), 403),
        (result({"principalId": "u", "policyDocument": {"Statement": []}}), 403),
        (result({"errorMessage": "Unauthorized"}, error=True), 401),
        (result({"errorMessage": "Unauthorized: late"}, error=True), 500),
        (result({"errorMessage": "division by zero"}, error=True), 500),
        (InvokeResult(b"killed", True), 500),
        (InvokeResult(b"{", False), 500),
        (InvokeResult(b"null", False), 500),
        (result({"statusCode": 401}), 500),
        (result({"policyDocument": ALLOW}), 500),
        (result({"principalId": "u"}), 500),
        (result({"principalId": "u", "policyDocument": {"Statement": ["x"]}}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": {"a": [1]}}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": {"a": {}}}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": {"a": None}}), 200),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": {"a": math.nan}}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": []}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": ""}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": 0}), 500),
        (result({"principalId": "u", "policyDocument": ALLOW, "context": None}), 200),
        (result({"principalId": 5, "policyDocument": ALLOW}), 500),
    ],
)
def test_what_an_authorizers_response_means(response: Any, status: int) -> None:
    assert authorization.verdict(response, ARN).status == status


def test_an_authorizers_result_over_8_kb_is_500() -> None:
    def of(size: int) -> InvokeResult:
        document: dict[str, Any] = {"principalId": "u", "policyDocument": ALLOW}
        empty = len(json.dumps({**document, "context": {"a": ""}}))
        document["context"] = {"a": "x" * (size - empty)}
        return InvokeResult(json.dumps(document).encode(), False)

    assert len(of(8192).payload) == 8192
    assert authorization.verdict(of(8192), ARN).status == 200
    assert authorization.verdict(of(8193), ARN).status == 500


def test_context_values_reach_later_events_as_strings() -> None:
    response = result(
        {
            "principalId": "ravi/phone",
            "policyDocument": ALLOW,
            "context": {"user": "ravi", "n": 3, "ok": True, "nothing": None},
        }
    )
    assert authorization.verdict(response, ARN).context == {
        "principalId": "ravi/phone",
        "user": "ravi",
        "n": "3",
        "ok": "true",
        "nothing": None,  # as recorded in github.com/DefinitelyTyped/DefinitelyTyped/pull/69823
    }
