"""The Users table over moto, which the tests of a file share, and a user of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lambdas.tables import Table
    from tests.lambdas.keys.owner import Ravi


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    from tests.support.lambdas.rest import mocked_aws, one_at_a_time

    with mocked_aws() as aws:
        yield one_at_a_time(aws.users)


@pytest.fixture
def ravi(table: Table) -> Ravi:
    from lambdas.keys.directory import Change
    from tests.lambdas.keys.owner import Ravi

    ravi = Ravi(table)
    assert ravi.register() is Change.NEW
    return ravi
