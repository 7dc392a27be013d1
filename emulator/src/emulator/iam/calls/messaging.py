"""Calls of SQS and SNS.

Source: docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html and
list_amazonsns.html; of SQS's batches docs.aws.amazon.com/AWSSimpleQueueService/latest/
SQSDeveloperGuide/sqs-api-permissions-reference.html: "The actions SendMessageBatch,
DeleteMessageBatch, and ChangeMessageVisibilityBatch" are covered by those without "Batch", and a
redrive needs what it does with messages besides; of SNS
docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html:
sns:Publish "grants permission to both publish and publish batch".
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

from emulator.iam.authority import Need
from emulator.iam.calls.call import Call, Names, Place

_READ = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_OF_REDRIVES = {
    "StartMessageMoveTask": _READ,
    "CancelMessageMoveTask": _READ,
    "ListMessageMoveTasks": ("GetQueueAttributes",),
}


def queue_needs(call: Call, place: Place, names: Names) -> list[Need]:
    if call.operation in _OF_REDRIVES:
        return _redrive_needs(call, names)
    action = f"sqs:{call.operation.removesuffix('Batch')}"
    named = call.text("QueueUrl").rstrip("/").rpartition("/")[2] or call.text("QueueName")
    return [Need(action, (place.arn("sqs", named) if named else "*",))]


def _redrive_needs(call: Call, names: Names) -> list[Need]:
    """The permissions of a redrive. Without a destination the messages go to each queue that has
    this one for its dead letters. The calls of KMS for an encrypted queue are not checked, as for
    other calls of SQS."""
    source = call.text("SourceArn") or move_source(call.text("TaskHandle")) or "*"
    actions = (call.operation, *_OF_REDRIVES[call.operation])
    found = [Need(f"sqs:{action}", (source,)) for action in actions]
    if call.operation == "StartMessageMoveTask":
        named = call.text("DestinationArn")
        targets = [named] if named else names.dead_letter_sources(source)
        found += [Need("sqs:SendMessage", (target,)) for target in targets]
    return found


def move_handle(task: str, source: str) -> str:
    """A redrive's TaskHandle, as that of SQS: its id and the ARN of its dead-letter queue."""
    return b64encode(json.dumps({"taskId": task, "sourceArn": source}).encode()).decode()


def move_source(handle: str) -> str:
    """The ARN in a TaskHandle; empty where it can't be read, which SQS says itself."""
    try:
        found = json.loads(b64decode(handle))
    except ValueError:
        return ""
    source = found.get("sourceArn") if isinstance(found, dict) else None
    return source if isinstance(source, str) else ""


_ABOUT_ENDPOINTS = "EndpointArn"
_TOPICS = ("TopicArn", "ResourceArn")


def topic_needs(call: Call, place: Place) -> list[Need]:
    """The permissions of a call of SNS. Whoever gives SNS a role has to be allowed to pass it."""
    return [*_topic_needs(call, place), *_passed_roles(call)]


def _passed_roles(call: Call) -> list[Need]:
    """The roles in attributes such as SuccessFeedbackRoleArn, which the protocol numbers.
    docs.aws.amazon.com/sns/latest/dg/sns-msg-status.html"""
    roles = {
        call.text(f"{name.removesuffix('.key')}.value")
        for name, value in call.given.items()
        if name.startswith("Attributes.entry.") and str(value).endswith("FeedbackRoleArn")
    }
    return [Need("iam:PassRole", (role,)) for role in sorted(roles) if role]


def _topic_needs(call: Call, place: Place) -> list[Need]:
    """A push to a platform endpoint is checked on the endpoint or on its application, other calls
    about an endpoint on its application."""
    action = f"sns:{call.operation.removesuffix('Batch')}"
    if endpoint := call.text(_ABOUT_ENDPOINTS):
        return [Need(action, (_application_of(endpoint),))]
    if application := call.text("PlatformApplicationArn"):
        return [Need(action, (application,))]
    if call.operation == "CreatePlatformApplication":
        return [Need(action, (place.arn("sns", "app/*"),))]  # without the name that it will have
    if target := call.text("TargetArn"):
        alternatives = (target, _application_of(target)) if ":endpoint/" in target else (target,)
        return [Need(action, alternatives)]
    if call.text("PhoneNumber"):
        return [Need(action, ("*",))]
    if call.operation == "CreateTopic":
        return [Need(action, (place.arn("sns", call.text("Name")),))]
    for name in _TOPICS:
        if arn := call.text(name):
            return [Need(action, (arn,))]
    if subscription := call.text("SubscriptionArn"):
        return [Need(action, (subscription.rpartition(":")[0] or "*",))]
    return [Need(action, ("*",))]


def _application_of(endpoint: str) -> str:
    return endpoint.replace(":endpoint/", ":app/", 1).rpartition("/")[0] or "*"
