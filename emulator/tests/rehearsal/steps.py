"""Small deployments for the rehearsal's tests: stacks as Python values, and what is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.rehearsal.findings import Kind
from emulator.rehearsal.rehearsal import Rehearsal, rehearse
from emulator.template.assembly import Assembly, Stack

HERE = "aws://123456789012/eu-west-1"


def resource(type: str, *, keep: str = "", **properties: Any) -> dict[str, Any]:
    """`keep` is both of its policies."""
    policies = {"DeletionPolicy": keep, "UpdateReplacePolicy": keep} if keep else {}
    return {"Type": f"AWS::{type}", "Properties": properties, **policies}


def stack(
    name: str,
    resources: Mapping[str, Any],
    outputs: Mapping[str, Any] | None = None,
    *,
    after: tuple[str, ...] = (),
    place: str = HERE,
    **sections: Any,
) -> Stack:
    template = {"Resources": dict(resources), "Outputs": dict(outputs or {}), **sections}
    return Stack(name, template, after, place)


def exported(stack: str, name: str, value: Any) -> dict[str, Any]:
    return {name: {"Value": value, "Export": {"Name": f"{stack}:{name}"}}}


def imported(stack: str, name: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"{stack}:{name}"}


def taken(stack: str, output: str) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output}}


def compared(
    before: list[Stack] | None, after: list[Stack], accept: tuple[str, ...] = ()
) -> Rehearsal:
    deployed = Assembly(tuple(before)) if before else None
    return rehearse(deployed, Assembly(tuple(after)), call_functions=False, accept=accept)


def found(rehearsal: Rehearsal) -> set[tuple[Kind, str]]:
    return {(finding.kind, finding.what) for finding in rehearsal.findings}
