"""The shapes of the WebSocket gateway's events, whole."""

from dataclasses import replace

from emulator.gateway import events
from emulator.gateway.events import ConnectionInfo, Upgrade

NOW = 1731333105.560
INFO = ConnectionInfo(
    connection_id="BFHPhfCWIAMCKlQ=",
    api_id="local0ws1d",
    stage="live",
    domain_name="local0ws1d.execute-api.us-east-1.amazonaws.com",
    source_ip="127.0.0.1",
    user_agent="agent/1",
    connected_at=1731333105.557,
)
UPGRADE = Upgrade(
    headers=(
        ("Host", "127.0.0.1:8081"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "bnVsbA=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "chat.v1, ticket.abc"),
        ("User-Agent", "agent/1"),
        ("X-Twice", "one"),
        ("x-twice", "two"),
        ("X-Forwarded-Proto", "forged"),
        ("Content-Length", "0"),
    ),
    query="",
    source_ip="127.0.0.1",
    listener_port=8081,
    trace_id="Root=1-67320bf1-0123456789abcdef01234567",
)
CONTEXT = {
    "routeKey": "$connect",
    "eventType": "CONNECT",
    "extendedRequestId": "BFHPhFe3IAMF95g=",
    "requestTime": "11/Nov/2024:13:51:45 +0000",
    "messageDirection": "IN",
    "stage": "live",
    "connectedAt": 1731333105557,
    "requestTimeEpoch": 1731333105560,
    "identity": {"sourceIp": "127.0.0.1", "userAgent": "agent/1"},
    "requestId": "BFHPhFe3IAMF95g=",
    "domainName": "local0ws1d.execute-api.us-east-1.amazonaws.com",
    "connectionId": "BFHPhfCWIAMCKlQ=",
    "apiId": "local0ws1d",
}
HEADERS = {
    "Host": "127.0.0.1:8081",
    "Sec-WebSocket-Key": "bnVsbA==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "chat.v1, ticket.abc",
    "User-Agent": "agent/1",
    "X-Twice": "two",
    "X-Amzn-Trace-Id": "Root=1-67320bf1-0123456789abcdef01234567",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Port": "8081",
    "X-Forwarded-Proto": "http",
}
MULTI = {name: [value] for name, value in HEADERS.items()} | {"X-Twice": ["one", "two"]}
# As "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" has them.
OF_UPGRADE = {"Connection": "upgrade", "content-length": "0", "Upgrade": "websocket"}
AUTHORIZED = {"principalId": "ravi/phone", "user": "ravi", "device": "phone"}


def test_connect_carries_headers_and_no_body() -> None:
    assert events.connect_event(INFO, UPGRADE, "BFHPhFe3IAMF95g=", NOW) == {
        "headers": HEADERS,
        "multiValueHeaders": MULTI,
        "requestContext": CONTEXT,
        "isBase64Encoded": False,
    }


def test_connect_has_query_strings_only_where_there_is_a_query() -> None:
    upgrade = replace(UPGRADE, query="a=1&a=2&b=%20x&c=")
    event = events.connect_event(INFO, upgrade, "r", NOW)
    assert event["queryStringParameters"] == {"a": "2", "b": " x", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [" x"], "c": [""]}


def test_the_authorizer_sees_the_request() -> None:
    arn = "arn:aws:execute-api:us-east-1:123456789012:local0ws1d/live/$connect"
    assert events.authorizer_event(INFO, UPGRADE, arn, "BFHPhFe3IAMF95g=", NOW) == {
        "type": "REQUEST",
        "methodArn": arn,
        "headers": HEADERS | OF_UPGRADE,
        "multiValueHeaders": MULTI | {name: [value] for name, value in OF_UPGRADE.items()},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        "requestContext": CONTEXT,
    }


def test_a_message_carries_the_body_and_the_authorizers_context() -> None:
    info = replace(INFO, authorizer=AUTHORIZED)
    event = events.message_event(info, "send", "m=", '{"action":"send"}', "BFHPhFe3IAMF95g=", NOW)
    assert event == {
        "requestContext": CONTEXT
        | {
            "routeKey": "send",
            "eventType": "MESSAGE",
            "messageId": "m=",
            "authorizer": AUTHORIZED,
        },
        "body": '{"action":"send"}',
        "isBase64Encoded": False,
    }


def test_disconnect_carries_status_and_reason() -> None:
    info = replace(INFO, authorizer=AUTHORIZED, user_agent=None)
    event = events.disconnect_event(
        info, "127.0.0.1:8081", 1001, "Going away", "BFHPhFe3IAMF95g=", NOW
    )
    headers = {"Host": "127.0.0.1:8081", "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert event == {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": CONTEXT
        | {
            "routeKey": "$disconnect",
            "eventType": "DISCONNECT",
            "disconnectStatusCode": 1001,
            "disconnectReason": "Going away",
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": AUTHORIZED,
        },
        "isBase64Encoded": False,
    }


def test_forwarded_addresses_are_appended_to() -> None:
    upgrade = replace(UPGRADE, headers=(("x-forwarded-for", "203.0.113.9"),))
    event = events.connect_event(INFO, upgrade, "r", NOW)
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
