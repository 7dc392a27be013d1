"""Function Push: sends the jobs of the push queue to SNS endpoints.

The queue is FIFO with a message group for each user: after a job fails, the rest of that user's
jobs in the batch fail with it and keep their order, and other users' jobs continue. SQS delivers a
failed job again, and moves it to the dead-letter queue after the fifth time.
"""

from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambdas.notifications import message
from lambdas.notifications.endpoints import Endpoints
from lambdas.notifications.queue import Job
from lambdas.notifications.quiet import is_muted
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, aws
from lambdas.telemetry import count, logger, metrics

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


def _push_record(aws: Aws, record: SQSRecord) -> None:
    try:
        push(aws, Job.from_body(record.body))
    except Exception:
        count("PushesFailed")
        # a job contains nothing secret: ids, and whether it is urgent
        logger.exception("failed on a push job", extra={"job": record.body[:500]})
        raise


def push(aws: Aws, job: Job) -> None:
    """Wakes every device of the user that has an endpoint and holds no lease.

    A chat that is muted wakes none. Raises the first error of SNS, after trying all devices.
    """
    if is_muted(aws.users, job.user, job.chat, aws.now()):
        return
    endpoints = Endpoints(aws.sns, aws.users)
    devices = Devices(aws.users).of([job.user], consistent=True).get(job.user, {})
    targets = message.to_wake(devices, job, aws.now())
    holders = endpoints.holders(target.arn for target in targets)
    errors: list[Exception] = []
    for target in targets:
        try:
            own = holders.get(target.arn) == f"{job.user}/{target.device}"
            if own and endpoints.publish(target, job):
                count("PushesSent")
            else:  # the app was removed, or another user has signed in on that phone
                logger.info("cleared an endpoint", extra={"user": job.user})
                endpoints.clear(job.user, target.device, target.arn)
        except Exception as error:
            errors.append(error)
    logger.info("pushed", extra={"message_id": job.message_id, "chat": job.chat})
    if errors:
        raise errors[0]


@metrics.log_metrics
def handler(event: Event, context: Any) -> Any:
    return push_all(aws(), event, context)
