"""The provider of versions and aliases of functions."""

from __future__ import annotations

from typing import Any

from emulator.functions.functions import Functions
from emulator.providers import Created, EmulatorError, Resource

FIRST = "1"


class VersionProvider:
    """They are names for the one code that is there: a start makes everything anew, so there is
    never an earlier version to shift requests from."""

    types = ("AWS::Lambda::Alias", "AWS::Lambda::Version")

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for an alias of a version that there is not, or of several."""
        reference = str(properties["FunctionName"])
        if resource.type == "AWS::Lambda::Version":
            arn = self._functions.add_version(reference, FIRST)
            return Created(arn, {"FunctionArn": arn, "Version": FIRST})
        if properties.get("RoutingConfig"):
            raise EmulatorError(f"{resource} divides requests among versions, and here is only one")
        name, version = str(properties["Name"]), str(properties["FunctionVersion"])
        arn = self._functions.add_alias(reference, name, version)
        return Created(arn, {"AliasArn": arn})
