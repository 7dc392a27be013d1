"""The watchdog: ends the child processes of an emulator that was killed.

A program of its own that needs nothing but the standard library: it reads `+<process group>` and
`-<process group>` lines, and when its input ends it ends every group that is still listed: by
SIGTERM, for some have data to save, and those that are left after a while by SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

GRACE = 3.0  # seconds; the AWS server notices by itself, and writes what is not saved yet


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    _signal(groups, signal.SIGTERM)
    _signal(groups, signal.SIGCONT)  # a stopped process acts on no other signal
    deadline = time.monotonic() + GRACE
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = _signal(groups, 0)
    _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: int) -> set[int]:
    """The groups that still have a process; signal 0 only asks."""
    alive = set()
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            alive.add(group)
    return alive


if __name__ == "__main__":
    main()
