"""Moto's AWS in this process, called the way that the emulator calls it: frequent operations go
straight to moto's handlers (docs/decisions/0034-moto-without-its-server.md)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from joserfc.jwk import RSAKey
from moto import mock_aws
from moto.core import responses, utils
from moto.core.botocore_stubber import BotocoreStubber

from emulator.aws import dynamodb_speed, dynamodb_streams, dynamodb_updates
from emulator.aws.direct import Direct

_stubbed = BotocoreStubber.process_request
_method_names = cache(utils.method_names_from_class)
_import_key = RSAKey.import_key
_direct = Direct()


@contextmanager
def moto_aws() -> Iterator[None]:
    _install_speed()
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", _process)
        # moto lists and sorts all methods of a service's class at each request
        patch.setattr(responses, "method_names_from_class", _method_names)
        # botocore builds its User-Agent twice for each request, and signs it; moto reads neither
        patch.setattr(UserAgentString, "to_string", lambda _self: "tests")
        patch.setattr(RequestSigner, "sign", lambda *_, **__: None)
        # every user pool of moto's has the same key, which takes 100 ms to read
        patch.setattr(RSAKey, "import_key", lambda key: _imported(json.dumps(key)))
        yield


@cache
def _imported(key: str) -> RSAKey:
    return _import_key(json.loads(key))


@cache
def _install_speed() -> None:
    dynamodb_speed.install()
    dynamodb_updates.install()
    dynamodb_streams.install()  # moto copies whole tables at each transaction


def _process(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    body = request.body
    headers = {name: _text(value) for name, value in request.headers.items()}
    content = body if isinstance(body, bytes) else str(body or "").encode()
    return _direct(headers, content) or _stubbed(stubber, request)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
