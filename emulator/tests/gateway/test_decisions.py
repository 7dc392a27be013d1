"""The WebSocket gateway's decisions, without a socket."""

import json
import math
from typing import Any

import pytest

from emulator.gateway import access_log, authorization, limits, model, responses, routing
from emulator.gateway.authorization import IdentitySource
from emulator.providers import EmulatorError, InvokeResult

ROUTES = {"$connect", "$disconnect", "$default", "send", "ping"}
ARN = "arn:aws:execute-api:us-east-1:123456789012:local0ws1d/live/$connect"


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("$request.body.action", ("action",)),
        ("${request.body.action}", ("action",)),
        ("$request.body.message.kind", ("message", "kind")),
    ],
)
def test_a_selection_expression_names_a_place_in_the_frame(expression: str, path: Any) -> None:
    assert routing.selection_path(expression) == path


@pytest.mark.parametrize(
    "expression",
    ["$request.header.X", "${a}/${b}", "action", "", "$request.body.a[0]", "$request.body.a..b"],
)
def test_other_selection_expressions_are_rejected_at_load(expression: str) -> None:
    with pytest.raises(EmulatorError, match="route selection expression"):
        routing.selection_path(expression)


@pytest.mark.parametrize(
    ("frame", "route"),
    [
        ('{"action": "send"}', "send"),
        ('{"action":"ping","x":1}', "ping"),
        ('{"action": "unknown"}', "$default"),
        ('{"action": "$connect"}', "$default"),
        ('{"action": "$disconnect"}', "$default"),
        ('{"action": 5}', "$default"),
        ('{"action": {"send": 1}}', "$default"),
        ('{"type": "send"}', "$default"),
        ('["send"]', "$default"),
        ('"send"', "$default"),
        ("send", "$default"),
        ("", "$default"),
        ('{"action": "send"', "$default"),
        ('{"action": "send", "x": NaN}', "$default"),
        ("[" * 60_000, "$default"),
        ('{"action":' * 10_000, "$default"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "$default"),
    ],
)
def test_a_frame_takes_the_route_its_field_names(frame: str, route: str) -> None:
    assert routing.select_route(("action",), frame, ROUTES) == route


# "You can use any JSON path expression after request.body, but keep in mind that the result will be
# stringified": "Route selection expressions", API Gateway developer guide.
@pytest.mark.parametrize(
    ("frame", "route"),
    [
        ('{"action": 5}', "5"),
        ('{"action": 1.5}', "1.5"),
        ('{"action": true}', "true"),
        ('{"action": ["item1", "item2"]}', "[item1, item2]"),
        ('{"action": [1, false]}', "[1, false]"),
        ('{"action": []}', "[]"),
        ('{"action": null}', "$default"),
        ('{"action": {"a": 1}}', "$default"),
        ('{"action": "None"}', "$default"),
        ('{"action": ["$connect"]}', "$default"),
    ],
)
def test_what_names_a_route_is_made_a_text(frame: str, route: str) -> None:
    keys = {"5", "1.5", "true", "[item1, item2]", "[1, false]", "[]", "$default", "$connect"}
    assert routing.select_route(("action",), frame, keys) == route


