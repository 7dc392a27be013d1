"""The managed policies of AWS, by ARN, from moto's copy of them.

Read from the file as it is: importing moto takes a second, and this is data.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any


def document(arn: str) -> dict[str, Any] | None:
    """The policy's document; None for a policy that AWS has not."""
    _, slash, path = arn.partition(":policy/")
    if not slash or arn.split(":")[4] != "aws":
        return None
    name = path.rpartition("/")[2]
    found = _all().get(name)
    if found is None or found.get("Path", "/").strip("/") != path.rpartition("/")[0]:
        return None
    policy: dict[str, Any] = found["Document"]
    return policy


@cache
def _all() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("moto")
    if spec is None or spec.origin is None:
        return {}
    source = Path(spec.origin).parent / "iam" / "aws_managed_policies.py"
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            policies: dict[str, dict[str, Any]] = json.loads(str(statement.value.value))
            return policies
    return {}
