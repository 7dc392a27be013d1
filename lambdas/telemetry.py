"""Logs and metrics, by Powertools: JSON lines with ids, never a payload, a token or a ticket."""

import warnings

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# Most invocations of some functions count nothing, and that is nothing to warn about in their logs.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# No arguments: they would beat the variables of the template, which keep environments apart.
logger = Logger()
metrics = Metrics()


def count(name: str, number: int = 1) -> None:
    """Adds to one of the metrics that the dashboard shows; flushed when the invocation ends."""
    if number:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
