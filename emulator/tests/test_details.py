"""The details of the console, as JSON: functions, queues, tables, connections, traces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from emulator.console.commands import ApiError
from emulator.console.details import Details
from emulator.console.items import PAGE
from emulator.providers import EmulatorError, InvokeResult
from emulator.push.phones import Phones
from emulator.traces.ring import CALL, INVOCATION, POST, REQUEST, Ring


class OneFunction:
    """`arn:...:send`, called Send; returns its event."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def label(self, reference: str) -> str:
        if reference != "send":
            raise EmulatorError(f"there is no function {reference!r} (there are: send)")
        return "Send"

    def state(self) -> dict[str, Any]:
        error = {"text": "lambdas/send.py:3: NameError: x", "at": 7.0}
        return {
            "functions": [
                {"name": "send", "label": "Send", "error": error},
                {"name": "push", "label": "Push", "error": None},
            ]
        }

    async def invoke(self, reference: str, event: bytes) -> InvokeResult:
        self._ring.add(INVOCATION, "Send", given=event, result=event)
        return InvokeResult(event, False)


@pytest.fixture
def ring() -> Ring:
    return Ring(lambda: 1.0)


@pytest.fixture
def details(ring: Ring, tmp_path: Path) -> Details:
    return Details(ring, functions=OneFunction(ring), logs=tmp_path)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"from": "20"}, [2, 3]),
        ({"to": "20"}, [1, 2]),
        ({"from": "15", "to": "20.5"}, [2]),
        ({"from": "31"}, []),
    ],
)
def test_a_range_of_time_holds_for_invocations_messages_traces_and_the_log(
    ring: Ring, details: Details, tmp_path: Path, query: dict[str, str], numbers: list[int]
) -> None:
    lines = []
    for n in (1, 2, 3):
        frame = f'{{"eventType": "MESSAGE", "message_id": "m{n}", "text": "every"}}'
        ring.add(INVOCATION, "Send", at=10.0 * n, given=frame)
        stamp = f"1970-01-01 00:00:{10 * n},000+0000"
        lines += [json.dumps({"timestamp": stamp, "message": str(n)}), f"  traceback of {n}"]
    (tmp_path / "Send.log").write_text("\n".join(["before all", *lines]))
    shown = run(details.get(("functions", "send"), query))["invocations"]
    assert [each["at"] / 10 for each in reversed(shown)] == numbers
    recent = run(details.get(("trace",), query))["recent"]
    assert [each["id"] for each in reversed(recent)] == [f"m{n}" for n in numbers]
    steps = run(details.get(("trace",), {"id": "every", **query}))["steps"]
    assert [each["at"] / 10 for each in steps] == numbers
    log = run(details.get(("functions", "send", "log"), query))["lines"]
    wanted = [line for n in numbers for line in lines[2 * n - 2 : 2 * n]]
    assert log == ([] if query else ["before all"]) + wanted


@pytest.mark.parametrize("text", ["x", "nan", "inf", "2026-11-29T14:00"])
def test_what_is_no_time_is_an_error(details: Details, text: str) -> None:
    with pytest.raises(ApiError, match="a time in seconds"):
        run(details.get(("trace",), {"from": text}))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_invocations_are_paged_and_an_event_is_invoked(details: Details, ring: Ring) -> None:
    for n in range(PAGE + 1):
        ring.add(INVOCATION, "Send", given=f"{n}")
    ring.add(INVOCATION, "Push")
    first = run(details.get(("functions", "send"), {}))
    assert [each["given"] for each in first["invocations"][:2]] == [f"{PAGE}", f"{PAGE - 1}"]
    second = run(details.get(("functions", "send"), {"before": str(first["before"])}))
    assert ([each["given"] for each in second["invocations"]], second["before"]) == (["0"], None)
    done = run(details.post(("functions", "Send"), {"event": {"a": 1}}))  # as records name it
    newest = run(details.get(("functions", "Send"), {}))["invocations"][0]
    assert (newest["number"], newest["given"]) == (done["number"], '{"a": 1}')


