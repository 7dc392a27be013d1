"""Frames that a REST call sends to open connections: devices_changed, invited, chat_changed and
others.

Clients learn the same later without them (`missing` and `stale` in `accepted`, the members and
`request` in `synced`, `remaining` after the next upload), so a frame that fails does not fail the
call.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from lambdas.frames import Frame
from lambdas.messages.chats import Chats
from lambdas.messages.membership import Changed
from lambdas.presence import fan_out
from lambdas.presence.device_changes import DeviceChanges
from lambdas.presence.devices import Address, Device, Devices
from lambdas.presence.leaseholder import close
from lambdas.settings import Aws
from lambdas.telemetry import logger

PEERS_LIMIT = 2_560  # more than a group has members; others find out when they send: `accepted`
NAMED_LIMIT = 10  # frames after one change: a few of them show that the members changed
POSTS_LIMIT = 2_560  # after one change, as many as one function posts in its time


def devices_changed(aws: Aws, user: str, device: str) -> None:
    """Notifies everybody who shares a chat with the user, and the user's other devices."""

    def notify() -> None:
        devices = Devices(aws.users)
        own, changes = DeviceChanges(aws.users).of(user)
        # the user's own devices first
        people = {user: own, **devices.of(peers(Chats(aws.chats, aws.users), user))}
        frame = {"type": "devices_changed", "user": user}
        posts = fan_out.to_connected(people, frame, aws.now(), besides=Address(user, device))
        fan_out.deliver(aws.connections, devices, posts[:POSTS_LIMIT], clock=aws.now)
        if changes is not None:
            DeviceChanges(aws.users).announced(user, changes)

    _attempt("devices_changed", notify)


def members_changed(aws: Aws, chat: str, changes: Sequence[Changed]) -> None:
    """Notifies the members before and after the changes of each user who left or joined.

    Until a member is notified, it encrypts for the members that it knows. One frame goes to all
    their devices in any case, more than one while POSTS_LIMIT holds.
    """

    def notify() -> None:
        removed = [user for change in changes for user in change.removed]
        added = [user for change in changes for user in change.added]
        concerned = {*removed, *added}.union(*(change.before for change in changes))
        devices = Devices(aws.users)
        people = devices.of(sorted(concerned))
        posts: list[fan_out.Delivery] = []
        for user in [*removed, *added][:NAMED_LIMIT]:
            frame = {"type": "devices_changed", "user": user, "chat": chat}
            more = fan_out.to_connected(people, frame, aws.now())
            if posts and len(posts) + len(more) > POSTS_LIMIT:
                break
            posts += more
        fan_out.deliver(aws.connections, devices, posts, clock=aws.now)

    if changes:
        _attempt("devices_changed", notify)


def invited(aws: Aws, chat: str, by: str, users: Sequence[str]) -> None:
    """Notifies users of an invitation to a group."""

    def notify() -> None:
        devices = Devices(aws.users)
        frame = {"type": "invited", "chat": chat, "user": by}
        posts = fan_out.to_connected(devices.of(users), frame, aws.now())
        fan_out.deliver(aws.connections, devices, posts, clock=aws.now)

    if users:
        _attempt("invited", notify)


def chat_changed(aws: Aws, chat: str, users: Iterable[str]) -> None:
    """Notifies users of other admins or rules, or of a request that they have accepted."""

    def notify() -> None:
        devices = Devices(aws.users)
        frame = {"type": "chat_changed", "chat": chat}
        posts = fan_out.to_connected(devices.of(sorted(users)), frame, aws.now())
        fan_out.deliver(aws.connections, devices, posts, clock=aws.now)

    _attempt("chat_changed", notify)


def peers(chats: Chats, user: str) -> list[str]:
    """The users who share a chat with the user, in order, PEERS_LIMIT at most."""
    found: set[str] = set()
    for chat in chats.all_of(user):
        found.update(chat["members"])
        if len(found) >= PEERS_LIMIT:
            break
    return sorted(found - {user})[:PEERS_LIMIT]


def keys_low(aws: Aws, frames: Mapping[str, Frame]) -> None:
    """Notifies devices, named "user/device", that their one-time keys run out."""

    def notify() -> None:
        devices = Devices(aws.users)
        registered = devices.of(address.partition("/")[0] for address in frames)
        people = {
            user: {name: there[name] for name in there if f"{user}/{name}" in frames}
            for user, there in registered.items()
        }
        posts = fan_out.to_connected(people, lambda user, name: frames[f"{user}/{name}"], aws.now())
        fan_out.deliver(aws.connections, devices, posts, clock=aws.now)

    if frames:
        _attempt("keys_low", notify)


def leases_ended(aws: Aws, user: str, devices: Iterable[Device]) -> None:
    """Closes the connections of a user's devices whose leases have ended, and notifies the
    watchers."""

    def notify() -> None:
        fan_out.announce(aws.connections, Devices(aws.users), [user], clock=aws.now)

    connected = [each for each in devices if each.connection_id]
    for device in connected:
        _attempt("the end of a connection", partial(close, aws, device))
    if connected:
        _attempt("presence", notify)


def _attempt(what: str, notify: Callable[[], None]) -> None:
    try:
        notify()
    except Exception:
        logger.exception("could not announce", extra={"what": what})
