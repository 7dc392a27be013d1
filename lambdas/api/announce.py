"""Frames that a REST call sends to open connections: devices_changed, keys_low, presence.

They hasten what clients find out anyway (`missing` and `stale` in `accepted`, the members in
`synced`, `remaining` after the next upload), so the call they belong to succeeds without them.
"""

from collections.abc import Callable, Mapping, Sequence

from lambdas.frames import Frame
from lambdas.messages.chats import Changed, Chats
from lambdas.presence import fan_out
from lambdas.presence.devices import Address, Devices
from lambdas.settings import Aws
from lambdas.telemetry import logger

CHATS_PER_PAGE = 100
PEERS_LIMIT = 1000  # who has more learns the rest when writing to them
NAMED_LIMIT = 10  # of hundreds who join at once, the first say that the chat is another now


def devices_changed(aws: Aws, user: str, device: str) -> None:
    """Tells who shares a chat with the user, and the user's other devices."""

    def tell() -> None:
        devices = Devices(aws.users)
        people = devices.of([user, *peers(Chats(aws.chats, aws.users), user)])
        frame = {"type": "devices_changed", "user": user}
        posts = fan_out.to_connected(people, frame, aws.now(), besides=Address(user, device))
        fan_out.deliver(aws.connections, devices, posts)

    _attempt("devices_changed", tell)


def members_changed(aws: Aws, chat: str, changes: Sequence[Changed]) -> None:
    """Tells all who are or were in the chat of each user who left it or joined.

    They share the keys of the chat with other people from now on: what a member sends before it
    knows that is sealed for those who were there before.
    """

    def tell() -> None:
        removed = [user for change in changes for user in change.removed]
        added = [user for change in changes for user in change.added]
        concerned = {*removed, *added}.union(*(change.before for change in changes))
        devices = Devices(aws.users)
        people = devices.of(sorted(concerned))
        posts = [
            post
            for user in [*removed, *added][:NAMED_LIMIT]
            for post in fan_out.to_connected(
                people, {"type": "devices_changed", "user": user, "chat": chat}, aws.now()
            )
        ]
        fan_out.deliver(aws.connections, devices, posts)

    if changes:
        _attempt("devices_changed", tell)


def peers(chats: Chats, user: str) -> set[str]:
    """Who shares a chat with the user, as far as PEERS_LIMIT."""
    found: set[str] = set()
    cursor: str | None = None
    while len(found) < PEERS_LIMIT:
        page, cursor = chats.list(user, cursor, CHATS_PER_PAGE)
        found.update(member for chat in page for member in chat["members"])
        if cursor is None:
            break
    return set(sorted(found - {user})[:PEERS_LIMIT])


def keys_low(aws: Aws, frames: Mapping[str, Frame]) -> None:
    """Tells devices, named "user/device", that their one-time keys run out."""

    def tell() -> None:
        devices = Devices(aws.users)
        registered = devices.of(address.partition("/")[0] for address in frames)
        told = {
            user: {name: there[name] for name in there if f"{user}/{name}" in frames}
            for user, there in registered.items()
        }
        posts = fan_out.to_connected(told, lambda user, name: frames[f"{user}/{name}"], aws.now())
        fan_out.deliver(aws.connections, devices, posts)

    if frames:
        _attempt("keys_low", tell)


def went(aws: Aws, user: str, connection_id: str) -> None:
    """Closes the connection of a device that is no more, and tells who watches its user."""

    def tell() -> None:
        aws.connections.close(connection_id)
        fan_out.announce(aws.connections, Devices(aws.users), [user])

    _attempt("presence", tell)


def _attempt(what: str, tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception:
        logger.exception("could not announce", extra={"what": what})
