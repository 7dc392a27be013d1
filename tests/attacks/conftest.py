"""One world for all attacks of a file: each leaves it as it was."""

from collections.abc import Iterator

import pytest

from tests.attacks.world import World, attacked


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with attacked() as made:
        yield made
