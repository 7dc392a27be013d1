"""Application Auto Scaling's resources: which service may have how many tasks, and by what."""

from __future__ import annotations

import logging
from typing import Any

from emulator.containers import scaling
from emulator.containers.scaling import Bounds, Tracking
from emulator.providers import Created, EmulatorError, Resource
from emulator.template.place import arn_in

log = logging.getLogger("emulator.containers")

PREFIX = "AWS::ApplicationAutoScaling::"
DIMENSION = "ecs:service:DesiredCount"


class Scalable:
    """The scalable targets and policies by the service's name. `scope` is "<region>:<account>"."""

    types = (PREFIX + "ScalableTarget", PREFIX + "ScalingPolicy")

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self.bounds: dict[str, Bounds] = {}
        self.policies: dict[str, list[Tracking]] = {}

    def create(self, resource: Resource, name: str, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what isn't supported."""
        if resource.type == PREFIX + "ScalableTarget":
            return self._create_target(str(resource), properties)
        tracking = scaling.read_policy(str(resource), properties)
        # service/<cluster>/<name>|<dimension>|<namespace>
        service = properties["ScalingTargetId"].partition("|")[0].rpartition("/")[2]
        if tracking is None:
            log.warning("%s is accepted and not acted on: a laptop has no such measure", resource)
        else:
            self.policies.setdefault(service, []).append(tracking)
        return Created(arn_in(self._scope, "autoscaling", f"scalingPolicy:{name}"))

    def _create_target(self, where: str, properties: dict[str, Any]) -> Created:
        dimension = properties.get("ScalableDimension")
        if dimension != DIMENSION:
            raise EmulatorError(f"{where}: scaling {dimension} is not supported locally")
        bounds = Bounds(int(properties["MinCapacity"]), int(properties["MaxCapacity"]))
        self.bounds[properties["ResourceId"].rpartition("/")[2]] = bounds
        return Created(f"{properties['ResourceId']}|{dimension}|ecs")
