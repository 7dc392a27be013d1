"""What the templates ask of resources, the emulator does or says that it has no effect there."""

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


@pytest.mark.parametrize("config", SHARED)
def test_no_property_stops_the_start_in_any_environment(
    config: Environment, synthesize: Synthesize
) -> None:
    for each in synthesize(config).resources:
        if each.type in TYPES:
            given = each.body.get("Properties", {})
            resource = Resource(each.stack, each.logical_id, each.type)
            assert properties.unsupported(resource, given) == []
