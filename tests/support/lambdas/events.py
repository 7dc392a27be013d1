"""Events as AWS sends them, whole, from the developer guides.

WebSocket: docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-
template-reference.html and the authorizer's input format there; streams:
docs.aws.amazon.com/lambda/latest/dg/with-ddb.html.
"""

import base64
import copy
import json
from collections.abc import Mapping
from typing import Any

from lambdas.attribute_values import to_wire

Event = dict[str, Any]

DOMAIN = "abcdef123.execute-api.us-east-1.amazonaws.com"
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/dev/$connect"
CONNECTED_AT = 1_795_000_000_000

_CONTEXT = {
    "extendedRequestId": "GXLKAFX1FiACG1w=",
    "requestTime": "18/Nov/2026:17:32:35 +0000",
    "messageDirection": "IN",
    "stage": "dev",
    "connectedAt": CONNECTED_AT,
    "requestTimeEpoch": CONNECTED_AT + 1000,
    "requestId": "GXLKAFX1FiACG1w=",
    "domainName": DOMAIN,
    "apiId": "abcdef123",
    "identity": {"sourceIp": "203.0.113.7", "userAgent": "ChatClient/1.0"},
}
_HEADERS = {
    "Host": DOMAIN,
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "User-Agent": "ChatClient/1.0",
    "X-Amzn-Trace-Id": "Root=1-609c11f1-3d2a7d1a0b2c3d4e5f607182",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def _context(route: str, kind: str, connection_id: str, user: str, device: str) -> Event:
    authorizer: Event = {
        "principalId": f"{user}/{device}",
        "integrationLatency": 12,
        "user": user,
        "device": device,
    }
    return {
        **copy.deepcopy(_CONTEXT),
        "routeKey": route,
        "eventType": kind,
        "connectionId": connection_id,
        "authorizer": authorizer,
    }


def authorizer(protocols: str | None, header: str = "Sec-WebSocket-Protocol") -> Event:
    """What the REQUEST authorizer of $connect gets."""
    headers = dict(_HEADERS) if protocols is None else {**_HEADERS, header: protocols}
    context = _context("$connect", "CONNECT", "GXLKAfX1FiACG1w=", "x", "y")
    del context["authorizer"]
    return {
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        "requestContext": context,
    }


def connect(
    user: str,
    device: str,
    connection_id: str,
    at: int = CONNECTED_AT,
    asked_at: int | None = None,
    **authorized: str,
) -> Event:
    """`at`, and `asked_at` of the ticket, in ms. `authorized` is the rest of the context that the
    authorizer gave."""
    context = _context("$connect", "CONNECT", connection_id, user, device)
    context["authorizer"] |= {"asked_at": str(at if asked_at is None else asked_at), **authorized}
    headers = {**_HEADERS, "Sec-WebSocket-Protocol": "chat.v1, ticket.used-by-now"}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {**context, "connectedAt": at},
        "isBase64Encoded": False,
    }


def disconnect(user: str, device: str, connection_id: str) -> Event:
    context = _context("$disconnect", "DISCONNECT", connection_id, user, device)
    reason = {"disconnectStatusCode": 1001, "disconnectReason": "Going away"}
    headers = {"Host": DOMAIN, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {**context, **reason},
        "isBase64Encoded": False,
    }


def message(user: str, device: str, connection_id: str, body: Any) -> Event:
    """A frame on a connection; `body` is text as it came, or a document."""
    text = body if isinstance(body, str) else json.dumps(body)
    action = body.get("action", "$default") if isinstance(body, dict) else "$default"
    context = _context(str(action), "MESSAGE", connection_id, user, device)
    return {
        "requestContext": {**context, "messageId": "GXLKJfX4FiACG1w="},
        "body": text,
        "isBase64Encoded": False,
    }


def stream_record(
    name: str,
    number: int,
    *,
    old: Event | None = None,
    new: Event | None = None,
    by_ttl: bool = False,
) -> Event:
    """A record of the Chats table's stream; `old` and `new` are items in plain values."""
    item = new or old or {}
    change: Event = {
        "ApproximateCreationDateTime": 1_795_000_000.0,
        "Keys": to_wire({"chat": item["chat"], "item": item["item"]}),
        "SequenceNumber": str(111_000_000_000_000_000_000 + number),
        "SizeBytes": 59,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        change["OldImage"] = to_wire(old)
    if new is not None:
        change["NewImage"] = to_wire(new)
    record: Event = {
        "eventID": f"c4ca4238a0b923820dcc509a6f75849b{number}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/Chats/stream/2026-11-18",
    }
    if by_ttl:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def sqs_record(message_id: str, body: str, group: str | None = None) -> Event:
    """A message of a standard queue, or of a FIFO queue in the message group `group`.

    docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    fifo = {
        "SequenceNumber": "18850216816319733761",
        "MessageGroupId": group,
        "MessageDeduplicationId": f"{message_id}#{group}",
    }
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
            **(fifo if group else {}),
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:jobs{'.fifo' if group else ''}",
        "awsRegion": "us-east-1",
    }


def http_request(
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str],
) -> dict[str, Any]:
    """As an ALB sends it to a Lambda target with multi value headers.

    docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = base64.b64encode(body).decode(), True
    sent = {
        "host": "switchboard.example",
        "user-agent": "test",
        "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        **headers,
    }
    return {
        "requestContext": {
            "elb": {
                "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
                "targetgroup/api/6d0ecf831eec9f09"
            }
        },
        "httpMethod": method,
        "path": path,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "body": text,
        "isBase64Encoded": encoded,
    }
