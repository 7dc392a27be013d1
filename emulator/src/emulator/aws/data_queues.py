"""The messages of queues, as they are saved and put back."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from moto.sqs.models import Message, sqs_backends

_FIELDS = (
    "body",
    "system_attributes",
    "sender_id",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "deduplication_id",
    "group_id",
    "sequence_number",
    "delayed_until",
)


def taken() -> dict[str, Any]:
    return {
        name: {
            "messages": [_saved(message) for message in queue._messages],
            "sent": [[*key, at] for key, at in queue.emulator_sent.items()],
        }
        for name, queue in _queues()
    }


def restore(saved: dict[str, Any], report: Callable[[str], None]) -> int:
    """Puts messages back. Those that were in flight are visible at once, as their receiver has
    ended. `report` gets a sentence for messages whose queue no longer exists."""
    queues, count = dict(_queues()), 0
    for name, content in saved.items():
        messages = content["messages"]
        if name not in queues:
            if messages:
                report(f"the template has no queue {name} any more: {len(messages)} messages left")
            continue
        queue = queues[name]
        for each in messages:
            queue._messages.append(_message(each))
        queue.emulator_sent = OrderedDict(
            ((group, identifier), at) for group, identifier, at in content["sent"]
        )
        count += len(messages)
    return count


def _queues() -> Iterator[tuple[str, Any]]:
    for regions in sqs_backends.values():
        for backend in regions.values():
            yield from backend.queues.items()


def _saved(message: Any) -> dict[str, Any]:
    attributes = {
        name: {**value, "BinaryValue": base64.b64encode(value["BinaryValue"]).decode()}
        if isinstance(value.get("BinaryValue"), bytes)
        else value
        for name, value in message.message_attributes.items()
    }
    fields = {name: getattr(message, name) for name in _FIELDS}
    source = getattr(message, "emulator_source", None)
    return {"id": message.id, "attributes": attributes, "source": source, **fields}


def _message(saved: dict[str, Any]) -> Message:
    message = Message(saved["id"], saved["body"], saved["system_attributes"])
    for name in _FIELDS:
        setattr(message, name, saved[name])
    if saved.get("source"):
        message.__dict__["emulator_source"] = saved["source"]
    message.message_attributes = {
        name: {**value, "BinaryValue": base64.b64decode(value["BinaryValue"])}
        if value.get("BinaryValue")
        else value
        for name, value in saved["attributes"].items()
    }
    return message
