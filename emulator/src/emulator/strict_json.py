"""A reader of JSON as AWS's services read it: RFC 8259, without Python's NaN and Infinity."""

from __future__ import annotations

import json
from typing import Any, Never


def loads(text: str | bytes) -> Any:
    """Raises ValueError, also for what is nested deeper than the parser goes."""
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def _reject_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
