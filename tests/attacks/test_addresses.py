"""Requests without a token: each is counted by the address that it comes from."""

import pytest

from lambdas import limits
from lambdas.api.call import Route
from lambdas.api.routes import ROUTES
from tests.attacks import aims
from tests.attacks.world import World

pytestmark = pytest.mark.xdist_group("attacks")

OPEN = [each for each in ROUTES if each.open and each.body]


@pytest.mark.parametrize("route", OPEN, ids=aims.name_of)
def test_whoever_guesses_without_a_token_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, route: Route
) -> None:
    monkeypatch.setattr(limits, "SAMPLE", 1)
    deployed = world.api.deployed_with(PASSWORD_RESET="true")
    for aim in aims.of_route(route, world, "stranger"):
        with world.put_back():
            headers = {"x-forwarded-for": "198.51.100.9"}
            deployed.request(route.method, aim.path, aim.body, headers=headers)
            assert any(owner == "address#198.51.100.9" for _, owner, *_ in world.stored()), aim
