"""Function DeliveryWatch: reads the stream of the Chats table, some seconds behind.

A device that has not acknowledged a message by then has not received it, as far as we know: it is
nudged if it is connected, and a push is queued. So a lost post, a function that failed or a
connection that is dead without a close delays a message by seconds and never loses it. Messages
that every device has are purged.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from lambdas.delivery import purge
from lambdas.delivery.members import forget, read_roster
from lambdas.delivery.roster import (
    Lacking,
    Registered,
    behind,
    floor,
    known_floor,
    left_behind,
)
from lambdas.delivery.stream import Changes, by_chat
from lambdas.messages import log
from lambdas.notifications.queue import Job, PushQueue
from lambdas.notifications.quiet import has_rung
from lambdas.presence.devices import Devices
from lambdas.presence.fan_out import Delivery, deliver
from lambdas.settings import Aws, aws
from lambdas.tables import seq_of
from lambdas.telemetry import count, logger, metrics

# A message at the end of a batch may be milliseconds old. Its devices have this long to acknowledge
# it (a round trip, and receipts that clients batch for 200 ms) before they are nudged.
GRACE_SECONDS = 2.0
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
    early = [each for each in changes if not _process(aws, each, failed, until, patient=True)]
    if early:
        newest = max(message["sent_at"] for each in early for message in each.messages)
        sleep(min(max(newest / 1000 + GRACE_SECONDS - aws.now(), 0), GRACE_SECONDS))
    for each in early:
        _process(aws, each, failed, until, patient=False)
    first = [each.first for each in changes if each.first in failed][:1]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in first]}


def _process(aws: Aws, changes: Changes, failed: set[str], until: float, *, patient: bool) -> bool:
    """`process_chat`, with an error added to `failed`: it must not stop the other chats."""
    try:
        if aws.now() > until:
            raise TimeoutError("the batch was too much for one invocation")
        return process_chat(aws, changes, patient=patient)
    except Exception:
        logger.exception("could not process a chat", extra={"chat": changes.chat})
        failed.add(changes.first)
        return True


def process_chat(aws: Aws, changes: Changes, *, patient: bool) -> bool:
    """Nudges, pushes and purges one chat.

    With `patient`, False and nothing done if its devices still have time to acknowledge.
    """
    roster = read_roster(aws.chats, changes.chat)
    if roster is None:
        return True
    if changes.expired:
        purge.expire(aws.chats, changes.chat, roster.purged_to, changes.expired, aws.now())
    purging = changes.acknowledged and not aws.settings.retain_until_expiry
    purging = purging and known_floor(roster) > roster.purged_to
    if not changes.messages and not purging:
        return True
    # Read after the watermarks: if all others have acknowledged a message, a device that was
    # registered before it was sent is among these. So nothing is purged that a device lacks.
    registered = Devices(aws.users).of(sorted(roster.members), consistent=True)
    lacking = behind(roster, registered, changes.messages)
    if patient and _early(lacking, registered, aws.now()):
        return False
    _nudge(aws, changes.chat, lacking, registered)
    _queue_pushes(aws, changes.chat, lacking, roster.request_of)
    for user, devices in left_behind(roster, registered).items():
        forget(aws.chats, changes.chat, user, devices, log.delivered(roster.items[user]))
    unseen_since = int((aws.now() - aws.settings.message_ttl_seconds) * 1000)
    if purging and (up_to := floor(roster, registered, unseen_since)) > roster.purged_to:
        count("MessagesPurged", purge.purge(aws.chats, changes.chat, up_to))
    return True


def _early(lacking: Lacking, registered: Registered, now: float) -> bool:
    """Whether a connected device still has time to acknowledge what it lacks."""
    return any(
        registered[user][device].connected(now)
        and messages[-1]["sent_at"] / 1000 + GRACE_SECONDS > now
        for (user, device), messages in lacking.items()
    )


def _nudge(aws: Aws, chat: str, lacking: Lacking, registered: Registered) -> None:
    nudges = []
    for (user, device), messages in lacking.items():
        there = registered[user][device]
        if there.connected(aws.now()) and there.connection_id:
            frame = {"type": "nudge", "chat": chat, "seq": max(map(seq_of, messages))}
            nudges.append(Delivery(user, device, there.connection_id, frame))
    deliver(aws.connections, Devices(aws.users), nudges, clock=aws.now)
    count("Nudges", len(nudges))


def _queue_pushes(aws: Aws, chat: str, lacking: Lacking, request_of: str | None) -> None:
    """One job for each user and message, with the id that `send` gave it; none for the sender."""
    waiting: dict[tuple[str, str], tuple[bool, list[str]]] = {}
    for (user, device), messages in lacking.items():
        for message in messages:
            quiet = has_rung(user, request_of, seq_of(message))
            if message["sender"] != user and not quiet:
                urgent = message.get("urgent", True)
                job = waiting.setdefault((user, message["message_id"]), (urgent, []))
                job[1].append(device)
    jobs = [
        Job(user, chat, message_id, urgent, tuple(sorted(devices)))
        for (user, message_id), (urgent, devices) in waiting.items()
    ]
    if not jobs:
        return
    if PushQueue(aws.sqs, aws.settings["PUSH_QUEUE_URL"]).add(jobs):
        raise ConnectionError("the queue rejected pushes")


@metrics.log_metrics
def handler(event: Event, _context: Any) -> dict[str, Any]:
    return watch(aws(), event)
