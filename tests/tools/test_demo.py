"""The tour of the load balancer: what it expects, what it prints, and that it leaves nothing."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime import lock
from emulator.runtime.endpoints import Endpoints
from tests.support.rows import rows
from tests.tools import small_project
from tools.balancing_demo import expectations
from tools.balancing_demo.expectations import Outcome, Sample
from tools.balancing_demo.system import read_pools
from tools.screen import Row, Screen, table

DEMO = "tools.balancing_demo"


@rows(
    ("counts", "total", "algorithm", "met"),
    [
        ([333, 334, 333], 1000, "round_robin", True),
        ([250, 250, 250, 250], 1000, "round_robin", True),
        ([333, 335, 332], 1000, "round_robin", False),
        ([333, 333, 333], 1000, "round_robin", False),  # one is missing
        ([334, 334, 333], 1000, "round_robin", False),  # one is not ours
        ([500, 500, 0], 1000, "round_robin", False),
        ([], 1000, "round_robin", False),
        ([300, 320, 380], 1000, "weighted_random", True),
        ([100, 400, 500], 1000, "least_outstanding_requests", False),
        ([300, 320, 370], 1000, "weighted_random", False),
    ],
)
def test_an_even_split(counts: list[int], total: int, algorithm: str, met: bool) -> None:
    assert expectations.even(counts, total, algorithm).met is met


def test_an_even_split_is_reported_in_ascending_order() -> None:
    verdict = expectations.even([333, 334, 333], 1000, "round_robin")
    assert (verdict.expected, verdict.seen) == ("333 / 333 / 334", "333 / 333 / 334")


@pytest.mark.parametrize(
    ("counts", "met"),
    [
        ({"large": 500, "small": 200}, True),
        ({"large": 501, "small": 199}, True),  # a turn had begun before
        ({"large": 502, "small": 198}, False),
        ({"large": 500, "small": 199, "lambda": 1}, False),
        ({"large": 700}, False),
        ({}, False),
    ],
)
def test_shares_by_weight(counts: dict[str, int], met: bool) -> None:
    assert expectations.by_weight(counts, {"large": 5, "small": 2}).met is met


@pytest.mark.parametrize(
    ("statuses", "met"), [({"200": 9}, True), ({"200": 9, "502": 1}, False), ({}, False)]
)
def test_every_response_is_a_success(statuses: dict[str, int], met: bool) -> None:
    assert expectations.all_succeeded(statuses).met is met


FINE_BEFORE, FINE_AFTER = Outcome(False, 8.0, 8.1), Outcome(False, 13.0, 13.1)


@pytest.mark.parametrize(
    ("lost", "met"),
    [
        ([], True),
        ([Outcome(True, 9.9, 10.1)], True),  # under way when the target was killed
        ([Outcome(True, 11.9, 14.0)], True),  # under way when the load balancer learned of it
        ([Outcome(True, 9.0, 9.9)], False),
        ([Outcome(True, 10.5, 10.6), Outcome(True, 12.1, 12.2)], False),
    ],
)
def test_losses_belong_to_the_time_until_the_load_balancer_knew(
    lost: list[Outcome], met: bool
) -> None:
    outcomes = [FINE_BEFORE, *lost, FINE_AFTER]
    assert expectations.lost_within(outcomes, killed=10, detected=12).met is met


def test_losses_are_reported_as_they_are() -> None:
    outcomes = [FINE_BEFORE, Outcome(True, 10.5, 10.6), FINE_AFTER, FINE_AFTER]
    verdict = expectations.lost_within(outcomes, killed=10, detected=12)
    assert verdict.expected == "losses only in the 2.0 s until the load balancer knew"
    assert verdict.seen == "1 of 4 lost (25.0 %), all in that time; none of the 2 after it"


def test_without_requests_after_it_nothing_is_proven() -> None:
    assert not expectations.lost_within([FINE_BEFORE], killed=10, detected=12).met


@pytest.mark.parametrize(
    ("samples", "met"),
    [
        ([Sample(None, 0), Sample("initial", 0), Sample("healthy", 3)], True),
        ([Sample(None, 0), Sample("healthy", 0)], True),
        ([Sample(None, 0), Sample("initial", 1), Sample("healthy", 3)], False),
        ([Sample(None, 0), Sample("initial", 0)], False),
        ([Sample("healthy", 0)], False),  # nobody looked in time
        ([], False),
    ],
)
def test_a_new_target_gets_nothing_before_its_first_passed_check(
    samples: list[Sample], met: bool
) -> None:
    assert expectations.nothing_before_the_first_check(samples).met is met


def test_a_table_has_bars_in_proportion_and_shows_the_smallest() -> None:
    rows = [Row("small-1", "healthy", 900), Row("b", "gone", 1), Row("c", "healthy", 0)]
    assert table(rows, block="#") == [
        f"small-1  healthy  {'#' * 30}  900",
        f"b        gone     #{' ' * 29}    1",
        f"c        healthy  {' ' * 30}    0",
    ]


def test_elsewhere_than_in_a_terminal_a_table_is_printed_once_and_plain() -> None:
    out = io.StringIO()
    screen = Screen(out, terminal=False)
    screen.title("a title")
    for count in (1, 2, 3):
        screen.draw([Row("a", "healthy", count)])
    screen.show([Row("a", "healthy", 4)])
    verdict = expectations.all_succeeded({"502": 4})
    screen.verdict(verdict.expected, verdict.seen, met=verdict.met)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("healthy") == 1
    assert "NOT AS EXPECTED" in out.getvalue()


def test_in_a_terminal_a_table_takes_the_place_of_the_one_before() -> None:
    out = io.StringIO()
    screen = Screen(out, terminal=True)
    rows = [Row("a", "healthy", 1), Row("b", "healthy", 1)]
    screen.draw(rows)
    assert "\x1b[2F" not in out.getvalue()
    screen.draw(rows)
    screen.show(rows)
    assert out.getvalue().count("\x1b[2F\x1b[J") == 2
    screen.draw(rows)  # the next table does not touch what stays
    assert out.getvalue().count("\x1b[2F\x1b[J") == 2


def test_pools_are_read_from_the_state_with_containers_first() -> None:
    target = {"id": "small-1", "state": "healthy", "requests": 3}
    group: dict[str, Any] = {"algorithm": "round_robin", "weight": 4, "targets": [target]}
    state = {
        "target_groups": [
            {"pool": "lambda", "algorithm": None, "weight": 1, "targets": []},
            {**group, "pool": "small", "balancer": "application"},
            {**group, "pool": "small", "balancer": "network", "weight": None},
            {**group, "pool": "nowhere", "weight": None},
        ],
        "pools": [{"name": "small", "desired": 1, "autoscaling": True, "tasks": [{"id": "s"}]}],
    }
    pools = read_pools(state)
    assert list(pools) == ["small", "lambda"]
    small = pools["small"]
    assert (small.weight, small.desired, small.autoscaling, small.tasks) == (4, 1, True, ("s",))
    assert small.healthy() == ["small-1"]
    assert [small.sample(name) for name in ("small-1", "s")] == [
        Sample("healthy", 3),
        Sample(None, 0),
    ]
    assert (pools["lambda"].desired, pools["lambda"].autoscaling) == (None, None)


@pytest.mark.deep  # it starts a whole system first
def test_an_environment_without_containers_is_rejected_and_what_was_started_ends(
    tmp_path: Path,
) -> None:
    small_project.write(tmp_path)
    result = small_project.run(tmp_path, DEMO, "--env", "dev")
    assert result.returncode == 1
    assert "needs a container pool" in result.stderr
    assert "Traceback" not in result.stderr
    assert lock.holder(tmp_path / ".local" / "demo") is None


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--speed", "20"),
        pytest.param("--context", "load_balancer.ip_hash=true", marks=pytest.mark.deep),
    ],
)
def test_a_setting_for_a_system_that_runs_already_is_rejected_not_ignored(
    tmp_path: Path, option: str, value: str
) -> None:
    state = small_project.write(tmp_path) / ".local"
    url = "http://127.0.0.1:9"
    with lock.held(state):
        Endpoints("dev", url, url, url, url, url, url, os.getpid()).write(state)
        for environment in ((), ("--env", "dev")):
            result = small_project.run(tmp_path, DEMO, option, value, *environment)
            assert result.returncode == 1
            assert f"dev runs already (pid {os.getpid()})" in result.stderr
            assert f"leave {option} out" in result.stderr
            assert result.stdout == ""


@pytest.mark.deep
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_its_system_starts_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    small_project.write(tmp_path)
    (tmp_path / "app.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    started = subprocess.Popen(
        small_project.command(tmp_path, DEMO, "--env", "dev"),
        cwd=small_project.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = tmp_path / ".local" / "demo"
    deadline = time.monotonic() + 30
    while (pid := lock.holder(state)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started.send_signal(number)
    assert started.wait(60) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_system_that_does_not_start_is_reported_with_its_output(tmp_path: Path) -> None:
    small_project.write(tmp_path)
    broken = "raise SystemExit('config.py: pools need a weight')"
    (tmp_path / "app.py").write_text(broken, encoding="utf-8")
    failed = small_project.run(tmp_path, DEMO, "--env", "dev")
    assert failed.returncode == 1
    assert "config.py: pools need a weight" in failed.stderr


def test_a_load_needs_a_running_system_and_valid_options(tmp_path: Path) -> None:
    for arguments, expected in (
        ((), "it is not running"),
        (("--requests", "0"), "requests is a number from 1 to 10000, got 0"),
    ):
        result = small_project.run(tmp_path, "tools.load", *arguments)
        assert result.returncode == 1
        assert expected in result.stderr
