"""Details that can be opened on the console, as JSON.

GET /_local/trace?id=<text>: the way of a message; without an id, the newest messages.
GET /_local/functions/<name>[?before=<number>]: its invocations.
GET /_local/functions/<name>/log[?text=<text>]: its log. These three take `from` and `to`, too.
GET /_local/queues/<name>: the messages that are visible, which a look does not take.
GET /_local/tables/<name>[?partition=<value>][&begins=<text>][&start=<key as JSON>]: a page of its
items (see `emulator.console.items`).
GET /_local/connections/<id>: what was received and posted on it.
GET /_local/phones and phones/<token>: the pushes that they received, and whose they are.
GET /_local/reports and reports/<name>: see `emulator.console.reports`.
GET /_local/faults: the last error of each function's code, in one line with its place.
POST /_local/functions/<name> `{"event": ...}` invokes it; POST /_local/queues/<name>
`{"redrive": "<message id>" | "all"}` moves dead letters back to the queue they came from; POST
/_local/tables/<name> `{"put": <item>}` or `{"delete": <key>}` writes, typed as in DynamoDB's JSON.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from emulator.console import items, logged, ranges
from emulator.console.commands import ApiError, bad_request
from emulator.console.items import PAGE
from emulator.console.owners import owners
from emulator.console.ranges import Range
from emulator.console.reports import Reports
from emulator.providers import EmulatorError, InvokeResult, Throttled
from emulator.push.phones import Phones
from emulator.traces import trace
from emulator.traces.ring import HANDLED, INVOCATION, POST, Ring

PEEK = "/_local/peek"  # see emulator.aws.peek
DENIED = "not authorized to perform"
NEWEST = 10  # pushes of each phone, where all phones are listed
LOG_LINES = 400
LOG_BYTES = 512 * 1024


class Functions(Protocol):
    """See `emulator.functions.functions.Functions`."""

    async def invoke(self, reference: str, event: bytes) -> InvokeResult: ...

    def label(self, reference: str) -> str:
        """Raises EmulatorError for a function that there is not."""

    def state(self) -> dict[str, Any]: ...


async def _nothing() -> None:
    pass


class Details:
    """`fetch` brings the ring up to date; `clients` makes boto3 clients of the emulated AWS."""

    def __init__(
        self,
        ring: Ring,
        *,
        fetch: Callable[[], Awaitable[None]] = _nothing,
        functions: Functions | None = None,
        logs: Path = Path(),
        clients: Callable[[str], Any] | None = None,
        queue_urls: Mapping[str, str] | None = None,
        tables: Sequence[str] = (),
        field: str = "message_id",
        encrypted: Sequence[str] = (),
        phones: Phones | None = None,
        owner: str = "",
        reports: Reports | None = None,
    ) -> None:
        self._ring, self._fetch = ring, fetch
        self._functions, self._logs, self._clients = functions, logs, clients
        self._queue_urls = queue_urls if queue_urls is not None else {}
        self._tables = tables
        self._field, self._encrypted = field, list(encrypted)
        self._phones, self._owner = phones, owner
        self._reports = Reports() if reports is None else reports

    async def get(self, path: Sequence[str], query: Mapping[str, str]) -> dict[str, Any]:
        """Raises ApiError. `encrypted` are the fields whose values are ciphertext."""
        return {**await self._found(path, query), "encrypted": self._encrypted}

    async def _found(self, path: Sequence[str], query: Mapping[str, str]) -> dict[str, Any]:
        await self._fetch()
        match tuple(path):
            case ("trace",):
                id = query.get("id", "").strip()
                return await asyncio.to_thread(self._trace, id, ranges.read(query))
            case ("functions", name):
                return self._function(name, query)
            case ("functions", name, "log"):
                label, range = self._label(name), ranges.read(query)
                return await asyncio.to_thread(self._log, label, query.get("text", ""), range)
            case ("phones", *token):
                return await asyncio.to_thread(self._pushed, *token)
            case ("reports",):
                return self._reports.names()
            case ("reports", name):
                return await self._reports.get(name, query)
            case ("queues", name):
                return await asyncio.to_thread(self._queue, name)
            case ("tables", name):
                return await asyncio.to_thread(self._items, name, query)
            case ("connections", id):
                return self._connection(id)
        raise ApiError(404, "not_found", f"there is nothing at /_local/{'/'.join(path)}")

    async def post(self, path: Sequence[str], body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ApiError."""
        match (path[0], tuple(body.items())):
            case ("functions", (("event", event),)):
                return await self._invoke(path[1], event)
            case ("queues", (("redrive", str(which)),)):
                return await asyncio.to_thread(self._redrive, path[1], which)
            case ("tables", ((("put" | "delete") as act, dict(typed)),)):
                return await asyncio.to_thread(self._write, path[1], act, typed)
        raise bad_request(
            'the body is {"event": ...}, {"redrive": "<message id>" | "all"}, {"put": <item>} or '
            '{"delete": <key>}'
        )

    def faults(self) -> dict[str, Any]:
        """The last error of each function's code: `{"faults": [{"text", "at"}]}`."""
        functions = self._functions.state()["functions"] if self._functions is not None else []
        return {
            "faults": [
                {"text": f"{each['label']}: {each['error']['text']}", "at": each["error"]["at"]}
                for each in functions
                if each["error"]
            ]
        }

    def last_failure(self) -> dict[str, Any] | None:
        """The newest invocation or request that failed, or call without a permission, without its
        texts. A condition that does not hold is a call's result, no failure."""
        failed = [
            each
            for each in self._ring
            if each.error and (each.kind in HANDLED or DENIED in each.error)
        ]
        if not failed:
            return None
        found = failed[-1].as_json()
        return {name: found[name] for name in ("number", "kind", "name", "at", "error", "id")}

    def _trace(self, text: str, range: Range) -> dict[str, Any]:
        records = [each for each in self._ring if each.at in range]
        retained = {"retained": len(self._ring), "dropped": self._ring.dropped}
        known = self._functions.state()["functions"] if self._functions is not None else []
        functions = {each["label"] for each in known}
        if not text:
            found = trace.recent(records, self._field, len(records))
            there = {each["id"] for each in found}  # with the error, which no line of a task has
            logs = logged.recent(self._logs, functions, self._field, range)
            found += [each for each in logs if each["id"] not in there]
            found.sort(key=lambda each: -each["at"])
            return {"recent": found[: trace.RECENT], "field": self._field, **retained}
        steps = trace.trace(records, text) + logged.lines(self._logs, functions, text, range)
        steps.sort(key=lambda each: each.at)
        queues = self._queue_urls if steps and self._clients is not None else {}
        queued = {name: self._peeked(name)["messages"] for name in queues}
        steps += trace.waiting(steps, queued)
        return {"id": text, "steps": trace.as_json(steps, text), **retained}

    def _function(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        label, before = self._label(name), query.get("before", "")
        most = int(before) if before.isdecimal() else None
        range = ranges.read(query)
        found = [
            each
            for each in self._ring
            if each.kind == INVOCATION
            and each.name == label
            and each.at in range
            and (most is None or each.number < most)
        ]
        shown = [each.as_json() for each in reversed(found[-PAGE:])]
        more = found[-PAGE].number if len(found) > PAGE else None
        return {"name": name, "label": label, "invocations": shown, "before": more}

    def _label(self, name: str) -> str:
        if self._functions is None:
            raise ApiError(404, "not_found", f"there is no function {name!r}")
        try:
            return self._functions.label(self._whole(name))
        except EmulatorError as error:
            raise ApiError(404, "not_found", str(error)) from error

    def _whole(self, name: str) -> str:
        """The function's name, of which records and links have the short one."""
        known = self._functions.state()["functions"] if self._functions is not None else []
        return next((each["name"] for each in known if each["label"] == name), name)

    def _log(self, label: str, text: str, range: Range) -> dict[str, Any]:
        file = self._logs / f"{label}.log"
        if not file.exists():
            return {"lines": []}
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - LOG_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        found = [each for each in ranges.within(lines, range) if text in each]
        return {"lines": found[-LOG_LINES:]}

    async def _invoke(self, name: str, event: Any) -> dict[str, Any]:
        label = self._label(name)
        if self._functions is None:
            raise ApiError(404, "not_found", f"there is no function {name!r}")
        try:
            result = await self._functions.invoke(self._whole(name), json.dumps(event).encode())
        except Throttled as error:
            raise ApiError(429, "throttled", str(error)) from error
        last = [each for each in self._ring if each.kind == INVOCATION and each.name == label]
        return {"number": last[-1].number if last else None, "error": result.error}

    def _client(self, service: str) -> Any:
        if self._clients is None:
            raise ApiError(404, "not_found", "there is no AWS here")
        return self._clients(service)

    def _url(self, name: str) -> str:
        if name not in self._queue_urls:
            raise ApiError(404, "not_found", f"there is no queue {name!r}")
        return self._queue_urls[name]

    def _queue(self, name: str) -> dict[str, Any]:
        self._url(name)
        return {"name": name, **self._peeked(name)}

    def _peeked(self, name: str) -> dict[str, Any]:
        import urllib.parse
        import urllib.request

        base = str(self._client("sqs").meta.endpoint_url)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"{base}{PEEK}?{urllib.parse.urlencode({'queue': name})}"
        with opener.open(url, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def _redrive(self, name: str, which: str) -> dict[str, Any]:
        """Sent to the source queue first and deleted then: what fails in between is there twice,
        never lost, as in a redrive of SQS (developer guide, "Configure a dead-letter queue
        redrive")."""
        sqs, url = self._client("sqs"), self._url(name)
        sources = self._peeked(name)["sources"]
        if len(sources) != 1:
            raise bad_request(
                f"{name} is the dead-letter queue of {len(sources)} queues, not of one"
            )
        to, moved, others = self._url(sources[0]), 0, []
        # Received and deleted by tens: a group of a FIFO queue gives nothing more before that.
        while messages := self._received(sqs, url):
            for message in messages:
                if which in ("all", message["MessageId"]):
                    sqs.send_message(QueueUrl=to, **_copied(message, to))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    moved += 1
                else:
                    others.append(message["ReceiptHandle"])
            if moved and which != "all":
                break
        for handle in others:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        if which != "all" and not moved:
            raise ApiError(
                409,
                "conflict",
                "this message can't be received now: it is gone, or stands behind ten others of "
                "its group; redrive these first, or all",
            )
        return {"moved": moved}

    @staticmethod
    def _received(sqs: Any, url: str) -> list[Any]:
        found: list[Any] = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=30,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        return found

    def _items(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        if name not in self._tables:
            raise ApiError(404, "not_found", f"there is no table {name!r}")
        return items.page(self._client("dynamodb"), name, query)

    def _pushed(self, token: str | None = None) -> dict[str, Any]:
        """All phones with their newest pushes, or one with all of them; and whose they are."""
        phones = self._phones or Phones(time.time)
        rows: list[dict[str, Any]] = [*phones.summary()] if token is None else [{"token": token}]
        whose = self._owners([each["token"] for each in rows])
        if token is not None:
            pushes = [push.as_json() for push in phones.phone(token)]
            return {"token": token, "owner": whose.get(token), "pushes": pushes}
        for row in rows:
            row["owner"] = whose.get(row["token"])
            newest = reversed(phones.phone(row["token"])[-NEWEST:])
            row["newest"] = [push.as_json() for push in newest]
        return {"phones": rows}

    def _owners(self, tokens: Sequence[str]) -> dict[str, str]:
        if not self._owner or self._clients is None:
            return {}
        dynamodb, sns = self._clients("dynamodb"), self._clients("sns")
        return owners(tokens, self._owner, dynamodb, sns, list(self._tables))

    def _write(self, name: str, act: str, typed: Mapping[str, Any]) -> dict[str, Any]:
        if name not in self._tables:
            raise ApiError(404, "not_found", f"there is no table {name!r}")
        return items.write(self._client("dynamodb"), name, act, typed)

    def _connection(self, id: str) -> dict[str, Any]:
        found = [
            each
            for each in self._ring
            if (each.kind == POST and each.name == id)
            or (each.kind == INVOCATION and f'"connectionId": "{id}"' in each.given)
        ]
        steps = trace.as_json(found[-200:], id)
        return {"id": id, "steps": [{**each, "of": None} for each in reversed(steps)]}


def _copied(message: Mapping[str, Any], to: str) -> dict[str, Any]:
    copied = {"MessageBody": message["Body"]}
    if message.get("MessageAttributes"):
        copied["MessageAttributes"] = message["MessageAttributes"]
    if to.endswith(".fifo"):
        attributes = message["Attributes"]
        copied["MessageGroupId"] = attributes["MessageGroupId"]
        # with its own id it would be taken for the one that was sent before
        copied["MessageDeduplicationId"] = f"redrive-{message['MessageId']}"
    return copied
