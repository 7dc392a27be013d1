"""The evaluation of all policies that apply to a request. No I/O.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
reference_policies_evaluation-logic_policy-eval-basics.html, within one account. Organizations'
policies are not in a template, and so not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from emulator.iam.documents import Policy, Statement
from emulator.iam.patterns import Context


class Caller(NamedTuple):
    """The caller of a request: a session of a role, or a service such as
    `apigateway.amazonaws.com`, whose `role` is empty then."""

    name: str  # the session's ARN, or the service
    role: str = ""
    account: str = ""


@dataclass(frozen=True)
class Policies:
    """The policies that apply to a request. `boundary` and `session` are None where there is none.

    `delegating` says that the resource's own policy rules alone, unless it gives the account the
    right to decide, as a KMS key's does:
    docs.aws.amazon.com/kms/latest/developerguide/key-policies.html.
    """

    identity: tuple[Policy, ...] = ()
    resource: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    delegating: bool = False


class Verdict(Enum):
    """The value is the reason, as AWS's message has it after the action and the resource:
    docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""

    allowed = ""
    denied_by_identity = "with an explicit deny in an identity-based policy"
    denied_by_resource = "with an explicit deny in a resource-based policy"
    denied_by_boundary = "with an explicit deny in a permissions boundary"
    denied_by_session = "with an explicit deny in a session policy"
    not_in_identity = "because no identity-based policy allows the {} action"
    not_in_resource = "because no resource-based policy allows the {} action"
    not_in_boundary = "because no permissions boundary allows the {} action"
    not_in_session = "because no session policy allows the {} action"


class Request(NamedTuple):
    """One action on one resource, an ARN. `context` has the condition keys' values."""

    action: str
    resource: str
    context: Context


def decide(caller: Caller, request: Request, policies: Policies) -> Verdict:
    """An explicit deny wins; else what a policy of the resource gives the caller itself, or what
    the identity's policies give within the boundary and the session's policy."""
    if denied := _explicitly_denied(caller, request, policies):
        return denied
    if _allowed_to(policies.resource, {caller.name}, request):
        return Verdict.allowed  # also for a session: its role's boundary does not limit it
    if not caller.role:
        return Verdict.not_in_resource
    if not _allowed_to(policies.resource, {caller.role}, request):
        if policies.delegating and not _delegated(caller, request, policies):
            return Verdict.not_in_resource
        if not any(_allows(each, request) for each in policies.identity):
            return Verdict.not_in_identity
    if policies.boundary is not None and not _allows(policies.boundary, request):
        return Verdict.not_in_boundary
    if policies.session is not None and not _allows(policies.session, request):
        return Verdict.not_in_session
    return Verdict.allowed


def allowed(policy: Policy, request: Request) -> bool:
    """Whether one policy alone allows the request, whoever the caller: an explicit deny wins, what
    nothing allows is denied."""
    return _allows(policy, request) and not _denies(policy, request)


def _explicitly_denied(caller: Caller, request: Request, policies: Policies) -> Verdict | None:
    names = {caller.name, caller.role, caller.account, _root_of(caller)}
    for statement in _all(policies.resource):
        about = statement.principals is not None and statement.principals.include(names)
        if about and not statement.allows and _applies(statement, request):
            return Verdict.denied_by_resource
    for kind, verdict in (
        (policies.identity, Verdict.denied_by_identity),
        ((policies.boundary or (),), Verdict.denied_by_boundary),
        ((policies.session or (),), Verdict.denied_by_session),
    ):
        if any(_denies(each, request) for each in kind):
            return verdict
    return None


def _delegated(caller: Caller, request: Request, policies: Policies) -> bool:
    """Whether the resource's policy leaves the decision to the account's identities."""
    return _allowed_to(policies.resource, {caller.account, _root_of(caller)}, request)


def _allowed_to(policies: Iterable[Policy], names: set[str], request: Request) -> bool:
    """Whether a statement allows the request to one of `names`, or to everyone."""
    return any(
        each.allows
        and each.principals is not None
        and each.principals.include(names)
        and _applies(each, request)
        for each in _all(policies)
    )


def _allows(policy: Policy, request: Request) -> bool:
    return any(each.allows and _applies(each, request) for each in policy)


def _denies(policy: Policy, request: Request) -> bool:
    return any(not each.allows and _applies(each, request) for each in policy)


def _applies(statement: Statement, request: Request) -> bool:
    return statement.applies(request.action, request.resource, request.context)


def _all(policies: Iterable[Policy]) -> Iterable[Statement]:
    return (statement for policy in policies for statement in policy)


def _root_of(caller: Caller) -> str:
    """The account as a principal: docs.aws.amazon.com/IAM/latest/UserGuide/
    reference_policies_elements_principal.html#principal-accounts."""
    partition = caller.role.split(":")[1] if caller.role else "aws"
    return f"arn:{partition}:iam::{caller.account}:root"
