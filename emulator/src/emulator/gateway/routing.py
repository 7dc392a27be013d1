"""The route of a frame, by API Gateway's route selection expression."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from emulator import strict_json
from emulator.providers import EmulatorError

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
_EXPRESSION = re.compile(
    r"\$(?:request\.body\.([\w-]+(?:\.[\w-]+)*)|\{request\.body\.([\w-]+(?:\.[\w-]+)*)\})"
)


def selection_path(expression: str) -> tuple[str, ...]:
    """`$request.body.action` or `${request.body.action}` -> ("action",).

    Raises EmulatorError for the other forms AWS knows (headers, several parts).
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise EmulatorError(
            f"route selection expression {expression!r} is not supported locally: "
            "use $request.body.<field>"
        )
    return tuple((match[1] or match[2]).split("."))


def select_route(path: tuple[str, ...], frame: str, keys: Collection[str]) -> str | None:
    """The key of the route for `frame`, `$default` where none fits, None without a `$default`.

    What the expression finds "will be stringified", so that 5 takes the route "5" and a list one of
    the form "[item1, item2]": "Route selection expressions", API Gateway developer guide.
    A frame can't request `$connect` or `$disconnect`: those are events, not messages.
    """
    value = _text(_value_at(path, frame))
    if value in keys and value not in (CONNECT, DISCONNECT):
        return value
    return DEFAULT if DEFAULT in keys else None


def _value_at(path: tuple[str, ...], frame: str) -> Any:
    try:
        value = strict_json.loads(frame)
    except ValueError:
        return None
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case list():
            texts = [text for each in value if (text := _text(each)) is not None]
            return f"[{', '.join(texts)}]" if len(texts) == len(value) else None
    return None
