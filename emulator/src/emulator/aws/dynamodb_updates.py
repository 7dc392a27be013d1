"""Update expressions of the usual forms, evaluated at once.

moto walks the tree of an expression ten times, and copies it before that: 1 ms of CPU for one that
sets four attributes. Here an expression is taken apart once, and each request only fills in its
names, its values and the item. Whatever moto would reject or do in another way (a key, an index,
a map that is not there, an operand of another type) is left to moto.
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
_SETS = ("SS", "NS", "BS")

_NAME = r"#?[A-Za-z_]\w*"
_PATH = rf"{_NAME}(?:\.{_NAME})*"
_OPERAND = rf"(?:if_not_exists\(\s*{_PATH}\s*,\s*:\w+\s*\)|:\w+|{_PATH})"
_IF_NOT_EXISTS = re.compile(rf"if_not_exists\(\s*({_PATH})\s*,\s*(:\w+)\s*\)")
# What stands in a clause, of which the groups are a path and what _Action has after it.
_FORMS = {
    "SET": rf"({_PATH})\s*=\s*({_OPERAND})(?:\s*([+-])\s*({_OPERAND}))?",
    "REMOVE": rf"({_PATH})()()()",
    "ADD": rf"({_PATH})\s+(:\w+)()()",
    "DELETE": rf"({_PATH})\s+(:\w+)()()",
}
_CLAUSES = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\s")


class _Operand(NamedTuple):
    """A path, a value, or a path and the value for where nothing is at its end."""

    path: str
    value: str


class _Action(NamedTuple):
    clause: str
    path: str
    first: _Operand
    operator: str
    second: _Operand | None


class _Place(NamedTuple):
    """What a path leads to: a name in an item or in a map of it."""

    container: dict[str, Any]
    name: str


class _NotSimple(Exception):
    """moto has to evaluate the expression."""


class Assignments:
    """The values that an expression sets in one item, None for what it removes; in the place of
    moto's validator, its tree and its executor."""

    def __init__(self, values: list[tuple[_Place, DynamoType | None]]) -> None:
        self._values = values

    def validate(self) -> Assignments:
        return self

    def normalize(self) -> None:
        """A tree is put in order here."""

    def execute(self) -> None:
        for (container, name), value in self._values:
            if value is None:
                container.pop(name, None)
            else:
                dict.__setitem__(container, name, value)


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
    keys = {each["AttributeName"] for each in table.attr} | {*table.attribute_keys}
    result, paths = [], list[tuple[str, ...]]()
    given = _Given(expression_attribute_names or {}, expression_attribute_values or {}, item)
    try:
        for action in actions:
            path = _path(action.path, given.names)
            if path[0] in keys or any(_overlap(path, other) for other in paths):
                raise _NotSimple
            paths.append(path)
            place = _place(path, item)
            result.append((place, given.result(action, place.container.get(place.name))))
    except _NotSimple:
        return None
    return Assignments(result)


@lru_cache(_REMEMBERED)
def _actions(expression: str) -> tuple[_Action, ...] | None:
    before, *clauses = _CLAUSES.split(expression.strip())
    names = clauses[::2]
    if before or len({*names}) < len(names):
        return None
    result: list[_Action] = []
    for name, text in zip(names, clauses[1::2], strict=True):
        form = rf"\s*{_FORMS[name]}\s*"
        if not re.fullmatch(rf"{form}(?:,{form})*", text):
            return None
        result.extend(_split(name, text))
    return tuple(result) or None


def _split(clause: str, text: str) -> Iterator[_Action]:
    for path, first, operator, second in re.findall(_FORMS[clause], text):
        right = _operand(second) if second else None
        yield _Action(clause, path, _operand(first), operator, right)


def _operand(text: str) -> _Operand:
    found = _IF_NOT_EXISTS.fullmatch(text)
    if found:
        return _Operand(found[1], found[2])
    return _Operand("", text) if text.startswith(":") else _Operand(text, "")


def _path(text: str, names: dict[str, str]) -> tuple[str, ...]:
    return tuple([_name(each, names) for each in text.split(".")])


def _name(text: str, names: dict[str, str]) -> str:
    if text.startswith("#"):
        if text not in names:
            raise _NotSimple
        return names[text]
    if text.upper() in ReservedKeywords.get_reserved_keywords():
        raise _NotSimple
    return text


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _place(path: tuple[str, ...], item: Any) -> _Place:
    container = item.attrs
    for name in path[:-1]:
        found = container.get(name)
        if not isinstance(found, DynamoType) or found.type != "M":
            raise _NotSimple
        container = found.value
    return _Place(container, path[-1])


class _Given(NamedTuple):
    """The names and values of a request, and the item as it is before the request."""

    names: dict[str, str]
    values: dict[str, Any]
    item: Any

    def result(self, action: _Action, old: Any) -> DynamoType | None:
        """What is then at the action's path."""
        if action.clause == "REMOVE":
            return None
        first = self._value(action.first)
        if action.clause == "SET":
            return first if action.second is None else self._sum(first, action, action.second)
        if old is not None and (not isinstance(old, DynamoType) or old.type != first.type):
            raise _NotSimple
        if action.clause == "ADD" and first.type == "N":
            return first if old is None else old + first
        if first.type not in _SETS or not first.value:
            raise _NotSimple
        there = [] if old is None else old.value
        if action.clause == "ADD":
            values = [*there, *(each for each in first.value if each not in there)]
        else:
            values = [each for each in there if each not in first.value]
        return DynamoType({first.type: values}) if values else None

    def _sum(self, first: DynamoType, action: _Action, right: _Operand) -> DynamoType:
        second = self._value(right)
        if first.type != "N" or second.type != "N":
            raise _NotSimple
        return first + second if action.operator == "+" else first - second

    def _value(self, operand: _Operand) -> DynamoType:
        given = self.values.get(operand.value) if operand.value else None
        if operand.value and given is None:
            raise _NotSimple
        if operand.path:
            container, name = _place(_path(operand.path, self.names), self.item)
            there = container.get(name)
            if isinstance(there, DynamoType):
                return copy.deepcopy(there)  # a later change is of one attribute
        if given is None:
            raise _NotSimple
        return DynamoType(copy.deepcopy(given))  # of which a set keeps its list
