"""The REST API over moto, which the tests of a file share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.lambdas.rest import Rest


@pytest.fixture(scope="module")
def api() -> Iterator[Rest]:
    from tests.support.lambdas.rest import rest

    with rest() as made:
        yield made
