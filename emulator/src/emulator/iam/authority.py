"""The authority on requests, by the permissions of an account. No I/O but the clock it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from emulator import credentials
from emulator.iam import documents, evaluation, keys
from emulator.iam.account import Account, Role, Session
from emulator.iam.documents import Policy
from emulator.iam.evaluation import Caller, Policies, Request, Verdict
from emulator.iam.patterns import Context

OFF, WARN, ENFORCE = "off", "warn", "enforce"
MODES = (ENFORCE, WARN, OFF)
ANY_RESOURCE = ""
"""The resource of a call that is decided by its action alone."""

_MOST_CACHED = 10_000
_LONGEST_TEXT = 1_000  # characters of a denial that is reported; in JSON each is at most 12 bytes


class UnknownKey(Exception):
    """No access key of this account, or one whose session token is missing or another one's."""


class Need(NamedTuple):
    """A permission that a call needs: `action` on one of `resources`, ARNs of which any is enough.
    `context` gives the condition keys' values that the service adds; it is called only where a
    policy looks at such a key."""

    action: str
    resources: tuple[str, ...]
    context: Callable[[], Mapping[str, Sequence[str]]] = dict


@dataclass(frozen=True)
class Denial:
    """`by` is the access key: the name of a function's process or of a task; `user` the ARN."""

    by: str
    user: str
    action: str
    resource: str
    reason: str

    @property
    def message(self) -> str:
        return self.worded(self.action)

    def shortened(self) -> Denial:
        """The denial for reports: names may be of any length, since the caller chooses them."""
        return Denial(**{name: text[:_LONGEST_TEXT] for name, text in asdict(self).items()})

    def worded(self, action: str, resource: str | None = None) -> str:
        """AWS's message, in which some services spell the action in their own way."""
        shown = self.resource if resource is None else resource
        return (
            f"User: {self.user} is not authorized to perform: {action} on resource: {shown} "
            f"{self.reason.format(action)}"
        )


@dataclass(frozen=True)
class _Known:
    """A role's policies, read."""

    role: Role
    identity: tuple[Policy, ...]
    boundary: Policy | None

    @cached_property
    def constant(self) -> bool:
        return keys.constant([*self.identity, self.boundary or ()])

    def by_action(self, action: str) -> Verdict:
        """The verdict on an action whatever the resource: allowed where it is on any one, denied
        where it is on each."""
        boundary = self.boundary or ()
        statements = [statement for policy in self.identity for statement in policy]
        if any(each.denies_everywhere(action) for each in statements):
            return Verdict.denied_by_identity
        if any(each.denies_everywhere(action) for each in boundary):
            return Verdict.denied_by_boundary
        if not any(each.allows and each.covers(action) for each in statements):
            return Verdict.not_in_identity
        limited = self.boundary is not None
        if limited and not any(each.allows and each.covers(action) for each in boundary):
            return Verdict.not_in_boundary
        return Verdict.allowed


