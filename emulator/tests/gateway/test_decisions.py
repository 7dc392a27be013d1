"""The WebSocket gateway's decisions, without a socket."""

import asyncio
import json
from typing import Any

import pytest
from tests.rows import rows

from emulator.gateway import limits, model, responses, routing
from emulator.gateway.provider import ApiGatewayProvider
from emulator.providers import EmulatorError, InvokeResult, Resource

ROUTES = {"$connect", "$disconnect", "$default", "send", "ping"}


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


@rows(
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
@rows(
    ("frame", "route"),
    [
        ('{"action": 5}', "5"),
        ('{"action": 1.5}', "1.5"),
        ('{"action": true}', "true"),
        ('{"action": ["item1", "item2"]}', "[item1, item2]"),
        ('{"action": [1, false]}', "[1, false]"),
        ('{"action": []}', "[]"),
        ('{"action": null}', "$default"),
        ('{"action": [null]}', "$default"),
        ('{"action": [1, {"a": 1}]}', "$default"),
        ('{"action": {"a": 1}}', "$default"),
        ('{"action": "None"}', "$default"),
        ('{"action": ["$connect"]}', "$default"),
    ],
)
def test_what_names_a_route_is_made_a_text(frame: str, route: str) -> None:
    keys = {"5", "1.5", "true", "[item1, item2]", "[1, false]", "[]", "$default", "$connect"}
    keys |= {"[None]", "[1, None]"}
    assert routing.select_route(("action",), frame, keys) == route


def test_without_a_default_route_an_unknown_frame_has_none() -> None:
    assert routing.select_route(("action",), "{}", {"send"}) is None


def result(document: Any, error: bool = False) -> Any:
    return InvokeResult(json.dumps(document).encode(), error)


@rows(
    ("response", "status", "subprotocols"),
    [
        (result({"statusCode": 200}), 200, ()),
        (result({"statusCode": "204"}), 200, ()),
        (
            result({"statusCode": 200, "headers": {"sec-websocket-protocol": "chat.v1"}}),
            200,
            ("chat.v1",),
        ),
        (result({"statusCode": 200, "headers": {"X-Other": "1"}}), 200, ()),
        (result({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": None}}), 200, ()),
        (result({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}}), 502, ()),
        (result({"statusCode": 200, "headers": {"X": "a→b"}}), 502, ()),
        # "API Gateway merges them into a single list": "Output format of a Lambda function for proxy
        # integration"; a client gets a header for each: michalkvasnicak/aws-lambda-graphql/pull/97
        (
            result(
                {"statusCode": 200, "multiValueHeaders": {"Sec-WebSocket-Protocol": ["a", "b"]}}
            ),
            200,
            ("a", "b"),
        ),
        (
            result(
                {
                    "statusCode": 200,
                    "headers": {"Sec-WebSocket-Protocol": "a"},
                    "multiValueHeaders": {"sec-websocket-protocol": ["a"]},
                }
            ),
            200,
            ("a",),
        ),
        (result({"statusCode": 200, "multiValueHeaders": {"X": "a"}}), 502, ()),
        (result({"statusCode": 200, "multiValueHeaders": {"X": [["a"]]}}), 502, ()),
        (result({"statusCode": 200, "multiValueHeaders": {"X": ["a\r\nb"]}}), 502, ()),
        (result({"statusCode": 403}), 403, ()),
        (result({"statusCode": 503, "body": "busy"}), 503, ()),
        (result({"statusCode": 302}), 502, ()),
        (result({"errorMessage": "x"}, error=True), 502, ()),
        (result({"body": "no status"}), 502, ()),
        (result({"statusCode": "many"}), 502, ()),
        (result({"statusCode": None}), 502, ()),
        (result({"statusCode": 200, "headers": "x"}), 502, ()),
        (result({"statusCode": 200, "headers": {"A": ["b"]}}), 502, ()),
        (result({"statusCode": 200, "headers": None, "body": None}), 200, ()),
        (result({"statusCode": 200, "body": {"a": 1}}), 502, ()),
        (result({"statusCode": 200, "isBase64Encoded": "true"}), 502, ()),
        (result({"statusCode": 200.5}), 502, ()),
        (result({"statusCode": True}), 502, ()),
        (result({"statusCode": " 200"}), 502, ()),
        (result(None), 502, ()),
        (InvokeResult(b"", False), 502, ()),
    ],
)
def test_what_the_response_to_the_upgrade_is(response: Any, status: int, subprotocols: Any) -> None:
    assert responses.connect_result(response) == (status, subprotocols)


@rows(
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
        '{"message": "Internal server error", "connectionId":"c=", "requestId":"r="}'
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


@rows(
    ("read", "properties", "message"),
    [
        (model.read_selection, {"ProtocolType": "HTTP"}, "protocol type HTTP"),
        (model.read_integration, {"IntegrationType": "MOCK"}, "integration type MOCK"),
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
            for milliseconds in (0, 49, 29_001, "30000")
        ),
        *(
            (
                model.read_integration,
                {"IntegrationType": "AWS_PROXY", "TimeoutInMillis": milliseconds},
                "no whole number",
            )
            for milliseconds in ("soon", 50.5, True)
        ),
        (
            lambda p: model.read_route(p, {}, {}, True),
            {"RouteKey": "send", "RouteResponseSelectionExpression": "$response.body.kind"},
            r"can be \$default only",
        ),
        *(
            (model.read_mapping, {"ApiMappingKey": key}, "API mapping key")
            for key in ("/v1", "v1/", "a/b", "a b", "é", "x" * 301)
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
            lambda p: model.read_route(p, {}, {}, False),
            {"RouteKey": "$send"},
            r"\$send: only \$connect, \$disconnect and \$default",
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


def test_an_api_mapping_has_one_part_of_a_path_or_none() -> None:
    keys = ("", "v1", "$-_.+!*'()", "x" * 300)
    assert [model.read_mapping({"ApiMappingKey": key}) for key in keys] == list(keys)
    assert model.read_mapping({}) == ""


def test_a_route_key_is_in_an_api_once() -> None:
    async def scenario() -> None:
        provider = ApiGatewayProvider(invoke, websocket_port=0, management_port=0)
        for identifier in ("Send", "Again"):
            resource = Resource("Chat", identifier, "AWS::ApiGatewayV2::Route", {})
            await provider.create(resource, {"RouteKey": "send"})

    invoke: Any = None
    with pytest.raises(EmulatorError, match="Route with key send already exists"):
        asyncio.run(scenario())