def test_what_phones_hold_survives_a_restart() -> None:
    before, after = Phones(lambda: 3.0), Phones(lambda: 9.0)
    before.receive("token", "fcm", {"data": {"unread": "1"}})
    before.uninstall("gone")
    after.put_back(json.loads(json.dumps(before.saved())))
    assert after.phone("token") == before.phone("token")
    assert after.uninstalled_at("gone") == 3.0


@pytest.mark.parametrize(
    ("kind", "error", "fails"),
    [
        (INVOCATION, "ValueError: x", True),
        (REQUEST, "502", True),
        (CALL, "AccessDenied: User: a is not authorized to perform: sqs:SendMessage on r", True),
        (CALL, "ConditionalCheckFailedException: The conditional request failed", False),
        (POST, "410: gone", False),
        (INVOCATION, "", False),
    ],
)
def test_the_last_failure_is_one_that_a_person_can_repair(
    ring: Ring, details: Details, kind: str, error: str, fails: bool
) -> None:
    assert details.last_failure() is None
    ring.add(INVOCATION, "Before", at=3.0, error="earlier", given="secret")
    ring.add(kind, "it", at=4.0, error=error)
    found = details.last_failure()
    assert found is not None
    assert (found["name"], found["at"]) == (("it", 4.0) if fails else ("Before", 3.0))
    assert "given" not in found


def test_errors_of_the_code_are_listed(details: Details) -> None:
    text = "Send: lambdas/send.py:3: NameError: x"
    assert details.faults() == {"faults": [{"text": text, "at": 7.0}]}


def test_a_log_is_searched(details: Details, tmp_path: Path) -> None:
    assert run(details.get(("functions", "send", "log"), {}))["lines"] == []
    (tmp_path / "Send.log").write_text("one\ntwo\nmore of one\n", encoding="utf-8")
    found = run(details.get(("functions", "send", "log"), {"text": "one"}))
    assert found["lines"] == ["one", "more of one"]


def test_a_connection_shows_what_came_and_what_was_posted(details: Details, ring: Ring) -> None:
    ring.add(INVOCATION, "Send", given='{"requestContext": {"connectionId": "c1"}}')
    ring.add(POST, "c1", given="hello")
    ring.add(POST, "c2", given="no")
    found = run(details.get(("connections", "c1"), {}))
    assert [each["kind"] for each in found["steps"]] == ["post", "invocation"]


@pytest.mark.parametrize(
    "path", [("functions", "x"), ("queues", "x"), ("tables", "x"), ("trace", "x")]
)
def test_what_is_not_there_is_reported_by_name(details: Details, path: tuple[str, ...]) -> None:
    with pytest.raises(ApiError, match="there is no") as raised:
        run(details.get(path, {}))
    assert raised.value.status == 404


@pytest.mark.parametrize("body", [{}, {"event": 1, "more": 2}, {"redrive": 1}, {"redrive": "all"}])
def test_an_unknown_command_is_rejected(details: Details, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match=r'the body is \{"event"'):
        run(details.post(("functions", "send"), body))


@pytest.fixture
def dead(aws: str) -> tuple[Details, Callable[[str], list[str]], Any]:
    """A queue and its dead-letter queue, which has a and b; `bodies(name)` looks at one."""
    sqs: Any = boto3.client("sqs", endpoint_url=aws)
    urls: dict[str, str] = {}
    for name in ("dead.fifo", "jobs.fifo"):
        policy = {"deadLetterTargetArn": urls.get("arn", ""), "maxReceiveCount": 1}
        more = {"RedrivePolicy": json.dumps(policy)} if urls else {}
        made = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", **more})
        urls[name] = made["QueueUrl"]
        described = sqs.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])
        urls["arn"] = described["Attributes"]["QueueArn"]
        sqs.purge_queue(QueueUrl=urls[name])
    for body in "ab":
        sqs.send_message(
            QueueUrl=urls["dead.fifo"],
            MessageBody=body,
            MessageGroupId=body,
            MessageDeduplicationId=f"{body}-{id(urls)}",
        )
    clients = lambda service: boto3.client(service, endpoint_url=aws)  # noqa: E731
    details = Details(Ring(lambda: 0.0), clients=clients, queue_urls=urls)

    def bodies(name: str) -> list[str]:
        found = run(details.get(("queues", name), {}))
        return [each["body"] for each in found["messages"]]

    return details, bodies, urls


