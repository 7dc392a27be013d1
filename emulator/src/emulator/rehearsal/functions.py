"""Custom resources: their functions are really called, with whole lifecycles, by
`function_process.py`.

A function that can't take a change back leaves the stack in UPDATE_ROLLBACK_FAILED, so each
lifecycle ends in what CloudFormation would ask after a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.rehearsal.account import Account, Live
from emulator.rehearsal.deployment import deploy
from emulator.rehearsal.findings import Finding, Kind
from emulator.resource import as_strings
from emulator.template.assembly import Assembly
from emulator.template.place import Place

_PROGRAM = Path(__file__).with_name("function_process.py")
_WITHIN = 30  # seconds for all lifecycles of a resource
EMPTY, GARBAGE = "", "this is no credential"


@dataclass(frozen=True)
class Step:
    """A request of CloudFormation's. `must` is the status that the response must have, "" for any:
    garbage in a secret may well be rejected. `why` is what a wrong response means."""

    request: str
    event: Mapping[str, Any]
    secrets: str = EMPTY
    must: str = "SUCCESS"
    why: str = ""


Lifecycle = tuple[Step, ...]


@dataclass(frozen=True)
class Called:
    """The responses of a custom resource's function to every lifecycle, in the order of
    `lifecycles`; `instead` is what there is to say where it could not be called."""

    resource: Live
    lifecycles: tuple[Lifecycle, ...] = ()
    responses: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    instead: Finding | None = None

    @property
    def attributes(self) -> Mapping[str, Any] | None:
        """The attributes of a first deployment, which finds the secrets empty; None where they are
        unknown."""
        return (self.responses[0][0].get("Data") or {}) if self.responses else None

    @property
    def calls(self) -> int:
        return sum(len(lifecycle) for lifecycle in self.lifecycles)

    def findings(self) -> Iterator[Finding]:
        if self.instead:
            yield self.instead
        for lifecycle, received in zip(self.lifecycles, self.responses, strict=True):
            for step, response in zip(lifecycle, received, strict=True):
                status, reason = response.get("Status"), response.get("Reason") or "no reason given"
                if (step.must and status != step.must) or status == "NONE":
                    yield Finding(
                        Kind.ROLLBACK,
                        self.resource.stack,
                        self.resource.name,
                        f"{step.why or 'its function'} gets the response {status}: {reason}",
                    )


def called(assembly: Assembly, default_place: Place) -> tuple[Called, ...]:
    """Every custom resource of an assembly."""
    account = deploy({}, assembly, default_place=default_place).account
    return tuple(call(live, account, assembly, default_place) for live in custom_resources(account))


def custom_resources(account: Account) -> list[Live]:
    return [live for stack in account.values() for live in stack.resources.values() if live.custom]


def lifecycles_of(properties: Mapping[str, Any]) -> tuple[Lifecycle, ...]:
    """The first lifecycle gives the attributes."""
    given = {"ResourceProperties": properties}
    other = {"ResourceProperties": _raised(properties)}
    back = {**given, "OldResourceProperties": other["ResourceProperties"]}
    forth = {**other, "OldResourceProperties": properties}
    failing = Step("Update", forth, GARBAGE, must="", why="an update that fails")
    return (
        (
            Step("Create", given, why="the first deployment, with empty secrets,"),
            failing,
            Step("Update", back, GARBAGE, why="the rollback of an update (UPDATE_ROLLBACK_FAILED)"),
            Step("Update", forth, why="the update after the secret was put right"),
            Step("Delete", given, why="the deletion"),
            Step("Delete", given, why="the deletion, asked for twice,"),
        ),
        (
            Step("Create", given, GARBAGE, must="", why="a first deployment that fails"),
            Step("Delete", given, GARBAGE, why="the rollback of a creation (ROLLBACK_FAILED)"),
        ),
        (Step("Delete", given, why="the deletion of what was never made"),),
    )


def _raised(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every number one higher: versions are what makes CloudFormation ask again."""
    return {
        name: str(int(value) + 1) if isinstance(value, str) and value.isascii() and value.isdigit()
        else value
        for name, value in properties.items()
    }  # fmt: skip


