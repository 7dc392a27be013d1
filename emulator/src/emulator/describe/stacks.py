"""CloudFormation's view: the stacks of the stage, their resources and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from emulator import service_models
from emulator.describe.errors import CallError
from emulator.describe.made import Made
from emulator.providers import EmulatorError
from emulator.template.assembly import Stack
from emulator.template.place import STACK_UUID

_COMPLETE = "CREATE_COMPLETE"


class CloudFormationView:
    def __init__(self, made: Made) -> None:
        self._made = made

    def operations(self) -> dict[str, Any]:
        return {
            "ListStacks": self._listed,
            "DescribeStacks": self._described,
            "DescribeStackResource": self._resource,
            "DescribeStackResources": lambda given: {"StackResources": self._some(given)},
            "ListStackResources": lambda given: {"StackResourceSummaries": self._resources(given)},
            "GetTemplate": self._template,
            "ListExports": lambda given: {"Exports": list(self._exports())},
        }

    def _all(self) -> list[Stack]:
        return list(self._made.stage.assembly.stacks) if self._made.stage is not None else []

    def _listed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = given.get("StackStatusFilter") or [_COMPLETE]
        model = service_models.session().get_service_model("cloudformation")
        if unknown := set(wanted).difference(model.shape_for("StackStatus").enum):
            text = f"1 validation error detected: Value '{sorted(unknown)}' at 'stackStatusFilter'"
            raise CallError(
                "ValidationError", f"{text} failed to satisfy constraint: no such status"
            )
        found = self._all() if _COMPLETE in wanted else []
        return {"StackSummaries": [self._summary(stack) for stack in found]}

    def _requested(self, given: Mapping[str, Any]) -> list[Stack]:
        name = str(given.get("StackName") or "")
        found = [each for each in self._all() if name in ("", each.name, self._arn(each))]
        if not found:
            raise CallError("ValidationError", f"Stack with id {name} does not exist")
        return found

    def _arn(self, stack: Stack) -> str:
        return self._made.place.stack_id(stack.name, STACK_UUID)

    def _summary(self, stack: Stack) -> dict[str, Any]:
        return {
            "StackId": self._arn(stack),
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

    def _template(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As it was deployed; nothing here processes it."""
        given.get("TemplateStage")
        (stack,) = self._requested({"StackName": given["StackName"]})
        stages = ["Original", "Processed"]
        return {"TemplateBody": json.dumps(stack.template), "StagesAvailable": stages}

    def _some(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Those of the stack, or of that in which the physical resource is."""
        physical, logical = given.get("PhysicalResourceId"), given.get("LogicalResourceId")
        found = self._resources(given)
        if physical:
            stacks = {each["StackName"] for each in found if each["PhysicalResourceId"] == physical}
            if not stacks:
                raise CallError("ValidationError", f"Stack for {physical} does not exist")
            found = [each for each in found if each["StackName"] in stacks]
        elif not given.get("StackName"):
            text = "Either StackName or PhysicalResourceId must be specified"
            raise CallError("ValidationError", text)
        chosen = [each for each in found if logical in (None, each["LogicalResourceId"])]
        if not chosen:
            raise _no_resource(logical, given.get("StackName"))
        return chosen

    def _resource(self, given: Mapping[str, Any]) -> dict[str, Any]:
        logical, stack = given["LogicalResourceId"], given["StackName"]
        for each in self._resources(given):
            if each["LogicalResourceId"] == logical:
                return {"StackResourceDetail": each}
        raise _no_resource(logical, stack)

    def _resources(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        stage = self._made.stage
        names = {stack.name for stack in self._requested(given)}
        if stage is None:
            return []
        return [
            {
                "StackName": resource.stack,
                "StackId": self._made.place.stack_id(resource.stack, STACK_UUID),
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


def _no_resource(logical: Any, stack: Any) -> CallError:
    return CallError("ValidationError", f"Resource {logical} does not exist for stack {stack}")
