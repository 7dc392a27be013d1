"""The fan-out: posts frames to many devices, ends the leases of connections that are gone."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdas.connections import WITHIN_SECONDS, Connections, Outcome, Post
from lambdas.frames import Frame, encode
from lambdas.presence.devices import Address, Device, Devices
from lambdas.presence.leases import online, presence_frame
from lambdas.telemetry import logger


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

    Outcomes in order. A connection that is gone loses its lease if it still holds it. A device that
    has reconnected since it was looked up gets the frame on its new connection. Watchers of users
    who are offline by this are notified.
    """
    began = clock()
    outcomes = connections.post_all(_encoded(posts), within)
    if Outcome.GONE in outcomes:
        try:
            _end_gone_leases(
                connections,
                devices,
                posts,
                outcomes,
                began=began,
                until=began + within,
                clock=clock,
            )
        except Exception:  # the outcomes are known, and a stale lease costs one more post
            logger.exception("could not end the leases of gone connections")
    return outcomes


def _end_gone_leases(
    connections: Connections,
    devices: Devices,
    posts: Sequence[Delivery],
    outcomes: list[Outcome],
    *,
    began: float,
    until: float,
    clock: Callable[[], float],
) -> None:
    """Ends the leases of connections that are gone; posts again where a device has reconnected.

    Corrects `outcomes`. The age of a lease is taken at the time when posting began, because the
    connection may have opened since.
    """
    reconnected: dict[int, Delivery] = {}
    offline: list[str] = []
    for index, each in enumerate(posts):
        if outcomes[index] is not Outcome.GONE or clock() > until:
            continue
        forgotten = devices.forget(each.user, each.device, each.connection_id, began)
        there = forgotten.devices.get(each.device, Device())
        if forgotten.done and not online(forgotten.devices, began):
            offline.append(each.user)
        elif there.connection_id and there.connection_id != each.connection_id:
            reconnected[index] = each._replace(connection_id=there.connection_id)
    again = connections.post_all(_encoded(reconnected.values()), until - clock())
    for index, outcome in zip(reconnected, again, strict=True):
        outcomes[index] = outcome
    if offline:
        announce(connections, devices, offline, clock=clock, within=until - clock())


def announce(
    connections: Connections,
    devices: Devices,
    users: Iterable[str],
    *,
    clock: Callable[[], float] = time.time,
    within: float = WITHIN_SECONDS,
) -> None:
    """Notifies the watchers of `users` of their presence.

    The presence is read after the change. So after two changes at the same time, the last frame
    shows the final state.
    """
    deadline = clock() + within
    for user in dict.fromkeys(users):
        if clock() > deadline:
            logger.warning("no time left to notify watchers")
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
    """Encodes a frame that goes to many devices once."""
    texts: dict[int, str] = {}
    result = []
    for each in posts:
        if id(each.frame) not in texts:
            texts[id(each.frame)] = encode(each.frame)
        result.append(Post(each.connection_id, texts[id(each.frame)]))
    return result
