"""Requests of SNS that it rejects before it looks at what they are about, with its own codes.

moto fails for a malformed ARN, takes attributes without a value, counts the message alone, loses an
entry of a batch, knows no field that is required, and has other codes. Source: SNS API reference,
Publish, PublishBatch and CreatePlatformApplication; codes and messages are those that LocalStack
has recorded of SNS (github.com/localstack/localstack, tests/aws/services/sns).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from moto.core.utils import get_service_model
from moto.sns.exceptions import (
    BatchEntryIdsNotDistinct,
    SNSException,
    SNSInvalidParameter,
    TooManyEntriesInBatchRequest,
    TopicNotFound,
)
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse

from emulator.aws import sns_subscriptions
from emulator.aws.checks.sqs import NUMBER
from emulator.aws.checks.values import bytes_in
from emulator.aws.hooks import replace

MESSAGE_BYTES = 262_144  # "at most 256 KB in size (262,144 bytes, not 262,144 characters)": Publish
NO_DEFAULT = "Invalid parameter: Message Structure - No default entry in JSON message body"
UNPARSED = "Invalid parameter: Message Structure - JSON message body failed to parse"
# "Subjects must be ASCII text that begins with a letter, number, or punctuation mark; must not
# include line breaks or control characters; and must be less than 100 characters long": Publish.
# 100 are taken, as moto found: github.com/getmoto/moto/issues/1503
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
# "Mobile push notification message attributes" and "Amazon SNS TTL", developer guide: four weeks
_TTL = re.compile(r"AWS\.SNS\.MOBILE\.[A-Z_]+\.TTL")
MOST_TTL = 2_419_200
_ARNS = ("TopicArn", "TargetArn", "EndpointArn", "PlatformApplicationArn")
_NO_VALUE = "no value for required parameter"
_FIELDS = {"String": "StringValue", "Number": "StringValue", "Binary": "BinaryValue"}
_NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_BATCH_ID = re.compile(r"[A-Za-z0-9_-]*")
_LONGEST_ID, _LONGEST_NAME = 80, 256
_APPLICATION = re.compile(r"[A-Za-z0-9_.-]{1,256}")
# "ADM, APNS, APNS_SANDBOX, and GCM" and others: CreatePlatformApplication
_PLATFORMS = frozenset(
    {"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "MACOS"}
    | {"MACOS_SANDBOX", "MPNS", "WNS"}
)


class ParameterValueInvalid(SNSException):
    code = "ParameterValueInvalid"


class ValidationError(SNSException):
    code = "ValidationError"


class InvalidBatchEntryId(SNSException):
    code = "InvalidBatchEntryId"


class EmptyBatchRequest(SNSException):
    code = "EmptyBatchRequest"


class BatchRequestTooLong(SNSException):
    code = "BatchRequestTooLong"


def install() -> None:
    """Change moto's SNS as this module's docstring describes."""
    replace(SNSResponse, "publish", _to_one_target(SNSResponse.publish))
    sns_subscriptions.install()
    model = get_service_model("sns")
    for operation in model.operation_names:
        shape, name = model.operation_model(operation).input_shape, xform_name(operation)
        if shape is not None and hasattr(SNSResponse, name):
            replace(SNSResponse, name, _with_members(shape, getattr(SNSResponse, name)))
    original = SNSResponse._transform_message_attributes

    def transform(self: Any, message_attributes: dict[str, Any]) -> Any:
        for name, value in message_attributes.items():
            _check_name(name)
            _check_value(name, value)
        return original(self, message_attributes)

    replace(SNSResponse, "_transform_message_attributes", transform)
    replace(SNSBackend, "publish_batch", _publish_batch)
    replace(SNSBackend, "create_platform_application", _create_application())
    replace(SNSBackend, "delete_platform_application", _delete_application)


def _with_members(shape: Any, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The operation, with an input of this shape: ARNs are ARNs, and no required text lacks."""
    arns = [name for name in _ARNS if name in shape.members]
    texts = [
        name
        for name in shape.required_members
        if name not in arns and shape.members[name].type_name == "string"
    ]

    def operation(self: Any) -> Any:
        for name in arns:
            value = self._get_param(name)
            if value is not None:
                _check_arn(name, value)
            elif name in shape.required_members:
                raise SNSInvalidParameter(f"Invalid parameter: {name} Reason: {_NO_VALUE}")
        for name in texts:
            if self._get_param(name) is None:
                raise ValidationError(_is_null(f"{name[0].lower()}{name[1:]}"))
        return original(self)

    return operation


def _check_arn(name: str, value: str) -> None:
    parts = len(value.split(":"))
    if parts < 6:
        raise SNSInvalidParameter(
            f"Invalid parameter: {name} Reason: An ARN must have at least 6 elements, not {parts}"
        )


