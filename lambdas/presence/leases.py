"""Who is connected where, as a lease. No I/O.

Connecting takes the lease, disconnecting returns it, and what nobody returned runs out: API Gateway
ends every connection after two hours, so an older one is dead whatever the table says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.frames import Frame

LEASE_SECONDS = 2 * 3600 + 600
# A post from inside $connect gets 410, and $connect lives at most 6 s: "gone" says nothing about a
# lease younger than this, and to believe it would cut a live connection off from all deliveries.
OPENING_SECONDS = 10
WATCH_SECONDS = 300


@dataclass(frozen=True)
class Device:
    """A registered device. Times are in ms since the epoch."""

    connection_id: str | None = None
    connected_at: int | None = None
    last_seen: int | None = None
    endpoint_arn: str | None = None
    platform: str | None = None

    def connected(self, now: float) -> bool:
        """Whether it holds a lease that has not run out at `now`, in epoch seconds."""
        if self.connection_id is None or self.connected_at is None:
            return False
        return self.connected_at / 1000 + LEASE_SECONDS > now


Devices = Mapping[str, Device]


def device_from(attributes: Mapping[str, Any]) -> Device:
    """A device as the `devices` item has it."""
    return Device(
        connection_id=attributes.get("connection_id"),
        connected_at=attributes.get("connected_at"),
        last_seen=attributes.get("last_seen"),
        endpoint_arn=attributes.get("endpoint_arn"),
        platform=attributes.get("platform"),
    )


def online(devices: Devices, now: float) -> bool:
    return any(device.connected(now) for device in devices.values())


def presence_frame(user: str, devices: Devices, now: float) -> Frame:
    """`last_seen` only of who is away, and as well as it is known."""
    if online(devices, now):
        return {"type": "presence", "user": user, "online": True}
    frame: Frame = {"type": "presence", "user": user, "online": False}
    # a lease that ran out was never returned: then connecting is the last that was seen of it
    seen = [max(device.last_seen or 0, device.connected_at or 0) for device in devices.values()]
    if any(seen):
        frame["last_seen"] = max(seen)
    return frame


def displaced(before: Devices, device: str, connection_id: str, now: float) -> str | None:
    """The connection that `connection_id` takes the lease from, if one may still be open."""
    old = before.get(device, Device())
    if old.connected(now) and old.connection_id != connection_id:
        return old.connection_id
    return None
