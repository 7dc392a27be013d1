"""CloudFormation's view: the stacks of the stage, their resources and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.describe.made import Made, NotFound
from emulator.providers import EmulatorError
from emulator.template.assembly import Stack
from emulator.template.place import STACK_UUID, arn_in

_COMPLETE = "CREATE_COMPLETE"


class CloudFormationView:
    def __init__(self, made: Made) -> None:
        self._made = made

    def operations(self) -> dict[str, Any]:
        return {
            "ListStacks": self._listed,
            "DescribeStacks": self._described,
            "DescribeStackResources": lambda given: {"StackResources": self._resources(given)},
            "ListStackResources": lambda given: {"StackResourceSummaries": self._resources(given)},
            "ListExports": lambda given: {"Exports": list(self._exports())},
        }

    def _all(self) -> list[Stack]:
        return list(self._made.stage.assembly.stacks) if self._made.stage is not None else []

    def _listed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = given.get("StackStatusFilter") or [_COMPLETE]
        found = self._all() if _COMPLETE in wanted else []
        return {"StackSummaries": [self._summary(stack) for stack in found]}

    def _requested(self, given: Mapping[str, Any]) -> list[Stack]:
        name = str(given.get("StackName", ""))
        short = name.split("/")[1] if name.startswith("arn:") else name
        found = [stack for stack in self._all() if short in ("", stack.name)]
        if not found:
            raise NotFound("ValidationError", f"Stack with id {name} does not exist")
        return found

    def _summary(self, stack: Stack) -> dict[str, Any]:
        arn = arn_in(self._made.scope, "cloudformation", f"stack/{stack.name}/{STACK_UUID}")
        return {
            "StackId": arn,
            "StackName": stack.name,
            "StackStatus": _COMPLETE,
            "CreationTime": self._made.since,
        }

    def _described(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Stacks": [
                {**self._summary(stack), "Outputs": list(self._outputs(stack))}
                for stack in self._requested(given)
            ]
        }

    def _outputs(self, stack: Stack) -> Iterator[dict[str, Any]]:
        stage = self._made.stage
        for name, output in stack.template.get("Outputs", {}).items():
            if stage is None:
                return
            try:
                value = stage.value(stack.name, output["Value"])
                export = stage.value(stack.name, output.get("Export", {}).get("Name"))
            except EmulatorError:  # of an attribute that the emulator does not have
                continue
            yield {
                "OutputKey": name,
                "OutputValue": value,
                "Description": output.get("Description"),
                "ExportName": export,
            }

    def _exports(self) -> Iterator[dict[str, Any]]:
        for stack in self._all():
            for output in self._outputs(stack):
                if output["ExportName"]:
                    yield {
                        "ExportingStackId": self._summary(stack)["StackId"],
                        "Name": output["ExportName"],
                        "Value": output["OutputValue"],
                    }

    def _resources(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        stage = self._made.stage
        names = {stack.name for stack in self._requested(given)}
        if stage is None:
            return []
        return [
            {
                "StackName": resource.stack,
                "LogicalResourceId": resource.logical_id,
                "PhysicalResourceId": stage.created(resource.stack, resource.logical_id).ref,
                "ResourceType": resource.type,
                "ResourceStatus": _COMPLETE,
                "Timestamp": self._made.since,
                "LastUpdatedTimestamp": self._made.since,
            }
            for resource in stage.resources()
            if resource.stack in names
        ]
