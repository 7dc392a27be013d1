"""The check that a frame comes from the connection that holds its device's lease.

So a device that was removed, or a connection that a newer one has overtaken, can do nothing more:
the response to its frame is an error, and `frame_handler` closes its connection. API Gateway checks
who connects once, at $connect, and would let the connection send for two hours. `send` has its
sender's devices read anyway and checks them itself.
"""

from lambdas.connections import Outcome
from lambdas.frames import Frame
from lambdas.presence.devices import OPENING_SECONDS, Address, Device, Devices
from lambdas.settings import Aws
from lambdas.websocket import Caller, Route

CLOSE_ATTEMPTS = 15
CLOSE_PAUSE_SECONDS = 0.1


def with_lease(route: Route) -> Route:
    """The route for leaseholders only: costs one read before it. It raises LeaseLost."""

    def checked(aws: Aws, caller: Caller, frame: Frame) -> Frame | None:
        devices = Devices(aws.users)
        seen = devices.of([caller.user]).get(caller.user, {})
        address = Address(caller.user, caller.device)
        devices.require_lease(address, caller.connection_id, seen)
        return route(aws, caller, frame)

    return checked


def close(aws: Aws, device: Device) -> None:
    """Closes the connection of a device that has just lost its lease.

    For API Gateway a connection that is still inside $connect is "gone", and it opens a moment
    later. So closing is repeated for as long as $connect may run. A connection that opens even
    later is closed at its first frame.
    """
    if device.connection_id is None:
        return
    opened_at = (device.connected_at or 0) / 1000
    for _ in range(CLOSE_ATTEMPTS):
        outcome = aws.connections.close(device.connection_id)
        if outcome is not Outcome.GONE or opened_at + OPENING_SECONDS < aws.now():
            return
        aws.sleep(CLOSE_PAUSE_SECONDS)
