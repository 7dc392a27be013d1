"""The engine that tests of the client's rules drive."""

from collections.abc import Iterator

import pytest

from tests.client.core.scripted_client import Client


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.store.close()
