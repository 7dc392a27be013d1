"""What a rehearsal finds: limits of templates and stacks."""

from __future__ import annotations

import pytest
from tests.rehearsal.steps import compared, found, resource, stack
from tests.rehearsal.templates import NOTE, QUEUE, REJECTED, Row

MANY = {f"T{number}": resource("SNS::Topic") for number in range(501)}

ROWS = [
    Row("more resources than a stack takes", None, [stack("web", MANY)], {(REJECTED, "Resources")}),
    Row(
        "a description that is too long",
        None,
        [stack("web", {"T": resource("SNS::Topic")}, Description="x" * 1025)],
        {(REJECTED, "Description, in bytes")},
    ),
    Row(
        "nearly as many outputs as a stack takes",
        None,
        [stack("web", {"T": QUEUE}, {f"O{number}": {"Value": "x"} for number in range(190)})],
        {(NOTE, "Outputs")},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
