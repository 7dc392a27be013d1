"""Update expressions that set attributes of an item's top level, evaluated at once.

moto walks the tree of an expression ten times, and copies it before that: 1 ms of CPU for one that
sets four attributes. Here such an expression is taken apart once, and each request only fills in
its names, its values and the item. Whatever moto would reject or do in another way (a key, a path
into a map, an operand of another type) is left to moto.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import moto.dynamodb.models
from moto.dynamodb.exceptions import InvalidUpdateExpressionInvalidDocumentPath
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]  # untyped
    ExpressionSelector,
    Node,
    UpdateExpressionAddAction,
    UpdateExpressionDeleteAction,
    UpdateExpressionRemoveAction,
    UpdateExpressionSetAction,
)
from moto.dynamodb.parsing.executors import NodeExecutor, SetExecutor
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords
from moto.dynamodb.parsing.validators import UpdateHashRangeKeyValidator

from emulator.aws.hooks import replace

_ACTIONS_OF_TREES = (
    UpdateExpressionAddAction,
    UpdateExpressionDeleteAction,
    UpdateExpressionRemoveAction,
    UpdateExpressionSetAction,
)
_REMEMBERED = 1000  # expressions; an application has dozens

_NAME = r"#?[A-Za-z_]\w*"
_OPERAND = rf"(?:if_not_exists\(\s*{_NAME}\s*,\s*:\w+\s*\)|:\w+|{_NAME})"
_ACTION = rf"\s*({_NAME})\s*=\s*({_OPERAND})(?:\s*([+-])\s*({_OPERAND}))?\s*"
_SET = re.compile(rf"SET\s{_ACTION}(?:,{_ACTION})*")
_ACTIONS = re.compile(_ACTION)
_IF_NOT_EXISTS = re.compile(rf"if_not_exists\(\s*({_NAME})\s*,\s*(:\w+)\s*\)")


class _Operand(NamedTuple):
    """A name, a value, or a name and the value for where there is no such attribute."""

    name: str
    value: str


class _Action(NamedTuple):
    name: str
    first: _Operand
    operator: str
    second: _Operand | None


class _NotSimple(Exception):
    """moto has to evaluate the expression."""


class Assignments:
    """The values of an expression for one item; in the place of moto's validator, its tree and its
    executor."""

    def __init__(self, item: Any, values: dict[str, DynamoType]) -> None:
        self._item = item
        self._values = values

    def validate(self) -> Assignments:
        return self

    def normalize(self) -> None:
        """A tree is put in order here."""

    def execute(self) -> None:
        for name, value in self._values.items():
            dict.__setitem__(self._item.attrs, name, value)


def install() -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    _share_trees()
    models: Any = moto.dynamodb.models
    validator, executor = models.UpdateExpressionValidator, models.UpdateExpressionExecutor

    def validated(tree: Any, **given: Any) -> Any:
        if not given["item"].attrs:  # what moto looks at before it makes an item
            _fill_in_key(given["item"], given["table"])
        return assignments(tree, **given) or validator(tree, **given)

    def executed(tree: Any, item: Any, names: Any) -> Any:
        return tree if isinstance(tree, Assignments) else executor(tree, item, names)

    replace(models, "UpdateExpressionValidator", validated)
    replace(models, "UpdateExpressionExecutor", executed)
    _copy_what_is_set()
    _read_keys()
    _change_only_what_fits_a_path()


def _fill_in_key(item: Any, table: Any) -> None:
    keys = (table.hash_key_attr, item.hash_key), (table.range_key_attr, item.range_key)
    for name, value in keys:
        if value is not None:
            dict.__setitem__(item.attrs, name, value)


def _copy_what_is_set() -> None:
    """Copies a value that is set to that of another attribute: in moto the two would be one
    object."""
    original = SetExecutor.get_action_value
    replace(SetExecutor, "get_action_value", lambda self: copy.deepcopy(original(self)))


def _change_only_what_fits_a_path() -> None:
    """A name leads into a map, an index into a list."""
    original = NodeExecutor.get_item_before_end_of_path

    def container(self: Any, item: Any) -> Any:
        found = original(self, item)
        indexed = isinstance(self.get_element_to_action(), ExpressionSelector)
        if (found.type if isinstance(found, DynamoType) else "M") != ("L" if indexed else "M"):
            raise InvalidUpdateExpressionInvalidDocumentPath
        return found

    for name in ("get_item_before_end_of_path", "get_item_part_in_which_to_perform_action"):
        replace(NodeExecutor, name, container)


def _read_keys() -> None:
    """An update may read a key attribute (`SET a = pk`); moto takes each path for one that it
    changes."""
    original = UpdateHashRangeKeyValidator.check_for_hash_or_range_key

    def check(self: Any, node: Any) -> Any:
        changes = type(node.parent) in _ACTIONS_OF_TREES and node.parent.children[0] is node
        return original(self, node) if changes else node

    replace(UpdateHashRangeKeyValidator, "check_for_hash_or_range_key", check)


def _share_trees() -> None:
    """All requests with an expression have one tree: a validator changes a copy of it. What is
    looked for in that tree is remembered; its copies have no `emulator_source`."""
    original, find = UpdateExpressionParser.make.__func__, Node.find_clauses

    @lru_cache(_REMEMBERED)
    def parsed(parser: type, expression: str) -> Any:
        tree = original(parser, expression)
        tree.emulator_source = expression
        return tree

    def make(cls: type, expression: str) -> Any:
        return parsed(cls, expression)

    @lru_cache(_REMEMBERED)
    def found(source: str, types: tuple[type, ...]) -> list[Any]:
        tree = parsed(UpdateExpressionParser, source)
        return list(find(tree, types))

    def find_clauses(self: Any, types: Any) -> list[Any]:
        source = self.__dict__.get("emulator_source")
        return list(find(self, types)) if source is None else [*found(source, tuple(types))]

    replace(UpdateExpressionParser, "make", classmethod(make))
    replace(Node, "find_clauses", find_clauses)


def assignments(
    tree: Any,
    expression_attribute_names: dict[str, str] | None,
    expression_attribute_values: dict[str, Any] | None,
    item: Any,
    table: Any,
) -> Assignments | None:
    """The assignments of an expression; None where moto has to evaluate it."""
    actions = _actions(tree.emulator_source)
    if actions is None:
        return None
    names, values = expression_attribute_names or {}, expression_attribute_values or {}
    keys = {each["AttributeName"] for each in table.attr} | {*table.attribute_keys}
    result: dict[str, DynamoType] = {}
    try:
        for action in actions:
            name = _name(action.name, names)
            if name in result or name in keys:
                raise _NotSimple
            result[name] = _result(action, names, values, item)
    except _NotSimple:
        return None
    return Assignments(item, result)


@lru_cache(_REMEMBERED)
def _actions(expression: str) -> tuple[_Action, ...] | None:
    expression = expression.strip()
    if not _SET.fullmatch(expression):
        return None
    return tuple(_split(expression.removeprefix("SET")))


def _split(text: str) -> Iterator[_Action]:
    for name, first, operator, second in _ACTIONS.findall(text):
        yield _Action(name, _operand(first), operator, _operand(second) if second else None)


def _operand(text: str) -> _Operand:
    found = _IF_NOT_EXISTS.fullmatch(text)
    if found:
        return _Operand(found[1], found[2])
    return _Operand("", text) if text.startswith(":") else _Operand(text, "")


def _name(text: str, names: dict[str, str]) -> str:
    if text.startswith("#"):
        if text not in names:
            raise _NotSimple
        return names[text]
    if text.upper() in ReservedKeywords.get_reserved_keywords():
        raise _NotSimple
    return text


def _result(
    action: _Action, names: dict[str, str], values: dict[str, Any], item: Any
) -> DynamoType:
    first = _value(action.first, names, values, item)
    if action.second is None:
        return first
    second = _value(action.second, names, values, item)
    if first.type != "N" or second.type != "N":
        raise _NotSimple
    return first + second if action.operator == "+" else first - second


def _value(
    operand: _Operand, names: dict[str, str], values: dict[str, Any], item: Any
) -> DynamoType:
    given = values.get(operand.value) if operand.value else None
    if operand.value and given is None:
        raise _NotSimple
    there = item.attrs.get(_name(operand.name, names)) if operand.name else None
    if isinstance(there, DynamoType):
        return copy.deepcopy(there)  # a later change is of one attribute
    if given is None:
        raise _NotSimple
    return DynamoType(given)
