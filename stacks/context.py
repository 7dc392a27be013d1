"""From the CDK context to an environment: which one, and what the context overrides in it."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stacks.config import ENVIRONMENTS, Environment
from stacks.refusal import ConfigError

# ours, but not settings of an environment
OPTIONS = ("env", "bundle_for")
_WORDS = {"true": True, "false": False}


def environment_from(context: Mapping[str, Any]) -> Environment:
    """The environment that `env` names (default dev) with the context's overrides.

    Keys with a colon, a hyphen or an @ are the CDK's own (feature flags, cached look-ups, options
    of its command line); every other key is a setting here, so a misspelt one is an error.
    """
    name = context.get("env", "dev")
    if name not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise ConfigError(
            "env", name, f"the environments are {known}", "Name one of them, as in -c env=dev"
        )
    overrides = {
        key: value
        for key, value in context.items()
        if key not in OPTIONS and not set(key) & set(":-@")
    }
    environment = _override(ENVIRONMENTS[name], _tree(overrides), "")
    assert isinstance(environment, Environment)  # noqa: S101 - for the type checker
    return environment


def _tree(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """{"a.b": 1} -> {"a": {"b": 1}}: all overrides of a value are applied together, since each
    alone may contradict the rest."""
    tree: dict[str, Any] = {}
    for key, value in sorted(overrides.items()):
        *path, last = key.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise _unknown(key, value, [])
        node[last] = value
    return tree


def _override(current: Any, changes: Mapping[str, Any], prefix: str) -> Any:
    hints = get_type_hints(type(current))
    known = {field.name for field in fields(current) if field.name != "name"}
    values = {field.name: getattr(current, field.name) for field in fields(current)}
    for name, change in changes.items():
        path = f"{prefix}{name}"
        if name not in known:
            raise _unknown(path, change, [f"{prefix}{each}" for each in sorted(known)])
        values[name] = _changed(values[name], change, hints[name], path)
    return type(current)(**values)


def _changed(current: Any, change: Any, kind: Any, path: str) -> Any:
    if is_dataclass(current) or path == "pools":
        if not isinstance(change, Mapping):
            advice = f"Override one of them: {path}.<setting>"
            raise ConfigError(path, change, "it has settings of its own", advice)
        if path == "pools":
            return _pools(current, change)
        return _override(current, change, f"{path}.")
    return _converted(change, kind, path)


def _pools(pools: tuple[Any, ...], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    names = [pool.name for pool in pools]
    for name, change in changes.items():
        if name not in names or not isinstance(change, Mapping):
            raise _unknown(f"pools.{name}", change, [f"pools.{each}" for each in names])
    return tuple(
        _override(pool, changes.get(pool.name, {}), f"pools.{pool.name}.") for pool in pools
    )


def _converted(value: Any, kind: Any, path: str) -> Any:
    """A value from the command line is a string, one from cdk.json may have its type already."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None or (isinstance(value, str) and value.lower() in ("", "none")):
            return None
        return _converted(value, next(t for t in get_args(kind) if t is not type(None)), path)
    if origin is Literal or kind is str:
        if isinstance(value, str):
            return value
    elif origin is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            return tuple(value)
    elif kind is bool:
        if isinstance(value, bool) or str(value).lower() in _WORDS:
            return value if isinstance(value, bool) else _WORDS[value.lower()]
    elif kind is int and not isinstance(value, bool):
        try:
            return int(str(value).replace("_", ""))
        except ValueError:
            pass  # falls through to the refusal, which says more
    raise ConfigError(path, value, f"it must be {_called(kind)}", f"Give {path} such a value")


def _called(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a list of names, separated by commas"
    return {int: "a whole number", bool: "true or false"}.get(kind, "a text")


def _unknown(path: str, value: object, known: list[str]) -> ConfigError:
    names = {name.rpartition(".")[2]: name for name in known}
    near = get_close_matches(path.rpartition(".")[2], names, n=1)
    while isinstance(value, Mapping) and value:  # name the setting as it was written
        below, value = next(iter(value.items()))
        path = f"{path}.{below}"
    listed = f"the settings there are {', '.join(known)}" if known else "no setting lies below one"
    advice = f"Perhaps {names[near[0]]} is meant" if near else "Correct the name"
    return ConfigError(path, value, f"there is no such setting; {listed}", advice)
