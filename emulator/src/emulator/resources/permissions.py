"""IAM's roles and policies and the policies of resources, which every call is checked against."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from emulator import credentials
from emulator.functions.model import arn_of, name_in
from emulator.iam import documents, errors, grammar, keys, managed
from emulator.iam.account import PODS, Account, Role, Session
from emulator.iam.authority import ENFORCE, OFF, Authority, Denial, Need, UnknownKey
from emulator.iam.conditions import Condition
from emulator.iam.denials import Denials
from emulator.iam.documents import Policy
from emulator.iam.errors import Error
from emulator.iam.evaluation import Caller, Policies, Request, Verdict, decide
from emulator.providers import Created, EmulatorError, Resource
from emulator.resource import attributes_of
from emulator.resources.clients import physical_name
from emulator.template.place import Place

_UNSUPPORTED = (
    "EventSourceToken",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "PrincipalOrgID",
)
ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_LONGEST_NAME = 64  # docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html


class PermissionProvider:
    """A gate too (`emulator.iam.gate.Gate`). `publish` sends what is known to the AWS server at
    `aws()`, which checks the calls that come to it by itself."""

    types = (
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SecretsManager::ResourcePolicy",
    )

    def __init__(self, place: Place, mode: str, denials: Denials, aws: Callable[[], str]) -> None:
        self.account = Account(place.account, place.region, place.partition, mode)
        self._place = place
        self._denials = denials
        self._aws = aws
        self._trust: dict[str, Policy] = {}  # by the roles' ARNs
        self._functions: dict[str, str] = {}  # labels by the functions' names
        self._authority: Authority | None = None
        self._changed = True

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for a policy that IAM rejects or that can't be decided here."""
        self._changed = True
        match resource.type:
            case "AWS::IAM::Role":
                return self._role(resource, properties)
            case "AWS::IAM::ManagedPolicy":
                return self._managed_policy(resource, properties)
            case "AWS::IAM::Policy" | "AWS::IAM::RolePolicy":
                roles = properties.get("Roles") or [properties.get("RoleName")]
                name = properties["PolicyName"]
                self._attach(resource, roles, name, properties.get("PolicyDocument", {}))
                return Created(name, {"Id": name})
            case "AWS::Lambda::Permission":
                return self._invocation_policy(resource, properties)
            case _:
                for arn in self._owners(resource, properties):
                    self.add_resource_policy(str(resource), arn, _document(properties))
                return Created(physical_name(resource), {"Id": physical_name(resource)})

    def add_resource_policy(self, where: str, arn: str, document: Mapping[str, Any]) -> None:
        """Raises EmulatorError."""
        self._check(where, document, of_resource=True)
        self.account.resources.setdefault(arn, []).append(dict(document))
        self._changed = True

    def add_session(
        self, where: str, prefix: str, role: str | None, name: str, service: str
    ) -> None:
        """Adds a session: access keys that begin with `prefix` act by a role that `service`
        assumes. Raises EmulatorError for a role that is not the template's, as its policies are not
        known here, and for one that the service may not assume."""
        if self.account.mode == OFF:
            return
        if role not in self.account.roles:
            raise EmulatorError(
                f"{where} has the role {role}, which no template makes: what it may do is not known"
                " here. Make the role in a stack, or start with --iam off"
            )
        if denial := self._trust_denial(prefix, role, service):
            if self.account.mode == ENFORCE:
                raise EmulatorError(
                    f"{where}: {service} can not assume the role {role}: its"
                    f" AssumeRolePolicyDocument does not allow {denial.action} to that service"
                )
            self._denials.add(denial)
        known = self.account.sessions.get(prefix)
        if known is not None and known.role != role:
            raise EmulatorError(f"{where}: something else with other permissions is named {prefix}")
        self.account.sessions[prefix] = Session(role, name)
        self._changed = True

    def _trust_denial(self, prefix: str, role: str, service: str) -> Denial | None:
        """Why the role's trust policy does not let the service assume it; None if it does. Source:
        docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html. A pod's agent
        tags its session besides: docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html.
        """
        place = f"{self.account.region}:{self.account.account}"
        vendor = service.partition(".")[0].removesuffix("-tasks").replace("pods", "eks")
        context = {
            "aws:sourceaccount": [self.account.account],
            "aws:sourcearn": [f"arn:{self.account.partition}:{vendor}:{place}:*"],
        }
        trust = Policies(resource=(_decidable(self._trust[role]),))
        for action in ["sts:AssumeRole", *(["sts:TagSession"] if service == PODS else [])]:
            verdict = decide(Caller(service), Request(action, role, context), trust)
            if verdict is not Verdict.allowed:
                return Denial(prefix, service, action, role, verdict.value)
        return None

    def add_function(self, where: str, label: str, role: str | None, name: str) -> None:
        self._functions[name] = label
        self.add_session(where, label, role, name, "lambda.amazonaws.com")

    async def publish(self) -> None:
        """Sends the permissions to the AWS server, unless it has them all."""
        if self._changed:
            self._authority = None
            self._changed = False
            await asyncio.to_thread(_put, f"{self._aws()}/_local/permissions", self.account)

    async def start(self) -> None:
        await self.publish()

    async def stop(self) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {"iam": self.account.mode, **self._denials.state()}

    def invocation(self, service: str, function: str, source: str) -> Denial | None:
        if self.account.mode == OFF:
            return None
        return self._judged(self._current().invocation(service, function, source))

    def as_function(self, function: str, needs: Sequence[Need]) -> Denial | None:
        label = self._functions.get(name_in(function), "")
        session = self.account.sessions.get(label)
        if session is None:
            return None
        return self._judged(self._current().denial(label, session, needs, {}))

    def connections(self, headers: Mapping[str, str], resource: str) -> Error | None:
        if self.account.mode == OFF:
            return None
        found = credentials.CREDENTIAL.search(headers.get("Authorization", ""))
        access_key = found[1] if found else ""
        authority = self._current()
        try:
            session = authority.session(access_key, headers.get("X-Amz-Security-Token"))
        except UnknownKey:
            enforced = self.account.mode == ENFORCE
            return errors.unknown_connections_key() if enforced else None
        if session is None:
            return None
        common = {"aws:sourceip": ["127.0.0.1"], "aws:useragent": [headers.get("User-Agent", "")]}
        needs = [Need("execute-api:ManageConnections", (resource,))]
        denial = self._judged(authority.denial(access_key, session, needs, common))
        return None if denial is None else errors.connections_denied(denial)

    def _judged(self, denial: Denial | None) -> Denial | None:
        if denial is not None:
            self._denials.add(denial)
        return denial if self.account.mode == ENFORCE else None

    def _current(self) -> Authority:
        if self._authority is None or self._changed:
            self._authority = Authority(self.account, time.time)
        return self._authority

    def _role(self, resource: Resource, properties: Mapping[str, Any]) -> Created:
        name = properties.get("RoleName") or physical_name(resource, _LONGEST_NAME)
        path = properties.get("Path", "/")
        arn = f"arn:{self.account.partition}:iam::{self.account.account}:role{path}{name}"
        identifier = f"AROA{name.upper()}"
        trust = properties.get("AssumeRolePolicyDocument", {})
        self._trust[arn] = documents.read(f"{resource} (trust)", trust, of_resource=True)
        self._limit(f"{resource}: its trust policy", grammar.size(trust), grammar.TRUST)
        role = Role(arn, identifier, attributes_of(properties, "Tags"))
        self.account.roles[arn] = role
        for each in properties.get("ManagedPolicyArns", ()):
            role.policies[each] = self._managed_document(resource, each)
        for each in properties.get("Policies", ()):
            self._attach(resource, [name], each["PolicyName"], each["PolicyDocument"])
        if boundary := properties.get("PermissionsBoundary"):
            self.account.managed[boundary] = self._boundary_document(resource, boundary)
            role.boundary = boundary
        return Created(name, {"Arn": arn, "RoleId": identifier})

    def _managed_policy(self, resource: Resource, properties: Mapping[str, Any]) -> Created:
        name = properties.get("ManagedPolicyName") or physical_name(resource)
        path = properties.get("Path", "/")
        arn = f"arn:{self.account.partition}:iam::{self.account.account}:policy{path}{name}"
        self._limit(str(resource), grammar.size(properties["PolicyDocument"]), grammar.MANAGED)
        self.account.managed[arn] = properties["PolicyDocument"]
        self._attach(resource, properties.get("Roles", ()), arn, properties["PolicyDocument"])
        return Created(arn, {"PolicyArn": arn, "PolicyId": f"ANPA{name.upper()}"})

    def _attach(
        self, resource: Resource, roles: Sequence[str], name: str, document: Mapping[str, Any]
    ) -> None:
        self._check(str(resource), document)
        for role in self.account.roles.values():
            if role.name in roles:
                role.policies[name] = dict(document)
                inline = [role.policies[each] for each in role.policies if ":" not in each]
                size = sum(map(grammar.size, inline))
                self._limit(f"{resource}: the inline policies of {role.name}", size, grammar.INLINE)

    def _boundary_document(self, resource: Resource, arn: str) -> dict[str, Any]:
        """A policy of the account that the templates only name allows everything: what it says is
        not known (`emulator.template.ignored.missed` reports it)."""
        known = self.account.managed.get(arn) or managed.document(arn)
        if known is not None or arn.split(":")[4] == "aws":
            return self._managed_document(resource, arn)
        return ANYTHING

    def _managed_document(self, resource: Resource, arn: str) -> dict[str, Any]:
        document = self.account.managed.get(arn) or managed.document(arn)
        if document is None:
            raise EmulatorError(f"{resource}: there is no managed policy {arn}")
        return document

    def _invocation_policy(self, resource: Resource, properties: Mapping[str, Any]) -> Created:
        """The statement as Lambda writes it into the function's policy:
        docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html."""
        if given := [name for name in _UNSUPPORTED if name in properties]:
            raise EmulatorError(f"{resource}: {', '.join(given)} is not supported here")
        named, principal = properties["FunctionName"], properties["Principal"]
        function = named if named.startswith("arn:") else arn_of(named, self._place)
        condition: dict[str, dict[str, str]] = {}
        if "SourceArn" in properties:
            condition["ArnLike"] = {"AWS:SourceArn": properties["SourceArn"]}
        if "SourceAccount" in properties:
            condition["StringEquals"] = {"AWS:SourceAccount": properties["SourceAccount"]}
        service = principal.endswith(".amazonaws.com")
        statement = {
            "Effect": "Allow",
            "Principal": principal
            if principal == "*"
            else {"Service" if service else "AWS": principal},
            "Action": properties["Action"],
            "Resource": function,
            **({"Condition": condition} if condition else {}),
        }
        owner = ":".join(function.split(":")[:7])
        document = {"Version": "2012-10-17", "Statement": [statement]}
        self.add_resource_policy(str(resource), owner, document)
        return Created(physical_name(resource), {"Id": physical_name(resource)})

    def _owners(self, resource: Resource, properties: Mapping[str, Any]) -> list[str]:
        place = f"{self.account.region}:{self.account.account}"
        match resource.type:
            case "AWS::S3::BucketPolicy":
                return [f"arn:{self.account.partition}:s3:::{properties['Bucket']}"]
            case "AWS::SQS::QueuePolicy":
                names = [each.rpartition("/")[2] for each in properties["Queues"]]
                return [f"arn:{self.account.partition}:sqs:{place}:{name}" for name in names]
            case "AWS::SNS::TopicPolicy":
                return list(properties["Topics"])
            case _:
                return [properties["SecretId"]]

    def _limit(self, what: str, size: int, most: int) -> None:
        if size > most and self.account.mode == ENFORCE:
            raise EmulatorError(f"{what}: {size:,} characters are more than IAM's {most:,}")

    def _check(self, where: str, document: Mapping[str, Any], *, of_resource: bool = False) -> None:
        policy = documents.read(where, document, of_resource=of_resource)
        unknown = keys.unsupported(policy)
        if unknown and self.account.mode == ENFORCE:
            raise EmulatorError(
                f"{where}: the emulator can't decide by the condition key"
                f"{'s' if len(unknown) > 1 else ''} {', '.join(sorted(unknown))}: --iam warn or "
                "--iam off starts without that"
            )


def _decidable(trust: Policy) -> Policy:
    """The document without what is not known before the service assumes the role: for which
    resource, cluster or organization it does, and with which tags. What allows by that is taken to
    allow, and what denies by it not to deny."""
    return tuple(
        replace(each, conditions=tuple(filter(_is_decidable, each.conditions)))
        for each in trust
        if each.allows or all(map(_is_decidable, each.conditions))
    )


def _is_decidable(condition: Condition) -> bool:
    if condition.keys == {"aws:sourcearn"}:
        return all(each.split(":", 5)[5:] == ["*"] for each in condition.wanted)
    return condition.keys == {"aws:sourceaccount"}


def _document(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    document: Mapping[str, Any] = properties.get("PolicyDocument") or properties["ResourcePolicy"]
    return document


def _put(url: str, account: Account) -> None:
    body = json.dumps(account.as_json()).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(HttpRequest(url, body, headers, method="PUT")):  # noqa: S310  it is ours
        pass