class Authority:
    """`now` gives seconds since the epoch. Raises EmulatorError for policies that can't be read."""

    def __init__(self, account: Account, now: Callable[[], float]) -> None:
        self.account = account
        self._now = now
        self._roles = {arn: _read(role, account) for arn, role in account.roles.items()}
        self._resources = {
            arn: tuple(
                documents.read(f"the policy of {arn}", each, of_resource=True) for each in found
            )
            for arn, found in account.resources.items()
        }
        self._verdicts: dict[tuple[str, str, str, str], Verdict] = {}

    def session(self, access_key: str, token: str | None) -> Session | None:
        """The session of an access key; None for the administrator. Raises UnknownKey."""
        if access_key == credentials.ACCESS_KEY:
            return None
        found = credentials.WORKER.fullmatch(access_key)
        session = self.account.sessions.get(found[1]) if found else None
        if session is None or token != credentials.session_token(access_key):
            raise UnknownKey(access_key)
        return session

    def denial(
        self, access_key: str, session: Session, needs: Iterable[Need], common: Context
    ) -> Denial | None:
        """Why the session may not make a call with these needs; None if it may. `common` has the
        condition keys of the HTTP request."""
        for need in needs:
            verdicts = [
                self._verdict(session, need, resource, common) for resource in need.resources
            ]
            if Verdict.allowed not in verdicts:
                user = self.user_arn(session)
                first = need.resources[0] or "*"
                return Denial(access_key, user, need.action, first, verdicts[0].value)
        return None

    def invocation(self, service: str, function: str, source: str) -> Denial | None:
        """Why a service such as `apigateway.amazonaws.com` may not invoke the function, an ARN,
        for `source`: what the function's own policy says. A permission for the function alone does
        not hold for its versions and aliases, nor one for these for the function."""
        caller = Caller(service)
        context = {
            "aws:sourcearn": [source],
            "aws:sourceaccount": [self.account.account],
            "aws:principalisawsservice": ["true"],
            "aws:securetransport": ["true"],
        }
        action = "lambda:InvokeFunction"
        request = Request(action, function, context)
        policies = Policies(resource=self._resources.get(_owner(action, function), ()))
        verdict = evaluation.decide(caller, request, policies)
        if verdict is Verdict.allowed:
            return None
        return Denial(service, service, action, function, verdict.value)

    def user_arn(self, session: Session) -> str:
        """The ARN that messages name: the session's, not the role's."""
        place = f"arn:{self.account.partition}:sts::{self.account.account}"
        role = session.role.rpartition("/")[2]
        return f"{place}:assumed-role/{role}/{session.name}"

    def _verdict(self, session: Session, need: Need, resource: str, common: Context) -> Verdict:
        known = self._roles[session.role]
        if resource == ANY_RESOURCE:
            return known.by_action(need.action)
        own = self._resources.get(_owner(need.action, resource), ())
        cached = known.constant and keys.constant(own)
        # a session has its own ARN and aws:userid, by which a policy may decide
        key = (session.role, session.name, need.action, resource)
        if cached and key in self._verdicts:
            return self._verdicts[key]
        context = (
            self._context(session, known.role)
            if cached
            else {
                **common,
                **self._context(session, known.role),
                **{name.lower(): values for name, values in need.context().items()},
            }
        )
        caller = Caller(self.user_arn(session), session.role, self.account.account)
        policies = Policies(
            known.identity, own, known.boundary, delegating=bool(own) and ":kms:" in resource
        )
        verdict = evaluation.decide(caller, Request(need.action, resource, context), policies)
        if cached:
            if len(self._verdicts) >= _MOST_CACHED:
                self._verdicts.clear()
            self._verdicts[key] = verdict
        return verdict

    def _context(self, session: Session, role: Role) -> dict[str, Sequence[str]]:
        now = self._now()
        at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "aws:currenttime": [at],
            "aws:epochtime": [str(int(now))],
            "aws:principalaccount": [self.account.account],
            "aws:principalarn": [role.arn],
            "aws:principalisawsservice": ["false"],
            "aws:principaltype": ["AssumedRole"],
            "aws:requestedregion": [self.account.region],
            "aws:resourceaccount": [self.account.account],
            # HTTP on one machine stands for what is TLS on AWS
            "aws:securetransport": ["true"],
            "aws:userid": [f"{role.id}:{session.name}"],
            "aws:viaawsservice": ["false"],
            **{f"aws:principaltag/{key.lower()}": [value] for key, value in role.tags.items()},
        }


def _owner(action: str, resource: str) -> str:
    """The ARN that a resource's policy stands under: a bucket's for its objects, a table's for its
    indexes, a function's for its versions."""
    if action.startswith("s3:"):
        return resource.partition("/")[0]
    if action.startswith("dynamodb:"):
        return resource.partition("/index/")[0]
    if action.startswith("lambda:"):
        return ":".join(resource.split(":")[:7])
    return resource


def _read(role: Role, account: Account) -> _Known:
    identity = tuple(
        documents.read(f"the policy {name} of the role {role.name}", document)
        for name, document in role.policies.items()
    )
    boundary = None
    if role.boundary is not None:
        boundary = documents.read(
            f"the permissions boundary of the role {role.name}", account.managed[role.boundary]
        )
    return _Known(role, identity, boundary)
