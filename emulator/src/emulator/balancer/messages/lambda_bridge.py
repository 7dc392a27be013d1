"""An HTTP request as a Lambda function gets it from a load balancer, and its response back.

Source: "Use Lambda functions as targets of an Application Load Balancer", user guide of
Application Load Balancers; tests/balancer/test_lambda.py holds the shapes in full.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from emulator import strict_json
from emulator.balancer.messages.head import query_pairs
from emulator.balancer.messages.headers import Pair, values_of

BODY_BYTES = 1024 * 1024  # of a request body, and of the response's JSON
HEAD_BYTES = 32 * 1024  # of a response's headers
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Line breaks would begin another header, or another response; the wire knows Latin-1 alone.
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")

# A field may be absent. One that is there with another type, null among them, is a 502: functions
# whose languages write null for what is unset are why (github.com/aws/aws-lambda-dotnet/issues/507,
# awslabs/aws-lambda-go-api-proxy/issues/79, aws-powertools/powertools-lambda-python/issues/4671).
_TYPES: dict[str, type] = {
    "statusDescription": str,
    "headers": dict,
    "multiValueHeaders": dict,
    "body": str,
    "isBase64Encoded": bool,
}

Event = dict[str, Any]


class Incoming(NamedTuple):
    """`path` and `query` as on the wire; the guide: parameters are not decoded."""

    method: str
    path: str
    query: str
    headers: Sequence[Pair]
    body: bytes


class FunctionResponse(NamedTuple):
    status: int
    reason: str
    headers: list[Pair]
    body: bytes


class Malformed(ValueError):
    """The function's response isn't what a load balancer takes; the client gets 502. `reason` is
    the access log's error_reason."""

    def __init__(self, why: str, reason: str = "LambdaInvalidResponse") -> None:
        super().__init__(why)
        self.reason = reason


def event_of(incoming: Incoming, target_group_arn: str, multi_value: bool) -> Event:
    headers = values_of((name.lower(), name, value) for name, value in incoming.headers)
    query: dict[str, list[str]] = {}
    for name, value in query_pairs(incoming.query):
        query.setdefault(name, []).append(value)
    event: Event = {
        "requestContext": {"elb": {"targetGroupArn": target_group_arn}},
        "httpMethod": incoming.method,
        "path": incoming.path,
    }
    if multi_value:
        event["multiValueQueryStringParameters"] = query
        event["multiValueHeaders"] = headers
    else:  # the last value of each
        event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        event["headers"] = {name: values[-1] for name, values in headers.items()}
    body, encoded = _body(incoming.body, headers)
    return {**event, "body": body, "isBase64Encoded": encoded}


def health_check_event(path: str, target_group_arn: str, multi_value: bool) -> Event:
    agent = [("user-agent", "ELB-HealthChecker/2.0")]
    return event_of(Incoming("GET", path, "", agent, b""), target_group_arn, multi_value)


def _body(body: bytes, headers: Mapping[str, Sequence[str]]) -> tuple[str, bool]:
    """Text types go as they are, everything else and everything with a Content-Encoding base64."""
    if not body:
        return "", False
    kind = headers.get("content-type", [""])[-1].partition(";")[0].strip().lower()
    text = kind.startswith("text/") or kind in _TEXT_TYPES
    if text and "content-encoding" not in headers:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            return base64.b64encode(body).decode(), True
    return base64.b64encode(body).decode(), True


def response_of(payload: bytes, multi_value: bool) -> FunctionResponse:
    """Raises Malformed. With multi-value headers on, only `multiValueHeaders` are read."""
    if len(payload) > BODY_BYTES:
        raise Malformed(
            f"a response of {len(payload)} bytes is over 1 MB", "LambdaResponseTooLarge"
        )
    try:
        document = strict_json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed("the response is not JSON") from error
    if not isinstance(document, dict):
        raise Malformed("the response is not an object")
    status = document.get("statusCode")
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise Malformed(f"statusCode {status!r} is not a number from 200 to 599")
    for name, kind in _TYPES.items():
        if name in document and not isinstance(document[name], kind):
            raise Malformed(f"{name} {document[name]!r:.80} is not of its type: leave it out")
    headers = _headers(document, multi_value)
    return FunctionResponse(status, _reason(document, status), headers, _decoded(document))


def _headers(document: Mapping[str, Any], multi_value: bool) -> list[Pair]:
    name = "multiValueHeaders" if multi_value else "headers"
    pairs = []
    for header, value in document.get(name, {}).items():
        values = value if multi_value else [value]
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise Malformed(f"{name} {header!r} is not {'strings' if multi_value else 'a string'}")
        pairs += [(header, one) for one in values]
    for header, value in pairs:
        if not _NAME.fullmatch(header) or _NO_VALUE.search(value):
            raise Malformed(f"{name} {header!r} is not a header: {value!r}")
    if sum(len(header) + len(value) + 4 for header, value in pairs) > HEAD_BYTES:
        raise Malformed("the headers are over 32 K")
    return pairs


def _reason(document: Mapping[str, Any], status: int) -> str:
    """The text of "200 OK" after its number."""
    description = str(document.get("statusDescription", ""))
    if _NO_VALUE.search(description):
        raise Malformed("statusDescription is not a line of text")
    return description.removeprefix(str(status)).strip()


def _decoded(document: Mapping[str, Any]) -> bytes:
    body = str(document.get("body", ""))
    try:
        if document.get("isBase64Encoded"):
            return base64.b64decode(body, validate=True)
        return body.encode()
    except binascii.Error as error:
        raise Malformed("body is not base64, and isBase64Encoded says so") from error
    except UnicodeEncodeError as error:
        raise Malformed("body has half of a surrogate pair") from error
