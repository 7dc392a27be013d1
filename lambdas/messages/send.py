"""Function Send, route `send`: three rounds of calls, each of which waits for the one before.

1. Take a position in the chat's log; that authorizes, orders and names the members. Beside it read
   the sender's own devices: only the connection that holds the lease may send.
2. Store the message; beside it read where the other members are connected.
3. Post to every open connection; beside it queue a job for each member without one, if there is
   something to read for them and a phone to wake.

`accepted` promises only that the message is stored. The delivery watch repeats within seconds what
the third round misses.
"""

import secrets
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future

from lambdas.connections import WITHIN_SECONDS, Outcome
from lambdas.errors import internal
from lambdas.frames import Frame
from lambdas.limits import SENDS, sampled
from lambdas.messages import append
from lambdas.messages.heads import has_blocked
from lambdas.messages.log import WRITER_SECONDS
from lambdas.messages.message import (
    DeviceNames,
    addressed,
    is_text_for,
    is_visible,
    message_frame,
    stored,
)
from lambdas.notifications import push_jobs
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Address, Devices
from lambdas.presence.fan_out import Delivery, deliver, to_connected
from lambdas.settings import Aws
from lambdas.tables import Item
from lambdas.telemetry import count, logger, took
from lambdas.websocket import Caller, Route, frame_handler

PUT_WITHIN_SECONDS = WRITER_SECONDS - 2
RESPOND_WITHIN_SECONDS = WRITER_SECONDS - 1


def send(aws: Aws, caller: Caller, frame: Frame) -> Frame:
    """The `accepted` frame. Raises ChatError not_found, forbidden, rate_limited, LeaseLost."""
    started = aws.now()
    address = Address(caller.user, caller.device)
    sampled(aws).take(aws.users, caller.user, f"sends#{caller.device}", SENDS, started)
    devices = Devices(aws.users)
    reading_own = aws.background.submit(devices.of, [caller.user])

    def item(seq: int, hidden_from: Collection[str] = ()) -> Item:
        return _message(aws, caller, frame, seq, hidden_from)

    call = secrets.token_urlsafe(6)
    writer = append.Writer(caller.user, caller.device, frame["message_id"], call)
    position = append.take(aws.chats, frame["chat"], writer, item)
    message = position.stored or item(position.seq, _hidden_from(position, caller, frame))
    try:
        own = reading_own.result(timeout=WITHIN_SECONDS)
        devices.require_lease(address, caller.connection_id, own.get(caller.user, {}))
        if caller.user in position.blocked_by:
            raise has_blocked()
        if aws.now() - started > PUT_WITHIN_SECONDS:
            raise internal()  # too late to store it before the timeout; the sender sends again
        # a hidden message does not answer a request: clients send such messages by themselves
        if position.request_of == caller.user and not position.stored and not frame.get("hidden"):
            peers = position.members - {caller.user}
            contacts = Contacts(aws.users)
            append.answer_request(aws.chats, contacts, frame["chat"], caller.user, peers)
    except Exception:
        if not position.stored:
            append.close(aws.chats, message)
        raise
    if position.stored:  # sent again; the delivery watch repeats what the first call missed
        return _accepted(message, position.seq, devices.of(sorted(position.members)))
    reading = aws.background.submit(devices.of, sorted(position.members - {caller.user}))
    append.put(aws.chats, message)
    found = {**own, **reading.result(timeout=WITHIN_SECONDS)}
    visible = {user: found[user] for user in found if is_visible(message, user)}
    posts = to_connected(visible, _frames(message), aws.now(), besides=address)
    wakeable = {
        user
        for user in position.members
        if is_text_for(message, user) and push_jobs.has_endpoint(found.get(user, {}))
    }
    _deliver(aws, message, posts, wakeable, until=started + RESPOND_WITHIN_SECONDS)
    return _accepted(message, position.seq, found)


