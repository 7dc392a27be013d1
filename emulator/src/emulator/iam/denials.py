"""Denied calls: the newest in memory, and each as a line of JSON in a log.

`emulate logs denials` shows the log; the console's state has them under `denials`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emulator.iam.authority import Denial

MOST = 200
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class Denials:
    """`now` gives seconds since the epoch. `report` gets a line when a call is denied for the first
    time; clients try again, so that it is denied many times."""

    def __init__(
        self, log: Path, now: Callable[[], float], report: Callable[[str], None], mode: str
    ) -> None:
        self._log = log
        self._now = now
        self._report = report
        self._prefix = "not permitted" if mode == "enforce" else "would not be permitted on AWS"
        self._newest: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._reported: set[tuple[str, str, str]] = set()

    def add(self, denial: Denial) -> None:
        denial = denial.shortened()
        found = {"at": self._now(), **asdict(denial), "message": denial.message}
        self._newest.append(found)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        kind = (denial.user, denial.action, denial.resource)
        if kind not in self._reported:
            self._reported.add(kind)
            text = f"{self._prefix}: {denial.by}: {denial.action} on {denial.resource}"
            self._report(f"{text} {denial.reason.format(denial.action)}".translate(_CONTROL))

    def state(self) -> dict[str, Any]:
        """`{"denials": [{at, by, user, action, resource, reason, message}]}`, the oldest first; at
        in epoch seconds, by the access key, which is the name of a function's process or a task."""
        return {"denials": list(self._newest)}
