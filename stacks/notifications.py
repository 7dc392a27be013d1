"""The notifications stack: push queue, push function, SNS platform applications."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.build.bundle import function_code
from stacks.build.packages import Platform
from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, readers
from stacks.constructs.function import Function
from stacks.constructs.grants import Resource, Resources
from stacks.constructs.platform_applications import (
    PlatformApplications,
    PushCredentials,
    names,
    platform_resources,
)
from stacks.constructs.push_feedback import PushFeedback
from stacks.data import DataStack
from stacks.stack import EnvironmentStack


def web_push_contact(config: Environment) -> str:
    """The address at which the owners of push services can reach the operator; "" if none."""
    email = config.alarms_email
    return config.push.web_push_contact or (f"mailto:{email}" if email else "")


class NotificationsStack(EnvironmentStack):
    def __init__(
        self, scope: Construct, id: str, *, config: Environment, platform: Platform, data: DataStack
    ) -> None:
        super().__init__(scope, id, config=config, description="Push queue, push, platforms")
        self._code = function_code(platform)
        self.dead_letters = self._queue("PushDeadLetters", retention_period=Duration.days(14))
        self.queue = self._queue(
            "PushQueue",
            # six times the function's timeout, as AWS recommends:
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * FUNCTIONS["Push"].timeout),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )
        self.resources = {
            "push_queue": Resource((self.queue.queue_arn,)),
            **platform_resources(self, config),
        }
        self.functions: dict[str, Function] = {}
        values = {
            **data.table_names(),
            "MESSAGE_TTL_DAYS": str(config.message_ttl_days),
            "VAPID_KEY": data.web_push_key.key_arn,
            "WEB_PUSH_CONTACT": web_push_contact(config),
        }
        for name in readers(self.resources):
            self._add(name, {**data.resources, **self.resources}, values)
        self._credentials = PushCredentials(self, "Credentials", config=config, key=data.key)
        self.feedback = self._feedback()
        platform_applications = self._add(
            "PlatformApplications",
            {
                **self.resources,
                "push_feedback": Resource((self.feedback.role.role_arn,) if self.feedback else ()),
                "push_credentials": self._credentials.resource,
                "own_stack": Resource((self.stack_id,)),
            },
            {},
        )
        self._applications(platform_applications)

    def _queue(
        self,
        id: str,
        *,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        """FIFO with a chat of a user as message group: ordered and throttled per group."""
        return sqs.Queue(
            self,
            id,
            fifo=True,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=visibility_timeout,
            retention_period=retention_period,
            dead_letter_queue=dead_letter_queue,
        )

    def _add(self, name: str, resources: Resources, values: Mapping[str, str]) -> Function:
        self.functions[name] = Function(
            self, name, config=self.config, code=self._code, resources=resources, values=values
        )
        return self.functions[name]

    def _feedback(self) -> PushFeedback | None:
        percent = self.config.push.feedback_percent
        if percent is None:
            return None
        return PushFeedback(
            self, "Feedback", config=self.config, percent=percent, applications=names(self.config)
        )

    def _applications(self, function: Function) -> None:
        applications = PlatformApplications(
            self,
            "Platforms",
            config=self.config,
            function=function.function,
            credentials=self._credentials,
            feedback=self.feedback,
        )
        if self.feedback:
            applications.node.add_dependency(self.feedback)  # SNS logs from the first push on
        applications.node.add_dependency(function.role)  # its permissions exist before it is called
