"""Lambda's view: the template's functions and event source mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.describe.made import Made, NotFound, One
from emulator.functions.model import arn_of, name_in

_FUNCTION, _MAPPING = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"


class LambdaView:
    def __init__(self, made: Made) -> None:
        self._made = made

    def operations(self) -> dict[str, Any]:
        return {
            "ListFunctions": self._functions,
            "GetFunction": lambda given: {"Configuration": self._one(given), "Code": {}},
            "GetFunctionConfiguration": self._one,
            "ListEventSourceMappings": self._mappings,
        }

    def _functions(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Functions": [self._configuration(one) for one in self._made.of(_FUNCTION)]}

    def _one(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = name_in(str(given["FunctionName"]))
        for one in self._made.of(_FUNCTION):
            if one.created.ref == name:
                return self._configuration(one)
        arn = arn_of(name, self._made.place)
        raise NotFound("ResourceNotFoundException", f"Function not found: {arn}")

    def _configuration(self, one: One) -> dict[str, Any]:
        properties = one.properties
        return {
            "FunctionName": one.created.ref,
            "FunctionArn": one.created.attributes["Arn"],
            "Runtime": properties.get("Runtime"),
            "Role": properties.get("Role"),
            "Handler": properties.get("Handler"),
            "Description": properties.get("Description", ""),
            "Timeout": int(properties.get("Timeout", 3)),
            "MemorySize": int(properties.get("MemorySize", 128)),
            "Version": "$LATEST",
            "Environment": properties.get("Environment", {"Variables": {}}),
            "PackageType": "Zip",
            "Architectures": properties.get("Architectures", ["x86_64"]),
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }

    def _mappings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = name_in(str(given.get("FunctionName", "")))
        source = given.get("EventSourceArn")
        return {
            "EventSourceMappings": [
                {
                    "UUID": one.created.ref,
                    "EventSourceArn": one.properties["EventSourceArn"],
                    "FunctionArn": arn_of(str(one.properties["FunctionName"]), self._made.place),
                    **_batching(one.properties),
                    "State": _state(one.properties),
                }
                for one in self._made.of(_MAPPING)
                if wanted in ("", name_in(str(one.properties["FunctionName"])))
                and source in (None, one.properties["EventSourceArn"])
            ]
        }


def _batching(properties: Mapping[str, Any]) -> dict[str, int]:
    """CreateEventSourceMapping, API reference: "Amazon SQS - Default 10", all others 100."""
    default = 10 if ":sqs:" in str(properties["EventSourceArn"]) else 100
    return {
        "BatchSize": int(properties.get("BatchSize", default)),
        "MaximumBatchingWindowInSeconds": int(properties.get("MaximumBatchingWindowInSeconds", 0)),
    }


def _state(properties: Mapping[str, Any]) -> str:
    return "Enabled" if properties.get("Enabled", True) in (True, "true") else "Disabled"
