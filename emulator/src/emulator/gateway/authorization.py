"""REQUEST authorizers: identity sources before they run, and what their response means.

Source: "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" and "Output from an
API Gateway Lambda authorizer", API Gateway developer guide.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from emulator.gateway.limits import AUTHORIZER_BYTES
from emulator.providers import EmulatorError, InvokeResult

log = logging.getLogger("emulator.gateway")

UNAUTHORIZED, FORBIDDEN, FAILED = 401, 403, 500
_SOURCE = re.compile(r"route\.request\.(header|querystring)\.([\w.-]+)")


class IdentitySource(NamedTuple):
    place: str  # header | querystring
    name: str


class Verdict(NamedTuple):
    """`status` 200 lets the caller in; `context` is then what later events carry."""

    status: int
    context: Mapping[str, str] = {}


class Malformed(ValueError):
    """The authorizer's response is not the document API Gateway expects."""


def parse_identity_sources(sources: Iterable[str]) -> tuple[IdentitySource, ...]:
    found = []
    for source in sources:
        match = _SOURCE.fullmatch(source)
        if match is None:
            raise EmulatorError(
                f"identity source {source!r} is not supported locally: use "
                "route.request.header.<name> or route.request.querystring.<name>"
            )
        found.append(IdentitySource(match[1], match[2]))
    return tuple(found)


def identified(
    sources: Iterable[IdentitySource],
    headers: Mapping[str, str],
    query: Mapping[str, str],
) -> bool:
    """Whether every source has a value; if not, the caller gets 401 and nothing is invoked."""
    lower = {name.lower(): value for name, value in headers.items()}
    return all(
        lower.get(source.name.lower()) if source.place == "header" else query.get(source.name)
        for source in sources
    )


def verdict(result: InvokeResult, method_arn: str) -> Verdict:
    """401 for the error "Unauthorized", 403 for a policy that doesn't allow, 500 for the rest."""
    try:
        if len(result.payload) > AUTHORIZER_BYTES:
            raise Malformed(f"the result has over {AUTHORIZER_BYTES} bytes")
        response = _document(result.payload)
        if result.error:
            unauthorized = response.get("errorMessage") == "Unauthorized"
            return Verdict(UNAUTHORIZED if unauthorized else FAILED)
        principal = response.get("principalId")
        if not isinstance(principal, str):
            raise Malformed("principalId is missing")
        if not allows(response.get("policyDocument"), method_arn):
            return Verdict(FORBIDDEN)
        return Verdict(200, {"principalId": principal, **_context(response.get("context"))})
    except Malformed as malformed:
        log.warning("the authorizer's response: %s", malformed)
        return Verdict(FAILED)


def allows(policy: Any, method_arn: str) -> bool:
    """IAM's rule: an explicit Deny wins, and what nothing allows is denied. Raises Malformed."""
    if not isinstance(policy, dict):
        raise Malformed("policyDocument is missing")
    allowed = False
    for statement in _listed(policy.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise Malformed("a statement has no Effect of Allow or Deny")
        if not statement.keys() <= {"Sid", "Effect", "Action", "Resource"}:
            raise Malformed("only Sid, Effect, Action and Resource are read locally")
        if not _any_matches(statement.get("Action"), "execute-api:Invoke", ignore_case=True):
            continue
        if not _any_matches(statement.get("Resource"), method_arn):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def _any_matches(patterns: Any, text: str, ignore_case: bool = False) -> bool:
    for pattern in _listed(patterns):
        if not isinstance(pattern, str):
            raise Malformed("Action and Resource are strings or lists of strings")
        expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, text, re.IGNORECASE if ignore_case else 0):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _context(context: Any) -> dict[str, str]:
    """Values arrive in events as strings; objects and arrays are not allowed in a context."""
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise Malformed("context is an object")
    texts = {}
    for name, value in context.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            texts[name] = str(value)
        else:
            raise Malformed(f"context {name!r} is neither a string, a number nor a boolean")
    return texts


def _document(payload: bytes) -> dict[str, Any]:
    try:
        response = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed("the response is not JSON") from error
    if not isinstance(response, dict):
        raise Malformed("the response is not an object")
    return response
