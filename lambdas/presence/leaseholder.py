"""A frame counts only if it comes from the connection that holds its device's lease.

So a device that was removed, or a connection that a newer one has overtaken, can do nothing more:
its frame is answered by an error, and its connection is closed. API Gateway checks who connects
once, at $connect, and would let the connection send for two hours.
"""

from collections.abc import Mapping

from lambdas.connections import Connections, Outcome, Post
from lambdas.errors import ChatError
from lambdas.frames import Frame, error_frame
from lambdas.presence.devices import OPENING_SECONDS, Device, Devices
from lambdas.settings import Aws
from lambdas.telemetry import logger
from lambdas.websocket import Caller, Route

LAST_POST_SECONDS = 1.0
CLOSE_ATTEMPTS = 15
CLOSE_PAUSE_SECONDS = 0.1


class LeaseLost(ChatError):
    """The caller's connection does not hold the lease of its device (any more)."""


def with_lease(route: Route) -> Route:
    """The route for leaseholders only: costs one read before it."""

    def checked(aws: Aws, caller: Caller, frame: Frame) -> Frame | None:
        require_lease(aws, caller, Devices(aws.users).of([caller.user]).get(caller.user, {}))
        return route(aws, caller, frame)

    return cutting_off(checked)


def cutting_off(route: Route) -> Route:
    """The route, with LeaseLost answered on the connection before it is closed."""

    def answered(aws: Aws, caller: Caller, frame: Frame) -> Frame | None:
        try:
            return route(aws, caller, frame)
        except LeaseLost as error:
            logger.info("cut off a connection", extra={"reason": error.message})
            cut_off(aws.connections, caller.connection_id, error_frame(error) | _context(frame))
            return None

    return answered


def require_lease(aws: Aws, caller: Caller, seen: Mapping[str, Device]) -> None:
    """Raises LeaseLost: forbidden for a device that is not registered, else conflict.

    `seen` are the user's devices. They may be from before the connection was opened, so they are
    read once more, consistently, before a frame is refused.
    """
    if _holds(seen, caller):
        return
    fresh = Devices(aws.users).of([caller.user], consistent=True).get(caller.user, {})
    if _holds(fresh, caller):
        return
    if caller.device not in fresh:
        raise LeaseLost("forbidden", "this device is not registered")
    raise LeaseLost("conflict", "this connection was replaced by a newer one")


def cut_off(connections: Connections, connection_id: str, last: Frame) -> None:
    """Posts the last frame and closes the connection."""
    (outcome,) = connections.post_all([Post(connection_id, last)], LAST_POST_SECONDS)
    if outcome is not Outcome.GONE and connections.close(connection_id) is Outcome.FAILED:
        logger.warning("a connection that was cut off stays open until it is idle")


def close(aws: Aws, device: Device) -> None:
    """Closes the connection of a device that has just lost its lease.

    One that is still inside $connect is "gone" for API Gateway, and open a moment later: it is
    closed again until that can't be. Should it open even later, its first frame has it closed.
    """
    if device.connection_id is None:
        return
    opened_at = (device.connected_at or 0) / 1000
    for _ in range(CLOSE_ATTEMPTS):
        outcome = aws.connections.close(device.connection_id)
        if outcome is not Outcome.GONE or opened_at + OPENING_SECONDS < aws.now():
            return
        aws.sleep(CLOSE_PAUSE_SECONDS)


def _holds(devices: Mapping[str, Device], caller: Caller) -> bool:
    there = devices.get(caller.device)
    return there is not None and there.connection_id == caller.connection_id


def _context(frame: Frame) -> Frame:
    return {name: frame[name] for name in ("message_id", "action") if name in frame}
