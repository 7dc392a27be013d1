"""`make break`: which faults there are; a deep test causes each and sees its alarm go off."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rows import rows
from tests.support.running_system import started
from tools.breaking import system
from tools.breaking.__main__ import cause, main
from tools.breaking.faults import FAULTS, NOT_HERE, RUNBOOKS, SOCKETS, Fault
from tools.breaking.system import System, obstacle

ROOT = Path(__file__).parents[2]
SPEED = "30"  # five minutes are ten seconds
WITHIN = 300.0
# of themselves late, and not caused on purpose
BY_LOAD = {"slow-delivery", "slow-pushes"}


def test_every_runbook_has_a_fault_or_a_reason_why_it_has_none() -> None:
    pages = {page.stem for page in (ROOT / RUNBOOKS).glob("*.md")} - {"README"}
    assert FAULTS.keys() | NOT_HERE.keys() | BY_LOAD >= pages
    assert not FAULTS.keys() & NOT_HERE.keys()


@rows("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_the_runbook_says_how_to_cause_it_and_names_its_alarm(fault: Fault) -> None:
    text = (ROOT / fault.runbook).read_text()
    assert f"make break FAULT={fault.name}" in text


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*FAULTS, *NOT_HERE))


@pytest.mark.parametrize("name", ["nothing", *NOT_HERE])
def test_what_can_not_be_caused_is_an_error_with_the_reason(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 2
    assert NOT_HERE.get(name, "no such fault") in capsys.readouterr().err


RUNS = {"name": "small", "desired": 2, "tasks": [{"id": "a", "paused": False}]}
STARTING = {"name": "small", "desired": 2, "tasks": []}
STOPPED = {"name": "small", "desired": 0, "tasks": []}


@rows(
    ("name", "pools", "reason"),
    [
        ("push-age", [], None),
        ("too-few-tasks", [RUNS], None),
        ("too-few-tasks", [STARTING], None),  # an earlier fault has just been mended
        ("unhealthy-targets", [STARTING], None),
        ("unhealthy-targets", [STOPPED], "`make mend`"),  # an earlier one was killed
        ("balancer-5xx", [STOPPED], "`make mend`"),
        ("unhealthy-targets", [], "no pool small"),
        ("sockets", [RUNS], "websocket.plane=containers"),
        ("sockets", [{**RUNS, "name": SOCKETS}], None),
        ("sockets", [{**STOPPED, "name": SOCKETS}], "no tasks"),
    ],
)
def test_a_fault_of_tasks_needs_a_pool_that_is_to_have_some(
    name: str, pools: list[dict[str, Any]], reason: str | None
) -> None:
    found = obstacle(FAULTS[name], pools)
    assert found is None if reason is None else found is not None and reason in found


class Starting(System):
    """A console that lists the task of each pool from its `listed_at`th state on."""

    def __init__(self, listed_at: float) -> None:
        super().__init__("http://127.0.0.1:9")
        self._asked, self._listed_at = 0, listed_at

    async def _state(self) -> dict[str, Any]:
        self._asked += 1
        of = RUNS if self._asked >= self._listed_at else STARTING
        return {"pools": [{**of, "name": SOCKETS}]}


@pytest.mark.parametrize("listed_at, within, reason", [(3, 60.0, None), (math.inf, 0.0, "started")])
def test_the_one_task_that_is_to_be_paused_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, listed_at: float, within: float, reason: str | None
) -> None:
    monkeypatch.setattr(system, "POLL", 0.0)
    found = asyncio.run(Starting(listed_at).obstacle(FAULTS["sockets"], within))
    assert found is None if reason is None else found is not None and reason in found


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with started(tmp_path_factory.mktemp("broken"), "--speed", SPEED) as found:
        yield found


@pytest.fixture(scope="module")
def fast_sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Where tasks hold them. At less speed: what goes off is the number of posts in a minute."""
    options = (
        "--speed",
        "10",
        "-c",
        "websocket.plane=containers",
        "-c",
        "websocket.tasks.drain=10",
    )
    with started(tmp_path_factory.mktemp("sockets"), *options) as found:
        yield found


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.xdist_group("broken")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_its_alarm_goes_off(fault: Fault, request: pytest.FixtureRequest) -> None:
    there = request.getfixturevalue("fast_sockets" if fault.pool == SOCKETS else "fast")
    assert asyncio.run(cause(fault, there["api"], there["console"], stays=False, within=WITHIN))


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.xdist_group("broken")
def test_a_fault_of_tasks_that_are_not_there_says_how_to_have_them(
    fast: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert not asyncio.run(cause(FAULTS["sockets"], fast["api"], fast["console"], stays=False))
    assert "websocket.plane=containers" in capsys.readouterr().out
