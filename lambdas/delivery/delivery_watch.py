"""Function DeliveryWatch: reads the stream of the Chats table, some seconds behind.

A device that has not acknowledged a message by then is treated as not having received it: it is
nudged if it is connected, and a job for the push function is queued if the message is a text that
the device was not rung for. So a lost post, a function that failed or a connection that died
without being closed delays a message by seconds and never loses it. Messages that every device has
are purged.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lambdas.delivery import purge
from lambdas.delivery.members import forget, read_roster
from lambdas.delivery.roster import (
    Lacking,
    Registered,
    Roster,
    behind,
    floor,
    known_floor,
    left_behind,
)
from lambdas.delivery.states import State, states
from lambdas.delivery.stream import Changes, by_chat
from lambdas.delivery.watermarks import LONGEST_INTERVAL, receipt_interval
from lambdas.messages import log
from lambdas.messages.history import LAST_SEQ
from lambdas.messages.message import is_text_for
from lambdas.notifications import push_jobs
from lambdas.notifications.push_jobs import RingItems
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import Delivery, deliver
from lambdas.settings import Aws, invoked, prepare
from lambdas.tables import seq_of
from lambdas.telemetry import count, logger, metrics

# A message at the end of a batch may be milliseconds old. Before its devices are nudged they have
# this long to acknowledge it, and the time for which clients may delay receipts in a chat of its
# size.
GRACE_SECONDS = 1.8
BEGIN_WITHIN_SECONDS = 40  # of the 60 s timeout; Lambda repeats the rest of the batch

Event = Mapping[str, Any]


def watch(aws: Aws, event: Event, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """The batch item failures: the first record of the first chat that failed.

    Lambda repeats the batch from there. That is harmless: a nudge changes nothing, SQS drops
    repeated pushes, and a purge finds nothing left.
    """
    until = aws.now() + BEGIN_WITHIN_SECONDS
    changes = by_chat(event["Records"])
    failed: set[str] = set()
    early = [
        (again_at, each)
        for each in changes
        if (again_at := _process(aws, each, failed, until, patient=True)) is not None
    ]
    for again_at, each in sorted(early, key=lambda pair: pair[0]):
        if (wait := again_at - aws.now()) > 0:
            sleep(min(wait, GRACE_SECONDS + LONGEST_INTERVAL))  # clocks may differ
        _process(aws, each, failed, until, patient=False)
    first = [each.first for each in changes if each.first in failed][:1]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in first]}


def _process(
    aws: Aws, changes: Changes, failed: set[str], until: float, *, patient: bool
) -> float | None:
    """`process_chat`, with an error added to `failed`: it must not stop the other chats."""
    try:
        if aws.now() > until:
            raise TimeoutError("the batch was too much for one invocation")
        return process_chat(aws, changes, patient=patient)
    except Exception:
        logger.exception("could not process a chat", extra={"chat": changes.chat})
        failed.add(changes.first)
        return None


def process_chat(aws: Aws, changes: Changes, *, patient: bool) -> float | None:
    """Nudges, pushes and purges one chat.

    With `patient`, and if its devices still have time to acknowledge, nothing is done: returns
    until when (epoch seconds).
    """
    roster = read_roster(aws.chats, changes.chat)
    if roster is None:
        return None
    if changes.expired:
        purge.expire(aws.chats, changes.chat, roster.purged_to, changes.expired, aws.now())
        count("WatchExpired", changes.expirations)
    purging = changes.acknowledged and not aws.settings.retain_until_expiry
    purging = purging and known_floor(roster) > roster.purged_to
    if changes.readers and patient:  # the first of two passes
        _take_back(aws, changes.chat, roster, changes.readers)
    if not changes.messages and not purging:
        if new_marks := roster.members & changes.new_marks:
            _forget(aws, roster, Devices(aws.users).of(sorted(new_marks), consistent=True))
        return None
    # Read after the watermarks: if all others have acknowledged a message, a device that was
    # registered before it was sent is among these. So nothing is purged that a device lacks.
    registered = Devices(aws.users).of(sorted(roster.members), consistent=True)
    lacking = behind(roster, registered, changes.messages)
    grace = GRACE_SECONDS + receipt_interval(len(roster.members))
    again_at = _acknowledged_by(lacking, registered, grace, aws.now())
    if patient and again_at is not None:
        return again_at
    _nudge(aws, changes.chat, lacking, registered)
    woken = _wake(aws, roster, lacking, registered)
    _count(states(changes.messages, lacking, registered, woken, aws.now()))
    _forget(aws, roster, registered)
    unseen_since = int((aws.now() - aws.settings.message_ttl_seconds) * 1000)
    if purging and (up_to := floor(roster, registered, unseen_since)) > roster.purged_to:
        count("MessagesPurged", purge.purge(aws.chats, changes.chat, up_to, aws.now()))
    return None


def _forget(aws: Aws, roster: Roster, registered: Registered) -> None:
    """Removes the watermarks of devices of these users that are not registered any more.

    Done wherever all devices are read anyhow, and whenever an item has grown.
    """
    for user, devices in left_behind(roster, registered).items():
        forget(aws.chats, roster.chat, user, devices, log.delivered(roster.items[user]))


def _acknowledged_by(
    lacking: Lacking, registered: Registered, grace: float, now: float
) -> float | None:
    """Until when connected devices have time to acknowledge what they lack; None if none has."""
    until = [
        messages[-1]["sent_at"] / 1000 + grace
        for (user, device), messages in lacking.items()
        if registered[user][device].connected(now)
    ]
    return max((at for at in until if at > now), default=None)


def _nudge(aws: Aws, chat: str, lacking: Lacking, registered: Registered) -> None:
    nudges = []
    for (user, device), messages in lacking.items():
        there = registered[user][device]
        if there.connected(aws.now()) and there.connection_id:
            frame = {"type": "nudge", "chat": chat, "seq": max(map(seq_of, messages))}
            nudges.append(Delivery(user, device, there.connection_id, frame))
    deliver(aws.connections, Devices(aws.users), nudges, clock=aws.now)
    count("Nudges", len(nudges))


def _count(found: Counter[State]) -> None:
    count("WatchReached", found[State.REACHED])
    count("WatchNudged", found[State.NUDGED])
    count("WatchWoken", found[State.WOKEN])
    count("WatchWaiting", found[State.WAITING])


def _wake(
    aws: Aws, roster: Roster, lacking: Lacking, registered: Registered
) -> set[tuple[str, str, int]]:
    """Queues a job for each user with a device that can be woken for a text that it lacks; gives
    (user, device, seq) of each."""
    texts: dict[str, dict[str, list[int]]] = {}
    for (user, device), messages in lacking.items():
        read = log.read(roster.items[user])
        seqs = [seq_of(each) for each in messages if is_text_for(each, user, device)]
        unread = [seq for seq in seqs if seq > read]
        if unread and registered[user][device].endpoint_arn is not None:
            texts.setdefault(user, {})[device] = unread
    if texts and push_jobs.wake_lacking(aws, roster.chat, texts):
        raise ConnectionError("the queue rejected push jobs")
    return {
        (user, device, seq)
        for user, devices in texts.items()
        for device, unread in devices.items()
        for seq in unread
    }


def _take_back(aws: Aws, chat: str, roster: Roster, readers: Collection[str]) -> None:
    """Queues again what `receipt` queues: that function may have failed after it had moved the
    mark. Nothing is unread for a user who has left, and nothing from before for one who joined
    again.
    """
    for user, each in RingItems(aws.users).of(sorted(readers), chat).items():
        member = roster.items.get(user)
        read = log.read(member) if member else LAST_SEQ
        push_jobs.take_back(aws, chat, user, "", read, each)


@metrics.log_metrics
def handler(event: Event, _context: Any) -> dict[str, Any]:
    return watch(invoked(), event)


prepare()
