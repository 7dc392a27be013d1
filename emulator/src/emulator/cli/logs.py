"""Shows what functions, tasks and servers have printed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from emulator.providers import EmulatorError

_LAST = 200  # lines


def show(directory: Path, name: str | None, *, follow: bool) -> int:
    """Print the end of a log, or the names of all of them. Raises EmulatorError for a name that
    has none."""
    names = sorted(path.stem for path in directory.glob("*.log"))
    if name is None:
        print("\n".join(names) or "there are no logs yet")
        return 0
    path = directory / f"{name}.log"
    if name not in names:
        known = ", ".join(names) or "there are none"
        raise EmulatorError(f"there is no log {name!r} (known: {known})")
    with path.open(encoding="utf-8", errors="replace") as log:
        sys.stdout.write("".join(log.readlines()[-_LAST:]))
        while follow:
            sys.stdout.write(log.read())
            sys.stdout.flush()
            time.sleep(0.2)
    return 0
