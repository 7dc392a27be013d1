"""REQUEST authorizers: identity sources before they run, and what their response means.

Source: "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" and "Output from an
API Gateway Lambda authorizer", API Gateway developer guide.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from emulator import strict_json
from emulator.gateway.limits import AUTHORIZER_BYTES, POLICY_RESOURCE_CHARACTERS
from emulator.iam import documents, evaluation
from emulator.iam.patterns import Context
from emulator.providers import EmulatorError, InvokeResult

log = logging.getLogger("emulator.gateway")

UNAUTHORIZED, FORBIDDEN, FAILED = 401, 403, 500
INVOKE = "execute-api:Invoke"
_SOURCE = re.compile(r"route\.request\.(header|querystring)\.([\w.-]+)")


class IdentitySource(NamedTuple):
    place: str  # header | querystring
    name: str


class Verdict(NamedTuple):
    """`status` 200 lets the caller in; `context` is then what later events carry."""

    status: int
    context: Mapping[str, str | None] = {}


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


def verdict(result: InvokeResult, method_arn: str, keys: Context = MappingProxyType({})) -> Verdict:
    """401 for the error "Unauthorized", 403 for a policy that doesn't allow, 500 for the rest.
    `keys` are the request's condition keys."""
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
        if not allows(response.get("policyDocument"), method_arn, keys):
            return Verdict(FORBIDDEN)
        return Verdict(200, {"principalId": principal, **_context(response.get("context"))})
    except Malformed as malformed:
        log.warning("the authorizer's response: %s", malformed)
        return Verdict(FAILED)


def allows(document: Any, method_arn: str, keys: Context = MappingProxyType({})) -> bool:
    """Whether a policy document allows, by IAM's rules and whatever the Principal, as no source
    says what that does. Raises Malformed."""
    if not isinstance(document, dict):
        raise Malformed("policyDocument is missing")
    if not document.get("Statement"):
        return False
    try:
        policy = documents.read("policyDocument", document, of_authorizer=True)
    except EmulatorError as error:
        raise Malformed(str(error)) from error
    for resource in (each for statement in policy for each in statement.resources):
        if len(resource) > POLICY_RESOURCE_CHARACTERS:
            raise Malformed(f"a Resource has over {POLICY_RESOURCE_CHARACTERS} characters")
    return evaluation.allowed(policy, evaluation.Request(INVOKE, method_arn, keys))


def _context(context: Any) -> dict[str, str | None]:
    """Values arrive in events as strings, and null as null, as recorded in
    github.com/DefinitelyTyped/DefinitelyTyped/pull/69823; objects and arrays are not allowed."""
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise Malformed("context is an object")
    texts: dict[str, str | None] = {}
    for name, value in context.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            texts[name] = str(value)
        elif value is None:
            texts[name] = None
        else:
            raise Malformed(f"context {name!r} is neither a string, a number nor a boolean")
    return texts


def _document(payload: bytes) -> dict[str, Any]:
    try:
        response = strict_json.loads(payload)
    except ValueError as error:
        raise Malformed("the response is not JSON") from error
    if not isinstance(response, dict):
        raise Malformed("the response is not an object")
    return response
