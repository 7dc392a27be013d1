import ssl
from collections.abc import Iterator
from functools import cache

import pytest

# Other imports stand in the fixtures, as pytest-xdist's own process reads this file too.


@pytest.fixture(autouse=True)
def quiet_handlers() -> Iterator[None]:
    """The handlers log each frame and request; a test that fails is about the client."""
    from lambdas.telemetry import logger

    before = logger.log_level
    logger.setLevel("WARNING")
    yield
    logger.setLevel(before)


@pytest.fixture(autouse=True, scope="session")
def made_once() -> Iterator[None]:
    """Each client reads the certificates of all authorities, and makes a store with its tables.
    A test waits for an event longer than a user of the client would."""
    import client.store.store
    from client import ChatClient
    from tests.support import memory_store
    from tests.support.backend.server import PATIENCE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        patch.setattr(client.store.store, "migrate", memory_store.migrate)
        patch.setattr(ChatClient.wait_for, "__defaults__", (PATIENCE,))
        yield
