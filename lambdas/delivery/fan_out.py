"""Posts frames to many devices, and keeps the leases true: shared by everything that posts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdas.connections import Connections, Outcome, Post
from lambdas.frames import Frame, encode
from lambdas.presence.leases import Device, online, presence_frame
from lambdas.presence.store import Address, Devices
from lambdas.telemetry import logger

WITHIN_SECONDS = 2.5  # of the 6 s that a function that sends lives


class Delivery(NamedTuple):
    """One frame for one device on the connection it was seen on."""

    user: str
    device: str
    connection_id: str
    frame: Frame


def to_connected(
    users: Mapping[str, Mapping[str, Device]],
    frame: Frame | Callable[[str, str], Frame],
    now: float,
    besides: Address | None = None,
) -> list[Delivery]:
    """A delivery for each connected device of `users`; `frame` is one for all, or made for each."""
    return [
        Delivery(user, name, device.connection_id, frame(user, name) if callable(frame) else frame)
        for user, devices in users.items()
        for name, device in devices.items()
        if device.connected(now) and device.connection_id and (user, name) != besides
    ]


def deliver(
    connections: Connections,
    devices: Devices,
    posts: Sequence[Delivery],
    *,
    clock: Callable[[], float] = time.time,
    within: float = WITHIN_SECONDS,
) -> list[Outcome]:
    """Posts all, many at a time, within so many seconds; one failure never stops another.

    Outcomes in order. A connection that is gone loses its lease if it still holds it; a device that
    has connected again since it was looked up gets the frame there. Watchers hear of users who are
    gone.
    """
    deadline = clock() + within
    outcomes = connections.post_all(_encoded(posts), within)
    moved: dict[int, Delivery] = {}
    departed: list[str] = []
    for place, (each, outcome) in enumerate(zip(posts, outcomes, strict=True)):
        if outcome is not Outcome.GONE or clock() > deadline:
            continue
        forgotten = devices.forget(each.user, each.device, each.connection_id, clock())
        now_at = forgotten.devices.get(each.device, Device())
        if forgotten.done and not online(forgotten.devices, clock()):
            departed.append(each.user)
        elif now_at.connection_id and now_at.connection_id != each.connection_id:
            moved[place] = each._replace(connection_id=now_at.connection_id)
    again = connections.post_all(_encoded(moved.values()), deadline - clock())
    for place, outcome in zip(moved, again, strict=True):
        outcomes[place] = outcome
    if departed:
        announce(connections, devices, departed, clock=clock, within=deadline - clock())
    return outcomes


def announce(
    connections: Connections,
    devices: Devices,
    users: Iterable[str],
    *,
    clock: Callable[[], float] = time.time,
    within: float = WITHIN_SECONDS,
) -> None:
    """Tells the watchers of `users` who is there and who is not.

    What they are told is read after the change, so that of two changes at the same time the one
    that is told last is the one that lasts.
    """
    deadline = clock() + within
    for user in dict.fromkeys(users):
        if clock() > deadline:
            logger.warning("no time left to tell watchers")
            return
        watchers = devices.watchers(user, clock())
        if not watchers:
            continue
        found = devices.of([user, *(watcher.user for watcher in watchers)], consistent=True)
        frame = presence_frame(user, found.get(user, {}), clock())
        watching = set(watchers)
        posts = [
            each
            for each in to_connected(found, frame, clock())
            if Address(each.user, each.device) in watching
        ]
        deliver(connections, devices, posts, clock=clock, within=deadline - clock())


def _encoded(posts: Iterable[Delivery]) -> list[Post]:
    """A frame that goes to many is encoded once."""
    texts: dict[int, str] = {}
    result = []
    for each in posts:
        if id(each.frame) not in texts:
            texts[id(each.frame)] = encode(each.frame)
        result.append(Post(each.connection_id, texts[id(each.frame)]))
    return result
