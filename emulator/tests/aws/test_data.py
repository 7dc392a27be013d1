"""Saved data comes back into a new server with the same resources."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any

import boto3
import pytest
from tests.aws.saved_data import Resources, opened, put, saved

from tests import aws_servers

PASSWORD = "Long-enough-1"

ITEM = {
    "map": {"M": {"phone": {"N": "1.5"}, "old": {"BOOL": False}}},
    "set": {"SS": ["a", "b"]},
    "bytes": {"B": b"\x00\xff"},
}


def test_items_users_tokens_and_push_endpoints_come_back(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        before = Resources(url)
        assert opened(url, file) == {"put_back": 0, "beside": {}, "notes": []}
        put(before, "devices", **ITEM)
        before.cognito.sign_up(ClientId=before.client, Username="ravi", Password=PASSWORD)
        before.cognito.admin_confirm_sign_up(UserPoolId=before.pool, Username="ravi")
        refresh = before.sign_in("USER_PASSWORD_AUTH", USERNAME="ravi", PASSWORD=PASSWORD)[
            "RefreshToken"
        ]
        endpoint = before.sns.create_platform_endpoint(
            PlatformApplicationArn=before.application, Token="token"
        )["EndpointArn"]
        before.sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
        saved(url, phones={"token": 1})
        assert file.stat().st_mode & 0o777 == 0o600
    with aws_servers.running() as url:
        after = Resources(url)
        assert opened(url, file) == {"put_back": 3, "beside": {"phones": {"token": 1}}, "notes": []}
        found = after.dynamodb.scan(TableName="items")["Items"]
        assert found == [{"user": {"S": "ravi"}, "item": {"S": "devices"}, **ITEM}]
        assert after.records() == []  # nobody reads the stream
        assert (after.pool, after.client) == (before.pool, before.client)
        assert after.sign_in("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh)["AccessToken"]
        assert after.sign_in("USER_PASSWORD_AUTH", USERNAME="ravi", PASSWORD=PASSWORD)
        attributes = after.sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]
        assert (attributes["Token"], attributes["Enabled"]) == ("token", "false")


def test_messages_come_back_in_their_order_and_are_still_known_as_sent(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"

    def queue(url: str) -> Callable[..., Any]:
        sqs: Any = boto3.client("sqs", endpoint_url=url)
        made = sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})
        return lambda name, **more: getattr(sqs, name)(QueueUrl=made["QueueUrl"], **more)

    with aws_servers.running() as url:
        call = queue(url)
        opened(url, file)
        for body in "abc":
            attributes = {"kind": {"DataType": "Binary", "BinaryValue": b"\xff"}}
            call(
                "send_message",
                MessageBody=body,
                MessageGroupId="g",
                MessageDeduplicationId=body,
                MessageAttributes=attributes,
            )
        taken = call("receive_message", MaxNumberOfMessages=2)["Messages"]
        call("delete_message", ReceiptHandle=taken[0]["ReceiptHandle"])  # b is in flight
        saved(url)
    with aws_servers.running() as url:
        call = queue(url)
        assert opened(url, file)["put_back"] == 2
        call("send_message", MessageBody="b", MessageGroupId="g", MessageDeduplicationId="b")
        names = ["ApproximateReceiveCount"]
        found = call(
            "receive_message",
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=names,
        )["Messages"]
        assert [each["Body"] for each in found] == ["b", "c"]
        assert [each["Attributes"][names[0]] for each in found] == ["2", "1"]
        assert found[0]["MessageAttributes"]["kind"]["BinaryValue"] == b"\xff"


def test_records_that_no_reader_is_past_come_back_with_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        before = Resources(url)
        opened(url, file)
        for item in ("one", "two", "three"):
            put(before, item)
        written = before.records()
        past_first = int(written[0]["dynamodb"]["SequenceNumber"])
        saved(url, positions={"streams": {"items": past_first}})
    for _ in range(2):  # also of a start in which nothing is written
        with aws_servers.running() as url:
            after = Resources(url)
            opened(url, file)
            assert after.records() == written[1:]
    put_after = int(written[-1]["dynamodb"]["SequenceNumber"]) + 1
    with aws_servers.running() as url:
        after = Resources(url)
        opened(url, file)
        put(after, "four")
        assert int(after.records()[-1]["dynamodb"]["SequenceNumber"]) == put_after


def test_what_is_not_saved_yet_is_saved_when_the_emulator_is_gone(tmp_path: Path) -> None:
    """The server's standard input ends with the emulator, also when that is killed."""
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        resources = Resources(url)
        opened(url, file)
        put(resources, "late")
    assert "late" in file.read_text()


