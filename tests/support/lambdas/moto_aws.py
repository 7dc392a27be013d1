"""Moto's AWS in this process, called the way that the emulator calls it: frequent operations go
straight to moto's handlers (docs/decisions/0034-moto-without-its-server.md).

Of botocore a frequent call keeps what the code under test can feel: the serializer, events before
and after the call, its errors. It leaves out what is the same for each: the choice of an endpoint,
the signature, the HTTP request and response. They take as long as moto does.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import pytest
from botocore.awsrequest import HeadersDict
from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from joserfc.jwk import RSAKey
from moto import mock_aws

from emulator.aws import (
    dynamodb_projection,
    dynamodb_query,
    dynamodb_speed,
    dynamodb_streams,
    dynamodb_updates,
)
from emulator.aws.direct import Direct, Response
from lambdas.settings import Aws
from tests.support.lambdas import moto_core

_DIRECT = ("dynamodb", "sqs")
# What botocore's parser makes something else of: base64, and members without a value.
_PARSED = (b'"B"', b'"BS"', b'"BinaryValue"', b"null")
_make_request = BaseClient._make_request  # type: ignore[attr-defined]
_resolve_endpoint = BaseClient._resolve_endpoint_ruleset  # type: ignore[attr-defined]
_import_key = RSAKey.import_key
_direct = cache(Direct)


@contextmanager
def moto_aws() -> Iterator[None]:
    _install_speed()
    with pytest.MonkeyPatch.context() as patch:
        moto_core.install(patch)
        patch.setattr(BaseClient, "_make_request", _requested)
        patch.setattr(BaseClient, "_resolve_endpoint_ruleset", _endpoint)
        # botocore builds its User-Agent twice for each request, and signs it; moto reads neither
        patch.setattr(UserAgentString, "to_string", lambda _self: "tests")
        patch.setattr(RequestSigner, "sign", lambda *_, **__: None)
        # who closes a connection that may still be opening tries again for nearly a second
        patch.setattr(Aws, "sleep", lambda *_: None)
        # each Aws makes a session of botocore for them, which takes longer than a request
        patch.setattr(Aws, "_credentials", lambda _self: ("local", "local", None))
        # every user pool of moto's has the same key, which takes 100 ms to read
        patch.setattr(RSAKey, "import_key", lambda key: _imported(json.dumps(key)))
        with mock_aws():
            yield


@cache
def _imported(key: str) -> RSAKey:
    return _import_key(json.loads(key))


@cache
def _install_speed() -> None:
    dynamodb_projection.install()
    dynamodb_query.install()
    dynamodb_speed.install()
    dynamodb_updates.install()
    dynamodb_streams.install()  # moto copies whole tables at each transaction


class _Http(NamedTuple):
    """What is left of botocore's AWSResponse: all that its client and its events look at."""

    status_code: int


# DynamoDB changes an item as a whole. moto does not, so that two threads of a handler may meet in the
# middle of a change; the emulator's server has one thread for all.
_ONE_AT_A_TIME = threading.RLock()


def _endpoint(client: Any, model: OperationModel, *rest: Any, **more: Any) -> Any:
    """The URL and what else the request carries: always the same for these services."""
    if model.service_model.service_name in _DIRECT:
        return client.meta.endpoint_url, {}, {}
    return _resolve_endpoint(client, model, *rest, **more)


def _requested(client: Any, model: OperationModel, request: dict[str, Any], context: Any) -> Any:
    """botocore's pair for one request: the HTTP response and what is parsed of it."""
    body = request["body"]
    content = body if isinstance(body, bytes) else str(body or "").encode()
    response = None
    if model.service_model.service_name in _DIRECT:
        with _ONE_AT_A_TIME:
            response = _direct()(request["headers"], content)
    if response is None:
        return _make_request(client, model, request, context)
    return _Http(response.status), _parsed(client, model, response)


def _parsed(client: Any, model: OperationModel, response: Response) -> Any:
    status, headers, body = response
    if status >= 300 or any(each in body for each in _PARSED):
        http = {"status_code": status, "headers": HeadersDict(headers), "body": body}
        parser = client._response_parser
        parsed = parser.parse(http, model.output_shape)
        if status >= 300:
            client._endpoint._add_modeled_error_fields(http, parsed, model, parser)
        return parsed
    return {
        **json.loads(body),
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": 0},
    }
