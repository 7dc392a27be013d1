"""Push messages of each platform: they show that there is something, never what or from whom."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.notifications import message
from lambdas.notifications.endpoints import Endpoints, Owner
from lambdas.notifications.message import Push, Ring, TakeBack, Target
from lambdas.notifications.push_service import Outcome

RING = Ring("chat-1", "01JDXA0000000000000000000A", urgent=True, unread=3)
TAKE_BACK = TakeBack("chat-1", read=17, unread=2)
IDS = {"message_id": "01JDXA0000000000000000000A", "chat_id": "chat-1"}


def forms(push: Push) -> dict[str, Any]:
    outer = json.loads(message.sns_message(push))
    assert all(isinstance(value, str) for value in outer.values())
    return {name: json.loads(value) for name, value in outer.items() if name != "default"}


def test_a_ring_has_the_shapes_of_the_protocol() -> None:
    apns = {
        "aps": {
            "alert": {"loc-key": "NEW_MESSAGE"},
            "badge": 3,
            "mutable-content": 1,
            "thread-id": "chat-1",
        },
        **IDS,
    }
    assert forms(RING) == {
        "GCM": {
            "fcmV1Message": {
                "message": {
                    "data": {**IDS, "unread": "3"},
                    "android": {"priority": "high", "ttl": "2419200s", "collapse_key": "chat-1"},
                }
            }
        },
        "APNS": apns,
        "APNS_SANDBOX": apns,
    }
    assert "default" in json.loads(message.sns_message(RING))


def test_a_taking_back_shows_nothing_and_lowers_the_badge() -> None:
    apns = {"aps": {"badge": 2, "content-available": 1}, "chat_id": "chat-1", "read": "17"}
    assert forms(TAKE_BACK) == {
        "GCM": {
            "fcmV1Message": {
                "message": {
                    "data": {"chat_id": "chat-1", "read": "17", "unread": "2"},
                    "android": {"priority": "normal", "ttl": "2419200s", "collapse_key": "chat-1"},
                }
            }
        },
        "APNS": apns,
        "APNS_SANDBOX": apns,
    }


@pytest.mark.parametrize("push", [RING._replace(urgent=False), TAKE_BACK])
def test_what_is_not_urgent_may_wait_for_the_phone_to_wake_by_itself(push: Push) -> None:
    assert forms(push)["GCM"]["fcmV1Message"]["message"]["android"]["priority"] == "normal"
    attributes = message.message_attributes(push, "apns")
    assert attributes["AWS.SNS.MOBILE.APNS.PRIORITY"]["StringValue"] == "5"


@pytest.mark.parametrize(("push", "priority"), [(RING, "10"), (TAKE_BACK, "5")])
def test_all_pushes_of_a_chat_collapse_on_apns(push: Push, priority: str) -> None:
    attributes = message.message_attributes(push, "apns")
    assert {name: value["StringValue"] for name, value in attributes.items()} == {
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
        "AWS.SNS.MOBILE.APNS.PRIORITY": priority,
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": "chat-1",
        "AWS.SNS.MOBILE.APNS.TTL": "2419200",
    }
    assert "AWS.SNS.MOBILE.APNS_SANDBOX.TTL" in message.message_attributes(push, "apns_sandbox")
    assert message.message_attributes(push, "fcm") == {}
    assert message.message_attributes(push, None) == {}


def test_the_largest_push_stays_under_four_kilobytes() -> None:
    longest = Ring("c" * 64, "0" * 36, urgent=False, unread=10**9)
    for form in json.loads(message.sns_message(longest)).values():
        assert len(form.encode()) < 4096
    collapse = message.message_attributes(longest, "apns")["AWS.SNS.MOBILE.APNS.COLLAPSE_ID"]
    assert len(collapse["StringValue"].encode()) <= 64  # APNs' limit of a collapse id


@pytest.mark.parametrize("platform", ["fcm", "apns", "apns_sandbox"])
def test_what_sns_gets_is_for_the_platform_of_the_device(platform: str) -> None:
    requests: list[dict[str, Any]] = []
    sns: Any = SimpleNamespace(publish=lambda **request: requests.append(request))
    nothing: Any = None
    target, owner = Target("phone", "arn:x", platform), Owner("ravi/phone")
    assert Endpoints(sns, nothing).publish(target, RING, owner) is Outcome.DELIVERED
    (request,) = requests
    assert request == {
        "TargetArn": "arn:x",
        "Message": message.sns_message(RING),
        "MessageStructure": "json",
        "MessageAttributes": message.message_attributes(RING, platform),
    }
