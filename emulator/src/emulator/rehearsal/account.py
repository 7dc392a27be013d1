"""The model of an AWS account: its stacks as deployed, with the values they resolved to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# What CDK appends to a logical id: eight hexadecimal digits of the construct's path.
_HASH = re.compile(r"[0-9A-F]{8}$")
RETAINING = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True)
class Live:
    """A resource as it stands. `ref` is what Ref gives and changes when it is replaced; `body` is
    its entry in the template, `properties` are those of the entry with their intrinsics resolved.
    `attributes` are a custom resource's, where its function was called."""

    stack: str
    logical_id: str
    type: str
    ref: str
    body: Mapping[str, Any]
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] | None = None

    @property
    def custom(self) -> bool:
        return is_custom(self.type)

    @property
    def name(self) -> str:
        return without_hash(self.logical_id)

    @property
    def retained_when_dropped(self) -> bool:
        """Whether it stays in the account when it leaves the template."""
        return self.body.get("DeletionPolicy", "Delete") in RETAINING

    @property
    def retained_when_replaced(self) -> bool:
        """Whether it stays in the account when another one takes its place."""
        return self.body.get("UpdateReplacePolicy", "Delete") in RETAINING

    @cached_property
    def written(self) -> str:
        """The properties as JSON. Rules search it for each table and each order of the stacks."""
        return json.dumps(self.properties)

    def attribute(self, key: str) -> str | None:
        """An attribute of a load balancer, a listener or a target group: an entry of its
        `...Attributes`."""
        for name, listed in self.properties.items():
            if name.endswith("Attributes") and isinstance(listed, list):
                for each in listed:
                    if each.get("Key") == key:
                        return str(each.get("Value"))
        return None


@dataclass(frozen=True)
class Output:
    """An entry of a template's Outputs. `export` is the name it is exported by."""

    name: str
    value: Any
    export: str | None = None


@dataclass(frozen=True)
class Weak:
    """A value that a stack took by Fn::GetStackOutput when it was deployed."""

    stack: str
    output: str


@dataclass(frozen=True)
class DeployedStack:
    """`imports` are the exports that the stack holds on to; `taken` the weak values it resolved.
    `left_behind` are resources that left it and stay in the account."""

    name: str
    place: str  # aws://account/region
    template: Mapping[str, Any]
    template_bytes: int
    resources: Mapping[str, Live]
    outputs: Mapping[str, Output]
    imports: frozenset[str] = frozenset()
    taken: Mapping[Weak, Any] = field(default_factory=dict)
    left_behind: tuple[Live, ...] = ()

    @property
    def exports(self) -> dict[str, Output]:
        return {each.export: each for each in self.outputs.values() if each.export is not None}


Account = Mapping[str, DeployedStack]
"""The deployed stacks by name."""


def importers(account: Account, export: str) -> list[str]:
    """The stacks that hold on to an export, in order of their names."""
    return sorted(stack.name for stack in account.values() if export in stack.imports)


def without_hash(logical_id: str) -> str:
    """A logical id as a person reads it."""
    return _HASH.sub("", logical_id) or logical_id


def is_custom(resource_type: str) -> bool:
    """Whether a function, named by ServiceToken, makes the resource."""
    return resource_type.startswith("Custom::") or (
        resource_type == "AWS::CloudFormation::CustomResource"
    )


def functions_in(value: Any, name: str) -> Iterator[Any]:
    """The arguments of every use of an intrinsic function in a value of a template."""
    if isinstance(value, Mapping):
        if len(value) == 1 and name in value:
            yield value[name]
        for inner in value.values():
            yield from functions_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from functions_in(inner, name)
