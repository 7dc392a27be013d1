"""Posts frames to many devices, and keeps the leases true: shared by everything that posts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdas.connections import Connections, Outcome, Post
from lambdas.frames import Frame, encode
from lambdas.presence.devices import Address, Device, Devices
from lambdas.presence.leases import online, presence_frame
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
    began = clock()
    outcomes = connections.post_all(_encoded(posts), within)
    if Outcome.GONE in outcomes:
        try:
            _tidy(
                connections,
                devices,
                posts,
                outcomes,
                began=began,
                until=began + within,
                clock=clock,
            )
        except Exception:  # a lease that stays costs a post, no more; what was posted was posted
            logger.exception("could not end the leases of gone connections")
    return outcomes


def _tidy(
    connections: Connections,
    devices: Devices,
    posts: Sequence[Delivery],
    outcomes: list[Outcome],
    *,
    began: float,
    until: float,
    clock: Callable[[], float],
) -> None:
    """Ends the leases of what is gone, and corrects `outcomes` for devices found elsewhere.

    A lease counts as old by the time at which the post began: the connection may have opened since.
    """
    elsewhere: dict[int, Delivery] = {}
    departed: list[str] = []
    for place, each in enumerate(posts):
        if outcomes[place] is not Outcome.GONE or clock() > until:
            continue
        forgotten = devices.forget(each.user, each.device, each.connection_id, began)
        there = forgotten.devices.get(each.device, Device())
        if forgotten.done and not online(forgotten.devices, began):
            departed.append(each.user)
        elif there.connection_id and there.connection_id != each.connection_id:
            elsewhere[place] = each._replace(connection_id=there.connection_id)
    again = connections.post_all(_encoded(elsewhere.values()), until - clock())
    for place, outcome in zip(elsewhere, again, strict=True):
        outcomes[place] = outcome
    if departed:
        announce(connections, devices, departed, clock=clock, within=until - clock())


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
