"""The tour itself, with real processes. It starts a whole system and measures nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.runtime import endpoints, lock

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.xdist_group("systems"), pytest.mark.deep]


def test_the_tour_sees_what_it_expects_and_leaves_nothing_behind(tmp_path: Path) -> None:
    toured = subprocess.run(
        [
            *(sys.executable, "-m", "tools.balancing_demo"),
            *("--speed", "20", "--state-dir", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert toured.returncode == 0, toured.stdout + toured.stderr
    steps = ("1  Even split", "2  Failover", "3  Recovery", "4  Scale-out", "5  Weights 5:2")
    assert all(step in toured.stdout for step in steps)
    for expected in ("333 / 333 / 334", "250 / 250 / 250 / 250", "large 500, small 200"):
        assert f"expected  {expected}\n" in toured.stdout
    assert "NOT AS EXPECTED" not in toured.stdout
    assert "\x1b" not in toured.stdout  # no terminal, no escapes
    assert toured.stdout.endswith("Everything as expected\n")
    assert lock.holder(tmp_path / "demo") is None
    assert endpoints.read(tmp_path / "demo") is None
