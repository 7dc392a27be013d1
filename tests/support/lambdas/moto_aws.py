"""Moto's AWS, without five of its and botocore's detours that took most of the time of the tests
over it."""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from moto import mock_aws
from moto.core import responses, utils
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import DynamoDBBackend


@contextmanager
def moto_aws() -> Iterator[None]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoDBBackend, "transact_write_items", _one_copy_for_each_table())
        patch.setattr(ResponseSerializer, "_serialize_structure_member", _types_that_are_there())
        # moto lists and sorts all methods of a service's class at each request
        patch.setattr(responses, "method_names_from_class", _METHOD_NAMES)
        # botocore builds its User-Agent twice for each request, and signs it; moto reads neither
        patch.setattr(UserAgentString, "to_string", lambda _self: "tests")
        patch.setattr(RequestSigner, "sign", lambda *_, **__: None)
        yield


_METHOD_NAMES = cache(utils.method_names_from_class)


def _one_copy_for_each_table() -> Any:
    """moto keeps what a table was before a transaction by copying it once for each of the
    transaction's items: an upload of 100 keys copies all items of its table 100 times
    (transact_write_items in moto/dynamodb/models/__init__.py). The copies are made before anything
    is written, so they are alike, and one is enough."""
    original = DynamoDBBackend.transact_write_items
    lock = threading.Lock()

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        names = {action["TableName"] for item in transact_items for action in item.values()}
        tables = [backend.tables[name] for name in names & backend.tables.keys()]
        with lock:
            for table in tables:
                before = copy.deepcopy(table)
                table.__deepcopy__ = lambda _memo, before=before: before
            try:
                original(backend, transact_items)
            finally:
                for table in tables:
                    del table.__deepcopy__

    return transact_write_items


def _types_that_are_there() -> Callable[..., None]:
    """For each of the ten types that an attribute value could have (S, N, M ...), moto looks for
    the type under up to ten other names as well (XFormedAttributePicker in moto/core/serialize.py).
    Its items have one type, under its own name."""
    original = ResponseSerializer._serialize_structure_member

    def serialize(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.parent.name == "AttributeValue" and isinstance(value, Mapping):
            if value.get(key) is not None:
                serializer._serialize(serialized, value[key], shape, key)
        else:
            original(serializer, serialized, value, shape, key)

    return serialize
