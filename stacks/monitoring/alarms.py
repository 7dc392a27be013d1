"""CloudWatch alarms, whose descriptions state what each means for users."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.chat import ChatStack
from stacks.constructs.container_pool import ContainerPoolService
from stacks.constructs.function import Function
from stacks.constructs.network_balancer import NetworkBalancer
from stacks.monitoring.group_metrics import of_group
from stacks.notifications import NotificationsStack

MINUTE = Duration.minutes(1)


class Alarms(Construct):
    """`action` is what an alarm does when it goes off, None for nothing.

    `fingerprint` ends each description, so that each alarm is updated: it is unknown whether
    CloudFormation resolves the references of a resource that did not change.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        action: cloudwatch.IAlarmAction | None,
        fingerprint: str,
    ) -> None:
        super().__init__(scope, id)
        self._action = action
        self._fingerprint = fingerprint

    def on_functions(self, functions: Mapping[str, Function]) -> None:
        for name, function in functions.items():
            self._alarm(
                f"{name}Errors",
                function.function.metric_errors(),
                f"{name} fails: it raised or ran into its timeout",
                datapoints=2,
            )
            self._alarm(
                f"{name}Throttles",
                function.function.metric_throttles(),
                f"{name} is refused executions: the concurrency limit is reached",
                datapoints=2,
            )

    def on_queues(self, notifications: NotificationsStack, chat: ChatStack) -> None:
        for name, queue, meaning in (
            ("PushDeadLetters", notifications.dead_letters, "pushes were given up: not woken"),
            ("StreamFailures", chat.stream_failures, "delivery was not watched for some records"),
        ):
            self._alarm(
                name,
                queue.metric_approximate_number_of_messages_visible(statistic="Maximum"),
                f"The dead-letter queue is not empty: {meaning}",
            )
        self._alarm(
            "PushAge",
            notifications.queue.metric_approximate_age_of_oldest_message(statistic="Maximum"),
            "A push has waited for five minutes",
            threshold=300,
        )
        watch = chat.functions["DeliveryWatch"].function
        self._alarm(
            "IteratorAge",
            watch.metric("IteratorAge", statistic="Maximum", period=MINUTE),
            "The delivery watch is a minute behind: lost posts are healed late",
            threshold=60_000,  # milliseconds
            datapoints=3,
        )

    def on_web(
        self, balancer: elb.ApplicationLoadBalancer, pools: Mapping[str, ContainerPoolService]
    ) -> None:
        self._alarm(
            "Balancer5xx",
            balancer.metrics.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT),
            "The load balancer answers 5xx itself: no target, or a target broke off",
            datapoints=2,
        )
        self._alarm(
            "Target5xx",
            balancer.metrics.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT),
            "The API answers 5xx",
            datapoints=2,
        )
        self._alarm(
            "RejectedConnections",
            balancer.metrics.rejected_connection_count(),
            "The load balancer has as many connections as it takes, and refuses more",
        )
        for name, pool in pools.items():
            group = pool.target_group
            unhealthy = group.metrics.unhealthy_host_count(statistic="Maximum", period=MINUTE)
            self._alarm(
                f"{name}Unhealthy",
                of_group(unhealthy, group, balancer),
                f"Targets of the pool {name} fail their health checks",
                datapoints=3,
            )

    def on_network_balancer(self, balancer: NetworkBalancer) -> None:
        group = balancer.target_group
        unhealthy = group.metrics.un_healthy_host_count(statistic="Maximum", period=MINUTE)
        self._alarm(
            "NetworkUnhealthy",
            of_group(unhealthy, group, balancer.balancer),
            "Targets fail the health checks of the Network Load Balancer",
            datapoints=3,
        )

    def _alarm(
        self,
        id: str,
        metric: cloudwatch.Metric,
        meaning: str,
        threshold: float = 1,
        datapoints: int = 1,
    ) -> None:
        """Goes off when `datapoints` of the last `datapoints` + 1 reach the threshold (one of one
        for a single one). Missing data is not breaching: nothing ran."""
        alarm = metric.create_alarm(
            self,
            id,
            alarm_description=f"{meaning} ({self._fingerprint})",
            threshold=threshold,
            evaluation_periods=datapoints + 1 if datapoints > 1 else 1,
            datapoints_to_alarm=datapoints,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._action:
            alarm.add_alarm_action(self._action)
