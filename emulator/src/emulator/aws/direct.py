"""Frequent calls, passed straight to moto's handlers of their operations.

On its way through Flask, werkzeug and moto's parser and serializer, a call of DynamoDB takes eight
times as long as the operation itself, and every process here waits for this one. All of that is for
other protocols than these services' JSON, where a parsed body is what the handler takes and what it
returns is the response. What an operation does stays moto's. A call that differs from what AWS's
SDKs send in any way goes through moto's server, and so does everything that is rare.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import json
from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.sqs.responses import SQSResponse
from werkzeug.exceptions import HTTPException

Headers = Mapping[str, str]

_ids = Random()  # a request's id needs no cryptographic random numbers, which are slow
CONTENT_TYPE = "application/x-amz-json-1.0"
# Values that the JSON has in base64 and moto's handlers want as bytes.
_BINARY = (b'"B"', b'"BS"', b'"BinaryValue"')
_SERVICES: dict[str, tuple[str, type[BaseResponse], str]] = {
    "DynamoDB_20120810": (
        "dynamodb",
        DynamoHandler,
        "GetItem PutItem UpdateItem DeleteItem Query BatchGetItem BatchWriteItem"
        " TransactWriteItems",
    ),
    "DynamoDBStreams_20120810": ("dynamodbstreams", DynamoDBStreamsHandler, "GetRecords"),
    "AmazonSQS": (
        "sqs",
        SQSResponse,
        "SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch"
        " ChangeMessageVisibility ChangeMessageVisibilityBatch",
    ),
}


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Operation(NamedTuple):
    """An operation's handler, the name of its method, and the fields that a response can have."""

    handler: type[BaseResponse]
    method: str
    fields: frozenset[str]


class Direct:
    """The operations that are called directly, by their `X-Amz-Target`."""

    def __init__(self) -> None:
        self._operations: dict[str, _Operation] = {}
        for prefix, (service, handler, names) in _SERVICES.items():
            model = get_service_model(service)
            for name in names.split():
                output = model.operation_model(name).output_shape
                self._operations[f"{prefix}.{name}"] = _Operation(
                    handler,
                    camelcase_to_underscores(name),
                    frozenset(output.members if output else ()),
                )

    def __call__(self, headers: Headers, body: bytes) -> Response | None:
        """moto's response; None for a call that has to go through moto's server."""
        operation = self._operations.get(headers.get("X-Amz-Target", ""))
        if (
            operation is None
            or headers.get("Content-Type") != CONTENT_TYPE
            or headers.get("Content-Encoding")
            or any(each in body for each in _BINARY)
        ):
            return None
        try:
            parameters = json.loads(body)
        except ValueError:
            return None
        if not isinstance(parameters, dict):
            return None
        handler = _prepared(operation.handler(), headers, parameters)
        try:
            result = getattr(handler, operation.method)()
        except ServiceException as error:
            status, more, text = handler.serialized(ActionResult(error))
            return _response(status, more, str(text).encode())
        except HTTPException as error:
            more = dict(error.get_headers() or [])
            return _response(error.code or 500, more, (error.description or "").encode())
        return _response(200, {"Content-Type": CONTENT_TYPE}, _encoded(result.result, operation))


def _prepared(handler: Any, headers: Headers, parameters: dict[str, Any]) -> Any:
    """The handler with what its operations look at, as `BaseResponse.setup_class` leaves it."""
    handler.automated_parameter_parsing = True
    handler.params = handler.body = parameters
    handler.uri_match = {}
    handler.querystring = {}
    handler.headers = headers
    handler.response_headers = {"server": "amazon.com"}
    handler.path = "/"
    handler.region = region_of(headers)
    handler.current_account = handler.get_current_account()
    return handler


def region_of(headers: Headers) -> str:
    """The region of the credential scope, which a signature names."""
    scope = headers.get("Authorization", "").partition(",")[0].split("/")
    return scope[2] if len(scope) > 2 else BaseResponse.default_region


def _encoded(result: Any, operation: _Operation) -> bytes:
    if not result:
        return b"{}"
    known = {
        name: value
        for name, value in result.items()
        if name in operation.fields and value is not None
    }
    return json.dumps(known, default=_plain).encode()


def _plain(value: Any) -> Any:
    """A value that JSON does not have, in the form that moto's serializer gives it."""
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return calendar.timegm(value.timetuple()) + (value.microsecond // 1000) / 1000
    raise TypeError(f"{type(value).__name__} in a response")


def _response(status: int, headers: Mapping[str, Any], body: bytes) -> Response:
    more = {
        "x-amzn-requestid": f"{_ids.getrandbits(208):052X}",
        "x-amz-crc32": str(binascii.crc32(body)),
        "server": "amazon.com",
    }
    return Response(status, {name: str(value) for name, value in headers.items()} | more, body)
