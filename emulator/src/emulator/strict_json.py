"""A reader of JSON as AWS's services read it: RFC 8259, without Python's NaN and Infinity."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Never


def loads(text: str | bytes, objects: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """`objects` makes what stands for an object from its names and values; without it that is a
    dict. Raises ValueError, also for what is nested deeper than the parser goes."""
    try:
        return json.loads(text, parse_constant=_reject_constant, object_pairs_hook=objects)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _reject_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