def test_dead_letters_are_looked_at_and_moved_back_one_or_all(dead: Any, aws: str) -> None:
    details, bodies, urls = dead
    assert bodies("dead.fifo") == bodies("dead.fifo") == ["a", "b"]  # a look takes nothing
    found = run(details.get(("queues", "dead.fifo"), {}))
    assert (found["sources"], found["total"]) == (["jobs.fifo"], 2)
    first = found["messages"][1]["id"]
    assert run(details.post(("queues", "dead.fifo"), {"redrive": first})) == {"moved": 1}
    assert (bodies("dead.fifo"), bodies("jobs.fifo")) == (["a"], ["b"])
    assert run(details.post(("queues", "dead.fifo"), {"redrive": "all"})) == {"moved": 1}
    assert (bodies("dead.fifo"), bodies("jobs.fifo")) == ([], ["b", "a"])
    with pytest.raises(ApiError, match="of 0 queues"):
        run(details.post(("queues", "jobs.fifo"), {"redrive": "all"}))

    names = [f"c{number:02}" for number in range(14)]  # SQS gives ten of a group at once
    sqs: Any = boto3.client("sqs", endpoint_url=aws)
    for name in names:
        sqs.send_message(
            QueueUrl=urls["dead.fifo"],
            MessageBody=name,
            MessageGroupId="c",
            MessageDeduplicationId=f"{name}-{id(urls)}",
        )
    found = run(details.get(("queues", "dead.fifo"), {}))["messages"]
    (last,) = (each["id"] for each in found if each["body"] == "c13")
    with pytest.raises(ApiError, match="behind ten others"):
        run(details.post(("queues", "dead.fifo"), {"redrive": last}))
    assert run(details.post(("queues", "dead.fifo"), {"redrive": "all"})) == {"moved": 14}
    assert bodies("dead.fifo") == []
    assert bodies("jobs.fifo") == ["b", "a", *names]


