"""The reader of a cloud assembly: the stage's stacks, their templates and assets.

Source: the `manifest.json` of the CDK's cloud assembly and of the stage assembly inside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from emulator.providers import EmulatorError
from emulator.resource import Resource

# What `Annotations` leaves in the metadata, and what the `cdk` command would print of it.
_REPORTED = {"aws:cdk:info": "", "aws:cdk:warning": "warning: "}
_ACKNOWLEDGMENT = re.compile(r" \[ack: [^\]]*\]$")


@dataclass(frozen=True)
class Stack:
    """`name` is the stack's name in CloudFormation; `template` the parsed JSON; `environment`
    where it is deployed, aws://account/region, with unknown-account where that is left open."""

    name: str
    template: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    environment: str = "aws://unknown-account/unknown-region"

    @cached_property
    def template_bytes(self) -> int:
        """The size of the template as CDK writes it."""
        return len(json.dumps(self.template, indent=1).encode())

    def resources(self) -> list[Resource]:
        """Every resource, those whose Condition is false included."""
        return [
            Resource(
                stack=self.name,
                logical_id=logical_id,
                type=body["Type"],
                properties=body.get("Properties", {}),
                depends_on=_as_tuple(body.get("DependsOn", ())),
                metadata=body.get("Metadata", {}),
            )
            for logical_id, body in self.template.get("Resources", {}).items()
        ]


@dataclass(frozen=True)
class Assembly:
    """The stacks of one stage in an order that respects their dependencies.

    `files` maps an asset's object key in S3 to its directory or file, `images` the hash that
    tags a container image to the directory it is built from. `notes` is what synthesizing has
    remarked on the configuration, each a sentence or two.
    """

    stacks: tuple[Stack, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    images: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def file(self, object_key: str) -> Path:
        """The staged directory of a file asset, e.g. a function's code."""
        try:
            return self.files[object_key]
        except KeyError:
            raise EmulatorError(
                f"no asset in the assembly has the object key {object_key!r}; synthesize again"
            ) from None

    def image(self, uri: str) -> Path:
        """The directory an image (`…/repository:hash`) is built from."""
        tag = uri.rpartition(":")[2]
        try:
            return self.images[tag]
        except KeyError:
            raise EmulatorError(
                f"no container image in the assembly has the tag {tag!r} (image {uri!r}); the "
                "emulator runs images built from a directory"
            ) from None


def load(directory: Path) -> Assembly:
    """Read the assembly in `directory` (cdk.out), descending into its stages."""
    if not (directory / "manifest.json").is_file():
        raise EmulatorError(f"{directory} holds no cloud assembly: synthesize first")
    stacks: dict[str, Stack] = {}
    files: dict[str, Path] = {}
    images: dict[str, Path] = {}
    notes: list[str] = []
    for folder in _assemblies(directory):
        artifacts = _json(folder / "manifest.json").get("artifacts", {})
        notes += _notes_of(folder, artifacts)
        for stack in _stacks_of(folder, artifacts):
            stacks[stack.name] = stack
        for artifact in artifacts.values():
            if artifact["type"] == "cdk:asset-manifest":
                manifest = _json(folder / artifact["properties"]["file"])
                _read_assets(folder, manifest, files, images)
    return Assembly(_by_dependency(stacks), files, images, tuple(dict.fromkeys(notes)))


def moved(assembly: Assembly, account: str, region: str) -> Assembly:
    """The same for another account and region: an environment that names its own has them in
    every ARN and zone, and what emulates AWS on a laptop has one of each."""
    return replace(
        assembly, stacks=tuple(_moved(each, account, region) for each in assembly.stacks)
    )


def _moved(stack: Stack, account: str, region: str) -> Stack:
    own_account, _, own_region = stack.environment.removeprefix("aws://").partition("/")
    text = json.dumps(stack.template)
    text = text.replace(own_account, account).replace(own_region, region)
    return replace(stack, template=json.loads(text), environment=f"aws://{account}/{region}")


def _assemblies(directory: Path) -> list[Path]:
    artifacts = _json(directory / "manifest.json").get("artifacts", {})
    found = [directory]
    for artifact in artifacts.values():
        if artifact["type"] == "cdk:cloud-assembly":
            found += _assemblies(directory / artifact["properties"]["directoryName"])
    return found


def _stacks_of(folder: Path, artifacts: Mapping[str, Any]) -> list[Stack]:
    names = {
        artifact_id: artifact["properties"].get("stackName", artifact_id)
        for artifact_id, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    return [
        Stack(
            name=name,
            template=_json(folder / artifacts[artifact_id]["properties"]["templateFile"]),
            depends_on=tuple(
                names[other]
                for other in artifacts[artifact_id].get("dependencies", [])
                if other in names
            ),
            environment=artifacts[artifact_id]["environment"],
        )
        for artifact_id, name in names.items()
    ]


def _notes_of(folder: Path, artifacts: Mapping[str, Any]) -> list[str]:
    notes = []
    for artifact in artifacts.values():
        metadata = dict(artifact.get("metadata", {}))
        if "additionalMetadataFile" in artifact:
            metadata |= _json(folder / artifact["additionalMetadataFile"])
        for entries in metadata.values():
            for entry in entries:
                if entry["type"] in _REPORTED:
                    sentence = _ACKNOWLEDGMENT.sub("", entry["data"])
                    notes.append(f"{_REPORTED[entry['type']]}{sentence}")
    return notes


def _read_assets(
    folder: Path, manifest: Mapping[str, Any], files: dict[str, Path], images: dict[str, Path]
) -> None:
    for asset in manifest.get("files", {}).values():
        source = asset["source"].get("path")
        if source is None:  # an asset made by a command at deployment has no directory
            continue
        for destination in asset["destinations"].values():
            files[destination["objectKey"]] = (folder / source).resolve()
    for asset in manifest.get("dockerImages", {}).values():
        source = asset["source"].get("directory")
        if source is None:
            continue
        for destination in asset["destinations"].values():
            images[destination["imageTag"]] = (folder / source).resolve()


def _by_dependency(stacks: Mapping[str, Stack]) -> tuple[Stack, ...]:
    done: dict[str, Stack] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for other in stacks[name].depends_on:
            visit(other)
        done[name] = stacks[name]

    for name in stacks:
        visit(name)
    return tuple(done.values())


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _as_tuple(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
