"""What the templates ask of resources, the emulator does or says that it has no effect there."""

from typing import Any

import pytest

from emulator.resource import Resource
from emulator.resource_types import EMULATED
from emulator.template import properties
from stacks.config.environments import DEV, PROD, Environment
from tests.stacks.shared_environments import (
    CHANGED_DEV,
    CONTAINERS_ONLY,
    EVERYTHING,
    IN_TASKS,
    LIMITED,
)
from tests.stacks.synthesized import Synthesize

TYPES = {each for provider in EMULATED for each in vars(provider)["types"]}
SHARED = (DEV, PROD, CHANGED_DEV, CONTAINERS_ONLY, EVERYTHING, IN_TASKS, LIMITED)


def _without_intrinsics(value: Any) -> Any:
    """None, a value by which a property is as good as absent, for what is only known at the start."""
    if isinstance(value, list):
        return [_without_intrinsics(each) for each in value]
    if not isinstance(value, dict):
        return value
    if any(name == "Ref" or name.startswith("Fn::") for name in value):
        return None
    return {name: _without_intrinsics(inner) for name, inner in value.items()}


@pytest.mark.parametrize("config", SHARED)
def test_no_property_stops_the_start_in_any_environment(
    config: Environment, synthesize: Synthesize
) -> None:
    for each in synthesize(config).resources:
        if each.type in TYPES:
            given = _without_intrinsics(each.body.get("Properties", {}))
            properties.check(Resource(each.stack, each.logical_id, each.type), given)
