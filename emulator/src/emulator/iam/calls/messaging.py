"""Calls of SQS and SNS.

Source: docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html and
list_amazonsns.html; of SQS's batches docs.aws.amazon.com/AWSSimpleQueueService/latest/
SQSDeveloperGuide/sqs-api-permissions-reference.html: "The actions SendMessageBatch,
DeleteMessageBatch, and ChangeMessageVisibilityBatch" are covered by those without "Batch"; of SNS
docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html:
sns:Publish "grants permission to both publish and publish batch".
"""

from __future__ import annotations

from emulator.iam.authority import Need
from emulator.iam.calls.call import Call, Place


def queue_needs(call: Call, place: Place) -> list[Need]:
    action = f"sqs:{call.operation.removesuffix('Batch')}"
    named = call.text("QueueUrl").rstrip("/").rpartition("/")[2] or call.text("QueueName")
    arn = place.arn("sqs", named) if named else call.text("SourceArn")
    return [Need(action, (arn or "*",))]


_ABOUT_ENDPOINTS = "EndpointArn"
_TOPICS = ("TopicArn", "ResourceArn")


def topic_needs(call: Call, place: Place) -> list[Need]:
    """Whoever gives SNS a role has to be allowed to pass it."""
    return [*_topic_needs(call, place), *_passed_roles(call)]


def _passed_roles(call: Call) -> list[Need]:
    """Of attributes such as SuccessFeedbackRoleArn, which the protocol numbers.
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
