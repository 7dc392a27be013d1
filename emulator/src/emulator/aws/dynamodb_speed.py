"""Faster parts of moto's DynamoDB, with the same results.

Each request parses its expressions up to three times, counts the bytes of an item once for each of
its attributes, and copies items that nobody changes. These replacements remember what was parsed
and look at each value once.
"""

from __future__ import annotations

import copy
import json
import pickle
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

import moto.dynamodb.models.table
import moto.dynamodb.parsing.validators
import moto.dynamodb.responses
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]  # untyped
    DepthFirstTraverser,
    Node,
)

from emulator.aws.checks.values import bytes_in
from emulator.aws.hooks import replace

ITEM_LIMIT = 400 * 1024  # bytes ("Constraints in Amazon DynamoDB", developer guide)
_REMEMBERED = 1000  # expressions; an application has dozens, most with a few sets of values
_TEXT, _SETS = frozenset({"S", "N"}), frozenset({"SS", "NS"})


def install() -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    replace(moto.dynamodb.responses, "dynamo_to_dict", wire)
    replace(DynamoType, "__deepcopy__", _copied)
    replace(Item, "__deepcopy__", _copied_item)
    _compare_texts_directly()
    replace(Item, "to_json", _to_json)
    replace(Item, "__init__", _init_item)
    _copy_no_results()
    _measure_directly()
    _copy_trees()
    _remember_conditions()
    _remember_node_types()
    replace(DepthFirstTraverser, "traverse_node_recursively", _traversed)


def wire(value: Any) -> Any:
    """The same result as moto's `dynamo_to_dict`, which looks for the frequent types first."""
    kind = type(value)
    if kind is DynamoType:
        if value.type in _TEXT or value.type in _SETS or value.type in ("BOOL", "NULL"):
            return {value.type: value.value}
        if value.type in ("M", "L"):
            return {value.type: wire(value.value)}
        return dynamo_to_dict(value)
    if kind is dict or kind is LimitedSizeDict:
        return {name: wire(each) for name, each in value.items()}
    if kind is list:
        return [wire(each) for each in value]
    return value if kind is str else dynamo_to_dict(value)


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    """An attribute's value has no circles and nothing in it twice, so the memo is not needed."""
    result = DynamoType.__new__(DynamoType)
    result.type = self.type
    value = self.value
    if type(value) is list:
        value = [_copied(each, memo) if type(each) is DynamoType else each for each in value]
    elif type(value) is dict:
        value = {name: _copied(each, memo) for name, each in value.items()}
    result.value = value
    return result


def _copied_item(self: Any, memo: dict[int, Any]) -> Any:
    """Its keys are not changed, so the copy has the same."""
    result: Any = Item.__new__(Item)
    result.hash_key, result.range_key = self.hash_key, self.range_key
    result.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    for name, value in self.attrs.items():
        copied = _copied(value, memo) if type(value) is DynamoType else copy.deepcopy(value, memo)
        dict.__setitem__(result.attrs, name, copied)
    return result


def _compare_texts_directly() -> None:
    """moto looks for the type of a value each time; most are texts, as all keys here."""
    hashed, equal = DynamoType.__hash__, DynamoType.__eq__

    def of(self: Any) -> int:
        return hash(("S", self.value)) if self.type == "S" else hashed(self)

    def same(self: Any, other: Any) -> Any:
        if self.type == "S":
            return other.type == "S" and self.value == other.value
        return equal(self, other)

    replace(DynamoType, "__hash__", of)
    replace(DynamoType, "__eq__", same)


def _to_json(self: Any, root_attr_name: str = "Attributes") -> dict[str, Any]:
    """moto copies what is in a map or a list before it copies it again."""
    return {root_attr_name: {name: _json_of(value) for name, value in self.attrs.items()}}


def _json_of(attribute: Any) -> Any:
    if type(attribute) is not DynamoType:
        return attribute
    value = attribute.value
    if type(value) is dict:
        value = {name: _json_of(each) for name, each in value.items()}
    elif type(value) is list:
        value = [_json_of(each) for each in value]
    return {attribute.type: value}


def _init_item(
    self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """moto checks the size after each attribute; it only grows, so once at the end is enough."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    for name, value in attrs.items():
        dict.__setitem__(self.attrs, name, DynamoType(value))
    if self.size() > ITEM_LIMIT:
        raise ItemSizeTooLarge


def _copy_no_results() -> None:
    """The items that a Query has found are written into its response, and not changed."""

    def deepcopy(value: Any) -> Any:
        if type(value) is list and value and type(value[0]) is Item:
            return list(value)
        return copy.deepcopy(value)

    replacement = SimpleNamespace(copy=copy.copy, deepcopy=deepcopy)
    replace(moto.dynamodb.models.table, "copy", replacement)


def _measure_directly() -> None:
    """moto makes new values of those in a map, to count their bytes, and counts the characters of
    base64 for them."""
    original = DynamoType.size

    def size(self: Any) -> int:
        if self.type == "S":
            return len(self.value.encode())
        if self.type == "B" and isinstance(self.value, str):
            return bytes_in(self.value)
        if self.type == "M":
            return sum(len(name.encode()) + size(each) for name, each in self.value.items())
        measured: int = original(self)
        return measured

    replace(DynamoType, "size", size)


def _copy_trees() -> None:
    """A validator changes a copy of its tree; of that one nothing is remembered."""

    def copied(tree: Any) -> Any:
        result = pickle.loads(pickle.dumps(tree))  # noqa: S301 - pickled here
        result.__dict__.pop("emulator_source", None)
        return result

    replace(moto.dynamodb.parsing.validators, "deepcopy", copied)


def _remember_conditions() -> None:
    """The parsed condition is only evaluated, so all requests share it."""
    original = ConditionExpressionParser.parse

    @lru_cache(_REMEMBERED)
    def parsed(expression: str, names_and_values: str) -> tuple[Any, list[str], list[str]]:
        parser = ConditionExpressionParser(expression, *json.loads(names_and_values))
        condition = original(parser)
        return condition, parser.expr_attr_names_found, parser.expr_attr_values_found

    def parse(self: Any) -> Any:
        names, values = self.expression_attribute_names, self.expression_attribute_values
        try:
            key = json.dumps([names, values])
        except TypeError:  # bytes among the values
            return original(self)
        condition, found_names, found_values = parsed(self.condition_expression or "", key)
        self.expr_attr_names_found.extend(found_names)
        self.expr_attr_values_found.extend(found_values)
        return condition

    replace(ConditionExpressionParser, "parse", parse)


def _remember_node_types() -> None:
    """moto asks a traversal for them at each node of the tree."""
    original = DepthFirstTraverser.nodes_to_be_processed

    def nodes_to_be_processed(self: Any) -> tuple[type, ...]:
        known = self.__dict__
        if "emulator_types" not in known:
            known["emulator_types"] = original(self)
        types: tuple[type, ...] = known["emulator_types"]
        return types

    replace(DepthFirstTraverser, "nodes_to_be_processed", nodes_to_be_processed)


def _traversed(self: Any, node: Any, child_id: int = -1) -> Any:
    """moto's, but the question whether a class derives from an abstract one is asked once a class,
    not at each node of the tree: there are ten traversals for an update."""
    kind: Any = type(node)
    if not _derives(kind, Node):
        return node
    parent = node.parent
    for position, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, position)
        _traversed(self, child, position)
    if _derives(kind, self.nodes_to_be_processed()):
        node = self.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


@cache
def _derives(kind: type, kinds: type | tuple[type, ...]) -> bool:
    return issubclass(kind, kinds)
