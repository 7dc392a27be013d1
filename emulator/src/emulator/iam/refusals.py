"""What was refused: the newest in memory, and each as a line of JSON in a log.

`emulate logs refusals` shows the log; the console's state has them under `refusals`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emulator.iam.authority import Refusal

MOST = 200
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class Refusals:
    """`now` gives seconds since the epoch. `report` gets a line when something is refused for the
    first time; it is refused again and again then, as a client tries."""

    def __init__(
        self, log: Path, now: Callable[[], float], report: Callable[[str], None], mode: str
    ) -> None:
        self._log = log
        self._now = now
        self._report = report
        self._prefix = "not permitted" if mode == "enforce" else "would not be permitted on AWS"
        self._newest: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._reported: set[tuple[str, str, str]] = set()

    def add(self, refusal: Refusal) -> None:
        found = {"at": self._now(), **asdict(refusal), "message": refusal.message}
        self._newest.append(found)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        kind = (refusal.user, refusal.action, refusal.resource)
        if kind not in self._reported:
            self._reported.add(kind)
            text = f"{self._prefix}: {refusal.by}: {refusal.action} on {refusal.resource}"
            self._report(f"{text} {refusal.reason.format(refusal.action)}".translate(_CONTROL))

    def state(self) -> dict[str, Any]:
        """`{"refusals": [{at, by, user, action, resource, reason, message}]}`, the oldest first; at
        in epoch seconds, by the access key, which is the name of a function's process or a task."""
        return {"refusals": list(self._newest)}
