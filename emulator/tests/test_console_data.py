"""The console's changes of tables, the owners of phones, and the project's reports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from emulator.console.commands import ApiError
from emulator.console.details import Details
from emulator.console.reports import Reports
from emulator.push.phones import Phones
from emulator.traces.ring import CALL, Ring

ITEM = {"id": {"S": "a"}, "body": {"B": "aGVsbG8="}, "parts": {"L": [{"M": {"n": {"N": "1"}}}]}}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.fixture
def clients(aws: str) -> Iterator[Callable[[str], Any]]:
    def made(service: str) -> Any:
        client: Any = boto3.client(service, endpoint_url=aws)  # type: ignore[call-overload]
        return client

    made("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield made
    made("dynamodb").delete_table(TableName="things")


def test_an_item_is_put_and_deleted_with_its_types(clients: Callable[[str], Any]) -> None:
    details = Details(Ring(lambda: 0.0), clients=clients, tables=["things"])

    def write(**order: Any) -> Any:
        return run(details.post(("tables", "things"), order))

    write(put=ITEM)
    assert run(details.get(("tables", "things"), {}))["items"] == [ITEM]
    write(put={**ITEM, "body": {"S": "other"}})
    assert run(details.get(("tables", "things"), {}))["items"][0]["body"] == {"S": "other"}
    write(delete=ITEM)  # its key is found in it
    assert run(details.get(("tables", "things"), {}))["items"] == []
    for wrong in ({"id": {"N": "1"}}, {"id": "a"}, {"id": {"B": "é"}}, {"body": {"S": "x"}}):
        with pytest.raises(ApiError) as raised:
            write(put=wrong)
        assert raised.value.status == 400, wrong
    with pytest.raises(ApiError, match="no table"):
        run(details.post(("tables", "others"), {"put": ITEM}))


def test_a_message_that_no_function_has_yet_stands_in_its_trace(
    clients: Callable[[str], Any],
) -> None:
    sqs = clients("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("jobs", "others")}
    sent = sqs.send_message(QueueUrl=urls["jobs"], MessageBody='{"message_id": "m-1"}')
    sqs.send_message(QueueUrl=urls["others"], MessageBody="not this one")
    ring = Ring(lambda: 1.0)
    result = json.dumps({"MessageId": sent["MessageId"]})
    ring.add(CALL, "SendMessage", at=1.0, given='{"x": "m-1"}', result=result)
    details = Details(ring, clients=clients, queue_urls=urls)
    steps = run(details.get(("trace",), {"id": "m-1"}))["steps"]
    assert [each["title"] for each in steps] == [
        "SendMessage",
        "waits in jobs: visible, received 0 times",
    ]
    sqs.purge_queue(QueueUrl=urls["jobs"])
    assert len(run(details.get(("trace",), {"id": "m-1"}))["steps"]) == 1


def test_a_phone_is_whose_item_has_its_token_or_its_endpoint(clients: Callable[[str], Any]) -> None:
    sns, dynamodb = clients("sns"), clients("dynamodb")
    made = sns.create_platform_application(
        Name="app", Platform="GCM", Attributes={"PlatformCredential": "x"}
    )
    application = made["PlatformApplicationArn"]
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="fcm-token")[
        "EndpointArn"
    ]
    for item in (
        {"id": f"push#{endpoint}", "held_by": "raju/phone"},
        {"id": "web", "held_by": "ravi/page", "endpoint": "http://push/web-token"},
        {"id": "fcm-token-unowned"},
    ):
        typed = {name: {"S": value} for name, value in item.items()}
        dynamodb.put_item(TableName="things", Item=typed)
    phones = Phones(lambda: 5.0)
    for token in ("fcm-token", "web-token", "stranger"):
        phones.receive(token, "fcm", {"n": 1})
    details = Details(
        Ring(lambda: 0.0), clients=clients, tables=["things"], phones=phones, owner="held_by"
    )
    listed = run(details.get(("phones",), {}))["phones"]
    assert {each["token"]: each["owner"] for each in listed} == {
        "fcm-token": "raju/phone",
        "web-token": "ravi/page",
        "stranger": None,
    }
    assert [push["message"] for push in listed[0]["newest"]] == [{"n": 1}]
    assert run(details.get(("phones", "fcm-token"), {}))["owner"] == "raju/phone"
    unset = Details(Ring(lambda: 0.0), clients=clients, tables=["things"], phones=phones)
    assert run(unset.get(("phones", "fcm-token"), {}))["owner"] is None


REPORT = """
import sys
if sys.argv[2] == "13":
    sys.exit("thirteen is too many")
print("## of", *sys.argv[1:])
"""


def test_a_report_is_what_a_module_of_the_project_prints(tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(REPORT, encoding="utf-8")
    reports = Reports(tmp_path, {"sums": "sums --users {users=10} {share=0.5}"})
    details = Details(Ring(lambda: 0.0), reports=reports)

    def get(name: str = "sums", **query: str) -> Any:
        return run(details.get(("reports", name), query))

    assert run(details.get(("reports",), {}))["reports"] == ["sums"]
    assert get()["text"] == "## of --users 10 0.5\n"
    assert get()["fields"] == {"users": "10", "share": "0.5"}
    assert get(users="20", other="x")["text"] == "## of --users 20 0.5\n"
    with pytest.raises(ApiError, match="thirteen is too many"):
        get(users="13")
    for wrong in ("", "-1", "--help", "1e9", "1 2", "٣", "/etc", "1\n"):
        with pytest.raises(ApiError, match="users is a number"):
            get(users=wrong)
    with pytest.raises(ApiError, match="no report"):
        get("others")
