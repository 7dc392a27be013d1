"""Function Presence, routes `watch`, `ping` and $default."""

from lambdas.connections import Post
from lambdas.errors import not_found
from lambdas.frames import Frame
from lambdas.presence.devices import Address, Devices
from lambdas.presence.leaseholder import with_lease
from lambdas.presence.leases import WATCH_SECONDS, presence_frame
from lambdas.settings import Aws
from lambdas.websocket import Caller, frame_handler


def watch(aws: Aws, caller: Caller, frame: Frame) -> Frame:
    """Subscribes to the users' presence, posts it, and returns that of the last user.

    Raises ChatError not_found if one of them does not exist; then nothing is subscribed.
    """
    users: list[str] = frame["users"]
    devices = Devices(aws.users)
    if unknown := set(users) - devices.of(users, consistent=True).keys():
        raise not_found(f"no such user: {', '.join(sorted(unknown))}")
    now = aws.now()
    devices.watch(Address(caller.user, caller.device), users, now + WATCH_SECONDS)
    found = devices.of(users, consistent=True)  # after subscribing, so that no change is missed
    presences = [presence_frame(user, found.get(user, {}), now) for user in users]
    aws.connections.post_all([Post(caller.connection_id, each) for each in presences[:-1]])
    return presences[-1]


def ping(_aws: Aws, _caller: Caller, _frame: Frame) -> Frame:
    return {"type": "pong"}


ROUTES = {"watch": with_lease(watch), "ping": with_lease(ping)}
handler = frame_handler(ROUTES)
