"""The order in which resources can be created: what a resource refers to comes before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from emulator.providers import EmulatorError
from emulator.resource import Resource
from emulator.template.intrinsics import VARIABLE


class References(NamedTuple):
    """The references in a value: logical ids (or parameters) of its own stack, exports by their
    names, and outputs of other stacks by the arguments of Fn::GetStackOutput."""

    names: frozenset[str]
    exports: tuple[Any, ...]
    outputs: tuple[Any, ...]


def references(value: Any) -> References:
    """Everything `value` refers to; both branches of an Fn::If count."""
    names: set[str] = set()
    exports: list[Any] = []
    outputs: list[Any] = []
    for function, argument in _functions(value):
        if function == "Ref":
            names.add(argument)
        elif function == "Fn::GetAtt":
            names.add(argument.split(".")[0] if isinstance(argument, str) else argument[0])
        elif function == "Fn::Sub":
            text = argument if isinstance(argument, str) else argument[0]
            own = {} if isinstance(argument, str) else argument[1]
            names.update(
                name.strip().split(".")[0]
                for literal, name in VARIABLE.findall(text)
                if not literal and name.strip() not in own
            )
        elif function == "Fn::ImportValue":
            exports.append(argument)
        elif function == "Fn::GetStackOutput":
            outputs.append(argument)
    return References(frozenset(names), tuple(exports), tuple(outputs))


def _functions(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if (name == "Ref" and isinstance(argument, str)) or name.startswith("Fn::"):
                yield name, argument
        for inner in value.values():
            yield from _functions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _functions(inner)


Key = tuple[str, str]
"""(stack, logical id)"""


def in_order(
    resources: Mapping[Key, Resource], needs: Callable[[Resource], Iterable[Key]]
) -> list[Resource]:
    """`resources` in their own order, except that each stands after all it needs.

    Raises EmulatorError naming every resource of a cycle.
    """
    done: dict[Key, Resource] = {}
    path: list[Key] = []

    def visit(key: Key) -> None:
        if key in done:
            return
        if key in path:
            cycle = [*path[path.index(key) :], key]
            raise EmulatorError(
                "the template has resources that need each other: "
                + " -> ".join(str(resources[each]) for each in cycle)
            )
        path.append(key)
        for other in needs(resources[key]):
            visit(other)
        path.pop()
        done[key] = resources[key]

    for key in resources:
        visit(key)
    return list(done.values())
