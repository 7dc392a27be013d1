"""What a rehearsal finds: deletion protection and rollback."""

from __future__ import annotations

import pytest
from tests.rehearsal.steps import compared, found, resource, stack
from tests.rehearsal.templates import FELT, QUEUE, REJECTED, ROLLBACK, Row, balancer, data, table

ROWS = [
    Row(
        "a protected load balancer is removed",
        [stack("web", {"Balancer": balancer("true"), "Other": QUEUE})],
        [stack("web", {"Other": QUEUE})],
        {(REJECTED, "Balancer"), (FELT, "Balancer")},
    ),
    Row(
        "a load balancer is protected from the first deployment on",
        None,
        [stack("web", {"Balancer": balancer("true")})],
        {(ROLLBACK, "Balancer")},
    ),
    Row(
        "a load balancer is protected by a second deployment",
        [stack("web", {"Balancer": balancer("false")})],
        [stack("web", {"Balancer": balancer("true")})],
        set(),
    ),
    Row(
        "a table and a user pool are protected from the first deployment on",
        None,
        [
            data(
                {
                    "Chats": table(DeletionProtectionEnabled=True),
                    "Pool": resource("Cognito::UserPool", DeletionProtection="ACTIVE"),
                }
            )
        ],
        {(ROLLBACK, "Chats"), (ROLLBACK, "Pool")},
    ),
    Row(
        "a named resource that stays behind is in the way of the next try",
        None,
        [data({"Group": resource("Logs::LogGroup", keep="Retain", LogGroupName="api")})],
        {(ROLLBACK, "Group")},
    ),
    Row(
        "one that is deleted when its creation fails is not",
        None,
        [
            data(
                {"Group": resource("Logs::LogGroup", keep="RetainExceptOnCreate", LogGroupName="a")}
            )
        ],
        set(),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
