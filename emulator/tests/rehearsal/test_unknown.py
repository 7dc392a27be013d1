"""What a rehearsal finds: what a rehearsal can't look into."""

from __future__ import annotations

import pytest
from tests.rehearsal.steps import compared, found, resource
from tests.rehearsal.templates import NOTE, Row, data

ROWS = [
    Row("a nested stack", None, [data({"N": resource("CloudFormation::Stack")})], {(NOTE, "N")}),
    Row(
        "a type without a schema changes",
        [data({"X": {"Type": "Some::Private::Type", "Properties": {"Size": 1}}})],
        [data({"X": {"Type": "Some::Private::Type", "Properties": {"Size": 2}}})],
        {(NOTE, "X")},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
