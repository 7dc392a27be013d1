from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lambdas.settings import Aws
    from tests.support.lambdas.backend import Backend
    from tests.support.lambdas.connection_api import ConnectionApi

# Imports stand in the fixtures, as pytest-xdist's own process reads this file too, and needs no moto.


@pytest.fixture(scope="module")
def emulated() -> Iterator[tuple[Aws, ConnectionApi]]:
    from tests.support.lambdas.backend import cloud

    with cloud() as clients:
        yield clients


@pytest.fixture
def world(emulated: tuple[Aws, ConnectionApi]) -> Iterator[Backend]:
    """Tables, a push queue and open connections for one test."""
    from tests.support.lambdas.backend import backend

    with backend(*emulated) as one:
        yield one
