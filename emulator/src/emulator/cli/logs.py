"""Logs: shows what functions, tasks and servers have printed; writes the emulator's own log."""

from __future__ import annotations

import logging
import re
import sys
import time
from pathlib import Path

from emulator.providers import EmulatorError

_LAST = 200  # lines
# What would end a line, move the cursor or turn the reading direction. Requests can contain it, and
# so forge other lines; "\n" and "\t" of what was printed stay.
_FORGING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text with escapes for what would show as something else than it is."""
    return _FORGING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Formatter(logging.Formatter):
    """Records of the emulator's log and of the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


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
    with path.open(encoding="utf-8", errors="replace", newline="\n") as log:
        text = "".join(log.readlines()[-_LAST:])
        sys.stdout.write(visible(text))
        if not text:
            print(f"{name} has printed nothing yet", file=sys.stderr)
        while follow:
            sys.stdout.write(visible(log.read()))
            sys.stdout.flush()
            time.sleep(0.2)
    return 0
