"""The Lambda bridge: events and answers, whole."""

import base64
import json
from typing import Any

import pytest

from local.balancer import lambda_bridge
from local.balancer.lambda_bridge import Incoming, Malformed

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/6d0ecf831eec9f09"
HEADERS = [
    ("Host", "127.0.0.1:8080"),
    ("Accept", "text/html"),
    ("Cookie", "a=1"),
    ("Cookie", "b=2"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("X-Forwarded-For", "127.0.0.1"),
]
INCOMING = Incoming(
    "POST", "/api/a%20b", [("q", "x%20y"), ("q", "2"), ("e", "")], HEADERS, b'{"a": 1}'
)
MULTI = {
    "host": ["127.0.0.1:8080"],
    "accept": ["text/html"],
    "cookie": ["a=1", "b=2"],
    "content-type": ["application/json; charset=utf-8"],
    "x-forwarded-for": ["127.0.0.1"],
}


def test_the_event_with_multi_value_headers() -> None:
    assert lambda_bridge.event_of(INCOMING, ARN, multi_value=True) == {
        "requestContext": {"elb": {"targetGroupArn": ARN}},
        "httpMethod": "POST",
        "path": "/api/a%20b",
        "multiValueQueryStringParameters": {"q": ["x%20y", "2"], "e": [""]},
        "multiValueHeaders": MULTI,
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_the_event_without_them_has_the_last_value_of_each() -> None:
    assert lambda_bridge.event_of(INCOMING, ARN, multi_value=False) == {
        "requestContext": {"elb": {"targetGroupArn": ARN}},
        "httpMethod": "POST",
        "path": "/api/a%20b",
        "queryStringParameters": {"q": "2", "e": ""},
        "headers": {name: values[-1] for name, values in MULTI.items()},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_the_health_check_event() -> None:
    assert lambda_bridge.health_check_event("/api/health", ARN, multi_value=False) == {
        "requestContext": {"elb": {"targetGroupArn": ARN}},
        "httpMethod": "GET",
        "path": "/api/health",
        "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("headers", "body", "encoded"),
    [
        ([("Content-Type", "text/plain")], b"hi", False),
        ([("content-type", "TEXT/css; charset=x")], b"hi", False),
        ([("Content-Type", "application/json")], b"{}", False),
        ([("Content-Type", "application/javascript")], b"1", False),
        ([("Content-Type", "application/xml")], b"<a/>", False),
        ([("Content-Type", "application/ld+json")], b"{}", True),
        ([("Content-Type", "application/octet-stream")], b"hi", True),
        ([("Content-Type", "image/png")], b"\x89PNG", True),
        ([("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], b"hi", True),
        ([("Content-Type", "text/plain")], b"\xff", True),
        ([], b"hi", True),
        ([], b"", False),
        ([("Content-Type", "image/png")], b"", False),
    ],
)
def test_bodies_are_base64_unless_their_type_is_text(headers: Any, body: Any, encoded: Any) -> None:
    event = lambda_bridge.event_of(Incoming("POST", "/", [], headers, body), ARN, True)
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


def answer(document: Any, multi_value: Any = False) -> Any:
    return lambda_bridge.answer_of(json.dumps(document).encode(), multi_value)


def test_an_answer_becomes_a_response() -> None:
    document = {
        "statusCode": 201,
        "statusDescription": "201 Created",
        "headers": {"Content-Type": "text/plain"},
        "body": "hi",
        "isBase64Encoded": False,
    }
    assert answer(document) == (201, "Created", [("Content-Type", "text/plain")], b"hi")


def test_multi_value_headers_are_read_where_they_are_on_and_only_there() -> None:
    document = {
        "statusCode": 200,
        "headers": {"A": "1"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }
    assert answer(document, multi_value=True).headers == [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]
    assert answer(document, multi_value=False).headers == [("A", "1")]


def test_a_base64_body_is_decoded_and_a_missing_one_empty() -> None:
    assert answer({"statusCode": 200, "body": "iVBO", "isBase64Encoded": True}).body == b"\x89PN"
    assert answer({"statusCode": 204}).body == b""
    assert answer({"statusCode": 200, "statusDescription": "OK"}).reason == "OK"


@pytest.mark.parametrize(
    ("document", "multi_value"),
    [
        (None, False),
        ("text", False),
        ([], False),
        ({}, False),
        ({"statusCode": "200"}, False),
        ({"statusCode": None}, False),
        ({"statusCode": True}, False),
        ({"statusCode": 99}, False),
        ({"statusCode": 101}, False),
        ({"statusCode": 600}, False),
        ({"statusCode": 200.5}, False),
        ({"statusCode": 200, "body": {"a": 1}}, False),
        ({"statusCode": 200, "body": 1}, False),
        ({"statusCode": 200, "body": "?", "isBase64Encoded": True}, False),
        ({"statusCode": 200, "headers": "x"}, False),
        ({"statusCode": 200, "headers": {"Content-Length": 3}}, False),
        ({"statusCode": 200, "headers": {"A": "b\r\nSet-Cookie: c"}}, False),
        ({"statusCode": 200, "multiValueHeaders": {"A": "1"}}, True),
        ({"statusCode": 200, "multiValueHeaders": {"A": [1]}}, True),
        ({"statusCode": 200, "statusDescription": 200}, False),
        ({"statusCode": 200, "statusDescription": "200 OK\r\nX: y"}, False),
    ],
)
def test_malformed_answers(document: Any, multi_value: Any) -> None:
    with pytest.raises(Malformed):
        answer(document, multi_value)


def test_an_answer_that_is_no_json_or_over_1_mb_is_malformed() -> None:
    with pytest.raises(Malformed, match="not JSON"):
        lambda_bridge.answer_of(b"{", False)
    fits = json.dumps({"statusCode": 200, "body": ""}).encode()
    body = "x" * (1024 * 1024 - len(fits))
    assert len(answer({"statusCode": 200, "body": body}).body) == len(body)
    with pytest.raises(Malformed, match="over 1 MB"):
        answer({"statusCode": 200, "body": body + "x"})
