"""One world for the attacks of a file: each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.attacks.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # here, as pytest-xdist's own process reads this file too, and needs no moto
    from tests.attacks.world import attacked

    with attacked() as made:
        yield made
