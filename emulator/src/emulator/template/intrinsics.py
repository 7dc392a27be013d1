"""CloudFormation's intrinsic functions.

Source: the "Intrinsic function reference" of the CloudFormation template reference. Values are
resolved when they are needed, by which time what they refer to has been created.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.providers import EmulatorError

NO_VALUE = object()
"""What `{"Ref": "AWS::NoValue"}` gives: the property or list entry is left out."""

STACK_OUTPUT = frozenset({"StackName", "OutputName", "Region", "RoleArn"})
"""What Fn::GetStackOutput is given."""

VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


class Scope(Protocol):
    """The stack a value stands in, as far as intrinsics can see it."""

    def ref(self, name: str) -> Any:
        """A pseudo parameter, a parameter or a resource of the stack."""

    def attribute(self, logical_id: str, name: str) -> Any: ...

    def imported(self, export: str) -> Any: ...

    def output(self, stack: str, name: str, region: str | None) -> Any:
        """The value of another stack's output; `region` None is the stack's own."""

    def condition(self, name: str) -> bool: ...

    def mapping(self, name: str, first: str, second: str) -> Any: ...

    def zones(self, region: str) -> list[str]: ...


REFERENCE_START = "{{resolve:secretsmanager:"


def resolve(value: Any, scope: Scope) -> Any:
    """`value` with every intrinsic in it replaced by what it stands for."""
    if isinstance(value, Mapping):
        function = _function(value)
        if function is not None:
            return function.call(scope, value[function.name])
        pairs = ((key, resolve(inner, scope)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not NO_VALUE}
    if isinstance(value, list):
        items = (resolve(inner, scope) for inner in value)
        return [inner for inner in items if inner is not NO_VALUE]
    # a secret's is replaced once the secret is there (emulator.runtime.registry)
    if isinstance(value, str) and "{{resolve:" in value.replace(REFERENCE_START, ""):
        raise EmulatorError(f"dynamic references have no local meaning: {value!r}")
    return value


@dataclass(frozen=True)
class Function:
    name: str
    call: Callable[[Scope, Any], Any]


def _function(value: Mapping[str, Any]) -> Function | None:
    if len(value) != 1:
        return None
    ((name, argument),) = value.items()
    if name == "Condition" and not isinstance(argument, str):  # a policy's Condition block
        return None
    known = FUNCTIONS.get(name)
    if known is None and name.startswith("Fn::"):
        raise EmulatorError(f"the intrinsic function {name} is not known to the emulator")
    return known


def is_intrinsic(value: Any) -> bool:
    """Whether it stands for another value."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    return any(name == "Ref" or name.startswith("Fn::") for name in value)


def _ref(scope: Scope, name: str) -> Any:
    return NO_VALUE if name == "AWS::NoValue" else scope.ref(name)


def _get_att(scope: Scope, argument: str | list[str]) -> Any:
    if isinstance(argument, str):
        logical_id, _, attribute = argument.partition(".")
    else:
        logical_id, attribute = argument[0], str(resolve(argument[1], scope))
    return scope.attribute(logical_id, attribute)


def _sub(scope: Scope, argument: str | list[Any]) -> str:
    template, own = (argument, {}) if isinstance(argument, str) else argument

    def value_of(match: re.Match[str]) -> str:
        literal, name = match.group(1), match.group(2).strip()
        if literal:  # ${!Name} stands for the text ${Name}
            return "${" + name + "}"
        if name in own:
            return _text(resolve(own[name], scope))
        if "." in name and not name.startswith("AWS::"):
            return _text(_get_att(scope, name))
        return _text(scope.ref(name))

    return VARIABLE.sub(value_of, template)


def _join(scope: Scope, argument: list[Any]) -> str:
    delimiter, values = argument
    return str(delimiter).join(_text(value) for value in resolve(values, scope))


def _select(scope: Scope, argument: list[Any]) -> Any:
    index, values = int(resolve(argument[0], scope)), resolve(argument[1], scope)
    if not 0 <= index < len(values):
        raise EmulatorError(f"Fn::Select wants entry {index} of a list of {len(values)}")
    return values[index]


def _split(scope: Scope, argument: list[Any]) -> list[str]:
    return _text(resolve(argument[1], scope)).split(argument[0])


def _if(scope: Scope, argument: list[Any]) -> Any:
    name, when_true, when_false = argument
    return resolve(when_true if scope.condition(name) else when_false, scope)


def _find_in_map(scope: Scope, argument: list[Any]) -> Any:
    name, first, second = (resolve(part, scope) for part in argument[:3])
    return scope.mapping(name, first, second)


def _get_stack_output(scope: Scope, argument: Mapping[str, Any]) -> Any:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html"""
    given = {key: resolve(value, scope) for key, value in argument.items()}
    if not {"StackName", "OutputName"} <= given.keys() <= STACK_OUTPUT:
        raise EmulatorError(
            f"Fn::GetStackOutput has {', '.join(sorted(given)) or 'nothing'}; it takes StackName "
            "and OutputName, and may have Region and RoleArn"
        )
    if "RoleArn" in given:
        raise EmulatorError(
            f"Fn::GetStackOutput reads {given['StackName']} by the role {given['RoleArn']}; the "
            "emulator has one account, so leave RoleArn out"
        )
    return scope.output(given["StackName"], given["OutputName"], given.get("Region"))


def _equals(scope: Scope, argument: list[Any]) -> bool:
    return _text(resolve(argument[0], scope)) == _text(resolve(argument[1], scope))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise EmulatorError(f"a text was expected where {value!r} stands")


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("Ref", _ref),
        Function("Condition", lambda scope, name: scope.condition(name)),
        Function("Fn::GetAtt", _get_att),
        Function("Fn::Sub", _sub),
        Function("Fn::Join", _join),
        Function("Fn::Select", _select),
        Function("Fn::Split", _split),
        Function("Fn::If", _if),
        Function("Fn::FindInMap", _find_in_map),
        Function("Fn::GetStackOutput", _get_stack_output),
        Function("Fn::ImportValue", lambda scope, name: scope.imported(resolve(name, scope))),
        Function(
            "Fn::Base64",
            lambda scope, text: base64.b64encode(_text(resolve(text, scope)).encode()).decode(),
        ),
        Function("Fn::GetAZs", lambda scope, region: scope.zones(resolve(region, scope))),
        Function("Fn::Equals", _equals),
        Function("Fn::And", lambda scope, parts: all(resolve(part, scope) for part in parts)),
        Function("Fn::Or", lambda scope, parts: any(resolve(part, scope) for part in parts)),
        Function("Fn::Not", lambda scope, parts: not resolve(parts[0], scope)),
    )
}