def _is_null(where: str) -> str:
    return (
        f"1 validation error detected: Value null at '{where}' failed to satisfy constraint: "
        "Member must not be null"
    )


def _to_one_target(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def publish(self: Any) -> Any:
        target, topic = self._get_param("TargetArn"), self._get_param("TopicArn")
        phone = self._get_param("PhoneNumber")
        if sum(each is not None for each in (target, topic, phone)) > 1:
            raise SNSInvalidParameter(
                "Invalid parameter: TopicArn, TargetArn and PhoneNumber Reason: a message has one "
                "of them"
            )
        if phone is not None and not re.fullmatch(r"\+[1-9]\d{1,14}", phone, re.ASCII):
            raise SNSInvalidParameter(
                f"Invalid parameter: PhoneNumber Reason: {phone} is not valid to publish to"
            )
        endpoint = target is not None and ":endpoint/" in target
        if endpoint and target not in self.backend.platform_endpoints:
            raise SNSInvalidParameter(
                "Invalid parameter: TargetArn Reason: No endpoint found for the target arn "
                "specified"
            )
        if not endpoint and (topic or target) and (topic or target) not in self.backend.topics:
            raise TopicNotFound
        return original(self)

    return publish


def check_publish(
    backend: Any, message: str, arn: str | None, phone_number: str | None = None, **given: Any
) -> None:
    """Raises SNS's error. Nothing is sent by then, so that a batch can be checked whole."""
    if not arn and not phone_number:
        raise SNSInvalidParameter(f"Invalid parameter: TopicArn or TargetArn Reason: {_NO_VALUE}")
    if given.get("message_structure") not in (None, "json"):
        raise SNSInvalidParameter("Invalid parameter: MessageStructure: invalid value")
    subject = given.get("subject")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise SNSInvalidParameter("Invalid parameter: Subject")
    for name, value in (given.get("message_attributes") or {}).items():
        text = str(value.get("Value", value.get("StringValue", "")))
        if _TTL.fullmatch(name) and not (text.isdigit() and int(text) <= MOST_TTL):
            raise SNSInvalidParameter(
                f"Invalid parameter: Message Reason: Invalid value for attribute {name}: {text}"
            )
    if not message:
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    topic = None if arn in backend.platform_endpoints else backend.topics.get(arn)
    _check_message(topic, message, **given)


def _check_message(
    topic: Any, message: str, group_id: Any = None, deduplication_id: Any = None, **given: Any
) -> None:
    """Checks a message to a topic or, where that is None, to an endpoint. Raises SNS's error."""
    if size(message, given.get("message_attributes") or {}) > MESSAGE_BYTES:
        raise SNSInvalidParameter("Invalid parameter: Message too long")
    if topic is None:
        return
    by_protocol = given.get("message_structure") == "json"
    if by_protocol and not isinstance(entries_of(message).get("default"), str):
        raise SNSInvalidParameter(NO_DEFAULT)
    if str(topic.fifo_topic).lower() != "true":
        if deduplication_id:
            raise SNSInvalidParameter(
                "Invalid parameter: MessageDeduplicationId Reason: The request includes "
                "MessageDeduplicationId parameter that is not valid for this topic type"
            )
        return
    if not group_id:
        raise SNSInvalidParameter(
            "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
        )
    if not deduplication_id and str(topic.content_based_deduplication).lower() != "true":
        raise SNSInvalidParameter(
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )


def entries_of(message: str) -> dict[str, Any]:
    """Of a message by protocol. Raises SNS's error."""
    try:
        entries = json.loads(message)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise SNSInvalidParameter(UNPARSED)
    return entries


def size(message: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of a message in bytes, with names, types and values of the attributes, as moto has
    them."""
    return len(message.encode()) + sum(
        len(name.encode()) + len(kind.encode()) + _bytes(kind, value["Value"])
        for name, value in attributes.items()
        for kind in (str(value["Type"]),)
    )


def _bytes(kind: str, value: Any) -> int:
    text = str(value)
    return bytes_in(text) if kind.startswith("Binary") else len(text.encode())


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        text = "Length of message attribute name must be less than 256 bytes."
        raise ParameterValueInvalid(text)
    if found := _NOT_OF_NAMES.search(name):
        raise ParameterValueInvalid(
            f"Invalid non-alphanumeric character '#x{ord(found[0]):X}' was found in the message "
            "attribute name. Can only include alphanumeric characters, hyphens, underscores, or "
            "dots."
        )
    for where, wrong in (("starting", name.startswith(".")), ("ending", name.endswith("."))):
        if wrong:
            raise ParameterValueInvalid(
                f"Invalid message attribute name {where} with character '.' was found."
            )
    if ".." in name:
        raise ParameterValueInvalid("Message attribute name can not have successive '.' character.")


def _check_value(name: str, value: Mapping[str, Any]) -> None:
    begin, kind = f"The message attribute '{name}'", value.get("DataType")
    if not kind:
        raise ValidationError(_is_null(f"messageAttributes.{name}.member.dataType"))
    base = kind.partition(".")[0]
    if base not in _FIELDS:
        raise ParameterValueInvalid(
            f"{begin} has an invalid message attribute type, the set of supported type prefixes is "
            "Binary, Number, and String."
        )
    given = [field for field in ("StringValue", "BinaryValue") if value.get(field)]
    if not given:
        raise ParameterValueInvalid(
            f"{begin} must contain non-empty message attribute value for message attribute type "
            f"'{kind}'."
        )
    if _FIELDS[base] not in given:
        field = _FIELDS[base].removesuffix("Value")
        raise ParameterValueInvalid(f"{begin} with type '{kind}' must use field '{field}'.")
    if base == "Number" and not NUMBER.fullmatch(value["StringValue"]):
        raise ParameterValueInvalid(f"Could not cast message attribute '{name}' value to number.")


def _publish_batch(
    self: Any, topic_arn: str, publish_batch_request_entries: list[dict[str, Any]]
) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Rejects all entries of a batch for an error in one of them, before the first is sent."""
    entries = publish_batch_request_entries
    if topic_arn not in self.topics:
        raise TopicNotFound
    if not entries:
        raise EmptyBatchRequest("The batch request doesn't contain any entries.")
    if len(entries) > 10:
        raise TooManyEntriesInBatchRequest
    for index, entry in enumerate(entries, 1):
        for name in ("Id", "Message"):
            if entry.get(name) is None:
                where = f"publishBatchRequestEntries.{index}.member.{name.lower()}"
                raise ValidationError(_is_null(where))
    ids = [entry["Id"] for entry in entries]
    for each in ids:
        _check_id(each)
    if len(set(ids)) < len(ids):
        raise BatchEntryIdsNotDistinct
    sizes = (size(entry["Message"], entry.get("MessageAttributes") or {}) for entry in entries)
    if sum(sizes) > MESSAGE_BYTES:
        raise BatchRequestTooLong("The length of all the messages put together is over the limit.")
    publishes = [(entry["Message"], topic_arn, _of_entry(entry)) for entry in entries]
    for message, arn, given in publishes:
        check_publish(self, message, arn, **given)
    sent = [self.publish(message, arn, **given) for message, arn, given in publishes]
    return [
        {"MessageId": message_id, "Id": id_} for message_id, id_ in zip(sent, ids, strict=True)
    ], []


def _of_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subject": entry.get("Subject"),
        "message_attributes": entry.get("MessageAttributes") or {},
        "group_id": entry.get("MessageGroupId"),
        "deduplication_id": entry.get("MessageDeduplicationId"),
        "message_structure": entry.get("MessageStructure"),
    }


def _check_id(id_: str) -> None:
    begin = "The Id of a batch entry in the batch request "
    if len(id_) > _LONGEST_ID:
        raise InvalidBatchEntryId(f"{begin}is too long: {id_}")
    if not id_ or not _BATCH_ID.fullmatch(id_):
        raise InvalidBatchEntryId(f"{begin}contains an impermissible character: {id_}")


def _create_application() -> Callable[..., Any]:
    original = SNSBackend.create_platform_application

    def create(self: Any, name: str, platform: str, attributes: dict[str, str]) -> Any:
        why = ""
        if not _APPLICATION.fullmatch(name):
            why = "Name Reason: 1 to 256 letters, numbers, underscores, hyphens and periods"
        elif platform not in _PLATFORMS:
            why = f"Platform Reason: {platform} is not supported"
        elif not attributes.get("PlatformCredential"):
            why = "Attributes Reason: PlatformCredential is required"
        elif platform.startswith("APNS") and not attributes.get("PlatformPrincipal"):
            why = "Attributes Reason: PlatformPrincipal is required"
        if why:
            raise SNSInvalidParameter(f"Invalid parameter: {why}")
        return original(self, name, platform, {"Enabled": "true"} | attributes)

    return create


def _delete_application(self: Any, platform_arn: str) -> None:
    """Deletes an application with its endpoints. To delete one that does not exist is no error."""
    if self.applications.pop(platform_arn, None) is None:
        return
    for endpoint in self.list_endpoints_by_platform_application(platform_arn):
        del self.platform_endpoints[endpoint.arn]
