"""Ends the child processes of an emulator that was killed and could not end them itself.

A program of its own that needs nothing but the standard library: it reads `+<process group>` and
`-<process group>` lines, and when its input ends it kills every group that is still listed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
