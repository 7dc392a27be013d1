"""Metrics that the functions print, each with the service that prints it as its dimension."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS
from stacks.constructs.function import metrics_namespace


def time_of(
    config: Environment, function: str, name: str, statistic: str, label: str | None = None
) -> cloudwatch.Metric:
    """A duration in milliseconds."""
    return cloudwatch.Metric(
        namespace=metrics_namespace(config),
        metric_name=name,
        dimensions_map={"service": FUNCTIONS[function].service},
        statistic=statistic,
        period=Duration.minutes(5),
        label=label,
    )