def call(resource: Live, account: Account, assembly: Assembly, default_place: Place) -> Called:
    """Calls the function. Only the assembly's own Python functions can be called here."""
    function = _function(resource, account)
    key = function.properties.get("Code", {}).get("S3Key") if function else None
    if not (function and key and function.properties.get("Runtime", "").startswith("python")):
        sentence = "its function was not called, for it is not made from Python files of this app"
        return Called(resource, instead=_finding(resource, Kind.NOTE, sentence))
    handler = str(function.properties["Handler"])
    lifecycles = lifecycles_of(as_strings(resource.properties))
    place = Place.of(account[resource.stack].place, default_place)
    task = _task(resource, function, handler, place, lifecycles)
    try:
        responses = _run(task, _root(assembly.file(key), handler))
    except _NoResponse as reason:
        sentence = f"its function responds to no request, so every deployment fails: {reason}"
        return Called(resource, instead=_finding(resource, Kind.ROLLBACK, sentence))
    return Called(resource, lifecycles, tuple(tuple(each) for each in responses))


class _NoResponse(Exception):
    """A function's process ended without its responses, or did not end."""


def _finding(resource: Live, kind: Kind, sentence: str) -> Finding:
    return Finding(kind, resource.stack, resource.name, sentence)


def _task(
    resource: Live, function: Live, handler: str, place: Place, lifecycles: tuple[Lifecycle, ...]
) -> dict[str, Any]:
    """The input of `function_process.py`."""
    return {
        "handler": handler,
        "environment": _environment(function, place),
        "timeout": function.properties.get("Timeout", 3),
        "secrets": sorted(_secrets(resource.properties)),
        "resource": {
            "StackId": place.stack_id(resource.stack, "1"),
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.type,
        },
        "lifecycles": [[_as_document(step) for step in lifecycle] for lifecycle in lifecycles],
    }


def _function(resource: Live, account: Account) -> Live | None:
    token = str(resource.properties.get("ServiceToken", ""))
    for stack in account.values():
        for live in stack.resources.values():
            if live.type == "AWS::Lambda::Function" and token.split("#")[0] == live.ref:
                return live
    return None


def _root(code: Path, handler: str) -> Path:
    """The folder of the handler's package: in the bundle, or, where bundling was left out and the
    asset is the package itself, beside it."""
    package = handler.split(".")[0]
    return code.parent if code.name == package and not (code / package).exists() else code


def _as_document(step: Step) -> dict[str, Any]:
    identity = {"PhysicalResourceId": "never-made"} if step.request == "Delete" else {}
    return {
        "RequestType": step.request,
        "event": dict(step.event),
        "secrets": step.secrets,
        **identity,
    }


def _environment(function: Live, place: Place) -> dict[str, str]:
    variables = function.properties.get("Environment", {}).get("Variables", {})
    return {
        **{name: str(value) for name, value in variables.items()},
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_LAMBDA_FUNCTION_NAME": "rehearsal",
        "MOTO_ACCOUNT_ID": place.account,
    }


def _secrets(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {each for inner in value.values() for each in _secrets(inner)}
    if isinstance(value, list):
        return {each for inner in value for each in _secrets(inner)}
    return {value} if isinstance(value, str) and ":secretsmanager:" in value else set()


def _run(task: Mapping[str, Any], root: Path) -> list[list[dict[str, Any]]]:
    """Raises _NoResponse with the end of what the process printed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_")
    } | {"PYTHONPATH": str(root), "AWS_EC2_METADATA_DISABLED": "true"}
    try:
        done = subprocess.run(
            [sys.executable, str(_PROGRAM)],
            input=json.dumps(task),
            env=environment,
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _NoResponse(f"it did not end within {_WITHIN} s") from None
    if done.returncode:
        raise _NoResponse(" ".join(done.stderr.strip().split("\n")[-1:]))
    if not done.stdout:
        raise _NoResponse("it ends its process")
    responses: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return responses
