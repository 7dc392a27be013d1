"""Checks that the properties of all the balancer's resources share, and the ARNs of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.providers import EmulatorError
from emulator.template.place import partition_of

Properties = Mapping[str, Any]
CROSS_ZONE = "load_balancing.cross_zone.enabled"


def unsupported(where: str, what: str, instead: str) -> EmulatorError:
    return EmulatorError(f"{where}: {what} is not supported locally: {instead}")


def require_known(where: str, attributes: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(attributes.keys() - known)
    if unknown:
        raise unsupported(where, f"the attribute {unknown[0]}", "remove it for this environment")


def check_cross_zone(where: str, attributes: Mapping[str, str]) -> None:
    """Raises EmulatorError where requests shall stay in the zone they came to: a laptop is one."""
    if attributes.get(CROSS_ZONE) == "false":
        what = f"{CROSS_ZONE} false, as there is one zone here,"
        raise unsupported(where, what, "set it to true for this environment")


def number_within(
    where: str, name: str, value: Any, least: int, most: int, unit: str = "", of: str = ""
) -> int:
    """A whole number from `least` to `most`; raises EmulatorError for anything else."""
    if not re.fullmatch(r"-?\d{1,9}", str(value)) or not least <= int(value) <= most:
        what = f"{name} {value} of {of}" if of else f"{name} {value}"
        limits = f"{least} to {most} {unit}".strip()
        raise EmulatorError(f"{where}: {what} is not within {limits}: set it to a number that is")
    return int(value)


class Arns:
    """Names of what Elastic Load Balancing makes. `random_bytes` gives the ids in them, which are
    random as AWS's are."""

    def __init__(self, region: str, account: str, random_bytes: Callable[[int], bytes]) -> None:
        self._scope = f"arn:{partition_of(region)}:elasticloadbalancing:{region}:{account}"
        self._random = random_bytes

    def new(self, kind: str, name: str) -> str:
        """E.g. `loadbalancer`, `app/web` -> `arn:...:loadbalancer/app/web/0123456789abcdef`."""
        return f"{self._scope}:{kind}/{name}/{self._random(8).hex()}"

    def below(self, parent: str, kind: str) -> str:
        """A listener of a load balancer, or a rule of a listener: their ARNs go on from its."""
        return self.new(kind, full_name(parent))


def full_name(arn: str) -> str:
    """The name in an ARN without the kind: `app/web/0123456789abcdef`. A target group's keeps it,
    as on AWS."""
    path = arn.rpartition(":")[2]
    return path if path.startswith("targetgroup/") else path.partition("/")[2]
