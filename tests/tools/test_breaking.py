"""`make break`: which faults there are; a deep test causes each and sees its alarm go off."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running_system import started
from tools.breaking.__main__ import cause, main
from tools.breaking.faults import FAULTS, NOT_HERE, RUNBOOKS, SOCKETS, Fault

ROOT = Path(__file__).parents[2]
SPEED = "30"  # five minutes are ten seconds
WITHIN = 300.0
# of themselves late, and not caused on purpose
BY_LOAD = {"slow-delivery", "slow-pushes"}


def test_every_runbook_has_a_fault_or_a_reason_why_it_has_none() -> None:
    pages = {page.stem for page in (ROOT / RUNBOOKS).glob("*.md")} - {"README"}
    assert FAULTS.keys() | NOT_HERE.keys() | BY_LOAD >= pages
    assert not FAULTS.keys() & NOT_HERE.keys()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
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
