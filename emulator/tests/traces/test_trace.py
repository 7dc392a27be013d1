"""The way of one text through records: which belong to it, and which don't."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from emulator.listening import HttpListener
from emulator.traces import collector, trace
from emulator.traces.collector import Collector
from emulator.traces.ring import CALL, INVOCATION, LONGEST, POST, PUSH, REQUEST, Ring

ID = "01HZX3VJ5Q"


def frame(message_id: str) -> str:
    body = json.dumps({"action": "send", "message_id": message_id})
    context = {"routeKey": "send", "eventType": "MESSAGE", "connectionId": "c1"}
    return json.dumps({"requestContext": context, "body": body})


def story() -> Ring:
    """A message of ravi's: stored, seen by the watch, queued, pushed. Another one beside it."""
    ring = Ring(lambda: 0.0)
    sent = json.dumps({"MessageId": "q-1"})
    queued = json.dumps({"Records": [{"eventSource": "aws:sqs", "messageId": "q-1"}]})
    stream = json.dumps({"Records": [{"eventSource": "aws:dynamodb", "id": ID}]})
    ring.add(INVOCATION, "Send", by="Send-1", at=1.0, ms=100, given=frame(ID))
    ring.add(
        CALL, "PutItem", by="Send-1", at=1.05, ms=1, given=f'{{"TableName": "Chats","id":"{ID}"}}'
    )
    ring.add(INVOCATION, "Send", by="Send-2", at=1.0, ms=100, given=frame("other"))
    ring.add(CALL, "PutItem", by="Send-2", at=1.05, ms=1, given='{"TableName": "Chats"}')
    ring.add(CALL, "UpdateItem", by="Send-1", at=1.2, ms=1, given='{"TableName": "Chats"}')  # later
    ring.add(INVOCATION, "Watch", by="Watch-1", at=2.0, ms=100, given=stream)
    ring.add(CALL, "SendMessage", by="Watch-1", at=2.05, given='{"QueueUrl": "q"}', result=sent)
    ring.add(INVOCATION, "Push", by="Push-1", at=3.0, ms=100, given=queued, error="ValueError: x")
    ring.add(CALL, "Publish", by="Push-1", at=3.05, ms=1, given='{"TargetArn": "arn:aws:e/1"}')
    ring.add(POST, "c2", by="Push-1", at=3.06, given="nudge")
    ring.add(PUSH, "token", at=3.2, given=f'{{"message_id": "{ID}"}}')
    return ring


def test_a_request_that_a_task_served_has_its_calls_as_an_invocation_has() -> None:
    ring = Ring(lambda: 0.0)
    path = "POST /api/chats"
    ring.add(REQUEST, "small-1", by="small-1", at=1.0, ms=100, given=path, id="1-a", result="201")
    ring.add(CALL, "PutItem", by="small-1", at=1.05, ms=1, given='{"TableName": "C","chat":"c1"}')
    ring.add(CALL, "PutItem", by="small-2", at=1.05, ms=1, given='{"TableName": "C"}')
    ring.add(CALL, "PutItem", by="small-1", at=1.2, ms=1, given='{"TableName": "C"}')  # later
    for text in ("1-a", "c1"):  # by what the request has, or by what one of its calls has
        steps = trace.as_json(trace.trace(ring, text), text)
        assert [(each["title"], each["of"]) for each in steps] == [
            ("small-1 serves POST /api/chats", None),
            ("PutItem C", 1),
        ]


def test_a_trace_goes_through_the_functions_their_calls_and_the_queue() -> None:
    steps = trace.as_json(trace.trace(story(), ID), ID)
    assert [(each["title"], each["after_ms"], each["of"]) for each in steps] == [
        ("Send handles the frame send", 0.0, None),
        ("PutItem Chats", 50.0, 1),
        ("Watch handles a stream's records", 1000.0, None),
        ("SendMessage q", 1050.0, 6),
        ("Push handles a queue's messages", 2000.0, None),
        ("Publish 1", 2050.0, 8),
        ("post on the connection c2", 2060.0, 8),
        ("push to the phone token", 2200.0, None),
    ]
    assert [each["error"] for each in steps if each["error"]] == ["ValueError: x"]


