"""What a push says, on each platform: that there is something, never what or from whom."""

import json
from typing import Any

from lambdas.notifications import message
from lambdas.notifications.queue import Job
from lambdas.presence.devices import device_from

JOB = Job("raju", "chat-1", "01JDXA0000000000000000000A", urgent=True)
DATA = {"message_id": "01JDXA0000000000000000000A", "chat_id": "chat-1"}


def forms(job: Job) -> dict[str, Any]:
    outer = json.loads(message.sns_message(job))
    assert all(isinstance(value, str) for value in outer.values())
    return {name: json.loads(value) for name, value in outer.items() if name != "default"}


def test_the_shapes_are_those_of_the_protocol() -> None:
    apns = {
        "aps": {
            "alert": {"loc-key": "NEW_MESSAGE"},
            "mutable-content": 1,
            "thread-id": "chat-1",
        },
        **DATA,
    }
    assert forms(JOB) == {
        "GCM": {
            "fcmV1Message": {
                "message": {
                    "data": DATA,
                    "android": {"priority": "high", "ttl": "2419200s", "collapse_key": "chat-1"},
                }
            }
        },
        "APNS": apns,
        "APNS_SANDBOX": apns,
    }
    assert "default" in json.loads(message.sns_message(JOB))


def test_what_is_not_urgent_may_wait_for_the_phone_to_wake_by_itself() -> None:
    job = JOB._replace(urgent=False)
    assert forms(job)["GCM"]["fcmV1Message"]["message"]["android"]["priority"] == "normal"
    attributes = message.message_attributes(job, "apns")
    assert attributes["AWS.SNS.MOBILE.APNS.PRIORITY"]["StringValue"] == "5"


def test_a_repeated_push_collapses_on_apns_by_its_message() -> None:
    attributes = message.message_attributes(JOB, "apns")
    assert {name: value["StringValue"] for name, value in attributes.items()} == {
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
        "AWS.SNS.MOBILE.APNS.PRIORITY": "10",
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": JOB.message_id,
        "AWS.SNS.MOBILE.APNS.TTL": "2419200",
    }
    assert "AWS.SNS.MOBILE.APNS_SANDBOX.TTL" in message.message_attributes(JOB, "apns_sandbox")
    assert message.message_attributes(JOB, "fcm") == {}
    assert message.message_attributes(JOB, None) == {}


def test_the_largest_push_stays_under_four_kilobytes() -> None:
    longest = Job("u" * 32, "c" * 64, "0" * 36, urgent=False)
    for form in json.loads(message.sns_message(longest)).values():
        assert len(form.encode()) < 4096
    assert len(message.message_attributes(longest, "apns")["AWS.SNS.MOBILE.APNS.COLLAPSE_ID"]) <= 64


def test_the_recipient_is_not_in_the_push_and_neither_is_anything_else_of_the_job() -> None:
    text = message.sns_message(JOB)
    assert "raju" not in text
    for form in forms(JOB).values():
        assert "sender" not in json.dumps(form)


def test_a_connection_that_acknowledges_nothing_does_not_keep_a_phone_asleep() -> None:
    connected = {"connection_id": "c1", "connected_at": 1_000_000}
    devices = {
        "silent": device_from({**connected, "endpoint_arn": "arn:silent"}),
        "alive": device_from({**connected, "endpoint_arn": "arn:alive"}),
        "away": device_from({"endpoint_arn": "arn:away"}),
        "browser": device_from(connected),
    }
    job = Job("raju", "c", "m", urgent=True, devices=("browser", "silent"))
    woken = [target.device for target in message.to_wake(devices, job, now=1_060.0)]
    assert woken == ["silent", "away"]
