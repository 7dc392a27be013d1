"""Readers of one field of a frame or body. They raise TypeError or ValueError for a wrong value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
D = TypeVar("D")
Reader = Callable[[object], T]

_COUNTS = 1 << 53  # beyond that JSON numbers are not exact, and no count is as high


def mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r:.100}")
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r}")
    value.encode()  # raises for a lone surrogate, which could neither be stored nor sent
    return value


def words(value: object) -> str:
    """Any value is accepted, since it is only shown to people."""
    return text(str(value))


def flag(value: object) -> bool:
    return bool(value)


def count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _COUNTS:
        raise TypeError(f"expected a count, got {value!r:.100}")
    return value


def position(value: object) -> int:
    if count(value) == 0:
        raise ValueError("positions start at 1")
    return count(value)


def time(value: object) -> float:
    """Epoch seconds; the wire has milliseconds."""
    return count(value) / 1000


def duration(value: object) -> float:
    """Seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected seconds, got {value!r}")
    if not 0 <= value < _COUNTS or math.isnan(value):
        raise ValueError(f"expected seconds, got {value!r:.100}")
    return float(value)


def name(value: object) -> str:
    """The name of a user or of a device; `/` joins the two."""
    found = text(value)
    if not found or "/" in found:
        raise ValueError(f"expected a name, got {value!r}")
    return found


def device(user: object, value: object) -> str:
    """The device's own name: `phone`, also where the frame says `raju/phone`."""
    return name(text(value).removeprefix(f"{text(user)}/"))


def full_name(value: object) -> str:
    """`user/device`."""
    user, _, own = text(value).partition("/")
    return f"{name(user)}/{name(own)}"


def list_of(read: Reader[T]) -> Reader[tuple[T, ...]]:
    def reader(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, got {value!r:.100}")
        return tuple(read(item) for item in value)

    return reader


def pair_of(read: Reader[T]) -> Reader[tuple[T, T]]:
    def reader(value: object) -> tuple[T, T]:
        first, last = list_of(read)(value)
        return first, last

    return reader


def map_of(read: Reader[T]) -> Reader[dict[str, T]]:
    return lambda value: {text(key): read(item) for key, item in mapping(value).items()}


def optional(read: Reader[T], absent: D) -> Reader[T | D]:
    """`absent` for a field that is not there or null."""
    return lambda value: absent if value is None else read(value)


def frame(action: str, **given: Any) -> dict[str, Any]:
    """A client frame. Fields that are None are left out."""
    present = {key: value for key, value in given.items() if value is not None}
    return {"action": action, **present}
