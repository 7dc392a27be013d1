from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.story.system import started


def pytest_configure(config: pytest.Config) -> None:
    # pytest resets the filter of lambdas/telemetry.py, which has the reason
    config.addinivalue_line("filterwarnings", "ignore:No application metrics to publish")


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What .local/endpoints.json says of the one running system that all tests of the group `story`
    share: the real command, with a state directory and ports of its own."""
    with started(tmp_path_factory.mktemp("local")) as found:
        yield found
