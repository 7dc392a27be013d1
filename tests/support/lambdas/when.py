"""When: a device sends a frame. Each goes through the handler of its route, as an event.

A device without a connection opens one for its frame: only who holds a lease can send.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from lambdas.delivery import delivery_watch
from stacks.config.functions import FUNCTIONS
from tests.support.lambdas import events, given
from tests.support.lambdas.backend import Backend
from tests.support.lambdas.connection_api import Frame


def handler_of(route: str) -> Callable[[Any, Any], Any]:
    """The handler of the function that has the route; of $default, if none has it."""
    names = {route: row.handler for row in FUNCTIONS.values() for route in row.routes}
    module, _, name = names.get(route, names["$default"]).rpartition(".")
    handler: Callable[[Any, Any], Any] = getattr(import_module(module), name)
    return handler


def raw(world: Backend, user: str, device: str, body: Any, route: str | None = None) -> Any:
    """The route response to a frame: its document, or None where nothing is sent."""
    action = route or (body.get("action") if isinstance(body, dict) else None)
    handler = handler_of(str(action))
    with given.holding_a_lease(world, user, device) as connection_id:
        response = handler(events.message(user, device, connection_id, body), None)
    assert response["statusCode"] == 200
    return json.loads(response["body"]) if "body" in response else None


def sends(world: Backend, user: str, chat: str, /, device: str = "phone", **fields: Any) -> Frame:
    """`accepted`, or `error`."""
    frame = {"action": "send", "chat": chat, "message_id": str(uuid.uuid4())}
    frame |= {"alg": "olm.v1"} if "to" in fields else {"alg": "megolm.v1", "payload": "aGk"}
    response: Frame = raw(world, user, device, {**frame, **fields})
    return response


def syncs(
    world: Backend,
    user: str,
    device: str = "phone",
    chats: dict[str, int] | None = None,
    cursor: str | None = None,
) -> tuple[list[Frame], Frame]:
    """The messages that were posted, as `message` frames, and the response."""
    before = len(world.frames(user, device))
    asked = {"chats": chats, "cursor": cursor}
    frame = {name: value for name, value in asked.items() if value is not None}
    response = raw(world, user, device, {"action": "sync", **frame})
    posted = world.frames(user, device)[before:]
    messages = [message for frame in posted for message in frame.get("messages", ())]
    return [{"type": "message", **message} for message in messages], response


def acknowledges(
    world: Backend,
    user: str,
    chat: str,
    device: str = "phone",
    *,
    senders: Sequence[str] = (),
    **marks: int,
) -> Frame | None:
    """A receipt; None is the response to a good one."""
    frame = {"action": "receipt", "chat": chat, "senders": list(senders), **marks}
    response: Frame | None = raw(world, user, device, frame)
    return response


def delivery_watch_runs(world: Backend, *records: Any) -> list[str]:
    """The sequence numbers of the batch items that failed."""
    world.clock.pass_seconds(10)  # as the messages in the records are by then
    response = delivery_watch.handler({"Records": list(records)}, None)
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]
