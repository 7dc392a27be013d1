"""The documents that functions and failure destinations get.

Source: Lambda developer guide, "Example DynamoDB Streams record event", "Example SQS message
event", "Configuring destinations for failed invocations" (DynamoDB streams).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.events.batching import Discarded, sequence_number
from emulator.functions.model import arn_of
from emulator.template.place import Place


def stream_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record as the stream's API gives it, as a function gets it."""
    shaped = {**record, "eventSourceARN": stream_arn}
    identity = record.get("userIdentity")
    if identity:
        shaped["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return shaped


def queue_record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    """A message as ReceiveMessage gives it, as a function gets it."""
    shaped = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _message_attribute(value)
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        shaped["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return shaped


def failure_notice(
    discarded: Discarded,
    *,
    request_id: str,
    function: str,
    stream_arn: str,
    shard_id: str,
    function_error: bool,
    now: float,
) -> dict[str, Any]:
    """The message to the on-failure queue: it says where the records are, and does not have
    them."""
    first, last = discarded.records[0], discarded.records[-1]
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    # null is what LocalStack has recorded where the function has reported items
    response["functionError"] = "Unhandled" if function_error else None
    region, account = stream_arn.split(":")[3:5]
    return {
        "requestContext": {
            "requestId": request_id,
            "functionArn": arn_of(function, Place(account, region)),
            "condition": discarded.condition,
            "approximateInvokeCount": discarded.invocations,
        },
        "responseContext": response,
        "version": "1.0",
        "timestamp": _iso(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": sequence_number(first),
            "endSequenceNumber": sequence_number(last),
            "approximateArrivalOfFirstRecord": _arrival(first),
            "approximateArrivalOfLastRecord": _arrival(last),
            "batchSize": len(discarded.records),
            "streamArn": stream_arn,
        },
    }


def _arrival(record: Mapping[str, Any]) -> str:
    return _iso(float(record["dynamodb"]["ApproximateCreationDateTime"]), "seconds")


def _iso(epoch: float, precision: str) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue"}
    shaped: dict[str, Any] = {new: value[old] for old, new in names.items() if old in value}
    return {
        **shaped,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
