"""Output of commands: headings, a table with bars that changes in place, verdicts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NamedTuple, TextIO

BAR = 30  # characters of the longest bar
_GREEN, _RED, _BOLD, _PLAIN = "32", "31", "1", "0"


class Row(NamedTuple):
    name: str
    state: str
    requests: int
    remark: str = ""


def table(rows: Sequence[Row], block: str = "█") -> list[str]:
    """One line for each row, bars in proportion to the largest count."""
    most = max((row.requests for row in rows), default=0)
    name = max((len(row.name) for row in rows), default=0)
    state = max((len(row.state) for row in rows), default=0)
    count = len(str(most))
    lines = []
    for row in rows:
        bar = block * (round(BAR * row.requests / most) if most else 0)
        if row.requests and not bar:
            bar = block
        line = f"{row.name:<{name}}  {row.state:<{state}}  {bar:<{BAR}}  {row.requests:>{count}}"
        lines.append(f"{line}  {row.remark}".rstrip())
    return lines


class Screen:
    """In a terminal tables are drawn again while they change; elsewhere only their last state is
    printed, in plain text."""

    def __init__(self, out: TextIO = sys.stdout, terminal: bool | None = None) -> None:
        self._out = out
        self.live = out.isatty() if terminal is None else terminal
        self._colours = self.live and "NO_COLOR" not in os.environ
        self._drawn = 0  # lines of the table that the next one replaces
        encoding = (getattr(out, "encoding", None) or "").lower()
        self._block = "█" if encoding.startswith("utf") else "#"

    def title(self, text: str) -> None:
        self.line(self._coloured(text, _BOLD))

    def step(self, number: int, title: str, what: str) -> None:
        self.line(f"\n{self._coloured(f'{number}  {title}', _BOLD)}\n   {what}")

    def line(self, text: str) -> None:
        self.settle()
        self._write(f"{text}\n")

    def event(self, seconds: float, text: str) -> None:
        """`seconds` since what the step did."""
        self.line(f"   {seconds:5.1f} s  {text}")

    def draw(self, rows: Sequence[Row]) -> None:
        """Replaces the table drawn before, in a terminal. Elsewhere it does nothing: see `show`."""
        if self.live:
            self._replace(rows)

    def show(self, rows: Sequence[Row]) -> None:
        """Prints the table in its last state."""
        self._replace(rows)
        self.settle()

    def settle(self) -> None:
        """Keeps the table that was drawn: the next one is drawn below it."""
        self._drawn = 0

    def verdict(self, expected: str, seen: str, *, met: bool) -> None:
        mark = self._coloured("as expected", _GREEN)
        if not met:
            mark = self._coloured("NOT AS EXPECTED", _RED)
        self.line(f"   expected  {expected}")
        self.line(f"   saw       {seen}: {mark}")

    def _replace(self, rows: Sequence[Row]) -> None:
        # A line that wraps would be two lines to go back over.
        width = shutil.get_terminal_size().columns - 1 if self.live else None
        back = f"\x1b[{self._drawn}F\x1b[J" if self._drawn and self.live else ""
        lines = [f"   {line}"[:width] for line in table(rows, self._block)]
        self._write(back + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _coloured(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[{_PLAIN}m" if self._colours else text

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
