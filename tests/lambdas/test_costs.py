"""What each act costs. A change that makes one dearer fails here, by the calls that came in.

If it is meant, write the new numbers into tools/scale/acts.py: then it is seen in review, and the
tables of docs/costs.md and docs/scale.md follow.
"""

import pytest

from stacks.config.functions import FunctionSizes
from tests.support.lambdas import acts
from tests.support.lambdas.backend import Backend, unwatched_dynamodb
from tests.support.lambdas.costs import spending
from tools.scale.acts import ACTS, MEMORY


@pytest.mark.parametrize("name", acts.ACTS)
def test_an_act_costs_what_it_did(world: Backend, name: str) -> None:
    act = acts.ACTS[name](world)
    posted = len(world.api.requests)
    with spending((world.aws.dynamodb, world.aws.sqs), unwatched_dynamodb()) as spent:
        act()
    if posts := len(world.api.requests) - posted:
        spent.counts["Post"] = posts
    assert not (found := spent.besides(ACTS[name].counted())), "\n".join(found)


def test_the_memory_that_is_billed_is_the_functions_own() -> None:
    assert {name: FunctionSizes().of(name).memory for name in MEMORY} == dict(MEMORY)
