"""Values of a template in an account that does not exist: each reference is a made-up name.

A name stays the same for as long as its resource does, so two deployments can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.rehearsal.account import Account, Live, Weak, without_hash
from emulator.template.intrinsics import resolve
from emulator.template.place import Place

# An attribute that gets another value when this property changes, while the resource stays.
FOLLOWS = {("AWS::DynamoDB::Table", "StreamArn"): "StreamSpecification"}


class Missing(Exception):
    """A value refers to something that is not there when the stack is deployed."""


def reference(
    resource_type: str, place: Place, stack: str, logical_id: str, generation: int
) -> str:
    """The value of Ref, in the form of an ARN with enough parts for templates that split one."""
    service = resource_type.split("::")[1].lower()
    return (
        f"arn:{place.partition}:{service}:{place.region}:{place.account}:"
        f"{stack}/{logical_id}/{generation}/{generation}/{generation}"
    )


def readable(value: Any) -> str:
    """A value for people: a made-up reference as the name of its resource."""
    made_up = re.fullmatch(r"arn:[^/]+/([^/]+)/(\d+)/\2/\2(?:#(\w+).*)?", str(value))
    if made_up is None:
        return str(value)
    name, _, attribute = made_up.groups()
    return f"{without_hash(name)}.{attribute}" if attribute else without_hash(name)


def generation_of(ref: str) -> int:
    """1 for a resource that was never replaced."""
    return int(ref.rpartition("/")[2])


@dataclass
class Scope:
    """A stack in the middle of its deployment, as `emulator.template.intrinsics.Scope` wants it.

    `live` are its resources so far. What was imported or taken from other stacks is noted.
    """

    account: Account
    stack: str
    place: Place
    template: Mapping[str, Any]
    live: dict[str, Live] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    taken: dict[Weak, Any] = field(default_factory=dict)

    def ref(self, name: str) -> Any:
        pseudo = self.place.pseudo_parameters(self.stack, "1")
        if name in pseudo:
            return pseudo[name]
        if name in self.template.get("Parameters", {}):
            return self.template["Parameters"][name].get("Default", f"<parameter {name}>")
        return self._resource(name).ref

    def attribute(self, logical_id: str, name: str) -> Any:
        resource = self._resource(logical_id)
        if resource.attributes is not None:
            if name not in resource.attributes:
                raise Missing(f"the function of {resource.name} responds without {name}")
            return resource.attributes[name]
        follows = FOLLOWS.get((resource.type, name))
        shown = json.dumps(resource.properties.get(follows), sort_keys=True) if follows else ""
        return f"{resource.ref}#{name}{shown}"

    def imported(self, export: str) -> Any:
        self.imports.add(export)
        for stack in self.account.values():
            if export in stack.exports:
                return stack.exports[export].value
        raise Missing(f"it imports {export}, which no deployed stack exports")

    def output(self, stack: str, name: str, region: str | None) -> Any:
        deployed = self.account.get(stack)
        if region not in (None, self.place.region):
            return f"<the output {name} of {stack} in {region}>"
        if deployed is None or name not in deployed.outputs:
            raise Missing(f"it takes the output {name} of {stack}, which is not there")
        value = deployed.outputs[name].value
        self.taken[Weak(stack, name)] = value
        return value

    def condition(self, name: str) -> bool:
        try:
            condition = self.template["Conditions"][name]
        except KeyError:
            raise Missing(f"it names the condition {name}, which is not in the template") from None
        return bool(resolve(condition, self))

    def mapping(self, name: str, first: str, second: str) -> Any:
        try:
            return self.template["Mappings"][name][first][second]
        except KeyError:
            raise Missing(f"the mapping {name} has no {first} with a {second}") from None

    def zones(self, region: str) -> list[str]:
        return [f"{region or self.place.region}{letter}" for letter in "abcdef"]

    def _resource(self, logical_id: str) -> Live:
        try:
            return self.live[logical_id]
        except KeyError:
            raise Missing(f"it refers to {logical_id}, which is not in the template") from None
