"""The resources that were made, with their resolved properties, for the views of each service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from emulator.providers import Created
from emulator.resource import Resource
from emulator.template.place import Place
from emulator.template.stage import Stage


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the template, which has a list or, of API Gateway, an object."""
    tags = properties.get("Tags") or {}
    if isinstance(tags, Mapping):
        return dict(tags)
    return {each["Key"]: each["Value"] for each in tags}


class One(NamedTuple):
    resource: Resource
    properties: Mapping[str, Any]
    created: Created


class Made:
    """Empty until `stage` is set, which is when all of its resources are there. `since` is when
    that was, in epoch seconds."""

    def __init__(self, place: Place | None = None) -> None:
        """`place` is that of the stage, also before it is there."""
        self._place = place or Place()
        self.stage: Stage | None = None
        self.since = 0.0

    def of(self, kind: str) -> Iterator[One]:
        """All resources of a type."""
        stage = self.stage
        for resource in stage.resources() if stage is not None else ():
            if stage is not None and resource.type == kind:
                created = stage.created(resource.stack, resource.logical_id)
                yield One(resource, stage.properties(resource), created)

    @property
    def place(self) -> Place:
        return self.stage.place if self.stage is not None else self._place

    @property
    def scope(self) -> str:
        """`<region>:<account>`, as in ARNs."""
        return f"{self.place.region}:{self.place.account}"