def test_a_call_with_the_text_leads_to_the_invocation_that_made_it() -> None:
    ring = Ring(lambda: 0.0)
    ring.add(INVOCATION, "Push", by="Push-1", at=1.0, ms=100, given="{}")
    ring.add(CALL, "Publish", by="Push-1", at=1.05, given=ID)
    assert [each.name for each in trace.trace(ring, ID)] == ["Push", "Publish"]


def test_nothing_is_found_of_no_text_and_of_one_that_is_nowhere() -> None:
    assert trace.trace(story(), "") == trace.trace(story(), "nowhere") == []


def test_the_newest_values_of_the_field_come_first_each_once() -> None:
    ring = story()
    ring.add(INVOCATION, "Send", at=9.0, ms=1, given=frame(ID))
    assert [each["id"] for each in trace.recent(ring, "message_id")] == ["other", ID]
    assert trace.recent(ring, "id") == []


def test_the_ring_drops_the_oldest_and_counts_them_and_shortens_a_long_text() -> None:
    ring = Ring(lambda: 5.0, most=2)
    for name in "abc":
        ring.add(PUSH, name, given="x" * (LONGEST + 1))
    assert [(each.name, each.number, each.at) for each in ring] == [("b", 2, 5.0), ("c", 3, 5.0)]
    assert ring.dropped == 1
    assert all(each.given.endswith("… (65,537 characters)") for each in ring)


def test_calls_are_fetched_once_and_what_was_written_comes_back_also_after_a_torn_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "data" / "dev.traces"
    asked: list[str] = []

    async def calls(request: web.BaseRequest) -> web.Response:
        asked.append(request.query["after"])
        made: Any = {"by": "Send-1", "at": 1.0, "ms": 1.0, "given": "{}", "result": "", "error": ""}
        fresh = [{"number": 7, "name": "PutItem", **made}] if request.query["after"] == "0" else []
        return web.json_response({"calls": fresh, "missed": 6 if fresh else 0})

    async def scenario(ring: Ring) -> None:
        aws = HttpListener(calls, 0, "AWS")
        await aws.start()
        collector = Collector(ring, aws.url, file)
        await collector.start()
        await collector.fetch()
        await collector.fetch()
        await collector.stop()
        await aws.stop()

    first = Ring(lambda: 0.0)
    asyncio.run(scenario(first))
    assert asked[:2] == ["0", "7"]
    assert ([each.name for each in first], first.dropped) == (["PutItem"], 6)
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("a") as torn:
        torn.write('{"number": 2, "ki')
    second = Ring(lambda: 0.0)
    asyncio.run(scenario(second))
    assert [each.name for each in second] == ["PutItem", "PutItem"]


def test_a_fetch_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "FETCH_INTERVAL_SECONDS", 0.0)
    enough = asyncio.Event()
    responses = [{}, {"calls": [{"number": 1}], "missed": 0}]

    async def calls(_request: web.BaseRequest) -> web.Response:
        if responses:
            return web.json_response(responses.pop(0))
        enough.set()
        return web.json_response({"calls": [], "missed": 0})

    async def scenario() -> None:
        aws = HttpListener(calls, 0, "AWS")
        await aws.start()
        collecting = Collector(Ring(lambda: 0.0), aws.url, tmp_path / "dev.traces")
        await collecting.start()
        try:
            await asyncio.wait_for(enough.wait(), 60)
        finally:
            await collecting.stop()
            await aws.stop()

    asyncio.run(scenario())


def test_further_attempts_are_counted() -> None:
    ring = Ring(lambda: 0.0)
    for _ in range(2):  # a stream's batch is given again as it was
        ring.add(INVOCATION, "Watch", given='{"eventSource": "aws:dynamodb", "id": "x"}')
    ring.add(INVOCATION, "Watch", given='{"eventSource": "aws:dynamodb", "id": "x", "more": 1}')
    received = '{"Records": [{"attributes": {"ApproximateReceiveCount": "%d"}, "id": "x"}]}'
    for count in (1, 3):
        ring.add(INVOCATION, "Push", given=received % count)
    steps = trace.as_json(trace.trace(ring, "x"), "x")
    assert [(each["name"], each["attempt"]) for each in steps] == [
        ("Watch", 1),
        ("Watch", 2),
        ("Watch", 1),
        ("Push", 1),
        ("Push", 3),
    ]