def _hidden_from(position: append.Position, caller: Caller, frame: Frame) -> frozenset[str]:
    """The users who are not shown the message: those who have blocked the sender, and a stranger
    whose request the sender has not answered. For example, a message of a client to its user's own
    devices would name these to the stranger. The stranger sees only that a seq was taken.
    """
    if position.request_of != caller.user or not frame.get("hidden") or "to" not in frame:
        return position.blocked_by
    named = {name.partition("/")[0] for name in frame["to"]}
    return position.blocked_by | (position.members - named - {caller.user})


def _accepted(message: Item, seq: int, registered: DeviceNames) -> Frame:
    difference = addressed(message, registered, message["sender"], message["sender_device"])
    accepted: Frame = {
        "type": "accepted",
        "message_id": message["message_id"],
        "chat": message["chat"],
        "seq": seq,
        "sent_at": message["sent_at"],
        "missing": difference.missing,
        "stale": difference.stale,
    }
    if difference.more:
        accepted["more"] = True
    return accepted


def _message(
    aws: Aws, caller: Caller, frame: Frame, seq: int, hidden_from: Collection[str]
) -> Item:
    now = aws.now()  # after the position was taken: see the rule for holes in log.py
    return stored(
        frame,
        seq=seq,
        sender=caller.user,
        sender_device=caller.device,
        sent_at=int(now * 1000),
        expires_at=int(now) + aws.settings.message_ttl_seconds,
        hidden_from=hidden_from,
    )


def _frames(message: Item) -> Frame | Callable[[str, str], Frame]:
    """One frame if the payload is the same for all devices."""
    if "to" in message:
        return lambda user, device: message_frame(message, user, device)
    return message_frame(message, "", None)


def _deliver(
    aws: Aws, message: Item, posts: list[Delivery], wakeable: Iterable[str], until: float
) -> None:
    """The third round. Raises nothing: the message is stored, a resend would not help."""
    connected = {each.user for each in posts}
    away: push_jobs.Tried = {user: () for user in wakeable if user not in connected}
    pushing: Future[None] | None = None
    if away and posts:
        pushing = aws.background.submit(_wake, aws, message, away)
    elif away:
        _wake(aws, message, away)
    outcomes = deliver(
        aws.connections,
        Devices(aws.users),
        posts,
        clock=aws.now,
        within=min(WITHIN_SECONDS, until - aws.now()),
    )
    if lost := _lost(posts, outcomes, {*wakeable} & connected):
        _wake(aws, message, lost)
    if pushing:
        try:
            pushing.result(timeout=max(until - aws.now(), 0))
        except TimeoutError:  # the delivery watch queues them again
            logger.warning("push jobs were not queued in time", extra={"chat": message["chat"]})
    delivered = outcomes.count(Outcome.DELIVERED)
    count("MessagesAccepted")
    count("MessagesDelivered", delivered)
    if delivered:
        took("DeliveryTime", aws.now() * 1000 - message["sent_at"])
    ids = {name: message[name] for name in ("message_id", "chat")}
    logger.info("accepted", extra={**ids, "posts": len(posts), "delivered": delivered})


def _lost(
    posts: Iterable[Delivery], outcomes: Iterable[Outcome], wakeable: set[str]
) -> push_jobs.Tried:
    """Of users whom no post reached, the devices to which one was tried. They are woken although
    they hold a lease: a connection that ended while it was opening, or that does not take posts,
    still holds it.
    """
    tried: dict[str, list[str]] = {}
    for each, outcome in zip(posts, outcomes, strict=True):
        if outcome is Outcome.DELIVERED:
            wakeable = wakeable - {each.user}
        else:
            tried.setdefault(each.user, []).append(each.device)
    return {user: devices for user, devices in tried.items() if user in wakeable}


def _wake(aws: Aws, message: Item, tried: push_jobs.Tried) -> None:
    try:
        rejected = push_jobs.wake(aws, message["chat"], tried)
    except Exception:  # the delivery watch queues them again
        logger.exception("could not queue push jobs", extra={"chat": message["chat"]})
        return
    if rejected:
        logger.warning("the queue rejected push jobs", extra={"jobs": len(rejected)})


ROUTES: dict[str, Route] = {"send": send}
handler = frame_handler(ROUTES)
