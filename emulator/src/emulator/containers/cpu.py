"""The CPU time that a process has taken."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path


async def seconds_taken(pid: int) -> float | None:
    """The CPU time in user and system mode, all threads together; None for a process that is
    gone."""
    return _of_proc(pid) if sys.platform == "linux" else await read_from_ps(pid)


def _of_proc(pid: int) -> float | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return from_stat(stat, os.sysconf("SC_CLK_TCK"))


async def read_from_ps(pid: int) -> float | None:
    """The CPU time that ps prints, on any Unix; it takes one process for each call."""
    ps = await asyncio.create_subprocess_exec(
        *("ps", "-o", "time=", "-p", str(pid)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    output, _ = await ps.communicate()
    return from_ps(output.decode())


def from_stat(text: str, ticks_per_second: int) -> float:
    """utime and stime of proc(5), after a name in parentheses that may hold anything."""
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / ticks_per_second


def from_ps(text: str) -> float | None:
    """`[[days-]hours:]minutes:seconds[.hundredths]`; None for anything else."""
    match = re.fullmatch(r"\s*(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
