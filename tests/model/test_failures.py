"""How the chat log's model finds, and keeps apart, what went wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.errors import internal
from tests.model.checks import Violation
from tests.model.failures import kind_of
from tests.model.faults import MESSAGE_LATE_SECONDS, Unreliable
from tests.model.schedule import Schedule
from tests.model.small import small
from tests.model.world import World

ROOT = Path(__file__).parents[2]
REPORTS = """
from tests.model.failures import fault_of
from tests.model.small import small

lines = []
with small():
    for seed in range(4):
        lines.append(str(fault_of(seed, report=lines.append)))
print("the reports:", *lines, sep="\\n")
"""

MESSAGE = {"chat": {"S": "c"}, "item": {"S": "message#000000000001"}, "message_id": {"S": "m"}}
VOID = {"chat": {"S": "c"}, "item": {"S": "message#000000000001"}, "void": {"BOOL": True}}


@pytest.fixture(autouse=True)
def unexpected() -> Iterator[list[BaseException]]:
    with small() as found:
        yield found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            "ravi/phone counts [2] in chat2, and {1} are unread",
            "anna/desk counts [] in chat1",
            False,
        ),
        ("ravi/phone counts [2, (3, [4])] in chat2", "anna/desk counts [] in chat1", True),
        (
            "anna/desk has passed S(a=f({1})) before",
            "ravi/phone has passed S(a=f({2})) before",
            True,
        ),
        ("anna/desk has passed S(a=1) before", "anna/desk never showed S(a=1)", False),
        ("a/b rang twice for S(1); a/b rang while", "a/b rang twice for S(2)", True),
    ],
)
def test_failures_of_one_rule_are_of_one_kind(one: str, other: str, same: bool) -> None:
    assert (kind_of(Violation(one)) == kind_of(Violation(other))) == same
    assert kind_of(Violation(one)) != kind_of(AssertionError(one)) != kind_of(None)


def test_a_schedule_is_the_same_in_every_process() -> None:
    """Else a failure could not be run again. The order of a set is another one in each process."""
    reports = []
    for order in ("5", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": order}
        command = [sys.executable, "-c", REPORTS]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT
        )
        reports.append(done.stdout.partition("the reports:")[2])
    assert len(reports[0].splitlines()) > 1_000
    assert reports[0] == reports[1]


def test_an_error_that_a_handler_raises_ends_a_schedule_as_itself() -> None:
    schedule = Schedule(0)

    def fails(*_: object) -> dict[str, object]:
        raise internal()

    schedule.clients._handle = fails
    with pytest.raises(type(internal())):
        schedule.run(3)


@pytest.mark.parametrize(
    ("item", "seconds", "arrives"),
    [
        (MESSAGE, MESSAGE_LATE_SECONDS - 0.5, True),
        (MESSAGE, MESSAGE_LATE_SECONDS + 0.5, False),
        (VOID, 86_400.0, True),
    ],
)
def test_a_message_comes_to_the_log_a_few_seconds_late_or_never(
    item: dict[str, object], seconds: float, arrives: bool
) -> None:
    world = World(0)
    written: list[object] = []
    world.database.listeners.append(lambda _table, _old, new: written.append(new))
    world.chance = lambda probability: True  # type: ignore[method-assign]
    client = Unreliable(world)
    client._fault = lambda kinds: "late"  # type: ignore[method-assign]
    with pytest.raises(ReadTimeoutError):
        client.put_item(TableName="Chats", Item=item)
    world.now += seconds
    for request in world.in_flight:
        request()
    assert bool(written) == arrives
