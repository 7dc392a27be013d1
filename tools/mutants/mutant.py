"""A mutant: one place in a file of the project, and what stands there instead."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.mutants import operators

# Not mutated: types, what runs once at import and is not a constant, and what only prints.
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "defaults", "kw_defaults", "bases"}
DEFAULTS = ("defaults", "kw_defaults")  # of a function itself; in ones inside it they run anew


@dataclass
class Mutant:
    """`function` is the qualified name of the function it is in, "" in a constant of the module."""

    path: str
    line: int
    function: str
    before: str
    after: str
    tree: ast.Module
    owner: Any
    field: str
    index: int | None
    new: ast.AST

    @property
    def key(self) -> str:
        """The same as long as the function's code, and the place in it, stay the same."""
        return hashlib.sha256(self._identity.encode()).hexdigest()[:16]

    @property
    def constant(self) -> str:
        """The name of the module's constant that it changes; "" in a function."""
        return "" if self.function else self.path_of_constant

    path_of_constant: str = ""
    _code: str = ""
    _identity: str = ""

    def apply(self) -> ast.Module:
        """The tree with the mutant in it. The tree itself is changed: for a process of its own."""
        if self.index is None:
            setattr(self.owner, self.field, self.new)
        else:
            getattr(self.owner, self.field)[self.index] = self.new
        return ast.fix_missing_locations(self.tree)


def mutants_of(root: Path, path: str) -> list[Mutant]:
    text = (root / path).read_text()
    tree = ast.parse(text)
    found: list[Mutant] = []
    for statement in tree.body:
        for mutant in _of_top(path, tree, statement):
            mutant._code = _code_of(statement, mutant.function)
            found.append(mutant)
    seen: dict[str, int] = {}
    for mutant in found:
        identity = "\0".join(
            (path, mutant.function, mutant.constant, mutant._code, mutant.before, mutant.after)
        )
        seen[identity] = seen.get(identity, 0) + 1
        mutant._identity = f"{identity}\0{seen[identity]}"
    return found


@cache
def _code_of(statement: ast.stmt, function: str) -> str:
    """A digest of a function's code, or a constant's: what was found of other code is not known of
    this one. Comments and the file's other functions don't matter."""
    method = function.rpartition(".")[2]
    inside = statement.body if isinstance(statement, ast.ClassDef) else [statement]
    code = [node for node in inside if getattr(node, "name", method) == method]
    return hashlib.sha256("\n".join(map(ast.dump, code)).encode()).hexdigest()


def _of_top(path: str, tree: ast.Module, statement: ast.stmt) -> Iterator[Mutant]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _of_function(path, tree, statement, statement.name)
        case ast.ClassDef():
            for each in statement.body:
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _of_function(path, tree, each, f"{statement.name}.{each.name}")
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            if statement.value is not None and not name.startswith("__"):
                for mutant in _below(path, tree, statement, "value", ""):
                    mutant.path_of_constant = name
                    yield mutant


def _of_function(path: str, tree: ast.Module, node: Any, name: str) -> Iterator[Mutant]:
    for field in DEFAULTS:
        yield from _at(path, tree, node.args, field, name, operators.of_default)
    yield from _below(path, tree, node, "body", name)


def _below(
    path: str, tree: ast.Module, owner: ast.AST, field: str, function: str
) -> Iterator[Mutant]:
    def variants(node: ast.AST) -> Iterator[ast.AST]:
        yield from _variants(node, field)
        if not function and isinstance(node, ast.expr):
            yield from operators.of_constant(node)

    yield from _at(path, tree, owner, field, function, variants)
    for _, node in _children(owner, field):
        for name in node._fields:
            if name not in _SKIPPED_FIELDS:
                yield from _below(path, tree, node, name, function)


def _at(
    path: str,
    tree: ast.Module,
    owner: ast.AST,
    field: str,
    function: str,
    variants: Callable[[Any], Iterator[ast.AST]],
) -> Iterator[Mutant]:
    """The mutants of what stands in one field."""
    for index, node in _children(owner, field):
        for new in variants(node):
            yield Mutant(
                path,
                getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0)),
                function,
                _text(node),
                _text(new),
                tree,
                owner,
                field,
                index,
                ast.copy_location(new, node) if hasattr(node, "lineno") else new,
            )


def _children(owner: ast.AST, field: str) -> Iterator[tuple[int | None, ast.AST]]:
    value = getattr(owner, field, None)
    children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    for index, node in children:
        if isinstance(node, ast.AST) and not _only_prints(node):
            yield index, node


def _variants(node: ast.AST, field: str) -> Iterator[ast.AST]:
    match node:
        case ast.expr():
            yield from operators.of_expression(node, field)
        case ast.stmt():
            yield from operators.of_statement(node)
        case ast.comprehension():
            yield from operators.of_comprehension(node)


def _only_prints(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "metrics")))):
            return True
        case ast.JoinedStr():
            return not any("#" in _text(part) or " :" in _text(part) for part in node.values)
    return False


def _text(node: ast.AST) -> str:
    if hasattr(node, "label"):
        return str(node.label)
    lines = ast.unparse(ast.fix_missing_locations(node)).splitlines()
    return lines[0] + (" ..." if len(lines) > 1 else "")
