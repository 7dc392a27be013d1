"""Permissions that Lambda needs of a function's role to poll a source; checked at the start.

Sources: docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions and
services-dynamodb-eventsourcemapping.html ("Execution role permissions"); the message where they
lack, github.com/aws-samples/lambda-refarch-webapp/issues/7.
"""

from __future__ import annotations

from emulator.events.model import EventSourceMapping
from emulator.iam.authority import Need
from emulator.iam.gate import Gate
from emulator.providers import EmulatorError

_OF_QUEUES = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_OF_STREAMS = ("GetRecords", "GetShardIterator", "DescribeStream")


def check(mapping: EventSourceMapping, gate: Gate) -> None:
    """Raises EmulatorError with what CreateEventSourceMapping says on AWS."""
    source = mapping.source
    if ":sqs:" in source:
        for action in _OF_QUEUES:
            if gate.as_function(mapping.function, [Need(f"sqs:{action}", (source,))]):
                raise EmulatorError(
                    f"{source}: The provided execution role does not have permissions to call"
                    f" {action} on SQS (the function {mapping.function})"
                )
        return
    needs = [Need(f"dynamodb:{action}", (source,)) for action in _OF_STREAMS]
    if denial := gate.as_function(mapping.function, [*needs, Need("dynamodb:ListStreams", ("*",))]):
        raise EmulatorError(
            f"Cannot access stream {source}. Please ensure the role can perform the GetRecords,"
            " GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
            f" ({denial.message})"
        )
    if mapping.on_failure:
        need = Need("sqs:SendMessage", (mapping.on_failure,))
        if denial := gate.as_function(mapping.function, [need]):
            raise EmulatorError(f"{source}: its destination on failure: {denial.message}")
