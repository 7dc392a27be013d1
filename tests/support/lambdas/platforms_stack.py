"""CloudFormation as far as one custom resource sees it, and what may happen around it."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lambdas.notifications import platform_applications
from tests.support.lambdas.platforms_scene import STACK, TIMEOUT, Context, request
from tests.support.lambdas.rest import client


class Service:
    """A client that responds as slowly as it is set to, and rejects what it is set to reject."""

    def __init__(self, real: Any, stack: "Stack") -> None:
        self._real = real
        self._stack = stack

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            self._stack.calls.append((self._stack.status, operation))
            self._stack.context.elapsed += self._stack.slowness.get(operation, 0)
            code = self._stack.faults.get(operation)
            if code:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
            role = given.get("Attributes", {}).get("FailureFeedbackRoleArn")
            lag = self._stack.lags.get("log" if role else operation)
            if lag and lag[0]:
                lag[0] -= 1
                raise ClientError({"Error": {"Code": lag[1], "Message": lag[2]}}, operation)
            return getattr(self._real, operation)(**given)

        return call


class Stack:
    """CloudFormation, as far as one custom resource sees it.

    A failure of the resource, or of another one in the stack, rolls back: a Create by a Delete of
    the id in the response, an Update by an Update with the old properties. A resource that got
    another id is deleted by its former id once the update is done, and by its new one once it is
    rolled back. Lambda may hand each request to the function more than once (`deliveries`).
    """

    def __init__(self, deliveries: int, describes: bool) -> None:
        self.status = "REVIEW_IN_PROGRESS"
        self.responses: list[str] = []
        self.reasons: list[str] = []
        self.calls: list[tuple[str, str]] = []  # the stack's status, and the operation
        self.slowness: dict[str, float] = {}
        self.lags: dict[str, list[Any]] = {}  # how often it is refused yet, the code, the message
        self.faults: dict[str, str] = {} if describes else {"describe_stacks": "Throttling"}
        self.context = Context()
        self.secrets: dict[str, str] = {}
        self._deliveries = deliveries
        self._properties: dict[str, str] = {}
        self._id = ""
        self._answered: list[dict[str, Any]] = []

    def describe_stacks(self, StackName: str) -> Any:
        assert StackName == STACK
        return {"Stacks": [{"StackStatus": self.status}]}

    def sleep(self, seconds: float) -> None:
        self.context.elapsed += seconds

    def take(self, _url: str, response: dict[str, Any]) -> None:
        assert self.context.elapsed + platform_applications.RESPONDING <= TIMEOUT
        self._answered.append(response)

    def create(self, other_fails: bool = False, **names: str) -> None:
        self.status = "CREATE_IN_PROGRESS"
        given = self._given(names)
        succeeded, id = self._send("Create", given)
        if succeeded and not other_fails:
            self.status, self._properties, self._id = "CREATE_COMPLETE", given, id
            return
        self.status = "ROLLBACK_IN_PROGRESS"
        self._send("Delete", given, id)
        self.status = "ROLLBACK_COMPLETE"

    def update(self, other_fails: bool = False, **names: str) -> None:
        self.status = "UPDATE_IN_PROGRESS"
        old, given = self._properties, {**self._properties, **self._given(names)}
        succeeded, id = self._send("Update", given, self._id, old)
        if succeeded and not other_fails:
            self.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            if id != self._id:
                self._send("Delete", given, self._id)  # the id says what goes
            self.status, self._properties, self._id = "UPDATE_COMPLETE", given, id
            return
        self.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        succeeded, back = self._send("Update", old, id, given)
        if not succeeded:
            self.status = "UPDATE_ROLLBACK_FAILED"
            return
        assert back == self._id
        self.status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
        if id != back:
            self._send("Delete", old, id)
        self.status = "UPDATE_ROLLBACK_COMPLETE"

    def delete(self, id: str = "") -> None:
        self.status = "DELETE_IN_PROGRESS"
        succeeded, _ = self._send("Delete", self._properties, id or self._id)
        self.status = "DELETE_COMPLETE" if succeeded else "DELETE_FAILED"

    def _given(self, names: dict[str, str]) -> dict[str, str]:
        called = {"fcm": "FcmSecretArn", "apns": "ApnsSecretArn", "sandbox": "ApnsSandboxSecretArn"}
        kept = {
            "version": "CredentialsVersion",
            "prefix": "NamePrefix",
            "role": "FeedbackRoleArn",
            "percent": "FeedbackPercent",
        }
        return {
            **{
                called[name]: self.secrets[value] for name, value in names.items() if name in called
            },
            **{kept[name]: value for name, value in names.items() if name in kept},
        }

    def _send(
        self, kind: str, given: dict[str, str], id: str = "", old: Any = None
    ) -> tuple[bool, str]:
        outcomes = set()
        for _ in range(self._deliveries):
            self.context.elapsed = 0
            platform_applications.handler(
                request("https://response", kind, given, id, old), self.context
            )
            response = self._answered.pop()
            outcomes.add((response["Status"], response["PhysicalResourceId"]))
        ((status, answered),) = outcomes
        succeeded = status == "SUCCESS"
        self.responses.append(kind[0] if succeeded else kind[0].lower())
        if not succeeded:
            self.reasons.append(response["Reason"])
        return succeeded, answered


Step = Callable[[Stack], None]


def fill(name: str, value: str) -> Step:
    """A secret of that name with a credential called `value`, or with "" or with "bad"."""

    def step(stack: Stack) -> None:
        secrets = client("secretsmanager")
        if name not in stack.secrets:
            stack.secrets[name] = secrets.create_secret(Name=name)["ARN"]
        secrets.put_secret_value(SecretId=stack.secrets[name], SecretString=credential(value))

    return step


def credential(value: str) -> str:
    if value in ("", "bad"):
        return value or "{}"
    fcm = {"project_id": "p", "client_email": value, "private_key": "k"}
    apns = {"signing_key": "k", "key_id": value, "team_id": "t", "bundle_id": "b"}
    return json.dumps({**fcm, **apns})


def remove(name: str) -> Step:
    def step(stack: Stack) -> None:
        client("secretsmanager").delete_secret(
            SecretId=stack.secrets[name], ForceDeleteWithoutRecovery=True
        )

    return step


def create(**given: Any) -> Step:
    wanted = {"fcm": "A", "apns": "C", "version": "1", "prefix": "chat", **given}
    return lambda stack: stack.create(**wanted)


def update(**given: Any) -> Step:
    return lambda stack: stack.update(**given)


def delete(id: str = "") -> Step:
    return lambda stack: stack.delete(id)


def refuse(operation: str, code: str) -> Step:
    return lambda stack: stack.faults.update({operation: code})


def lag(operation: str, times: int, code: str, message: str = "no") -> Step:
    """IAM has not spread what an operation needs; "log" is each call that names a role for logs."""
    return lambda stack: stack.lags.update({operation: [times, code, message]})


def allow(operation: str) -> Step:
    return lambda stack: stack.faults.update({operation: ""})


def slow(operation: str, seconds: float) -> Step:
    return lambda stack: stack.slowness.update({operation: seconds})


def lose(arn: str) -> Step:
    """Somebody deletes an application by hand."""
    return lambda _: client("sns").delete_platform_application(PlatformApplicationArn=arn)


def keep(name: str, value: str) -> Step:
    """An application that an earlier stack retained."""

    def step(_: Stack) -> None:
        client("sns").create_platform_application(
            Name=name, Platform="GCM", Attributes={"PlatformCredential": credential(value)}
        )

    return step
