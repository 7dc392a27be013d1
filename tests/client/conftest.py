from collections.abc import Iterator

import pytest

from lambdas.telemetry import logger


@pytest.fixture(autouse=True)
def quiet_handlers() -> Iterator[None]:
    """The handlers log each frame and request; a test that fails is about the client."""
    before = logger.log_level
    logger.setLevel("WARNING")
    yield
    logger.setLevel(before)
