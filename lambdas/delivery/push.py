"""Function Push: rings the devices that have something to read, and takes back what was read.

The queue is FIFO with a message group for each chat of a user: after a job fails, the rest of the
group in the batch fails with it and keeps its order, and other chats' jobs continue. SQS delivers a
failed job again, and moves it to the dead-letter queue after the fifth time.

What was rung is recorded after it was published: a run that fails between the two rings again, and
the two pushes collapse on the phone.
"""

from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambdas.delivery import ringing
from lambdas.messages.heads import Head, read_heads
from lambdas.messages.history import LAST_SEQ
from lambdas.notifications.endpoints import Endpoints
from lambdas.notifications.message import Push, Ring, TakeBack, Target
from lambdas.notifications.push_jobs import Job, RingItems, Rings
from lambdas.notifications.push_service import Outcome, push_service
from lambdas.notifications.quiet import is_quiet
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, invoked, prepare
from lambdas.tables import Item, message_item
from lambdas.telemetry import count, logger, metrics, took

Event = dict[str, Any]


def push_all(aws: Aws, event: Event, context: Any = None) -> Any:
    """The batch item failures."""
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    # report a batch of which all failed as batch item failures, not as an error of the function
    processor.raise_on_entire_batch_failure = False
    return process_partial_response(
        event=event,
        record_handler=partial(_push_record, aws),
        processor=processor,
        context=context,
    )


@metrics.log_metrics
def handler(event: Event, context: Any) -> Any:
    return push_all(invoked(), event, context)


def _push_record(aws: Aws, record: SQSRecord) -> None:
    try:
        push(aws, Job.from_body(record.body))
    except Exception:
        count("PushesFailed")
        # a job contains nothing secret: names and a chat id
        logger.exception("failed on a push job", extra={"job": record.body[:500]})
        raise


def push(aws: Aws, job: Job) -> None:
    """Looks at what a user has unread in a chat, and pushes to the devices that need it.

    Every read is consistent and comes after `begin`: see `RingItems`. Raises the first error of
    SNS or a browser's push service, after trying all devices.
    """
    now = aws.now()
    store = RingItems(aws.users)
    rings = store.begin(job.user, job.chat, now, int(now) + aws.settings.message_ttl_seconds)
    head = read_heads(aws.chats, [job.chat], job.user).get(job.chat)
    request_of = head.request_of if head else None
    quiet = is_quiet(
        aws.users, job.user, job.chat, request_of=request_of, rang_at=rings.rang_at, now=now
    )
    items = _log(aws, rings, head, quiet=quiet) if head else []
    # After the log: a device that was registered before a message was sent is among these.
    devices = Devices(aws.users).of([job.user], consistent=True).get(job.user, {})
    plan = ringing.plan(rings, head, devices, items, job, now, quiet=quiet)
    failed = _publish(aws, job, plan, devices) if plan.sends else {}
    unread = {
        name: each.otherwise if name in failed else each.after
        for name, each in plan.devices.items()
    }
    for name, each in plan.devices.items():
        if each.ring and name not in failed:
            took("PushTime", aws.now() * 1000 - each.ring["sent_at"])
    rang = any(each.ring and name not in failed for name, each in plan.devices.items())
    at = int(now * 1000)
    recorded = Rings(
        rings.begun,
        rings.done if failed else rings.begun,
        plan.seq,
        at if rang else rings.rang_at,
        unread,
        plan.recent,
        at if rang or quiet else rings.looked_at,
    )
    store.record(job.user, job.chat, recorded)
    for error in failed.values():
        raise error


def _log(aws: Aws, rings: Rings, head: Head, *, quiet: bool) -> list[Item]:
    low = message_item(ringing.reads_from(rings, head, quiet=quiet) + 1)
    return list(
        aws.chats.query_all(
            {"chat": head.chat}, between=(low, message_item(LAST_SEQ)), consistent=True
        )
    )


def _publish(
    aws: Aws, job: Job, plan: ringing.Plan, devices: ringing.Devices
) -> dict[str, Exception]:
    """Pushes to the devices as planned; the errors by device."""
    endpoints = Endpoints(aws.sns, aws.users, push_service=lambda: push_service(aws))
    others = RingItems(aws.users).unread(job.user, job.chat, aws.now())
    pushes = {
        name: _push(job.chat, plan.read, each, others.get(name, 0) + each.after.total)
        for name, each in plan.devices.items()
        if each.ring or each.taken_back
    }
    targets = [
        Target(name, arn, devices[name].platform)
        for name in pushes
        if (arn := devices[name].endpoint_arn) is not None
    ]
    owners = endpoints.owners(target.arn for target in targets)
    failed: dict[str, Exception] = {}
    for target in targets:
        try:
            outcome = Outcome.GONE
            owner = owners.get(target.arn)
            if owner is not None and owner.held_by == f"{job.user}/{target.device}":
                outcome = endpoints.publish(target, pushes[target.device], owner)
            _take_note(job, target, pushes[target.device], outcome, endpoints)
        except Exception as error:
            failed[target.device] = error
    return failed


def _push(chat: str, read: int, device: ringing.DevicePlan, unread: int) -> Push:
    if device.ring is None:
        return TakeBack(chat, read, unread)
    return Ring(chat, device.ring["message_id"], device.urgent, unread)


def _take_note(
    job: Job, target: Target, push: Push, outcome: Outcome, endpoints: Endpoints
) -> None:
    if outcome is Outcome.GONE:  # the app was removed, or another user has signed in on that phone
        count("PushesGone")
        logger.info("cleared an endpoint", extra={"user": job.user})
        endpoints.clear(job.user, target.device, target.arn)
    elif outcome is Outcome.REJECTED:
        count("PushesRejected")
    else:
        _pushed(job, push)


def _pushed(job: Job, push: Push) -> None:
    count("PushesSent")
    ids = {"message_id": push.message_id} if isinstance(push, Ring) else {"read": push.read}
    logger.info("pushed", extra={**ids, "chat": job.chat})


prepare()
