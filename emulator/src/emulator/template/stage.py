"""The resources of a stage: in which order they can be made, and what their values are."""

from __future__ import annotations

import json
from typing import Any

from emulator.providers import Created, EmulatorError
from emulator.resource import Resource
from emulator.template.assembly import Assembly, Stack
from emulator.template.intrinsics import resolve
from emulator.template.order import Key, in_order, references
from emulator.template.place import STACK_UUID, Place

_LATER = "it is not created yet: a reference goes against the order of creation"


class Stage:
    """Holds what was created so far and resolves the properties of what comes next."""

    def __init__(self, assembly: Assembly, place: Place) -> None:
        self.assembly = assembly
        self.place = place
        self._created: dict[tuple[str, str], Created] = {}
        self._scopes = {stack.name: _StackScope(self, stack) for stack in assembly.stacks}
        self._resources = {
            (resource.stack, resource.logical_id): resource
            for stack in assembly.stacks
            for resource in stack.resources()
            if self._scopes[stack.name].wanted(resource)
        }
        self._exports = self._find_exports()
        self._outputs = {
            (stack.name, name): output["Value"]
            for stack in assembly.stacks
            for name, output in stack.template.get("Outputs", {}).items()
        }

    def resources(self) -> list[Resource]:
        """All resources, each after everything it refers to or depends on.

        Raises EmulatorError where they need each other or refer to what does not exist.
        """
        return in_order(self._resources, self._needs)

    def properties(self, resource: Resource) -> dict[str, Any]:
        """The resource's properties with their intrinsics resolved."""
        try:
            resolved: dict[str, Any] = resolve(resource.properties, self._scopes[resource.stack])
        except EmulatorError as error:
            raise EmulatorError(f"{resource}: {error}") from error
        return resolved

    def record(self, resource: Resource, created: Created) -> None:
        self._created[resource.stack, resource.logical_id] = created

    def created(self, stack: str, logical_id: str) -> Created:
        resource = self._resources.get((stack, logical_id))
        if resource is None:
            raise EmulatorError(f"stack {stack} has no resource or parameter {logical_id}")
        try:
            return self._created[stack, logical_id]
        except KeyError:
            raise EmulatorError(f"{resource}: {_LATER}") from None

    def value(self, stack: str, value: Any) -> Any:
        """A value of the stack's template with its intrinsics resolved."""
        return resolve(value, self._scopes[stack])

    def imported(self, export: str) -> Any:
        """The value a stack exports under this name."""
        try:
            stack, value = self._exports[export]
        except KeyError:
            raise EmulatorError(f"no stack of the stage exports {export!r}") from None
        resolved = resolve(value, self._scopes[stack])
        if isinstance(resolved, str) and not resolved.strip():
            # "Exported values must not be empty or whitespace-only"
            raise EmulatorError(f"{export!r} is empty, and CloudFormation rejects such an export")
        return resolved

    def outputs_with(self, word: str) -> list[Any]:
        """The values of the outputs whose text has it, once everything is created."""
        return [
            resolve(value, self._scopes[stack])
            for (stack, _), value in self._outputs.items()
            if word in json.dumps(value)
        ]

    def output(self, asking: Stack, stack: str, name: str, region: str | None) -> Any:
        """The value of that output, as the stack `asking` reads it."""
        if region is not None and region != self.place.region:
            raise EmulatorError(
                f"Fn::GetStackOutput reads {stack} in {region}; the emulator has one region, which "
                f"is {self.place.region}"
            )
        if stack not in self._scopes:
            raise EmulatorError(f"the stage has no stack {stack!r} to read {name!r} of")
        if stack == asking.name:
            raise EmulatorError(f"stack {stack} reads its own output {name!r}")
        value = self._outputs.get((stack, name))
        if value is None:
            raise EmulatorError(f"stack {stack} has no output {name!r}")
        return resolve(value, self._scopes[stack])

    def _find_exports(self) -> dict[str, tuple[str, Any]]:
        return {
            resolve(output["Export"]["Name"], self._scopes[stack.name]): (
                stack.name,
                output["Value"],
            )
            for stack in self.assembly.stacks
            for output in stack.template.get("Outputs", {}).values()
            if "Export" in output
        }

    def _needs(self, resource: Resource) -> list[Key]:
        found = references(resource.properties)
        keys = [(resource.stack, name) for name in (*resource.depends_on, *sorted(found.names))]
        for export in found.exports:
            name = resolve(export, self._scopes[resource.stack])
            stack, value = self._exports.get(name, ("", None))
            keys += [(stack, each) for each in sorted(references(value).names)]
        for argument in found.outputs:
            given = resolve(argument, self._scopes[resource.stack])
            stack, name = given.get("StackName", ""), given.get("OutputName", "")
            value = self._outputs.get((stack, name))
            keys += [(stack, each) for each in sorted(references(value).names)]
        return [key for key in keys if key in self._resources]


class _StackScope:
    def __init__(self, stage: Stage, stack: Stack) -> None:
        self._stage = stage
        self._stack = stack
        self._pseudo = stage.place.pseudo_parameters(stack.name, STACK_UUID)

    def wanted(self, resource: Resource) -> bool:
        name = self._stack.template["Resources"][resource.logical_id].get("Condition")
        return name is None or self.condition(name)

    def ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        parameter = self._stack.template.get("Parameters", {}).get(name)
        if parameter is None:
            return self._stage.created(self._stack.name, name).ref
        if "Default" not in parameter:
            raise EmulatorError(
                f"parameter {name} of stack {self._stack.name} has no default value; the emulator "
                "gives no parameters"
            )
        return parameter["Default"]

    def attribute(self, logical_id: str, name: str) -> Any:
        attributes = self._stage.created(self._stack.name, logical_id).attributes
        if name not in attributes:
            kind = self._stack.template["Resources"][logical_id]["Type"]
            raise EmulatorError(
                f"{kind} {logical_id} in stack {self._stack.name} has no attribute {name!r} in "
                f"the emulator (it has {', '.join(sorted(attributes)) or 'none'})"
            )
        return attributes[name]

    def imported(self, export: str) -> Any:
        return self._stage.imported(export)

    def output(self, stack: str, name: str, region: str | None) -> Any:
        return self._stage.output(self._stack, stack, name, region)

    def condition(self, name: str) -> bool:
        try:
            expression = self._stack.template["Conditions"][name]
        except KeyError:
            raise EmulatorError(f"stack {self._stack.name} has no condition {name}") from None
        return bool(resolve(expression, self))

    def mapping(self, name: str, first: str, second: str) -> Any:
        try:
            return self._stack.template["Mappings"][name][first][second]
        except KeyError:
            raise EmulatorError(
                f"stack {self._stack.name} has no mapping {name}.{first}.{second}"
            ) from None

    def zones(self, region: str) -> list[str]:
        return [f"{region or self._stage.place.region}{letter}" for letter in "abc"]
