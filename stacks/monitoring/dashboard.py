"""The CloudWatch dashboard: what users notice, then what a message passes, in its order."""

from collections.abc import Callable, Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.chat import ChatStack
from stacks.config.environments import Environment
from stacks.constructs.container_pool import ContainerPoolService
from stacks.constructs.function import Function, metrics_namespace
from stacks.constructs.kubernetes_pool import TargetPool
from stacks.constructs.network_balancer import NetworkBalancer
from stacks.constructs.push_feedback import responses_of
from stacks.constructs.socket_service import REPORT_SECONDS, SocketService
from stacks.constructs.websocket_api import PING_SECONDS, PINGS, WebSocketApi
from stacks.monitoring.canary import Canary
from stacks.monitoring.metrics import logged, of_group, time_of
from stacks.notifications import NotificationsStack

MINUTE = Duration.minutes(1)
PLATFORMS = {"FCM": "FCM", "APNS": "APNs", "APNS_SANDBOX": "APNs sandbox"}
# firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode; Apple, "Handling notification responses
# from APNs"
STATUSES = {
    "200": "taken",
    "400": "400 bad request",
    "401": "401 credential",
    "403": "403 credential",
    "404": "404 app removed",
    "410": "410 app removed",
    "413": "413 too large",
    "429": "429 too many",
    "500": "500",
    "503": "503",
}
HEIGHT = 6
FOOTER_HEIGHT = 1

# the metrics of a target group, and the name of its pool -> one of them
Measure = Callable[[elb.IApplicationTargetGroupMetrics, str], cloudwatch.Metric]
GRID = 24  # columns


