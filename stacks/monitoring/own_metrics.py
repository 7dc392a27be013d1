"""Metrics of the project's own namespace: those that functions print, and those of metric filters
over logs.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS
from stacks.constructs.function import metrics_namespace
from stacks.constructs.push_feedback import DIMENSION


def logged(
    config: Environment,
    name: str,
    status: str | None = None,
    label: str | None = None,
    period: Duration | None = None,
) -> cloudwatch.Metric:
    """What a filter counts in logs: of one status of a platform, or all."""
    return cloudwatch.Metric(
        namespace=metrics_namespace(config),
        metric_name=name,
        dimensions_map=None if status is None else {DIMENSION: status},
        statistic="Sum",
        period=period or Duration.minutes(5),
        label=label,
    )


def time_of(
    config: Environment, function: str, name: str, statistic: str, label: str | None = None
) -> cloudwatch.Metric:
    """A duration in milliseconds. What tasks run for a function has their service."""
    in_tasks = config.websocket.in_containers and function in SOCKET_FUNCTIONS
    return cloudwatch.Metric(
        namespace=metrics_namespace(config),
        metric_name=name,
        dimensions_map={"service": "sockets" if in_tasks else FUNCTIONS[function].service},
        statistic=statistic,
        period=Duration.minutes(5),
        label=label,
    )
