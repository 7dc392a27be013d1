"""Metrics that the functions print, each with the service that prints it as its dimension."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, SOCKET_FUNCTIONS
from stacks.constructs.function import metrics_namespace


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
