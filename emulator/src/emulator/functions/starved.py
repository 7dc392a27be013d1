"""The time that a process has waited for a CPU that others had.

A Lambda function has its share of a CPU, whatever other functions do. Processes on one machine
take it from each other: where many others compute, a function that needs 0.4 s of CPU before its
first call does not get them within its timeout, is ended, and needs a new process, which needs them
again: nothing is ever done. So the time for which it waited does not count, within bounds.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

NANOSECONDS = 1e9


def waited_for_cpu(pid: int) -> float:
    """Seconds so far. 0 where the system does not say: only Linux does.

    The second field of schedstat is "time spent waiting on a runqueue (in nanoseconds)"
    (docs.kernel.org/scheduler/sched-stats.html), here of the process's first thread.
    """
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / NANOSECONDS
    return 0.0


def left(within: float, longest: float, passed: float, waited: float) -> float:
    """Seconds that a process still has, of `within` without waiting and `longest` with it, after
    `passed`, of which it `waited` for a CPU."""
    return min(within - (passed - min(waited, passed)), longest - passed)
