"""DescribeTargetHealth, as a task asks it for its own state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.rows import rows

from emulator.describe.api import DescribeApi
from emulator.describe.balancers import BalancerView

STATE = {
    "target_groups": [
        {
            "name": "group",
            "targets": [
                {"id": f"task-{port}", "address": f"127.0.0.1:{port}", "state": state}
                | {"reason": None, "description": None}
                for port, state in ((8001, "healthy"), (8002, "draining"))
            ],
        }
    ]
}


class Made:
    """One target group."""

    def of(self, _kind: str) -> Any:
        created = SimpleNamespace(ref="arn", attributes={"TargetGroupName": "group"})
        yield SimpleNamespace(created=created, properties={})


@rows(
    "asked, states",
    [
        ("", ["healthy", "draining"]),
        ("&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port=8002", ["draining"]),
        (
            "&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port=8002"
            "&Targets.member.2.Id=127.0.0.1&Targets.member.2.Port=8001",
            ["healthy", "draining"],
        ),
        ("&Targets.member.1.Id=127.0.0.1", ["healthy", "draining"]),
        ("&Targets.member.1.Id=task-8001", ["healthy"]),
        ("&Targets.member.1.Id=127.0.0.1&Targets.member.1.Port=8003", ["unused"]),
        (
            "&Targets.member.1.Id=10.0.0.9&Targets.member.2.Id=127.0.0.1"
            "&Targets.member.2.Port=8001",
            ["healthy", "unused"],
        ),
        ("&Targets.member.0.Id=task-8002", ["draining"]),
        ("&Targets.member.7.Id=task-8002", ["draining"]),
    ],
)
def test_it_has_the_targets_that_are_asked_for_by_address_or_all(
    asked: str, states: list[str]
) -> None:
    made: Any = Made()
    views = {"elasticloadbalancing": BalancerView(made, lambda: STATE).operations()}
    body = f"Action=DescribeTargetHealth&TargetGroupArn=arn{asked}".encode()
    response = DescribeApi(views).respond("elasticloadbalancing", "POST", "/", "", body, "")
    assert response.status == 200
    found = [part.partition("<")[0] for part in response.body.split("<State>")[1:]]
    assert found == states


def test_a_target_that_is_not_registered_has_the_reason() -> None:
    made: Any = Made()
    given = {"TargetGroupArn": "arn", "Targets": [{"Id": "10.0.0.9", "Port": "80"}]}
    (found,) = BalancerView(made, lambda: STATE)._health(given)["TargetHealthDescriptions"]
    assert found["Target"] == {"Id": "10.0.0.9", "Port": "80"}
    assert found["TargetHealth"]["Reason"] == "Target.NotRegistered"


@pytest.mark.parametrize("target", [b"Targets.member.1.Port=80", b"Targets.member.1=a"])
def test_a_target_without_an_id_is_rejected(target: bytes) -> None:
    made: Any = Made()
    views = {"elasticloadbalancing": BalancerView(made, lambda: STATE).operations()}
    body = b"Action=DescribeTargetHealth&TargetGroupArn=arn&" + target
    response = DescribeApi(views).respond("elasticloadbalancing", "POST", "/", "", body, "")
    assert (response.status, "ValidationError" in response.body) == (400, True)
