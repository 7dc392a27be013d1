"""The environment of a CDK context: the named one, with the context's overrides."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_origin

from stacks.config.environments import ENVIRONMENTS, Environment
from stacks.config.errors import ConfigError, require_one_of
from stacks.config.type_checks import is_optional, type_name, types_of_fields, without_none

# keys of this project that are no settings of an environment
OPTIONS = ("env", "bundle_for")
_WORDS = {"true": True, "false": False}
# int() would accept digits of any script and spaces around them; no limit has 20 digits
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9](_?[0-9]){0,19}")


def environment_from(context: Mapping[str, Any]) -> Environment:
    """The environment that `env` names (default dev) with the context's overrides.

    Keys with a colon, a hyphen or an @ are the CDK's own (feature flags, cached look-ups, options
    of its command line); every other key is a setting here, so a misspelt one is an error. What a
    deployment needs is checked here and not in Environment, whose values in environments.py leave
    account and region to each deployment.
    """
    name = context.get("env", "dev")
    if not isinstance(name, str) or name not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise ConfigError(
            "env", name, f"the environments are {known}", "Name one of them, as in -c env=dev"
        )
    platform = context.get("bundle_for", "lambda")
    require_one_of(("lambda", "host"), "bundle_for", platform, "lambda, host")
    overrides = {key: value for key, value in context.items() if _is_setting(key)}
    environment = _override(ENVIRONMENTS[name], _tree(overrides), "")
    assert isinstance(environment, Environment)  # noqa: S101 - for the type checker
    check_complete(environment)
    return environment


def check_complete(environment: Environment) -> None:
    """Raises one ConfigError that names all that is missing, and how to give it."""
    missing: dict[str, object] = {}
    rules, arguments, otherwise = [], [], ""
    if environment.retain:
        location = {"account": environment.account, "region": environment.region}
        missing = {field: value for field, value in location.items() if value is None}
    if missing:
        rules.append(
            f"{environment.name} keeps data (retain), and without them it would go wherever the "
            "credentials point"
        )
        forms = {"account": "<12 digits>", "region": "<region>"}
        arguments += [f"-c {field}={forms[field]}" for field in missing]
    balancer = environment.load_balancer
    if not environment.https and not balancer.plain_http:
        missing["load_balancer.certificate_arn"] = None
        rules.append("over plain HTTP passwords and tokens can be read on the way")
        arguments.append("-c load_balancer.plain_http=true")
        otherwise = ", or for HTTPS -c load_balancer.certificate_arn=<ARN> in place of plain_http"
    if missing:
        raise ConfigError.of_several(
            missing,
            "; and ".join(rules),
            "Set them in stacks/config/environments.py, or for one run by "
            f"{' '.join(arguments)}{otherwise}",
        )


def _is_setting(key: str) -> bool:
    """Only a hyphen in the first part of a key makes it the CDK's: a pool's name may have some. A
    hyphen in place of an underscore is a typing error, as in log-level."""
    first = key.split(".")[0]
    if key in OPTIONS or set(key) & set(":@"):
        return False
    return "-" not in first or first.replace("-", "_") in types_of_fields(Environment)


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
        # a copy, since overrides of what lies below may follow
        node[last] = dict(value) if isinstance(value, Mapping) else value
    return tree


def _override(current: Any, changes: Mapping[str, Any], prefix: str) -> Any:
    hints = types_of_fields(type(current))
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
        _require_settings(change, path)
        if path == "pools":
            return _pools(current, change)
        return _override(current, change, f"{path}.")
    return _converted(change, kind, path)


def _pools(pools: tuple[Any, ...], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    names = [pool.name for pool in pools]
    for name, change in changes.items():
        if name not in names:
            raise _unknown(f"pools.{name}", change, [f"pools.{each}" for each in names])
        _require_settings(change, f"pools.{name}")
    return tuple(
        _override(pool, changes.get(pool.name, {}), f"pools.{pool.name}.") for pool in pools
    )


def _require_settings(change: Any, path: str) -> None:
    if not isinstance(change, Mapping):
        advice = f"Override one of them: {path}.<setting>"
        raise ConfigError(path, change, "it has settings of its own", advice)


def _converted(value: Any, kind: Any, path: str) -> Any:
    """A value from the command line is a string, one from cdk.json may have its type already."""
    origin = get_origin(kind)
    if is_optional(kind):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return _converted(value, without_none(kind), path)
    if origin is Literal or kind is str:
        if isinstance(value, str):
            return value
    elif origin is tuple:
        return _list_of_names(value, path)
    elif kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    elif isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    raise ConfigError(path, value, f"it must be {type_name(kind)}", f"Give {path} such a value")


def _list_of_names(value: Any, path: str) -> tuple[str, ...]:
    listed = value
    if isinstance(value, str):
        listed = [] if value.lower() == "none" else [part.strip() for part in value.split(",")]
    if isinstance(listed, list | tuple) and all(isinstance(each, str) and each for each in listed):
        return tuple(listed)
    rule = "it must be a list of names, separated by commas"
    raise ConfigError(path, value, rule, f"Give {path} such a value, or none for an empty list")


def _unknown(path: str, value: object, known: list[str]) -> ConfigError:
    names = {name.rpartition(".")[2]: name for name in known}
    near = get_close_matches(path.rpartition(".")[2], names, n=1)
    while isinstance(value, Mapping) and value:  # name the setting as it was written
        below, value = next(iter(value.items()))
        path = f"{path}.{below}"
    listed = f"the settings there are {', '.join(known)}" if known else "no setting lies below one"
    advice = f"Perhaps {names[near[0]]} is meant" if near else "Correct the name"
    return ConfigError(path, value, f"there is no such setting; {listed}", advice)
