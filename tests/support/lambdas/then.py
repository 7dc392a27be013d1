"""Then: what stands in the tables and in the queue, and what the protocol says of a frame."""

import json
from typing import Any

from emulator.aws.dynamodb_speed import wire
from tests.support.lambdas import documented
from tests.support.lambdas.backend import Backend, tables
from tests.support.lambdas.connection_api import Frame


def everything(_world: Backend) -> dict[str, Any]:
    """All items of all tables, to see that nothing was written."""
    return {
        name: [wire(item.attrs) for item in table.all_items()] for name, table in tables().items()
    }


def pushes(world: Backend) -> list[dict[str, Any]]:
    """The jobs in the push queue, which is empty afterwards."""
    jobs: list[dict[str, Any]] = []
    sqs = world.aws.sqs
    while found := sqs.receive_message(QueueUrl=world.queue_url, MaxNumberOfMessages=10):
        messages = found.get("Messages", [])
        if not messages:
            return jobs
        for message in messages:
            jobs.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=message["ReceiptHandle"])
    return jobs


def valid(frame: Frame) -> Frame:
    """The frame, if it is one that the protocol has a server send."""
    documented.require(f"server/{frame['type']}", frame)
    return frame


def is_error(response: Frame | None, code: str) -> str:
    """The message of an `error` frame of that code."""
    assert response is not None and valid(response)["type"] == "error", response
    assert response["code"] == code, response
    return str(response["message"])
