"""Rules of leases: who is online, what a presence frame has, who is displaced. No I/O.

A connection holds the lease of its device, see `Device.connected`.
"""

from collections.abc import Mapping

from lambdas.frames import Frame
from lambdas.presence.devices import Device

WATCH_SECONDS = 300

Devices = Mapping[str, Device]


def online(devices: Devices, now: float) -> bool:
    return any(device.connected(now) for device in devices.values())


def presence_frame(user: str, devices: Devices, now: float) -> Frame:
    """The `presence` frame; with `last_seen` if the user is offline and was seen before."""
    if online(devices, now):
        return {"type": "presence", "user": user, "online": True}
    frame: Frame = {"type": "presence", "user": user, "online": False}
    # a lease that expired was not returned: then connecting is the last sign of the device
    seen = [max(device.last_seen or 0, device.connected_at or 0) for device in devices.values()]
    if any(seen):
        frame["last_seen"] = max(seen)
    return frame


def displaced(before: Devices, device: str, connection_id: str, now: float) -> str | None:
    """The connection that loses the lease to `connection_id`, if it may still be open."""
    old = before.get(device, Device())
    if old.connected(now) and old.connection_id != connection_id:
        return old.connection_id
    return None
