"""The mistakes that are put into a syntax tree, one at a time.

They are those that reviewers found in this project, and that tests are known to miss: a boundary, a
condition that is gone, the last for the first, a keyword such as `consistent` that is left out, a
step that is not done, an exception that is swallowed, seconds for milliseconds.
"""

import ast
import copy
from collections.abc import Iterator
from typing import TypeVar

from tools.mutants import expressions

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_CHOICES = ("test", "values", "ifs")  # have mutants for both outcomes already
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_ERRORS = ("bad_request", "forbidden", "not_found", "no_such_chat")  # make an error with a code
_EXCEPTIONS = ("Error", "Exception")
_NEEDED = ("names", "returns")
_OTHER_ERROR = "__import__('lambdas.errors', fromlist=['errors']).internal()"
_SILENT = ("logger", "metrics")  # what is printed is not what users see

Node = TypeVar("Node", bound=ast.AST)


def of_expression(node: ast.expr, field: str) -> Iterator[ast.expr]:
    """What may stand in the place of an expression, which is in this field of its owner."""
    match node:
        case ast.Compare(ops=[op]) if isinstance(op, _ORDER) or field not in _CHOICES:
            yield _with(node, ops=[_COMPARE[type(op)]()])
        case ast.BoolOp(values=values):
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.BinOp(left=left, op=op):
            if not _is_text(node) and not _is_type(node):
                yield left
            if isinstance(op, ast.Add | ast.Sub) and not _is_text(node):
                yield _with(node, op=ast.Sub() if isinstance(op, ast.Add) else ast.Add())
        case ast.Constant(value=value):
            yield from (ast.Constant(new) for new in _of_value(value))
        case ast.Subscript(slice=ast.Constant(value=0)):
            yield _with(node, slice=ast.Constant(-1))
        case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            yield _with(node, slice=ast.Constant(0))
        case ast.Dict(keys=keys, values=entries) if len(keys) > 1:
            for index, key in enumerate(keys):
                if isinstance(key, ast.Constant):
                    kept = keys[:index] + keys[index + 1 :]
                    new = _with(node, keys=kept, values=entries[:index] + entries[index + 1 :])
                    yield labelled(new, f"without {ast.unparse(key)}")
        case ast.Call():
            yield from _of_call(node)


def of_constant(node: ast.expr) -> Iterator[ast.expr]:
    """More for what a module's constant is made of: a member that is missing, a function without
    what is wrapped around it."""
    match node:
        case ast.Set(elts=members) | ast.Tuple(elts=members) if len(members) > 1:
            for index, member in enumerate(members):
                new = _with(node, elts=members[:index] + members[index + 1 :])
                yield labelled(new, f"without {ast.unparse(member)}")
        case ast.Call(func=ast.Name(id=name), args=[ast.Name() as wrapped], keywords=[]):
            if not name[:1].isupper() and not wrapped.id.isupper():
                yield wrapped


def of_default(node: ast.expr) -> Iterator[ast.expr]:
    """What a parameter may be by default instead."""
    if isinstance(node, ast.Constant):
        yield from (ast.Constant(new) for new in _of_value(node.value))


def of_statement(node: ast.stmt) -> Iterator[ast.stmt]:
    """What may stand in the place of a statement."""
    match node:
        case ast.Expr(value=ast.Call() | ast.Await() as value) if not _is_silent(value):
            yield ast.Pass()
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Delete() | ast.Return(value=None):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.AugAssign(target=target, value=value):
            yield ast.Assign([target], value)
            yield ast.Pass()
        case ast.If() | ast.While():
            if not isinstance(node.test, ast.BoolOp | ast.NamedExpr):
                yield _with(node, test=ast.Constant(False))
            if isinstance(node, ast.If) and not isinstance(node.test, ast.NamedExpr):
                yield _with(node, test=ast.Constant(True))
        case ast.For(iter=every):
            yield _with(node, iter=_first(every))
        case ast.Try(handlers=handlers):
            for index, handler in enumerate(handlers):
                new = [ast.Raise()] if not isinstance(handler.body[0], ast.Raise) else [ast.Pass()]
                changed = _with(handler, body=new)
                rest = [*handlers[:index], changed, *handlers[index + 1 :]]
                kind = ast.unparse(handler.type) if handler.type else ""
                yield labelled(_with(node, handlers=rest), f"except {kind}: {ast.unparse(new[0])}")


def of_comprehension(node: ast.comprehension) -> Iterator[ast.comprehension]:
    """A filter that is missing; only the first of many."""
    for index in range(len(node.ifs)):
        yield _with(node, ifs=node.ifs[:index] + node.ifs[index + 1 :])
    if not node.is_async:
        yield _with(node, iter=_first(node.iter))


def _of_value(value: object) -> Iterator[bool | int | float | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        if value > 1:
            yield value - 1
    elif isinstance(value, str) and expressions.is_expression(value):
        yield from expressions.variants(value)


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    name = ast.unparse(node.func).split(".")[-1]
    if name in _CALLS:
        yield _with(node, func=ast.Name(_CALLS[name], ast.Load()))
    if name in _ERRORS or (name == "ChatError" and len(node.args) == 2):
        yield labelled(ast.parse(_OTHER_ERROR, mode="eval").body, f"{name} with another code")
    if name == "sorted" and node.args:
        yield ast.Call(ast.Name("list", ast.Load()), node.args[:1], [])
    if name[:1].isupper() or name.endswith(_EXCEPTIONS):
        return  # fields of a value: what has no default can't be left out
    texts = " ".join(ast.unparse(each) for each in node.args)
    for index, keyword in enumerate(node.keywords):
        is_flag = isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool)
        # a flag is inverted instead; what its expression names, DynamoDB would miss at once
        needed = keyword.arg in _NEEDED or f":{keyword.arg}" in texts
        if keyword.arg and not is_flag and not needed:
            new = _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
            yield labelled(new, f"{name}(...) without {keyword.arg}=")


def labelled(node: Node, label: str) -> Node:
    node.label = label  # type: ignore[attr-defined]
    return node


def _first(iterable: ast.expr) -> ast.expr:
    every = ast.Call(ast.Name("list", ast.Load()), [iterable], [])
    return ast.Subscript(every, ast.Slice(upper=ast.Constant(1)), ast.Load())


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str | bytes))
        or (isinstance(part, ast.BinOp) and _is_text(part))
        for part in (node.left, node.right)
    )


def _is_type(node: ast.BinOp) -> bool:
    """A union of types has no value that a test could see."""
    if not isinstance(node.op, ast.BitOr):
        return False
    parts = (node.left, node.right)
    return all(
        _is_type(part)
        if isinstance(part, ast.BinOp)
        else ast.unparse(part) == "None"
        or (isinstance(part, ast.Name) and not part.id.isupper() and part.id[:1].isupper())
        for part in parts
    )


def _is_silent(call: ast.expr) -> bool:
    return ast.unparse(call).startswith(_SILENT)


def _with(node: Node, **fields: object) -> Node:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new
