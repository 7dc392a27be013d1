"""The push messages of each platform. No I/O.

A push contains ids and numbers only: never the sender, never the payload. The device wakes,
connects, syncs, decrypts, and shows the text itself. A chat id is random and does not identify its
members.

FCM: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages; inside SNS
docs.aws.amazon.com/sns/latest/dg/sns-fcm-v1-payloads.html. APNs:
developer.apple.com/documentation/usernotifications/generating-a-remote-notification,
.../sending-notification-requests-to-apns (push types and collapse ids).
"""

import json
from typing import Any, NamedTuple

TTL_SECONDS = 28 * 86_400  # FCM's maximum, for a phone that is offline
TEXT_KEY = "NEW_MESSAGE"  # the key of the app's localized text


class Target(NamedTuple):
    """A device to wake. `arn` is its SNS endpoint's, or the name of its Web Push subscription."""

    device: str
    arn: str
    platform: str | None


class Ring(NamedTuple):
    """There is something to read: `message_id` is the newest text, `unread` of all chats."""

    chat: str
    message_id: str
    urgent: bool
    unread: int


class TakeBack(NamedTuple):
    """What rang was read elsewhere, up to seq `read`: shows nothing, and lowers the badge."""

    chat: str
    read: int
    unread: int


Push = Ring | TakeBack


def sns_message(push: Push) -> str:
    """The `Message` of SNS Publish with MessageStructure json: a form for each platform.

    All pushes of a chat collapse into the last one: a wake-up fetches all messages, and a ring that
    was not delivered yet is replaced by its taking back.
    """
    if isinstance(push, Ring):
        ids = {"message_id": push.message_id, "chat_id": push.chat}
        aps = {
            "alert": {"loc-key": TEXT_KEY},
            "badge": push.unread,
            "mutable-content": 1,
            "thread-id": push.chat,
        }
    else:
        ids = {"chat_id": push.chat, "read": str(push.read)}
        aps = {"badge": push.unread, "content-available": 1}
    android = {
        "priority": "high" if is_urgent(push) else "normal",
        "ttl": f"{TTL_SECONDS}s",
        "collapse_key": push.chat,
    }
    data = {**ids, "unread": str(push.unread)}
    apns = {"aps": aps, **ids}
    forms = {
        "GCM": {"fcmV1Message": {"message": {"data": data, "android": android}}},
        "APNS": apns,
        "APNS_SANDBOX": apns,
    }
    return _text({"default": TEXT_KEY, **{name: _text(form) for name, form in forms.items()}})


def message_attributes(push: Push, platform: str | None) -> dict[str, Any]:
    """APNs headers, as SNS message attributes; none for FCM.

    A taking back has the push type `alert` too: with `background` APNs takes no badge.
    """
    if platform not in ("apns", "apns_sandbox"):
        return {}
    prefix = "AWS.SNS.MOBILE.APNS"
    values = {
        f"{prefix}.PUSH_TYPE": "alert",
        f"{prefix}.PRIORITY": "10" if is_urgent(push) else "5",
        f"{prefix}.COLLAPSE_ID": push.chat,
        f"{prefix}{'_SANDBOX' if platform == 'apns_sandbox' else ''}.TTL": str(TTL_SECONDS),
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def is_urgent(push: Push) -> bool:
    return isinstance(push, Ring) and push.urgent


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
