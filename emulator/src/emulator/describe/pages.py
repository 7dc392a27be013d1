"""Pages of a listing: as many entries as the call asks for, and a token for the rest.

Source: botocore's paginators, which name the parameters and fields of each operation. Without a
limit all is one page, but for events and groups of logs.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from emulator import service_models
from emulator.describe.errors import CallError

# And the most that a call may ask for: API reference.
DEFAULTS = {"FilterLogEvents": 10_000, "DescribeLogGroups": 50}
# As LocalStack has recorded it of logs; the others as the API references have the codes.
_INVALID_TOKEN = {
    "cloudwatch": ("InvalidNextToken", "The token is not valid"),
    "lambda": ("InvalidParameterValueException", "The token is not valid"),
    "logs": ("InvalidParameterException", "The specified nextToken is invalid."),
}
_INVALID = {
    "apigatewayv2": "BadRequestException",
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "ecs": "InvalidParameterException",
    "elbv2": "ValidationError",
    "lambda": "ValidationException",
    "logs": "InvalidParameterException",
}
_OTHERWISE = frozenset({"GetMetricData"})  # its limit is of data points, of which all fit


def cut(
    service: str, operation: str, given: Mapping[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    """`service` as botocore names it. Raises CallError for a token that no page had."""
    model = _paginators(service).get(operation)
    if model is None or operation in _OTHERWISE:
        return result
    token = given.get(model["input_token"])
    limit = _limit(service, operation, model.get("limit_key", ""), given)
    if not token and not limit:
        return result
    begin = _offset(service, str(token)) if token else 0
    end = begin + limit if limit else None
    page, passed = dict(result), 0
    keys = model["result_key"]
    for key in keys if isinstance(keys, list) else [keys]:
        listed = result.get(key)
        if not isinstance(listed, list):
            continue
        page[key] = [
            each
            for place, each in enumerate(listed, passed)
            if place >= begin and (end is None or place < end)
        ]
        passed += len(listed)
    if end is not None and end < passed:
        page[model["output_token"]] = base64.b64encode(str(end).encode()).decode()
    return page


def _limit(service: str, operation: str, name: str, given: Mapping[str, Any]) -> int | None:
    """Within the bounds of the service's model."""
    limit = given.get(name)
    if limit is None:
        return DEFAULTS.get(operation)
    model = service_models.session().get_service_model(service).operation_model(operation)
    bounds = model.input_shape.members[name].metadata
    least, most = max(1, bounds.get("min", 1)), bounds.get("max", DEFAULTS.get(operation))
    wrong = ""
    if not re.fullmatch(r"-?[0-9]{1,10}", str(limit)) or int(limit) < least:
        wrong = f"value greater than or equal to {least}"
    elif most is not None and int(limit) > most:
        wrong = f"value less than or equal to {most}"
    if wrong:
        place = name[:1].lower() + name[1:]
        text = f"1 validation error detected: Value '{limit}' at '{place}' failed to satisfy"
        raise CallError(_INVALID[service], f"{text} constraint: Member must have {wrong}")
    return int(limit)


@cache
def _paginators(service: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = service_models.loader().load_service_model(service, "paginators-1")
    pagination: Mapping[str, Any] = found["pagination"]
    return pagination


def _offset(service: str, token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        otherwise = (_INVALID[service], "The token is not valid")
        code, text = _INVALID_TOKEN.get(service, otherwise)
        raise CallError(code, text) from None
