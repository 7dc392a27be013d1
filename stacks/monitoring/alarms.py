"""CloudWatch alarms: their metrics, their thresholds, and the symptom that each fault causes.

Each description has what the alarm means for users, and its page under docs/runbooks/.
"""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from stacks.chat import ChatStack
from stacks.config.functions import FUNCTIONS
from stacks.constructs.function import Function, metrics_namespace
from stacks.constructs.push_feedback import REJECTIONS, RESPONSES
from stacks.constructs.websocket_api import WebSocketApi
from stacks.data import DataStack
from stacks.monitoring.balancer_alarms import BalancerAlarms
from stacks.monitoring.canary import Canary
from stacks.monitoring.metrics import logged, time_of
from stacks.monitoring.symptoms import Symptom, symptom_of
from stacks.notifications import NotificationsStack

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
# operations of the tables that every message uses: ten metrics, the most that an alarm may have
WATCHED_TABLES = ("Chats", "Users")
WATCHED_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")
ERROR_PERCENT, REJECTED_PERCENT = 5, 20
THROTTLES = 10  # a minute: DynamoDB causes fewer while it splits a partition
CONCURRENCY_SHARE = 0.8  # of the account's quota


class Alarms(BalancerAlarms):
    """The alarms of all parts: one method a part, each called once, and `notify` after them."""

    def on_functions(self, functions: Mapping[str, Function]) -> None:
        for name, function in functions.items():
            symptom = symptom_of(name)
            self._alarm(
                f"{name}Errors",
                function.function.metric_errors(period=FIVE_MINUTES),
                f"{name} fails: it raised or ran into its timeout",
                symptom,
                runbook="function-errors",
                datapoints=2,
            )
            self._alarm(
                f"{name}Throttles",
                function.function.metric_throttles(period=FIVE_MINUTES),
                f"{name} is throttled: the concurrency limit is reached",
                symptom,
                runbook="function-throttles",
                datapoints=2,
            )
        self._alarm(
            "Concurrency",
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="ConcurrentExecutions",
                statistic="Maximum",
                period=MINUTE,
            ),
            f"Functions of this account and region use {CONCURRENCY_SHARE:.0%} of the quota",
            Symptom.PLATFORM,
            runbook="concurrency",
            threshold=CONCURRENCY_SHARE * self._config.concurrent_executions,
            datapoints=3,
        )

    def on_tables(self, data: DataStack) -> None:
        """Throttles are mostly of single keys, of a busy chat or user. So they are no faults of the
        platform, which would silence the other symptoms."""
        for name, table in data.tables.items():
            throttled = {
                each: table.metric(f"{each}ThrottleEvents", statistic="Sum", period=MINUTE)
                for each in ("Read", "Write")
            }
            self._alarm(
                f"{name}TableThrottles",
                cloudwatch.MathExpression(
                    expression="FILL(reads, 0) + FILL(writes, 0)",
                    using_metrics={"reads": throttled["Read"], "writes": throttled["Write"]},
                    label="throttled reads and writes",
                    period=MINUTE,
                ),
                f"DynamoDB throttles {name}: requests get rate_limited",
                Symptom.CHAT,
                runbook="table-throttles",
                threshold=THROTTLES,
                datapoints=3,
            )
        self._on_table_errors(data)

    def _on_table_errors(self, data: DataStack) -> None:
        failed = {
            f"{name.lower()}{operation}": data.tables[name].metric(
                "SystemErrors",
                dimensions_map={
                    "TableName": data.tables[name].table_name,
                    "Operation": operation,
                },
                statistic="Sum",
                period=MINUTE,
            )
            for name in WATCHED_TABLES
            for operation in WATCHED_OPERATIONS
        }
        self._alarm(
            "TableErrors",
            cloudwatch.MathExpression(
                expression=" + ".join(f"FILL({each}, 0)" for each in failed),
                using_metrics=failed,
                label="internal errors",
                period=MINUTE,
            ),
            "DynamoDB returns internal errors of its own",
            Symptom.PLATFORM,
            runbook="table-errors",
            datapoints=3,
        )

    def on_users(self, data: DataStack) -> None:
        for name, meaning in (
            ("SignIn", "sign-ins"),
            ("TokenRefresh", "refreshes of tokens"),
            ("SignUp", "sign-ups"),
        ):
            self._alarm(
                f"{name}Throttles",
                cloudwatch.Metric(
                    namespace="AWS/Cognito",
                    metric_name=f"{name}Throttles",
                    dimensions_map={
                        "UserPool": data.user_pool.user_pool_id,
                        "UserPoolClient": data.client.user_pool_client_id,
                    },
                    statistic="Sum",
                    period=FIVE_MINUTES,
                ),
                f"Cognito throttles {meaning}: the account's quota is reached",
                Symptom.API,
                runbook="cognito-throttles",
                datapoints=2,
            )

    def on_gateway(self, websocket: WebSocketApi) -> None:
        """Of frames and connections. Single errors are normal: a used ticket, a device that was
        removed while it connected. So most alarms compare the share of errors.
        """

        def of_stage(name: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/ApiGateway",
                metric_name=name,
                dimensions_map={"ApiId": websocket.api.api_id, "Stage": self._config.name},
                statistic="Sum",
                period=FIVE_MINUTES,
            )

        self._alarm(
            "GatewayErrors",
            of_stage("ExecutionError"),
            "The gateway could not call a function",
            Symptom.CHAT,
            runbook="gateway-errors",
            datapoints=2,
        )
        for name, metric, meaning in (
            ("IntegrationErrors", "IntegrationError", "Functions return errors to the gateway"),
            ("ClientErrors", "ClientError", "The gateway rejects connections or frames"),
        ):
            self._alarm(
                name,
                _share(of_stage(metric), of_stage("MessageCount"), at_least=100),
                f"{meaning}, {ERROR_PERCENT} % of all or more",
                Symptom.CHAT,
                runbook="gateway-errors",
                threshold=ERROR_PERCENT,
                datapoints=2,
            )

    def on_queues(self, notifications: NotificationsStack, chat: ChatStack) -> None:
        self._on_failures(chat.stream_failures, "delivery was not watched for some records")
        self._on_pushes(notifications)
        self._on_times()
        watch = chat.functions["DeliveryWatch"].function
        self._alarm(
            "IteratorAge",
            watch.metric("IteratorAge", statistic="Maximum", period=MINUTE),
            "The delivery watch is a minute behind: lost posts are healed late",
            Symptom.CHAT,
            runbook="iterator-age",
            threshold=60_000,  # milliseconds
            datapoints=3,
        )

    def _on_pushes(self, notifications: NotificationsStack) -> None:
        self._on_failures(
            notifications.dead_letters,
            "pushes were given up: not woken",
            Symptom.PUSHES,
            runbook="push-dead-letters",
        )
        self._alarm(
            "PushAge",
            notifications.queue.metric_approximate_age_of_oldest_message(statistic="Maximum"),
            "A push has waited for five minutes",
            Symptom.PUSHES,
            runbook="push-age",
            threshold=300,
        )
        self._on_rejected_pushes()
        if notifications.feedback:
            responses, rejections = (
                logged(self._config, RESPONSES),
                logged(self._config, REJECTIONS),
            )
            self._alarm(
                "PlatformRejections",
                _percent(rejections, responses, at_least=3),
                f"FCM or APNs take {REJECTED_PERCENT} % of the pushes not: a credential may have "
                "ended",
                Symptom.PUSHES,
                runbook="platform-rejections",
                threshold=REJECTED_PERCENT,
                datapoints=3,
            )

    def _on_rejected_pushes(self) -> None:
        """By SNS, and by the push services of browsers, as the push function counts them."""
        rejected, sent = (
            cloudwatch.Metric(
                namespace=metrics_namespace(self._config),
                metric_name=name,
                dimensions_map={"service": FUNCTIONS["Push"].service},
                statistic="Sum",
                period=FIVE_MINUTES,
            )
            for name in ("PushesRejected", "PushesSent")
        )
        self._alarm(
            "PushesRejected",
            _share(rejected, sent, at_least=10),
            f"Of the pushes, {REJECTED_PERCENT} % or more are rejected: credentials may have ended",
            Symptom.PUSHES,
            runbook="pushes-rejected",
            threshold=REJECTED_PERCENT,
            datapoints=3,
        )

    def _on_times(self) -> None:
        """Alarms about delays that users notice, whatever causes them."""
        for name, function, metric, limit, symptom, what in (
            ("SlowDelivery", "Send", "DeliveryTime", 2_000, Symptom.CHAT, "from accept to post"),
            ("SlowPushes", "Push", "PushTime", 120_000, Symptom.PUSHES, "from accept to push"),
        ):
            self._alarm(
                name,
                time_of(self._config, function, metric, "p99"),
                f"Of 100 texts one takes {limit // 1000} seconds or more {what}",
                symptom,
                runbook="slow-delivery" if symptom is Symptom.CHAT else "slow-pushes",
                threshold=limit,
                datapoints=3,
            )

    def _on_failures(
        self,
        queue: sqs.Queue,
        meaning: str,
        symptom: Symptom = Symptom.CHAT,
        *,
        runbook: str = "stream-failures",
    ) -> None:
        self._alarm(
            queue.node.id,
            queue.metric_approximate_number_of_messages_visible(statistic="Maximum"),
            f"The dead-letter queue is not empty: {meaning}",
            symptom,
            runbook=runbook,
        )

    def on_canary(self, canary: Canary) -> None:
        self._alarm(
            "Canary",
            canary.passed(),
            "What two users do end to end fails, or was not tried",
            Symptom.CHAT,
            runbook="canary",
            below=True,
        )


def _percent(
    part: cloudwatch.Metric, whole: cloudwatch.Metric, *, at_least: int
) -> cloudwatch.MathExpression:
    """`part` in percent of `whole`; 0 while that is less than `at_least`."""
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(whole, 0) >= {at_least}, 100 * FILL(part, 0) / FILL(whole, 0), 0)",
        using_metrics={"part": part, "whole": whole},
        label="percent",
        period=FIVE_MINUTES,
    )


def _share(
    part: cloudwatch.Metric, rest: cloudwatch.Metric, *, at_least: int
) -> cloudwatch.MathExpression:
    """`part` in percent of both together; 0 while there are fewer of both than `at_least`."""
    both = "(FILL(part, 0) + FILL(rest, 0))"
    return cloudwatch.MathExpression(
        expression=f"IF({both} >= {at_least}, 100 * FILL(part, 0) / {both}, 0)",
        using_metrics={"part": part, "rest": rest},
        label="percent",
        period=FIVE_MINUTES,
    )
