"""The trace of one text: every record in which it stands, and what those led to.

The emulator knows no field of a project's messages. What is searched is a text, such as a message's
id, in events, requests, posts and pushes as they were. From a record with the text it goes on to

- what the same worker did while it handled the event: its calls and posts,
- what the same task did while it served the request; it serves several at a time, so that what it
  did may belong to another one,
- the invocation or request during which a call or a post with the text was made,
- the invocation that a message it sent to a queue ended up in, by the id that the queue gave it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.traces.ring import (
    CALL,
    HANDLED,
    INVOCATION,
    LINE,
    POST,
    PUSH,
    REQUEST,
    Record,
    message_ids,
)

_PLACE = re.compile(r'"(?:TableName|QueueUrl|TargetArn|TopicArn)": ?"([^"]+)"')
_RECEIVES = re.compile(r'"ApproximateReceiveCount": ?"(\d+)"')
WAITING = "waiting"  # a step that has not happened yet, which is no record
RECENT = 50  # values that are listed
ROUNDS = 6  # queues between the first function and the last
READS = ("Get", "Query", "Scan", "BatchGet", "Describe", "List")


def trace(records: Iterable[Record], text: str) -> list[Record]:
    """The steps in the order in which they began. Empty for a text that is nowhere."""
    everything = list(records)
    found = {each.number: each for each in everything if text and _has(each, text)}
    searched: set[str] = set()
    for _ in range(ROUNDS):
        before = len(found)
        for handled in [each for each in found.values() if each.kind in HANDLED]:
            found |= {each.number: each for each in during(everything, handled)}
        outer = [each for each in found.values() if each.kind in (CALL, POST)]
        found |= {
            handled.number: handled
            for handled in everything
            if handled.kind in HANDLED
            and any(each.by == handled.by for each in outer)
            and during(outer, handled)
        }
        sent = {id for each in found.values() if each.kind == CALL for id in _sent(each)}
        for id in sent - searched:
            found |= {
                each.number: each
                for each in everything
                if each.kind == INVOCATION and id in each.given
            }
        searched |= sent
        if len(found) == before:
            break
    return sorted(found.values(), key=lambda each: (each.at, each.number))


def during(records: Iterable[Record], handled: Record) -> list[Record]:
    """What the worker did while it handled the event, or the task while it served the request. A
    worker handles one at a time, a task many."""
    if not handled.by:
        return []
    end = handled.at + (handled.ms or 0) / 1000
    return [
        each
        for each in records
        if each.kind in (CALL, POST) and each.by == handled.by and handled.at <= each.at <= end
    ]


def as_json(steps: Sequence[Record], text: str) -> list[dict[str, Any]]:
    """Each step with `after_ms`, counted from the first one's begin, `has_text`, `attempt`, and
    `of`: the number of the invocation or request during which it was done, null for the others."""
    began = min((each.at for each in steps), default=0.0)
    owner = {
        each.number: handled.number
        for handled in steps
        if handled.kind in HANDLED
        for each in during(steps, handled)
    }
    attempts = _attempts(steps)
    return [
        {
            **each.as_json(),
            "attempt": attempts.get(each.number, 1),
            "after_ms": round(1000 * (each.at - began), 1),
            "title": title(each),
            "has_text": _has(each, text),
            "of": owner.get(each.number),
        }
        for each in steps
    ]


def _attempts(steps: Iterable[Record]) -> dict[int, int]:
    """The attempt of each invocation, by its number: as the queue counts its messages, or how often
    the function had just this event, as of a stream's batch that is given again."""
    had: dict[tuple[str, str], int] = {}
    found = {}
    for each in steps:
        if each.kind == INVOCATION:
            event = (each.name, each.given)
            had[event] = had.get(event, 0) + 1
            received = map(int, _RECEIVES.findall(each.given))
            found[each.number] = max([had[event], *received])
    return found


def waiting(
    steps: Sequence[Record], queued: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Record]:
    """A step for each message of the trace that still is in a queue. `queued` has by the queue's
    name what is in it, as `emulator.aws.peek` describes it."""
    sent = {id for each in steps if each.kind == CALL for id in _sent(each)}
    numbers = itertools.count(min([0, *(each.number for each in steps)]) - 1, -1)  # of no record
    return [
        Record(
            next(numbers), WAITING, name, "", each["sent_at"], None, each["body"], id=each["id"],
            result=f"{each['state']}, received {each['receives']} times",
        )
        for name, messages in queued.items()
        for each in messages
        if each["id"] in sent
    ]  # fmt: skip


def title(record: Record) -> str:
    """What happened, in a few words."""
    match record.kind:
        case "invocation":
            return f"{record.name} handles {_source(record.given)}"
        case "request":
            return f"{record.name} serves {record.given}"
        case "call":
            place = _PLACE.search(record.given)
            where = f" {place[1].rpartition('/')[2].rpartition(':')[2]}" if place else ""
            return f"{record.name}{where}"
        case "post":
            return f"post on the connection {record.name}"
        case "line":
            return f"{record.name} logs{_message(record.given)}"
        case "waiting":
            return f"waits in {record.name}: {record.result}"
        case "push":
            return f"push to the phone {record.name[:12]}"
    return record.name


def recent(records: Iterable[Record], field: str, most: int = RECENT) -> list[dict[str, Any]]:
    """The values of a field of JSON that stand in events which clients sent, the newest first."""
    pattern = re.compile(rf'"{re.escape(field)}\\*": ?\\*"([^"\\]+)\\*"')
    found: dict[str, dict[str, Any]] = {}
    for each in records:
        if each.kind != INVOCATION or '"eventType": "MESSAGE"' not in each.given:
            continue
        for value in pattern.findall(each.given):
            row = {"id": value, "at": each.at, "function": each.name, "error": each.error}
            found.setdefault(value, row)
    return list(reversed(list(found.values())))[:most]


def _has(record: Record, text: str) -> bool:
    if record.kind == CALL and record.name.startswith(READS):
        return False  # what only looks for it carries nothing on
    if record.kind in (INVOCATION, REQUEST, PUSH, POST, CALL, LINE):
        return text in record.given or text in record.name or text in record.id
    return False


def _sent(call: Record) -> list[str]:
    return message_ids(call.result) if call.name.startswith("SendMessage") else []


def _message(line: str) -> str:
    """The field `message` of a line of JSON, as structured logs have it."""
    found = re.search(r'"message": ?"([^"\\]{1,80})"', line)
    return f": {found[1]}" if found else " a line"


def _source(event: str) -> str:
    """The source of an event, by the fields that AWS gives the events of each source."""
    if '"eventSource": "aws:dynamodb"' in event:
        return "a stream's records"
    if '"eventSource": "aws:sqs"' in event:
        return "a queue's messages"
    if route := re.search(r'"routeKey": ?"([^"]+)"', event):
        return f"the frame {route[1]}" if not route[1].startswith("$") else route[1]
    if path := re.search(r'"path": ?"([^"]+)"', event):
        return f"the request {path[1]}"
    return "an event"