def test_without_a_default_route_an_unknown_frame_has_none() -> None:
    assert routing.select_route(("action",), "{}", {"send"}) is None


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


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([statement("Allow")], True),
        (statement("Allow"), True),
        ([statement("Allow", ["arn:x", ARN])], True),
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
        ([statement("Deny", "arn:other"), statement("Allow")], True),
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
@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "change",
    [
        {"Version": "2020-01-01"},
        {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke"}]},
        {"Statement": [statement("allow")]},
        {"Statement": [statement("Allow", action="invoke")]},
        {"Statement": [statement("Allow", "live/*")]},
        {"Statement": [{**statement("Allow"), "Principal": "*"}]},
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


def result(document: Any, error: bool = False) -> Any:
    return InvokeResult(json.dumps(document).encode(), error)


ALLOW = {"Version": "2012-10-17", "Statement": [statement("Allow")]}


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("response", "status", "headers"),
    [
        (result({"statusCode": 200}), 200, {}),
        (result({"statusCode": "204"}), 200, {}),
        (
            result({"statusCode": 200, "headers": {"sec-websocket-protocol": "chat.v1"}}),
            200,
            {"Sec-WebSocket-Protocol": "chat.v1"},
        ),
        (result({"statusCode": 200, "headers": {"X-Other": "1"}}), 200, {}),
        (result({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": None}}), 200, {}),
        (result({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}}), 502, {}),
        (result({"statusCode": 403}), 403, {}),
        (result({"statusCode": 503, "body": "busy"}), 503, {}),
        (result({"statusCode": 302}), 502, {}),
        (result({"errorMessage": "x"}, error=True), 502, {}),
        (result({"body": "no status"}), 502, {}),
        (result({"statusCode": "many"}), 502, {}),
        (result({"statusCode": None}), 502, {}),
        (result({"statusCode": 200, "headers": "x"}), 502, {}),
        (result({"statusCode": 200, "headers": {"A": ["b"]}}), 502, {}),
        (result({"statusCode": 200, "headers": None, "body": None}), 200, {}),
        (result({"statusCode": 200, "body": {"a": 1}}), 502, {}),
        (result({"statusCode": 200, "isBase64Encoded": "true"}), 502, {}),
        (result({"statusCode": 200.5}), 502, {}),
        (result({"statusCode": True}), 502, {}),
        (result({"statusCode": " 200"}), 502, {}),
        (result(None), 502, {}),
        (InvokeResult(b"", False), 502, {}),
    ],
)
def test_what_the_response_to_the_upgrade_is(response: Any, status: int, headers: Any) -> None:
    assert responses.connect_result(response) == (status, headers)


@pytest.mark.parametrize(
    ("response", "failed", "body"),
    [
        (result({"statusCode": 200, "body": "hello"}), False, "hello"),
        (result({"statusCode": 500, "body": "still sent"}), False, "still sent"),
        (result({"statusCode": 200}), False, ""),
        (result({"statusCode": 200, "body": "aMOp", "isBase64Encoded": True}), False, "hé"),
        (result({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}), True, ""),
        (result({"statusCode": 200, "body": {"a": 1}}), True, ""),
        (result("hello"), True, ""),
        (result({"errorMessage": "x"}, error=True), True, ""),
    ],
)
def test_what_a_routes_response_sends_back(response: Any, failed: Any, body: Any) -> None:
    assert responses.message_result(response) == (failed, body)


def test_a_response_over_128_kb_fails() -> None:
    fits = responses.message_result(result({"statusCode": 200, "body": "x" * 131072}))
    assert not fits.failed
    assert responses.message_result(result({"statusCode": 200, "body": "x" * 131073})).failed


def test_the_error_frame_is_api_gateways() -> None:
    assert responses.error_frame("Internal server error", "c=", "r=") == (
        '{"message":"Internal server error", "connectionId":"c=", "requestId":"r="}'
    )


@pytest.mark.parametrize(
    ("last_active", "now", "left"),
    [(0, 0, 600), (0, 599, 1), (0, 600, 0), (7000, 7000, 200), (7100, 7200, 0), (7199, 7300, -100)],
)
def test_a_connection_ends_idle_after_10_minutes_and_after_2_hours(
    last_active: Any, now: Any, left: Any
) -> None:
    assert limits.seconds_left(0, last_active, now) == left


def test_the_quotas_are_aws_quotas() -> None:
    assert (limits.FRAME_BYTES, limits.MESSAGE_BYTES) == (32_768, 131_072)
    assert limits.INTEGRATION_SECONDS == 29
    assert (limits.URL_CHARACTERS, limits.AUTHORIZER_BYTES) == (4096, 8192)


@pytest.mark.parametrize(
    ("read", "properties", "message"),
    [
        (model.read_selection, {"ProtocolType": "HTTP"}, "protocol type HTTP"),
        (model.read_integration, {"IntegrationType": "MOCK"}, "integration type MOCK"),
        (
            model.read_integration,
            {"IntegrationType": "AWS_PROXY", "ContentHandlingStrategy": "CONVERT_TO_TEXT"},
            "ContentHandlingStrategy",
        ),
        (
            model.read_integration,
            {"IntegrationType": "AWS_PROXY", "IntegrationUri": "https://example.com"},
            "invocation URI",
        ),
        *(
            (
                model.read_integration,
                {"IntegrationType": "AWS_PROXY", "TimeoutInMillis": milliseconds},
                "not from 50 to 29000",
            )
            for milliseconds in (0, 49, 29_001, 30_000)
        ),
        (
            model.read_selection,
            {"ProtocolType": "WEBSOCKET", "DisableExecuteApiEndpoint": True},
            "DisableExecuteApiEndpoint",
        ),
        *(
            (
                lambda p: model.read_route(p, {}, {}, False),
                {"RouteKey": "send", **more},
                next(iter(more)),
            )
            for more in (
                {"ApiKeyRequired": True},
                {"RequestModels": {"application/json": "M"}},
                {"ModelSelectionExpression": "$request.body.action"},
                {"RequestParameters": {"a": {"Required": True}}},
            )
        ),
        (
            lambda p: model.check_supported("a stage", p),
            {"StageVariables": {"a": "b"}},
            "StageVariables",
        ),
        (
            lambda p: model.check_supported("a route response", p),
            {"ResponseParameters": {"route.response.header.a": {"Required": True}}},
            "ResponseParameters of a route response",
        ),
        (
            lambda p: model.read_route(p, {}, {}, True),
            {"RouteKey": "send", "RouteResponseSelectionExpression": "$response.body.kind"},
            r"can be \$default only",
        ),
        *((model.read_stage, {"StageName": name}, "stage name") for name in ("", "a.b", "x" * 129)),
        (
            lambda p: model.check_route_settings(p, {"send"}),
            {"RouteSettings": {"sent": {"ThrottlingRateLimit": 5}}},
            "Unable to find Route by key sent",
        ),
        (model.read_selection, {"ProtocolType": "WEBSOCKET"}, "route selection expression ''"),
        (model.read_authorizer, {"AuthorizerType": "JWT"}, "REQUEST only"),
        (
            model.read_authorizer,
            {"AuthorizerType": "REQUEST", "AuthorizerCredentialsArn": "arn:aws:iam::1:role/r"},
            "AuthorizerCredentialsArn",
        ),
        (
            lambda p: model.read_route(p, {}, {}, False),
            {"RouteKey": "send", "AuthorizationType": "AWS_IAM"},
            "AWS_IAM",
        ),
        (
            lambda p: model.read_route(p, {}, {}, False),
            {"RouteKey": "send", "AuthorizationType": "CUSTOM"},
            r"only \$connect",
        ),
        (
            lambda p: model.read_route(p, {}, {}, False),
            {"RouteKey": "send", "Target": "integrations/Lost"},
            "Lost",
        ),
    ],
)
def test_what_is_unsupported_is_rejected_with_a_sentence(
    read: Any, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        read(properties)


def test_a_line_of_the_access_log_has_the_values_of_its_variables() -> None:
    format = '{"route":"$context.routeKey","status":"$context.status","x":"$context.error.message"}'
    context = {"routeKey": "ping", "status": "200"}
    assert access_log.line(format, context) == '{"route":"ping","status":"200","x":"-"}'


def test_a_variable_ends_in_front_of_what_belongs_to_the_text() -> None:
    assert access_log.line("$context.status. $context.", {"status": "200"}) == "200. $context."


def test_a_log_group_is_named_in_its_arn() -> None:
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:chat-access:*"
    assert access_log.group_of(arn) == access_log.group_of(arn.removesuffix(":*")) == "chat-access"