def test_a_key_that_signs_comes_back_by_its_description(tmp_path: Path) -> None:
    file, public = tmp_path / "dev.json", []
    for count in (0, 1):
        with aws_servers.running() as url:
            kms: Any = boto3.client("kms", endpoint_url=url)
            wanted = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
            key = kms.create_key(Description="pushes", **wanted)["KeyMetadata"]["KeyId"]
            kms.create_key(Description="encrypts nothing")
            assert opened(url, file)["put_back"] == count
            public.append(kms.get_public_key(KeyId=key)["PublicKey"])
    assert public[0] == public[1]


def test_a_save_that_is_killed_leaves_the_earlier_one(tmp_path: Path) -> None:
    """The server is killed at a random moment of writing, again and again: each time everything is
    there that was saved before."""
    file, random = tmp_path / "dev.json", Random(7)
    text = {"text": {"S": "x" * 2000}}
    count = 0
    for _ in range(5):
        with suppress(ConnectionError, urllib.error.URLError), aws_servers.killed() as (url, kill):
            resources = Resources(url)
            assert opened(url, file)["put_back"] == count
            for _ in range(100):
                put(resources, f"{count:04d}", **text)
                count += 1
            saved(url)
            resources.dynamodb.delete_item(
                TableName="items", Key={"user": {"S": "ravi"}, "item": {"S": "0000"}}
            )
            Timer(random.uniform(0, 0.02), kill).start()
            saved(url)
        left = len(json.loads(file.read_text())["tables"]["items"])
        assert left in (count, count - 1)
        count = left


def without_a_place() -> dict[str, Any]:
    """By part of the file, something whose resource is not in the template."""
    users = [{"username": "ravi"}]
    return {
        "tables": {"items": [{"id": {"S": "ravi"}}], "gone": [{"id": {"S": "1"}}], "empty": []},
        "streams": {"gone": {"starting": 1, "records": [{}]}},
        "users": {
            "gone": {"users": users, "refresh_tokens": {}, "access_tokens": {}, "codes": []},
        },
        "endpoints": {"arn:1": {"application": "arn:gone", "attributes": {}}},
        "objects": {"gone": [{}], "empty": []},
        "keys": {"ECC_NIST_P256 pushes": "PEM"},
        "queues": {"gone": {"messages": [{}], "sent": []}},
    }


def test_what_has_no_place_is_reported_in_a_sentence_and_its_file_copied(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    content = json.dumps({"format": 2, **without_a_place()})
    file.write_text(content)
    with aws_servers.running() as url:
        resources = Resources(url)
        found = opened(url, file)
        assert found["put_back"] == 0
        *notes, copied = found["notes"]
        assert notes == [
            "the template has no bucket gone any more: its objects are left",
            "the template has no stream of a table gone any more: its 1 records are left",
            "the table items has other keys now: 1 items do not fit and are left",
            "the template has no table gone any more: its 1 items are left",
            "the template has no user pool gone any more: its 1 users are left",
            "the template has no platform application arn:gone any more: "
            "its 1 push endpoints are left",
            "the template has no key that signs (ECC_NIST_P256 pushes) any more: it is left",
            "the template has no queue gone any more: 1 messages left",
        ]
        put(resources, "new")
        saved(url)
    copy = Path(copied.removeprefix("what is left stays in "))
    assert "gone" not in file.read_text()
    assert (copy.parent, copy.read_text()) == (tmp_path, content)
    assert copy.stat().st_mode & 0o777 == 0o600
    with aws_servers.running() as url:  # nothing is left this time
        Resources(url)
        assert opened(url, file)["notes"] == []
    assert sorted(tmp_path.iterdir()) == sorted((file, copy))


def test_each_part_alone_makes_a_copy(tmp_path: Path) -> None:
    with aws_servers.running() as url:
        for part, content in without_a_place().items():
            file = tmp_path / f"{part}.json"
            file.write_text(json.dumps({"format": 2, part: content}))
            assert "stays in" in opened(url, file)["notes"][-1], part
            assert len(list(tmp_path.glob(f"{part}.*"))) == 2


def test_a_file_that_cannot_be_copied_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    content = json.dumps({"format": 2, **without_a_place()})
    file.write_text(content)
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    file.with_suffix(f".{written:%Y%m%d-%H%M%S-%f}.json").mkdir()  # something is in the way
    with aws_servers.running() as url:
        resources = Resources(url)
        with pytest.raises(urllib.error.HTTPError) as rejected:
            opened(url, file)
        assert "can't be copied" in rejected.value.read().decode()
        put(resources, "new")
    assert file.read_text() == content


def test_a_file_of_another_version_or_program_is_reported_and_not_written_over(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dev.json"
    with aws_servers.running() as url:
        for content, reason in (
            ('{"format": 4}', "was written by another version of the emulator (format 4, this one"),
            ('{"format": 2', "has no data of this emulator"),
            ("[]", "has no data of this emulator"),
        ):
            file.write_text(content)
            with pytest.raises(urllib.error.HTTPError) as rejected:
                opened(url, file)
            assert rejected.value.status == 422
            assert reason in rejected.value.read().decode()
            assert file.read_text() == content  # nothing is written over it
