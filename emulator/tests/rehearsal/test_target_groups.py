"""What a rehearsal finds: stickiness of target groups behind a weighted rule."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rehearsal.steps import compared, found, stack
from tests.rehearsal.templates import REJECTED, Row, balancer, group, listener

from emulator.template.assembly import Stack


def forward(*names: str, sticky: bool) -> dict[str, Any]:
    groups = [{"TargetGroupArn": {"Ref": name}, "Weight": 1} for name in names]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": sticky}}
    return {"Type": "forward", "ForwardConfig": config}


def forwarding(sticky_group: str, *names: str, sticky: bool) -> Stack:
    return stack(
        "web",
        {
            "A": group(stickiness__enabled=sticky_group),
            "B": group(stickiness__enabled=sticky_group),
            "Balancer": balancer(),
            "Http": listener(forward(*names, sticky=sticky)),
        },
    )


ROWS = [
    Row(
        "targets become sticky before the rule over two groups does",
        [forwarding("false", "A", "B", sticky=False)],
        [forwarding("true", "A", "B", sticky=True)],
        {(REJECTED, "A"), (REJECTED, "B")},
    ),
    Row(
        "targets become sticky after the rule",
        [forwarding("false", "A", "B", sticky=True)],
        [forwarding("true", "A", "B", sticky=True)],
        set(),
    ),
    Row(
        "targets become sticky behind a rule over one group",
        [forwarding("false", "A", sticky=False)],
        [forwarding("true", "A", sticky=False)],
        set(),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds
