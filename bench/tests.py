"""CPU and wall seconds of each test command, beside its budget.

CPU is that of all processes that the command starts and waits for, which depends less on what else
the machine does than the wall time. Budgets are for two cores that do nothing else.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.table import Row, within

ROOT = Path(__file__).parents[1]


class Command(NamedTuple):
    target: str
    cpu: float  # seconds
    wall: float  # seconds


COMMANDS = (
    Command("test-quick", 80, 45),
    Command("test-emulator", 225, 120),
    Command("test", 450, 240),  # the emulator's tests are among them
)


def rows() -> Iterator[Row]:
    """Raises CalledProcessError for tests that fail: their time is of no use."""
    for command in COMMANDS:
        cpu, wall = _seconds(command.target)
        yield within(f"make {command.target}, CPU", cpu, command.cpu, "s", ".0f")
        yield within(f"make {command.target}, wall", wall, command.wall, "s", ".0f")


def _seconds(target: str) -> tuple[float, float]:
    """CPU and wall seconds of `make target`."""
    # without what `make bench` and bench/__main__.py set for themselves
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "POWERTOOLS_"))
    }
    before, began = os.times(), time.monotonic()
    command = ["make", target]
    ended = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        sys.stderr.write(ended.stdout)  # which tests failed, and how
        ended.check_returncode()
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])  # of children, and of theirs
    return cpu, time.monotonic() - began
