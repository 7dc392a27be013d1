"""The push message of each platform. No I/O.

A push contains ids only: never the sender, never the payload. The device wakes, connects, syncs,
decrypts, and shows the text itself. A chat id is random and does not identify its members.

FCM: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages; inside SNS
docs.aws.amazon.com/sns/latest/dg/sns-fcm-v1-payloads.html. APNs:
developer.apple.com/documentation/usernotifications/generating-a-remote-notification.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdas.notifications.queue import Job
from lambdas.presence.devices import Device

TTL_SECONDS = 28 * 86_400  # FCM's maximum, for a phone that is offline
TEXT_KEY = "NEW_MESSAGE"  # the key of the app's localized text


class Target(NamedTuple):
    """A device to wake."""

    device: str
    arn: str
    platform: str | None


def to_wake(devices: Mapping[str, Device], job: Job, now: float) -> list[Target]:
    """The devices with an endpoint that hold no lease at `now` (seconds), or are in the job."""
    return [
        Target(name, device.endpoint_arn, device.platform)
        for name, device in devices.items()
        if device.endpoint_arn is not None and (name in job.devices or not device.connected(now))
    ]


def sns_message(job: Job) -> str:
    """The `Message` of SNS Publish with MessageStructure json: a form for each platform.

    FCM collapses by chat, because one wake-up fetches all messages. An APNs device shows the
    message that the push names, so there only a repeated push collapses, by message id
    (`message_attributes`).
    """
    data = {"message_id": job.message_id, "chat_id": job.chat}
    android = {
        "priority": "high" if job.urgent else "normal",
        "ttl": f"{TTL_SECONDS}s",
        "collapse_key": job.chat,
    }
    apns = {
        "aps": {"alert": {"loc-key": TEXT_KEY}, "mutable-content": 1, "thread-id": job.chat},
        **data,
    }
    forms = {
        "GCM": {"fcmV1Message": {"message": {"data": data, "android": android}}},
        "APNS": apns,
        "APNS_SANDBOX": apns,
    }
    return _text({"default": TEXT_KEY, **{name: _text(form) for name, form in forms.items()}})


def message_attributes(job: Job, platform: str | None) -> dict[str, Any]:
    """APNs headers, as SNS message attributes; none for FCM."""
    if platform not in ("apns", "apns_sandbox"):
        return {}
    prefix = "AWS.SNS.MOBILE.APNS"
    values = {
        f"{prefix}.PUSH_TYPE": "alert",
        f"{prefix}.PRIORITY": "10" if job.urgent else "5",
        f"{prefix}.COLLAPSE_ID": job.message_id,
        f"{prefix}{'_SANDBOX' if platform == 'apns_sandbox' else ''}.TTL": str(TTL_SECONDS),
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
