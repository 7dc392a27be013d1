"""Function Connection, routes $connect and $disconnect: a device takes and returns its lease."""

from collections.abc import Mapping
from typing import Any

from lambdas.errors import ChatError
from lambdas.presence.authorize import PROTOCOL
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import announce
from lambdas.presence.leases import displaced, online
from lambdas.settings import Aws, invoked, prepare
from lambdas.telemetry import about, logger, metrics
from lambdas.websocket import Caller, caller_of, cut_off

Event = Mapping[str, Any]
Response = dict[str, Any]

NOTIFY_SECONDS = 1.5  # the new connection waits for this, and $connect runs for 6 s at most


def connect(
    aws: Aws, caller: Caller, at: int, asked_at: int, opened_by: str | None = None
) -> Response:
    """Takes the lease; the connection that held it gets `displaced` and is closed.

    `at`, and `asked_at` of the ticket, in ms; `opened_by` is the ticket's `sign_in`.
    """
    devices = Devices(aws.users)
    try:
        before = devices.connect(
            caller.user, caller.device, caller.connection_id, at, asked_at, opened_by
        )
    except ChatError as error:
        logger.info("rejected a connection", extra={"reason": error.message})
        return {"statusCode": error.status}
    old = displaced(before, caller.device, caller.connection_id, aws.now())
    if old is not None:
        cut_off(aws.connections, old, {"type": "displaced"})
    if not online(before, aws.now()):
        _notify_watchers(aws, devices, caller.user)
    # the subprotocol that is chosen from those that the client offers (RFC 6455, 4.2.2)
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL}}


def disconnect(aws: Aws, caller: Caller) -> Response:
    """Returns the lease, unless a newer connection has it."""
    devices = Devices(aws.users)
    left = devices.disconnect(caller.user, caller.device, caller.connection_id, aws.now())
    if left is not None and not online(left, aws.now()):
        _notify_watchers(aws, devices, caller.user)
    return {"statusCode": 200}


def _notify_watchers(aws: Aws, devices: Devices, user: str) -> None:
    """An error here does not fail the connection."""
    try:
        announce(aws.connections, devices, [user], clock=aws.now, within=NOTIFY_SECONDS)
    except Exception:
        logger.exception("could not notify watchers")


def respond(aws: Aws, event: Event) -> Response:
    """The response to a CONNECT or DISCONNECT event."""
    caller = caller_of(dict(event))
    context = event["requestContext"]
    about(caller.user, caller.device)
    if context["eventType"] == "CONNECT":
        # a number of the context may arrive as a text
        ticket = context["authorizer"]
        asked_at, opened_by = int(ticket["asked_at"]), ticket.get("sign_in")
        return connect(aws, caller, int(context["connectedAt"]), asked_at, opened_by)
    return disconnect(aws, caller)


@metrics.log_metrics
def handler(event: Event, _context: Any) -> Response:
    return respond(invoked(), event)


prepare()
