"""Projections of items: of paths into maps and lists, too.

moto turns the whole item into Python's values for each path, and back; it knows no name in front of
an index (`#list[0]`), gives the first element alone of two, and fails for a path that leads
nowhere. Source: DynamoDB developer guide, "Using projection expressions" and "Nested attributes".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.responses import ProjectionExpressionParser

from emulator.aws.hooks import replace

_PART = re.compile(r"[^.,\[\]\s]+|\[\d+\]")
Path = Sequence[str | int]
Tree = dict[str | int, Any]  # empty where a path ends


def install() -> None:
    """Change moto's DynamoDB as this module's docstring describes."""
    replace(ProjectionExpressionParser, "parse", _parse)
    replace(Item, "project", _project)


def paths_in(projection: str, names: dict[str, str]) -> list[Path]:
    """Names and indexes of each path of an expression that grammar.py has let pass."""
    return [
        [int(part[1:-1]) if part[0] == "[" else names.get(part, part) for part in found]
        for found in (_PART.findall(text) for text in projection.split(","))
    ]


def project(attributes: dict[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """The parts of an item's attributes that the paths lead to. Attributes are in DynamoDB's JSON,
    or as moto has them."""
    result = {}
    for name, inner in _tree(paths).items():
        found = _part(attributes[name], inner) if name in attributes else None
        if found is not None:
            result[str(name)] = found
    return result


def _tree(paths: Sequence[Path]) -> Tree:
    tree: Tree = {}
    for path in paths:
        at = tree
        for part in path:
            at = at.setdefault(part, {})
    return tree


def _part(value: Any, tree: Tree) -> Any:
    """The part of a value; None where the paths lead nowhere. Elements of a list keep their order,
    without gaps."""
    if not tree:
        return value
    typed = isinstance(value, DynamoType)
    ((kind, whole),) = [(value.type, value.value)] if typed else value.items()
    part: Any
    if kind == "M":
        part = project(whole, [path for path in _paths(tree) if isinstance(path[0], str)])
    elif kind == "L":
        at = sorted(each for each in tree if isinstance(each, int) and each < len(whole))
        found = (_part(whole[each], tree[each]) for each in at)
        part = [each for each in found if each is not None]
    else:
        return None
    if not part:
        return None
    return DynamoType({kind: part}) if typed else {kind: part}


def _paths(tree: Tree) -> list[Path]:
    return [
        [name, *rest] for name, inner in tree.items() for rest in (_paths(inner) if inner else [[]])
    ]


def _parse(self: Any) -> list[Path]:
    names = self.expression_attribute_names
    text = self.projection_expression or ""
    self.expr_attr_names_found.extend(part for part in _PART.findall(text) if part in names)
    return paths_in(text, names) if text else []


def _project(self: Any, paths: Sequence[Path]) -> Any:
    result: Any = Item.__new__(Item)
    result.hash_key, result.range_key = self.hash_key, self.range_key
    result.attrs = LimitedSizeDict()
    for name, value in project(self.attrs, paths).items():
        dict.__setitem__(result.attrs, name, value)
    return result
