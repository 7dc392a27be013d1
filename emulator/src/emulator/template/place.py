"""The account and region of a deployment, and the pseudo parameters that follow from them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from emulator import service_models

STACK_UUID = "00000000-0000-0000-0000-000000000000"
"""The end of every stack's ARN: AWS::StackId and the events of custom resources have the same."""


@dataclass(frozen=True)
class Place:
    """An account and a region; by default those in which the emulator deploys."""

    account: str = "123456789012"
    region: str = "us-east-1"

    @classmethod
    def of(cls, environment: str, default_place: Place) -> Place:
        """The place from the manifest's aws://account/region; `default_place` stands in for what it
        leaves open."""
        account, region = _parts(environment)
        return cls(
            default_place.account if "unknown" in account else account,
            default_place.region if "unknown" in region else region,
        )

    @classmethod
    def first_known(cls, environments: Iterable[str]) -> Place:
        """What the first of them that does not leave it open names, or the default."""
        found = cls()
        for environment in reversed([*environments]):
            found = cls.of(environment, found)
        return found

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    @property
    def url_suffix(self) -> str:
        return url_suffix_of(self.region)

    def stack_id(self, stack: str, unique: str) -> str:
        """The ARN of a stack; AWS gives a UUID as its `unique` part."""
        scope = f"arn:{self.partition}:cloudformation:{self.region}:{self.account}"
        return f"{scope}:stack/{stack}/{unique}"

    def pseudo_parameters(self, stack: str, unique: str) -> dict[str, Any]:
        return {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::URLSuffix": self.url_suffix,
            "AWS::StackName": stack,
            "AWS::StackId": self.stack_id(stack, unique),
            "AWS::NotificationARNs": [],
        }


def partition_of(region: str) -> str:
    """The partition of a region, also of "<region>:<account>"."""
    return _partition(region.partition(":")[0])[0]


@functools.cache
def _partition(region: str) -> tuple[str, str]:
    """The partition's name, and the end of the names of its endpoints. Source: botocore's
    partitions.json, also for regions that are newer than it; another name is taken for one of the
    first partition."""
    loaded = service_models.loader().load_data("partitions")
    found = [
        (each["id"], each["outputs"]["dnsSuffix"])
        for each in loaded["partitions"]
        if re.match(each["regionRegex"], region)
    ]
    return found[0] if found else ("aws", "amazonaws.com")


def arn_in(scope: str, service: str, resource: str) -> str:
    """`scope` is "<region>:<account>"."""
    return f"arn:{partition_of(scope)}:{service}:{scope}:{resource}"


def url_suffix_of(region: str) -> str:
    """The end of the names of services' endpoints."""
    return _partition(region)[1]


def same_place(one: str, other: str) -> bool:
    """Whether two environments may be one: what a stack leaves open may be anything."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return all(a == b or "unknown" in a or "unknown" in b for a, b in pairs)


def _parts(environment: str) -> tuple[str, str]:
    account, _, region = environment.removeprefix("aws://").partition("/")
    return account, region
