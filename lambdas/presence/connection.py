"""Routes $connect and $disconnect: a device takes its lease, and returns it."""

from collections.abc import Mapping
from typing import Any

from lambdas.connections import Connections, Outcome, Post
from lambdas.errors import ChatError
from lambdas.presence.authorize import PROTOCOL
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import announce
from lambdas.presence.leases import displaced, online
from lambdas.settings import Aws, aws
from lambdas.telemetry import logger, metrics
from lambdas.websocket import Caller, caller_of

Event = Mapping[str, Any]
Response = dict[str, Any]

FAREWELL_SECONDS = 1.0  # $connect lives 6 s, and the new connection waits for it
TELL_SECONDS = 1.5


def connect(aws: Aws, caller: Caller, at: int) -> Response:
    """Takes the lease; the connection that had it is told, and closed. `at` in ms."""
    devices = Devices(aws.users)
    try:
        before = devices.connect(caller.user, caller.device, caller.connection_id, at)
    except ChatError as refusal:
        logger.info("refused a connection", extra={"reason": refusal.message})
        return {"statusCode": refusal.status}
    old = displaced(before, caller.device, caller.connection_id, aws.now())
    if old is not None:
        _say_farewell(aws.connections, old)
    if not online(before, aws.now()):
        _tell(aws, devices, caller.user)
    # of what the client offered, the protocol that is spoken
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL}}


def disconnect(aws: Aws, caller: Caller) -> Response:
    """Returns the lease, unless a newer connection has it."""
    devices = Devices(aws.users)
    left = devices.disconnect(caller.user, caller.device, caller.connection_id, aws.now())
    if left is not None and not online(left, aws.now()):
        _tell(aws, devices, caller.user)
    return {"statusCode": 200}


def _tell(aws: Aws, devices: Devices, user: str) -> None:
    """A connection does not fail because its watchers could not be told."""
    try:
        announce(aws.connections, devices, [user], clock=aws.now, within=TELL_SECONDS)
    except Exception:
        logger.exception("could not tell who watches")


def _say_farewell(connections: Connections, connection_id: str) -> None:
    (outcome,) = connections.post_all(
        [Post(connection_id, {"type": "displaced"})], FAREWELL_SECONDS
    )
    if outcome is not Outcome.GONE and connections.close(connection_id) is Outcome.FAILED:
        logger.warning("a displaced connection stays open until it is idle")


def answer(aws: Aws, event: Event) -> Response:
    """The response to a CONNECT or DISCONNECT event."""
    caller = caller_of(dict(event))
    context = event["requestContext"]
    logger.structure_logs(append=False, user=caller.user, device=caller.device)
    if context["eventType"] == "CONNECT":
        return connect(aws, caller, int(context["connectedAt"]))
    return disconnect(aws, caller)


@metrics.log_metrics
def handler(event: Event, _context: Any) -> Response:
    return answer(aws(), event)
