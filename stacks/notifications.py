"""Pushes: the queue they wait in, the function that sends them, the platforms they go through."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.bundle import function_code
from stacks.constructs.function import Function
from stacks.constructs.grants import Resource
from stacks.constructs.platform_applications import (
    PlatformApplications,
    PushCredentials,
    platform_resources,
)
from stacks.data import DataStack
from stacks.packages import Platform
from stacks.stack import EnvironmentStack

PUSH_TIMEOUT = 30  # seconds
# Seconds, below the custom resource's ServiceTimeout of five minutes: SNS may take 20 for each of
# three credentials, and a slow call is tried again.
APPLICATIONS_TIMEOUT = 240


class NotificationsStack(EnvironmentStack):
    def __init__(
        self, scope: Construct, id: str, *, config: Environment, platform: Platform, data: DataStack
    ) -> None:
        super().__init__(scope, id, config=config, description="Push queue, push, platforms")
        self._code = function_code(platform)
        self._data = data
        self.dead_letters = self._queue("PushDeadLetters", retention_period=Duration.days(14))
        self.queue = self._queue(
            "PushQueue",
            # AWS recommends six times the timeout of the function that reads
            visibility_timeout=Duration.seconds(6 * PUSH_TIMEOUT),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )
        self.resources = {
            "push_queue": Resource((self.queue.queue_arn,)),
            **platform_resources(self, config),
        }
        self.push = self._push()
        self._credentials = PushCredentials(self, "Credentials", config=config, key=data.key)
        self.platform_applications = self._platform_applications()
        self._applications(self.platform_applications)

    def _queue(
        self,
        id: str,
        *,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        """In order per user (the message group), and at a throughput that counts per user, too."""
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

    def _push(self) -> Function:
        push = Function(
            self,
            "Push",
            config=self.config,
            code=self._code,
            handler="lambdas.notifications.push.handler",
            size=self.config.functions.push,
            resources={**self._data.resources, **self.resources},
            environment={"USERS_TABLE": self._data.users.table_name},
            timeout=PUSH_TIMEOUT,
        )
        push.on_events("PushJobs", self.queue.queue_arn, batch_size=10)
        return push

    def _platform_applications(self) -> Function:
        return Function(
            self,
            "PlatformApplications",
            config=self.config,
            code=self._code,
            handler="lambdas.notifications.platform_applications.handler",
            size=self.config.functions.platform_applications,
            resources={
                **self.resources,
                "push_credentials": self._credentials.resource,
                "own_stack": Resource((self.stack_id,)),
            },
            environment={},
            timeout=APPLICATIONS_TIMEOUT,
        )

    def _applications(self, maker: Function) -> None:
        applications = PlatformApplications(
            self,
            "Platforms",
            config=self.config,
            function=maker.function,
            credentials=self._credentials,
        )
        applications.node.add_dependency(maker.role)  # with its permissions, before it is called
