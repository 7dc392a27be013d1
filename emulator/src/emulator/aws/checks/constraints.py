"""Constraints of a service's model on single values: lengths, bounds, patterns, enumerations.

AWS checks them before it does anything; moto checks few. Source: the service models that botocore
has, from which the API references are made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.core.utils import get_service_model

from emulator.aws.checks.rejection import Rejection
from emulator.aws.checks.values import bytes_in

# A target's name in front of the dot -> botocore's name of the service, its error's code.
SERVICES = {
    "AWSCognitoIdentityProviderService": ("cognito-idp", "InvalidParameterException"),
    "AmazonSSM": ("ssm", "ValidationException"),
    "DynamoDB_20120810": ("dynamodb", "ValidationException"),
    "DynamoDBStreams_20120810": ("dynamodbstreams", "ValidationException"),
    "TrentService": ("kms", "ValidationException"),
    "secretsmanager": ("secretsmanager", "ValidationException"),
}
# Others of DynamoDB are frequent, and dynamodb.py has all that is inside of their members.
_DEEP_IN_DYNAMODB = {"CreateTable", "UpdateTable", "UpdateTimeToLive"}
# Java's classes of characters, of which Python has none: all but \p{C} and \p{Z}. See `_visible`.
_VISIBLE = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]"
_INVISIBLE = "\0"
# Where the model is not what the service checks. A password may have spaces inside: "The
# non-leading, non-trailing space character is also treated as a special character" ("Adding user
# pool password requirements", Cognito developer guide); the pattern is that of the service's error.
# The name of a secret has letters, numbers and six more characters: CreateSecret, API reference.
_PATTERNS = {"PasswordType": r"^[\S]+.*[\S]+$", "NameType": r"[A-Za-z0-9/_+=.@-]*"}


class _Constraint(NamedTuple):
    """`pattern` is None where the model has none, or one that Python can't read."""

    least: int | None
    most: int | None
    pattern: re.Pattern[str] | None
    written: str  # the pattern as the model has it
    members: tuple[str, ...]
    hidden: bool  # errors do not repeat a secret
    blob: bool


def check(target: str, given: Mapping[str, Any]) -> None:
    """`target` is the header X-Amz-Target. Raises Rejection."""
    service, _, operation = target.partition(".")
    if service not in SERVICES:
        return
    name, code = SERVICES[service]
    shape = _input(name, operation)
    if shape is None:
        return
    deep = name != "dynamodb" or operation in _DEEP_IN_DYNAMODB
    found = [
        text
        for member, inner in shape.members.items()
        if given.get(member) is not None
        for text in _problems(_camel(member), inner, given[member], deep=deep)
    ]
    if found:
        number = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise Rejection(number + "; ".join(found), code)


@cache
def _input(name: str, operation: str) -> StructureShape | None:
    model = get_service_model(name)
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    return shape if isinstance(shape, StructureShape) else None


def _problems(place: str, shape: Shape, value: Any, *, deep: bool) -> Iterator[str]:
    if isinstance(value, str | int | list | dict) and (deep or isinstance(value, str | int)):
        yield from _of_value(place, _constraint(shape), value)
    if not deep:
        return
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, inner in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(f"{place}.{_camel(name)}", inner, value[name], deep=True)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from _problems(f"{place}.{number}.member", shape.member, each, deep=True)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for name, each in value.items():
            yield from _problems(f"{place}.{name}.member", shape.value, each, deep=True)


def _of_value(place: str, limits: _Constraint | None, value: Any) -> Iterator[str]:
    if limits is None or isinstance(value, bool):
        return
    shown = "" if limits.hidden else f" '{value}'"
    begin = f"Value{shown} at '{place}' failed to satisfy constraint: Member must "
    number = isinstance(value, int)
    size, what = (value, "value") if number else (_length(limits, value), "length")
    if limits.least is not None and size < limits.least:
        yield f"{begin}have {what} greater than or equal to {limits.least}"
    if limits.most is not None and size > limits.most:
        yield f"{begin}have {what} less than or equal to {limits.most}"
    if not isinstance(value, str):
        return
    if limits.members and value not in limits.members:
        yield f"{begin}satisfy enum value set: [{', '.join(limits.members)}]"
    text = _visible(value) if _VISIBLE in limits.written else value
    if limits.pattern is not None and not limits.pattern.fullmatch(text):
        yield f"{begin}satisfy regular expression pattern: {limits.written}"


def _length(limits: _Constraint, value: Any) -> int:
    """A blob's is that of its bytes, which are in base64 in JSON."""
    return bytes_in(value) if limits.blob and isinstance(value, str) else len(value)


def _visible(value: str) -> str:
    """The value with one character for all that are in none of the classes of _VISIBLE."""
    return "".join(_INVISIBLE if unicodedata.category(each)[0] in "CZ" else each for each in value)


@cache
def _constraint(shape: Shape) -> _Constraint | None:
    found = shape.metadata
    written = _PATTERNS.get(shape.name, str(found.get("pattern", "")))
    members = tuple(getattr(shape, "enum", ()) or ())
    bounds = [found.get("min"), found.get("max")]
    if not (written or members or any(each is not None for each in bounds)):
        return None
    blob = shape.type_name == "blob"
    pattern = _compiled(written)
    return _Constraint(bounds[0], bounds[1], pattern, written, members, _hidden(shape), blob)


def _hidden(shape: Shape) -> bool:
    return bool(shape.metadata.get("sensitive"))


def _compiled(pattern: str) -> re.Pattern[str] | None:
    text = pattern.replace(_VISIBLE, rf"[^{_INVISIBLE}]")
    if not text or r"\p{" in text:
        return None
    try:
        return re.compile(text, re.ASCII)  # as Java's \w, \d and \s
    except re.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
