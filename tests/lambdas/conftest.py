from collections.abc import Iterator

import pytest

from lambdas.messages.send import send_limit
from lambdas.settings import Aws
from tests.support.lambdas.backend import Backend, backend, cloud
from tests.support.lambdas.connection_api import ConnectionApi


@pytest.fixture(scope="module")
def emulated() -> Iterator[tuple[Aws, ConnectionApi]]:
    with cloud() as clients:
        yield clients


@pytest.fixture
def world(emulated: tuple[Aws, ConnectionApi]) -> Iterator[Backend]:
    """Tables, a push queue and open connections for one test."""
    send_limit.cache_clear()  # what other tests sent would count
    with backend(*emulated) as one:
        yield one
