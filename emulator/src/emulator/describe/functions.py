"""Lambda's view: the template's functions, versions, aliases and event source mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.describe.errors import CallError, Unsupported
from emulator.describe.made import Made, One, tags_of
from emulator.functions.model import LATEST, arn_of, name_in, qualified
from emulator.functions.names import misnamed
from emulator.template.place import arn_in

_FUNCTION, _MAPPING = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"
_VERSION, _ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"
# What a response says of a stream that the template says nothing of: LocalStack has recorded it.
_OF_STREAMS = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_AS_GIVEN = ("FilterCriteria", "ScalingConfig", "StartingPosition")


class LambdaView:
    def __init__(self, made: Made) -> None:
        self._made = made

    def operations(self) -> dict[str, Any]:
        return {
            "ListFunctions": self._functions,
            "GetFunction": self._function,
            "GetFunctionConfiguration": self._one,
            "GetFunctionConcurrency": self._concurrency,
            "ListVersionsByFunction": lambda given: {
                "Versions": self._versions(self._named(given))
            },
            "ListAliases": self._aliases_of,
            "GetAlias": self._alias_of,
            "ListTags": self._tags,
            "ListEventSourceMappings": self._mappings,
            "GetEventSourceMapping": self._mapping_of,
        }

    def _functions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = self._made.of(_FUNCTION)
        if given.get("FunctionVersion") == "ALL":
            return {"Functions": [each for one in found for each in self._versions(one)]}
        if given.get("FunctionVersion") is not None:
            raise CallError("ValidationException", "FunctionVersion is ALL")
        return {"Functions": [_configuration(one) for one in found]}

    def _function(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Configuration": self._one(given),
            "Code": {},
            "Tags": tags_of(self._named(given).properties) or None,
            "Concurrency": self._concurrency(given) or None,
        }

    def _concurrency(self, given: Mapping[str, Any]) -> dict[str, Any]:
        reserved = self._named(given).properties.get("ReservedConcurrentExecutions")
        return {} if reserved is None else {"ReservedConcurrentExecutions": int(reserved)}

    def _named(self, given: Mapping[str, Any]) -> One:
        """The function. Raises CallError, also for a name of another form, region or account."""
        reference, qualifier = str(given["FunctionName"]), given.get("Qualifier")
        if error := misnamed(reference, qualifier, self._made.place):
            raise CallError(error.code, error.text or "", error.status)
        for one in self._made.of(_FUNCTION):
            if one.created.ref == name_in(reference):
                return one
        raise self._no_function(reference)

    def _no_function(self, reference: str) -> CallError:
        arn = arn_of(reference, self._made.place)
        return _absent(f"Function not found: {arn}")

    def _one(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of the version that the name, or the call, qualifies."""
        one = self._named(given)
        qualifier = given.get("Qualifier") or qualified(str(given["FunctionName"]))[1]
        if qualifier is None:
            return _configuration(one)
        found = {each["Version"]: each for each in self._versions(one)}
        for alias in self._aliases(one):
            of_alias = found.get(alias["FunctionVersion"], {})
            found[alias["Name"]] = {**of_alias, "FunctionArn": alias["AliasArn"]}
        if qualifier not in found:
            raise self._no_function(f"{one.created.ref}:{qualifier}")
        return found[qualifier]

    def _versions(self, one: One) -> list[dict[str, Any]]:
        """The code that was deployed last, and the versions of it."""
        latest = _configuration(one)
        arn = latest["FunctionArn"]
        versions = [LATEST]
        versions += [each.created.attributes["Version"] for each in self._of(one, _VERSION)]
        return [{**latest, "FunctionArn": f"{arn}:{each}", "Version": each} for each in versions]

    def _of(self, function: One, kind: str) -> Iterator[One]:
        for one in self._made.of(kind):
            if name_in(str(one.properties["FunctionName"])) == function.created.ref:
                yield one

    def _aliases(self, function: One) -> list[dict[str, Any]]:
        return [
            {
                "AliasArn": one.created.attributes["AliasArn"],
                "Name": one.properties["Name"],
                "FunctionVersion": one.properties["FunctionVersion"],
                "Description": one.properties.get("Description", ""),
            }
            for one in self._of(function, _ALIAS)
        ]

    def _aliases_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        version, found = given.get("FunctionVersion"), self._aliases(self._named(given))
        return {"Aliases": [each for each in found if version in (None, each["FunctionVersion"])]}

    def _alias_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for each in self._aliases(self._named(given)):
            if each["Name"] == given["Name"]:
                return each
        arn = arn_of(f"{name_in(str(given['FunctionName']))}:{given['Name']}", self._made.place)
        raise _absent(f"Cannot find alias arn: {arn}")

    def _tags(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = str(given["Resource"])
        if ":event-source-mapping:" in arn:
            raise Unsupported("ListTags of an event source mapping")
        return {"Tags": tags_of(self._named({"FunctionName": arn}).properties)}

    def _mappings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        reference, source = given.get("FunctionName"), given.get("EventSourceArn")
        name = self._named({"FunctionName": reference}).created.ref if reference else None
        return {
            "EventSourceMappings": [
                self._mapping(one)
                for one in self._made.of(_MAPPING)
                if name in (None, name_in(str(one.properties["FunctionName"])))
                and source in (None, one.properties["EventSourceArn"])
            ]
        }

    def _mapping_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for one in self._made.of(_MAPPING):
            if one.created.ref == given["UUID"]:
                return self._mapping(one)
        raise _absent("The resource you requested does not exist.")

    def _mapping(self, one: One) -> dict[str, Any]:
        """CreateEventSourceMapping, API reference: the BatchSize of a queue is 10 by default, all
        others' 100."""
        given = one.properties
        stream = ":dynamodb:" in str(given["EventSourceArn"])
        named = {name: given.get(name, value) for name, value in _OF_STREAMS.items() if stream}
        enabled = given.get("Enabled", True) in (True, "true")
        return {
            "UUID": one.created.ref,
            "EventSourceMappingArn": arn_in(
                self._made.scope, "lambda", f"event-source-mapping:{one.created.ref}"
            ),
            "EventSourceArn": given["EventSourceArn"],
            "FunctionArn": arn_of(str(given["FunctionName"]), self._made.place),
            "BatchSize": int(given.get("BatchSize", 100 if stream else 10)),
            "MaximumBatchingWindowInSeconds": int(given.get("MaximumBatchingWindowInSeconds", 0)),
            "FunctionResponseTypes": given.get("FunctionResponseTypes", []),
            "State": "Enabled" if enabled else "Disabled",
            "StateTransitionReason": "User action" if stream else "USER_INITIATED",
            "LastModified": self._made.since,
            **named,
            **{name: given.get(name) for name in _AS_GIVEN},
        }


def _configuration(one: One) -> dict[str, Any]:
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
        "Version": LATEST,
        "Environment": properties.get("Environment", {"Variables": {}}),
        "PackageType": "Zip",
        "Architectures": properties.get("Architectures", ["x86_64"]),
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }


def _absent(text: str) -> CallError:
    return CallError("ResourceNotFoundException", text, 404)