class Dashboard(Construct):
    """One row of graphs for each `show_`."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id)
        self._config = config
        self._namespace = metrics_namespace(config)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            # A dashboard's name is the account's, not the region's, and a second one of the same
            # name would overwrite the first.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
            dashboard_name=f"{config.project}-{config.name}-{Stack.of(self).region}",
            period_override=cloudwatch.PeriodOverride.AUTO,
        )

    def show_alarms(self, symptoms: Sequence[cloudwatch.IAlarm]) -> None:
        """The state of the alarms, above all graphs."""
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(
                alarms=list(symptoms), title="What users notice", width=GRID, height=2
            )
        )

    def show_times(self, canary: Canary | None) -> None:
        """The times that people wait, whatever the cause is, and the canary's results."""
        percentiles = ("p50", "p99")
        self._row(
            {
                "Canary, 1 is well": [canary.passed()] if canary else [],
                "From accept to post, ms": [
                    time_of(self._config, "Send", "DeliveryTime", each, each)
                    for each in percentiles
                ],
                "From accept to push, ms": [
                    time_of(self._config, "Push", "PushTime", each, each) for each in percentiles
                ],
            }
        )

    def show_connections(self, websocket: WebSocketApi | None) -> None:
        """Open connections, computed from their pings, and new ones; and the states of texts.
        Without API Gateway tasks report their own: see `show_sockets`.
        """
        self._row(
            {
                **(self._connections(websocket) if websocket else {}),
                "Texts, as the delivery watch found them": self._counted(
                    "WatchReached", "WatchNudged", "WatchWoken", "WatchWaiting", "WatchExpired"
                ),
            }
        )

    def _connections(self, websocket: WebSocketApi) -> dict[str, Sequence[cloudwatch.IMetric]]:
        opened = cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name="ConnectCount",
            dimensions_map={"ApiId": websocket.api.api_id, "Stage": self._config.name},
            statistic="Sum",
            period=MINUTE,
            label="new",
        )
        pings = logged(self._config, PINGS, period=MINUTE)
        there = cloudwatch.MathExpression(
            expression=f"pings * {PING_SECONDS} / PERIOD(pings)",
            using_metrics={"pings": pings},
            label="open",
            period=MINUTE,
        )
        return {
            "Connections, open by their pings": (
                [there] if self._config.websocket.access_logs else []
            ),
            "New connections": [opened],
        }

    def show_messages(self) -> None:
        """The metrics that the functions emit, summed over all functions."""
        self._row(
            {
                "Messages": self._counted(
                    "MessagesAccepted", "MessagesDelivered", "MessagesPurged"
                ),
                "Delivery": self._counted("ReceiptsMoved", "Nudges"),
                "Pushes": self._counted(
                    "PushesSent", "PushesFailed", "PushesRejected", "PushesGone"
                ),
            }
        )

    def show_platforms(self) -> None:
        """The responses of FCM and APNs, by their status."""
        self._row(
            {
                f"{title} responses": [
                    logged(self._config, responses_of(platform), status, label, MINUTE)
                    for status, label in STATUSES.items()
                ]
                for platform, title in PLATFORMS.items()
            }
        )

    def show_web(
        self, balancer: elb.ApplicationLoadBalancer, pools: Mapping[str, TargetPool]
    ) -> None:
        metrics = balancer.metrics
        each = _of_each(balancer, pools)
        self._row(
            {
                "API requests": [
                    metrics.request_count(label="requests"),
                    metrics.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT, label="balancer 5xx"),
                    metrics.http_code_target(
                        elb.HttpCodeTarget.TARGET_5XX_COUNT, label="target 5xx"
                    ),
                ],
                "API latency": [
                    metrics.target_response_time(statistic=percentile, label=percentile)
                    for percentile in ("p50", "p99")
                ],
                "Requests per target": each(
                    lambda group, name: group.request_count_per_target(label=name)
                ),
                "Healthy targets": each(
                    lambda group, name: group.healthy_host_count(label=name, statistic="Minimum")
                ),
            }
        )

    def show_pools(
        self, balancer: elb.ApplicationLoadBalancer, pools: Mapping[str, TargetPool]
    ) -> None:
        """Errors, failed connections, health and CPU of each container pool."""
        each = _of_each(balancer, pools)
        failed = elb.HttpCodeTarget.TARGET_5XX_COUNT
        self._row(
            {
                "5xx by pool": each(lambda group, name: group.http_code_target(failed, label=name)),
                "Connections that failed": [
                    balancer.metrics.rejected_connection_count(label="rejected"),
                    *each(lambda group, name: group.target_connection_error_count(label=name)),
                ],
                "Unhealthy targets": each(
                    lambda group, name: group.unhealthy_host_count(label=name, statistic="Maximum")
                ),
                "CPU by pool, percent": [
                    pool.service.metric_cpu_utilization(label=name)
                    for name, pool in pools.items()
                    if isinstance(pool, ContainerPoolService)  # a cluster measures its pods itself
                ],
            }
        )

    def show_sockets(self, sockets: SocketService, balancer: elb.ApplicationLoadBalancer) -> None:
        """Graphs of the tasks that hold sockets."""
        group = sockets.target_group
        healthy = group.metrics.healthy_host_count(label="healthy", statistic="Minimum")
        held = sockets.metric("ConnectionsHeld", "Sum")
        together = cloudwatch.MathExpression(
            expression=f"held * {REPORT_SECONDS} / PERIOD(held)",
            using_metrics={"held": held},
            label="open",
            period=MINUTE,
        )
        self._row(
            {
                "Sockets, open": [together],
                "Sockets of a task": [
                    sockets.metric("ConnectionsHeld", each, each) for each in ("Average", "Maximum")
                ],
                "Tasks with sockets": [of_group(healthy, group, balancer)],
            }
        )
        self._row(
            {
                "Lag of their event loops, ms": [sockets.metric("LoopLag", "Maximum", "most")],
                "Posts that failed": [sockets.metric("PostsFailed", "Sum", "a minute")],
            }
        )

    def show_network_balancer(self, balancer: NetworkBalancer) -> None:
        metrics, group = balancer.balancer.metrics, balancer.target_group.metrics
        targets = [
            group.healthy_host_count(label="healthy", statistic="Minimum"),
            group.un_healthy_host_count(label="unhealthy", statistic="Maximum"),
        ]
        self._row(
            {
                "Connections by address": [
                    metrics.active_flow_count(label="open"),
                    metrics.new_flow_count(label="new"),
                ],
                "Connections by address, reset": [
                    metrics.tcp_target_reset_count(label="by targets"),
                    metrics.tcp_elb_reset_count(label="by the balancer"),
                ],
                "Targets by address": [
                    of_group(each, balancer.target_group, balancer.balancer) for each in targets
                ],
            }
        )

    def show_functions(self, functions: Mapping[str, Function]) -> None:
        each = {name: function.function for name, function in functions.items()}
        self._row(
            {
                "Function duration, p99": [
                    function.metric_duration(statistic="p99", label=name)
                    for name, function in each.items()
                ],
                "Function errors": [
                    function.metric_errors(label=name) for name, function in each.items()
                ],
                "Function throttles": [
                    function.metric_throttles(label=name) for name, function in each.items()
                ],
            }
        )

    def show_queues(self, notifications: NotificationsStack, chat: ChatStack) -> None:
        watch = chat.functions["DeliveryWatch"].function
        self._row(
            {
                "Push queue: age of the oldest": [
                    notifications.queue.metric_approximate_age_of_oldest_message(label="seconds")
                ],
                "Delivery watch: age of the last record": [
                    watch.metric("IteratorAge", statistic="Maximum", label="milliseconds")
                ],
                "Dead letters": [
                    queue.metric_approximate_number_of_messages_visible(label=name)
                    for name, queue in (
                        ("pushes", notifications.dead_letters),
                        ("stream batches", chat.stream_failures),
                    )
                ],
            }
        )

    def show_fingerprint(self, fingerprint: str) -> None:
        text = f"Made from configuration and sources {fingerprint}."
        self.dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=text, width=GRID, height=FOOTER_HEIGHT)
        )

    def _counted(self, *names: str) -> list[cloudwatch.IMetric]:
        """Of all services. A namespace with other characters than letters and digits is quoted:
        docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html"""
        schema = f'{{"{self._namespace}",service}}'
        return [
            cloudwatch.MathExpression(
                expression=f"SUM(SEARCH('{schema} MetricName=\"{name}\"', 'Sum'))",
                using_metrics={},
                label=name,
                period=MINUTE,
            )
            for name in names
        ]

    def _row(self, given: Mapping[str, Sequence[cloudwatch.IMetric]]) -> None:
        graphs = {title: metrics for title, metrics in given.items() if metrics}
        self.dashboard.add_widgets(
            *[
                cloudwatch.GraphWidget(
                    title=title, left=list(metrics), width=GRID // len(graphs), height=HEIGHT
                )
                for title, metrics in graphs.items()
            ]
        )


def _of_each(
    balancer: elb.ApplicationLoadBalancer, pools: Mapping[str, TargetPool]
) -> Callable[[Measure], list[cloudwatch.Metric]]:
    """A function that gives one metric of every pool's target group."""

    def each(measure: Measure) -> list[cloudwatch.Metric]:
        return [
            of_group(measure(pool.target_group.metrics, name), pool.target_group, balancer)
            for name, pool in pools.items()
        ]

    return each
