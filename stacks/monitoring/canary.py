"""The canary: two users who sign up, chat and delete their accounts, every so many minutes."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.build.canary_bundle import canary_code
from stacks.build.packages import Platform
from stacks.config.environments import Environment
from stacks.constructs.function import ARCHITECTURES, metrics_namespace, role_that_logs
from stacks.constructs.retention import log_group

TIMEOUT = 180  # seconds; tools/canary.py ends its steps after 150, so that it always measures
PASSED, SECONDS = "CanaryPassed", "CanarySeconds"


class Canary(Construct):
    """What `make doctor` does, in the account and by its own network; `api` is the API's URL.

    It has no permission except for its logs: it calls the API from outside, as any user does.
    `fingerprint` ends its description, so that it is updated with each change of the stack that
    `api` is an output of.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        platform: Platform,
        minutes: int,
        api: str,
        fingerprint: str,
    ) -> None:
        super().__init__(scope, id)
        self._config, self._minutes = config, minutes
        logs = log_group(self, "Logs", config)
        function = lambda_.Function(
            self,
            "Function",
            description=f"Two users who sign up, chat and leave ({fingerprint})",
            code=canary_code(platform),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=ARCHITECTURES[config.architecture],
            handler="tools.canary.handler",
            timeout=Duration.seconds(TIMEOUT),
            memory_size=1024,
            environment={"API_URL": api, "METRICS_NAMESPACE": metrics_namespace(config)},
            log_group=logs,
            role=role_that_logs(self, logs),
            retry_attempts=0,  # a second run would hide the first
            max_event_age=event_age(minutes),
        )
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(Duration.minutes(minutes)),
            # An event that EventBridge could not give to Lambda is dropped: the next one comes.
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )

    def passed(self) -> cloudwatch.Metric:
        """Whether it passed, in a period that has at least one run, wherever it begins."""
        return self._metric(PASSED, Duration.minutes(2 * self._minutes))

    def seconds(self) -> cloudwatch.Metric:
        return self._metric(SECONDS, Duration.minutes(self._minutes))

    def _metric(self, name: str, period: Duration) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=metrics_namespace(self._config),
            metric_name=name,
            statistic="Minimum",
            period=period,
        )


def event_age(minutes: int) -> Duration:
    """How long Lambda may try to start a throttled run: until the next one is due, and for six
    hours at most. Source: Lambda developer guide, "Configuring error handling settings for
    asynchronous invocation"."""
    return Duration.minutes(min(minutes, 360))
