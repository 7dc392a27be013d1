"""Memory of the emulator: just started, and idle.

The sum of PSS (proportional set size, /proc/<pid>/smaps_rollup, Linux only) over `emulate up` and
all its descendants: a page that several processes share counts once.
"""

import time
from contextlib import suppress
from pathlib import Path

from bench.local_system import fresh_directory, running
from bench.table import Row, within
from tools.processes import processes

IDLE_LIMIT = 30  # seconds; the default is five minutes, too long for a benchmark
STARTED_AFTER = 10  # seconds after readiness every function has its first process


def rows() -> list[Row]:
    if not Path("/proc/self/smaps_rollup").exists():
        return [Row("memory", "not measured: there is no smaps_rollup on this system")]
    with (
        fresh_directory() as directory,
        running(directory / "state", "--idle-limit", str(IDLE_LIMIT)) as system,
    ):
        time.sleep(STARTED_AFTER)
        started = _measured(system.endpoints["pid"])
        time.sleep(IDLE_LIMIT + STARTED_AFTER)
        idle = _measured(system.endpoints["pid"])
    return [
        Row(f"started, {started[0]} processes", f"{started[1]:.0f} MB"),
        within(f"idle, {idle[0]} processes", idle[1], 300, "MB", ".0f"),
    ]


def _measured(root: int) -> tuple[int, float]:
    """How many processes there are, and their memory in MB (2^20 bytes)."""
    sizes = []
    for pid in processes(root):
        with suppress(OSError):  # it has ended
            sizes.append(pss_kilobytes(pid))
    return len(sizes), sum(sizes) / 1024


def pss_kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
