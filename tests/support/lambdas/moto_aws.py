"""Moto's AWS, without two of its detours that took half the time of the tests over it."""

import copy
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto import mock_aws
from moto.core.serialize import XFormedAttributePicker
from moto.dynamodb.models import DynamoDBBackend


@contextmanager
def moto_aws() -> Iterator[None]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoDBBackend, "transact_write_items", _one_copy_for_each_table())
        patch.setattr(XFormedAttributePicker, "get_possible_keys", _own_name_of_attribute_types())
        yield


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


def _own_name_of_attribute_types() -> Any:
    """For each of the ten types that an attribute value could have (S, N, M ...), moto looks for
    the type under up to ten other names as well (XFormedAttributePicker in moto/core/serialize.py).
    Its items have no other name for them."""
    original = XFormedAttributePicker.get_possible_keys

    def get_possible_keys(picker: Any, context: Any) -> Iterable[str]:
        parent = getattr(context.shape, "parent", None)
        if parent is not None and parent.name == "AttributeValue":
            return (context.key,)
        names: Iterable[str] = original(picker, context)
        return names

    return get_possible_keys