def test_items_are_paged_with_their_types(aws: str) -> None:
    dynamodb: Any = boto3.client("dynamodb", endpoint_url=aws)
    dynamodb.create_table(
        TableName="paged",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for n in range(PAGE + 1):
        item = {"id": {"S": f"{n}"}, "bytes": {"B": b"\xff"}}
        dynamodb.put_item(TableName="paged", Item=item)
    details = Details(Ring(lambda: 0.0), clients=lambda _service: dynamodb, tables=["paged"])
    first = run(details.get(("tables", "paged"), {}))
    assert (first["keys"], first["count"], len(first["items"])) == (["id"], PAGE + 1, PAGE)
    assert first["items"][0]["bytes"] == {"B": "/w=="}
    second = run(details.get(("tables", "paged"), {"start": json.dumps(first["next"])}))
    assert (len(second["items"]), second["next"]) == (1, None)
    with pytest.raises(ApiError, match="a key as JSON"):
        run(details.get(("tables", "paged"), {"start": "{"}))


def test_items_are_found_by_their_key(aws: str) -> None:
    dynamodb: Any = boto3.client("dynamodb", endpoint_url=aws)
    for name, kind in (("texts", "S"), ("numbers", "N")):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "user", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": kind},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    for user, item in (("ravi", "chat#1"), ("ravi", "chat#2"), ("ravi", "device#a"), ("raju", "x")):
        dynamodb.put_item(TableName="texts", Item={"user": {"S": user}, "item": {"S": item}})
    for n in range(PAGE + 1):
        dynamodb.put_item(TableName="numbers", Item={"user": {"S": "ravi"}, "item": {"N": str(n)}})
    tables = ["texts", "numbers", "paged"]
    details = Details(Ring(lambda: 0.0), clients=lambda _service: dynamodb, tables=tables)

    def found(table: str, **query: str) -> list[str]:
        response = run(details.get(("tables", table), query))
        return [next(iter(each["item"].values())) for each in response["items"]]

    assert found("texts", partition="ravi") == ["chat#1", "chat#2", "device#a"]
    assert found("texts", partition="ravi", begins="chat#") == ["chat#1", "chat#2"]
    assert found("texts", partition="nobody") == []
    assert found("numbers", partition="ravi", begins="7") == ["7"]
    first = run(details.get(("tables", "numbers"), {"partition": "ravi"}))
    assert (len(first["items"]), first["types"]) == (PAGE, ["S", "N"])
    start = json.dumps(first["next"])
    assert found("numbers", partition="ravi", start=start) == [str(PAGE)]
    with pytest.raises(ApiError):
        found("numbers", partition="ravi", begins="seven")
    with pytest.raises(ApiError):
        found("texts", partition="")  # no key is empty


def test_the_server_knows_who_made_which_call_and_leaves_reads_out(aws: str) -> None:
    def client(service: str, worker: str) -> Any:
        keys = {"aws_access_key_id": worker, "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=aws, **keys)  # type: ignore[call-overload]

    sqs = client("sqs", "Send-3f9a1c")
    before = httpx.get(f"{aws}/_local/calls").json()["calls"]
    last = before[-1]["number"] if before else 0
    url = sqs.create_queue(QueueName="calls")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.receive_message(QueueUrl=url)
    with pytest.raises(sqs.exceptions.ClientError):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="none")
    sns = client("sns", "Push-1")
    topic = sns.create_topic(Name="calls")["TopicArn"]
    sns.publish(TopicArn=topic, Message="m")
    found = httpx.get(f"{aws}/_local/calls?after={last}").json()
    assert found["missed"] == 0
    assert [(each["by"], each["name"], bool(each["error"])) for each in found["calls"]] == [
        ("Send-3f9a1c", "CreateQueue", False),
        ("Send-3f9a1c", "SendMessage", False),
        ("Send-3f9a1c", "DeleteMessage", True),
        ("Push-1", "CreateTopic", False),
        ("Push-1", "Publish", False),
    ]
    assert "MessageId" in found["calls"][1]["result"]


def test_what_a_task_logged_is_a_step_of_a_trace_and_names_a_message(
    ring: Ring, details: Details, tmp_path: Path
) -> None:
    """Frames of a socket that a task holds are no records of the emulator."""
    ring.add(INVOCATION, "Send", at=30.0, given='{"eventType": "MESSAGE", "message_id": "m1"}')
    ring.add(CALL, "PutItem", by="tasks-1", at=20.0, given='{"id": "m2"}')

    def line(second: int, **fields: str) -> str:
        return json.dumps({"timestamp": f"1970-01-01 00:00:{second},000+0000", **fields})

    (tmp_path / "tasks-1.log").write_text(
        "\n".join(
            [
                line(10, message="accepted", message_id="m2"),
                line(11, message="a metric", _aws="", message_id="m3"),
                "no JSON with m2",
            ]
        )
    )
    (tmp_path / "Send.log").write_text(line(12, message="of a record", message_id="m2"))
    shown = run(details.get(("trace",), {"id": "m2"}))["steps"]
    assert [each["title"] for each in shown] == ["tasks-1 logs: accepted", "PutItem"]
    assert [each["has_text"] for each in shown] == [True, True]
    recent = run(details.get(("trace",), {}))["recent"]
    assert [(each["id"], each["function"]) for each in recent] == [
        ("m1", "Send"),
        ("m2", "tasks-1"),
    ]
    assert run(details.get(("trace",), {"from": "25"}))["recent"] == recent[:1]


def test_a_message_that_a_function_and_a_task_had_is_listed_once_with_its_error(
    ring: Ring, details: Details, tmp_path: Path
) -> None:
    given = '{"eventType": "MESSAGE", "message_id": "%s"}'
    ring.add(INVOCATION, "Send", at=5.0, given=given % "m0")
    for number in range(1, 51):  # as many as are listed
        ring.add(INVOCATION, "Send", at=9.0 + number, given=given % f"m{number}", error="no")
    lines = [
        {"timestamp": "1970-01-01 00:00:59,500+0000", "message": "took", "message_id": id}
        for id in ("m0", "m50", "other")
    ]
    (tmp_path / "tasks-1.log").write_text("\n".join(json.dumps(each) for each in lines))
    recent = run(details.get(("trace",), {}))["recent"]
    assert [(each["id"], each["error"]) for each in recent[:3]] == [
        ("other", ""),
        ("m50", "no"),
        ("m49", "no"),
    ]
    assert len({each["id"] for each in recent}) == len(recent) == 50
