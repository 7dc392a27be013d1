"""Queues jobs for the push function: by `send`, by the delivery watch and by `receipt`."""

from collections.abc import Collection, Mapping, Sequence

from lambdas.notifications.queue import Job, PushQueue
from lambdas.notifications.rings import RingItems, Rings
from lambdas.presence.devices import Device
from lambdas.settings import Aws

# A phone that rang so short ago is waking up. The delivery watch rings again, some seconds later,
# for what is not acknowledged by then: so a burst of messages is a few rings.
WAKING_SECONDS = 3.0

Tried = Mapping[str, Collection[str]]  # user -> devices that a post was tried on, in vain


def has_endpoint(devices: Mapping[str, Device]) -> bool:
    return any(device.endpoint_arn is not None for device in devices.values())


def wake(aws: Aws, chat: str, tried: Tried) -> list[Job]:
    """Queues a job for each user of a message that is stored. The jobs that SQS rejected.

    Users who were rung just now are left to the delivery watch.
    """
    rings = RingItems(aws.users).of(sorted(tried), chat)
    rang_since = (aws.now() - WAKING_SECONDS) * 1000
    jobs = [
        Job(user, chat, tuple(sorted(devices)))
        for user, devices in sorted(tried.items())
        if user not in rings or rings[user].rang_at <= rang_since
    ]
    return add(aws, jobs, rings)


def wake_lacking(
    aws: Aws, chat: str, lacking: Mapping[str, Mapping[str, Collection[int]]]
) -> list[Job]:
    """Queues a job for the devices that lack a text and were not rung for it.

    `lacking`: user -> device -> seqs. The jobs that SQS rejected.
    """
    rings = RingItems(aws.users).of(sorted(lacking), chat)
    jobs = []
    for user, devices in sorted(lacking.items()):
        silent = [
            device
            for device, seqs in devices.items()
            if not _has_rung(rings.get(user), device, seqs)
        ]
        if silent:
            jobs.append(Job(user, chat, tuple(sorted(silent))))
    return add(aws, jobs, rings)


def _has_rung(rings: Rings | None, device: str, seqs: Collection[int]) -> bool:
    return (
        rings is not None and device in rings.devices and {*seqs} <= {*rings.devices[device].rang}
    )


def take_back(aws: Aws, chat: str, user: str, reader: str, read: int, rings: Rings | None) -> None:
    """Queues a job if something that counts as unread was read, or may be counted just now.

    `rings` was read after the mark `read` was written. So either it shows what a run has recorded,
    or a run is under way, or the run begins later and sees the mark. Raises ConnectionError if SQS
    rejects the job.
    """
    if rings is None or not (rings.under_way or rings.has_read(read)):
        return
    if add(aws, [Job(user, chat, reader=reader)], {user: rings}):
        raise ConnectionError("the queue rejected a push job")


def add(aws: Aws, jobs: Sequence[Job], rings: Mapping[str, Rings]) -> list[Job]:
    if not jobs:
        return []
    queue = PushQueue(aws.sqs, aws.settings["PUSH_QUEUE_URL"])
    return queue.add(jobs, {user: each.begun for user, each in rings.items()})
