"""The form of a policy document, which is checked before it is read. No I/O.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and the pages of
its elements, with the messages of IAM that moto has recorded (github.com/getmoto/moto,
tests/test_iam/test_iam_policies.py).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.iam import conditions

VERSIONS = ("2012-10-17", "2008-10-17")
# Characters, docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; the trust policy's
# are those to which AWS raises its 2,048 on request. "IAM doesn't count white space".
INLINE, MANAGED, TRUST = 10_240, 6_144, 4_096
_TOP = {"Version", "Id", "Statement"}
_STATEMENT = {
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"),
    *("Principal", "NotPrincipal"),
}
_TEXTS = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS = {"AWS", "CanonicalUser", "Federated", "Service"}
_VENDOR = re.compile(r"[A-Za-z0-9.-]+")
_PARTITION = re.compile(r"aws[a-z-]*|\*")
_OF_IAM = re.compile(
    r"\*|root|(user|federated-user|role|role-template|group|instance-profile|mfa"
    r"|server-certificate|policy|sms-mfa|saml-provider|oidc-provider|report|access-report)/.*",
    re.DOTALL,
)
_REGIONAL_S3 = re.compile("accesspoint|access-grants|async-request|job|storage-lens")


class Malformed(ValueError):
    """The error of a document that IAM rejects, with the reason."""


def check(document: Any, *, of_resource: bool = False, of_authorizer: bool = False) -> None:
    """Raises Malformed. A policy of a resource needs principals, one of an identity has none; the
    services that have policies of resources take other Sids. No source has what API Gateway
    rejects of an authorizer's: Sids and principals are taken as they come."""
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise Malformed("a policy needs a Statement")
    if unknown := sorted(document.keys() - _TOP):
        raise Malformed(f"a policy has no element {', '.join(unknown)}")
    version = document.get("Version", VERSIONS[1])
    if version not in VERSIONS:
        raise Malformed(f"the version {version!r} is not {' or '.join(VERSIONS)}")
    if not isinstance(document.get("Id", ""), str):
        raise Malformed("Id is a text")
    statements = as_list(document["Statement"])
    if not statements:
        raise Malformed("a policy needs a Statement")
    for each in statements:
        _check_statement(each)
        _check_one_of(each, "Action", "NotAction", required=True)
        _check_one_of(each, "Resource", "NotResource", required=not of_resource)
        _check_principals(each)
        if bool(each.keys() & {"Principal", "NotPrincipal"}) != of_resource and not of_authorizer:
            wanted = "needs a Principal" if of_resource else "has no Principal: it is an identity's"
            raise Malformed(f"a statement of this policy {wanted}")
    if not (of_resource or of_authorizer):
        _check_sids([each.get("Sid", "") for each in statements])


def size(document: Mapping[str, Any]) -> int:
    return len(re.sub(r"\s", "", json.dumps(document, ensure_ascii=False, separators=(",", ":"))))


def _check_statement(given: Any) -> None:
    if not isinstance(given, Mapping):
        raise Malformed(f"a statement is an object, got {given!r}")
    if unknown := sorted(given.keys() - _STATEMENT):
        raise Malformed(f"a statement has no element {', '.join(unknown)}")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise Malformed(f"Effect is Allow or Deny, got {given.get('Effect')!r}")
    for name in _TEXTS:
        found = as_list(given.get(name, "*"))
        if not found:
            raise Malformed(f"{name} is empty")
        if not all(isinstance(each, str) for each in found):
            raise Malformed(f"{name} is a text, or a list of them")
    for name in ("Action", "NotAction"):
        for each in as_list(given.get(name, "*")):
            _check_action(each)
    for name in ("Resource", "NotResource"):
        for each in as_list(given.get(name, "*")):
            _check_resource(each)
    _check_conditions(given.get("Condition", {}))


def _check_one_of(given: Mapping[str, Any], name: str, all_but: str, *, required: bool) -> None:
    found = given.keys() & {name, all_but}
    if len(found) > 1 or (required and not found):
        raise Malformed(f"a statement needs {name} or {all_but}, and not both")


def _check_principals(given: Mapping[str, Any]) -> None:
    """reference_policies_elements_principal.html"""
    _check_one_of(given, "Principal", "NotPrincipal", required=False)
    value = given.get("Principal", given.get("NotPrincipal", "*"))
    if value == "*":
        return
    if not isinstance(value, Mapping) or not value.keys() <= _PRINCIPALS:
        raise Malformed(f"a principal is * or has {', '.join(sorted(_PRINCIPALS))}")
    if not all(isinstance(each, str) for kind in value.values() for each in as_list(kind)):
        raise Malformed("a principal is a text, or a list of them")


def _check_action(action: str) -> None:
    if action in ("*", "*:*"):
        return
    vendor, colon, name = action.partition(":")
    if not colon:
        raise Malformed(f"the action {action!r} names no service, as sqs:SendMessage")
    if ":" in name:
        raise Malformed(f"the action {action!r} can contain only one colon")
    if not _VENDOR.fullmatch(vendor):
        raise Malformed(f"the action {action!r}: vendor {vendor} is not valid")


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    parts = resource.split(":")
    if parts[0] != "arn":
        raise Malformed(f"the resource {resource!r} is neither an ARN nor *")
    if not _PARTITION.fullmatch((*parts, "")[1]):
        raise Malformed(f"the resource {resource!r} has no valid partition")
    service = (*parts, "", "")[2]
    if not service or re.search(r"[*?]", service):
        raise Malformed(
            f"the resource {resource!r}: vendor must be fully qualified and cannot contain regexes"
        )
    if len(parts) < 6:
        if "::" in resource:
            raise Malformed(f"the resource {resource!r} has too few parts")
        return
    regional = service != "iam" and (service != "s3" or _REGIONAL_S3.match(parts[5]))
    if parts[3] and not regional:
        raise Malformed(f"the resource {resource!r} can not contain region information")
    if service == "iam" and not _OF_IAM.fullmatch(":".join(parts[5:])):
        raise Malformed(f"the resource {resource!r} is no path of IAM, as role/name")


def _check_conditions(given: Any) -> None:
    if not isinstance(given, Mapping) or not all(isinstance(e, Mapping) for e in given.values()):
        raise Malformed("Condition is an object of operators, each with an object of keys")
    for operator, named in given.items():
        for key in named:
            try:
                conditions.read(operator, key, ())
            except conditions.UnknownOperator as error:
                raise Malformed(str(error)) from None
    for operator, key, value in _values(given):
        if not isinstance(value, str | int | float):
            raise Malformed(f"{key} under {operator} has values that are no text")
        if conditions.of_dates(operator):
            try:
                conditions.epoch_of(str(value))
            except ValueError:
                raise Malformed(f"{key} under {operator}: {value!r} is no date") from None


def _values(given: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for operator, keys in given.items():
        for key, values in keys.items():
            for value in as_list(values):
                yield operator, key, value


def _check_sids(sids: list[Any]) -> None:
    """Checks the Sids of a policy of an identity; reference_policies_elements_sid.html"""
    for each in sids:
        if not (isinstance(each, str) and re.fullmatch("[0-9A-Za-z]*", each)):
            raise Malformed(f"the Sid {each!r} is not alphanumeric")
    if twice := [each for each, count in Counter(sids).items() if each and count > 1]:
        raise Malformed(f"the Sid {twice[0]} is not unique")


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
