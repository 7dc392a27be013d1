"""The ring of records: invocations, requests that tasks served, calls of AWS, posts and pushes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

MOST = 10_000  # records
MOST_TEXT = 48 * 1024 * 1024  # characters of all records; large events push earlier ones out sooner
LONGEST = 64 * 1024  # characters of one text; the rest is left out
MOST_SAVED = 2_000  # records that survive a restart
LONGEST_SAVED = 8 * 1024

INVOCATION, REQUEST, CALL, POST, PUSH = "invocation", "request", "call", "post", "push"
LINE = "line"  # that a task logged: of no record
HANDLED = (INVOCATION, REQUEST)  # during which a process makes calls and posts


@dataclass(frozen=True)
class Record:
    """`name` is the function, the operation, the connection or the device token, of a request the
    task's id; `by` who did it: a worker of a function, as `Send-3f9a1c`, a task, or "". `at` in
    epoch seconds, when it began; `ms` None where it took no time. `given` is the event, request or
    frame, `result` what came back."""

    number: int
    kind: str
    name: str
    by: str
    at: float
    ms: float | None
    given: str
    result: str = ""
    error: str = ""
    id: str = ""  # the request id of an invocation

    @property
    def size(self) -> int:
        return len(self.given) + len(self.result) + len(self.error)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Ring:
    """The newest records. `now` gives epoch seconds."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._records: deque[Record] = deque()
        self._size = 0
        self._next = 1
        self.dropped = 0

    def add(
        self,
        kind: str,
        name: str,
        *,
        by: str = "",
        at: float | None = None,
        ms: float | None = None,
        given: str | bytes = "",
        result: str | bytes = "",
        error: str = "",
        id: str = "",
    ) -> None:
        began = self._now() if at is None else at
        texts = (_text(given), _text(result), error[:LONGEST])
        self._append(Record(self._next, kind, name, by, began, ms, *texts, id))
        self._next += 1

    def __iter__(self) -> Iterator[Record]:
        """The oldest first."""
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def number(self, number: int) -> Record | None:
        return next((each for each in self._records if each.number == number), None)

    def put_back(self, saved: Any) -> None:
        """The records of an earlier run, as JSON, before what is there already."""
        newer = [each.as_json() for each in self._records]
        self._records.clear()
        self._size, self._next = 0, 1
        for each in (*saved, *newer):
            self._append(Record(**{**each, "number": self._next}))
            self._next += 1

    def _append(self, record: Record) -> None:
        self._records.append(record)
        self._size += record.size
        while len(self._records) > self._most or self._size > MOST_TEXT:
            self._size -= self._records.popleft().size
            self.dropped += 1


def _text(value: str | bytes) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text if len(text) <= LONGEST else text[:LONGEST] + f"… ({len(text):,} characters)"


def message_ids(result: str) -> list[str]:
    """The ids that a queue gave: in the response to SendMessage and SendMessageBatch."""
    try:
        document = json.loads(result)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    entries = [document, *document.get("Successful", [])]
    return [each["MessageId"] for each in entries if each.get("MessageId")]
