"""An environment's templates as the tests look at them: by type, and with readable values."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stacks.config.environments import Environment

Template = Mapping[str, Any]
# what CDK appends to a logical id: eight hexadecimal digits of the construct's path
HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class Resource:
    stack: str
    logical_id: str
    type: str
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The logical id without its hash."""
        return HASH.sub("", self.logical_id)

    @property
    def properties(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.body.get("Properties", {})
        return properties

    @property
    def attributes(self) -> dict[str, str]:
        """Of a load balancer, a listener or a target group."""
        return {
            each["Key"]: each["Value"]
            for name, listed in self.properties.items()
            if name.endswith("Attributes")
            for each in listed
        }


class Synthesized:
    """`stacks`: template by stack id ("Data"), in the order in which they are deployed.

    `needs`: stack id -> the ids of the stacks that are deployed before it. `image_platforms`:
    what each container image is built for.
    """

    def __init__(
        self,
        stacks: Mapping[str, Template],
        needs: Mapping[str, set[str]],
        image_platforms: Sequence[str],
    ) -> None:
        self.stacks = stacks
        self.needs = needs
        self.image_platforms = image_platforms

    @cached_property
    def resources(self) -> list[Resource]:
        return [
            Resource(stack, logical_id, body["Type"], body)
            for stack, template in self.stacks.items()
            for logical_id, body in template["Resources"].items()
        ]

    def all(self, type: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type]

    def one(self, type: str, name: str = "") -> Resource:
        """The one of that type whose logical id has `name` in it."""
        found = [resource for resource in self.all(type) if name in resource.logical_id]
        assert len(found) == 1, f"{len(found)} resources of {type} with {name!r}"
        return found[0]

    def function(self, name: str) -> Resource:
        return next(each for each in self.all("AWS::Lambda::Function") if each.name == name)

    @cached_property
    def _exports(self) -> dict[str, Any]:
        return {
            output["Export"]["Name"]: output["Value"]
            for template in self.stacks.values()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def show(self, value: Any) -> str:
        """A value as one readable text: <Chats.Arn> for a reference, also over an export."""
        match value:
            case str() | int() | float():
                return str(value)
            case {"Ref": name}:
                return f"<{HASH.sub('', name)}>"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"<{HASH.sub('', name)}.{attribute}>"
            case {"Fn::Sub": str() as text}:
                return text
            case {"Fn::ImportValue": name}:
                return self.show(self._exports[name])
            case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name}}:
                return self.show(self.stacks[stack_id(stack)]["Outputs"][name]["Value"])
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.show(part) for part in parts)
            case _:
                return json.dumps(value)

    def target_group(self, pool: str, protocol: str = "HTTP") -> Resource:
        """The pool's, by its tag; `protocol` TCP for the one of the Network Load Balancer."""
        (found,) = (
            group
            for group in self.all("AWS::ElasticLoadBalancingV2::TargetGroup")
            if {"Key": "pool", "Value": pool} in group.properties["Tags"]
            and group.properties.get("Protocol", "HTTP") == protocol
        )
        return found

    def statements(self, role: str) -> Iterator[Mapping[str, Any]]:
        """Every statement that the role with this logical id is given."""
        for policy in self.all("AWS::IAM::Policy"):
            if {"Ref": role} in policy.properties["Roles"]:
                yield from policy.properties["PolicyDocument"]["Statement"]
        for resource in self.all("AWS::IAM::Role"):
            if resource.logical_id == role:
                for inline in resource.properties.get("Policies", []):
                    yield from inline["PolicyDocument"]["Statement"]

    def grants(self, role: str) -> dict[str, set[str]]:
        """Readable resource -> the actions that the role may call on it."""
        granted: dict[str, set[str]] = {}
        for statement in self.statements(role):
            assert statement["Effect"] == "Allow"
            for resource in _list(statement["Resource"]):
                granted.setdefault(self.show(resource), set()).update(_list(statement["Action"]))
        return granted


def stack_id(name: str) -> str:
    """switchboard-prod-web -> Web"""
    return name.rpartition("-")[2].capitalize()


Synthesize = Callable[[Environment], Synthesized]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
