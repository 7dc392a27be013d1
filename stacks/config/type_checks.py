"""Type checks of settings at run time: users edit environments.py by hand, and run no mypy."""

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stacks.config.errors import require

# Python evaluates a class's annotations at each call, which takes longer than checking a value.
types_of_fields: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def require_types(settings: Any, prefix: str) -> None:
    """Raises ConfigError for a field of the dataclass that is not of its type. `prefix` is what a
    context override writes before the field's name."""
    hints = types_of_fields(type(settings))
    for field in fields(settings):
        kind, value = hints[field.name], getattr(settings, field.name)
        path = f"{prefix}{field.name}"
        rule, advice = f"it must be {type_name(kind)}", f"Give {path} such a value"
        require(_is_of(value, kind), path, value, rule, advice)


def is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def without_none(kind: Any) -> Any:
    """The type of an optional value that is not None."""
    return next(each for each in get_args(kind) if each is not type(None))


def type_name(kind: Any) -> str:
    """The type in the words of an error message."""
    if is_optional(kind):
        return f"{type_name(without_none(kind))} or None"
    if get_origin(kind) is tuple:
        each, _ = get_args(kind)
        return "a tuple of texts" if each is str else "a tuple of pools"
    if is_dataclass(kind):
        return f"a value of {getattr(kind, '__name__', kind)}"
    return {int: "a whole number", bool: "true or false"}.get(kind, "a text")


def _is_of(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_is_of(value, each) for each in get_args(kind))
    if origin is Literal:  # the setting's own rule checks which
        return isinstance(value, str)
    if origin is tuple:
        return isinstance(value, tuple) and all(_is_of(each, get_args(kind)[0]) for each in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
