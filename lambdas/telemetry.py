"""Logs and metrics, by Powertools: JSON lines with ids, never a payload, a token or a ticket."""

import json
import warnings
from functools import partial

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# Most invocations of some functions count nothing, so this warning would fill their logs.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# Without arguments that would override the template's variables, different in each environment.
# ASCII alone: U+2028, U+0085 and others of Unicode end a line for many readers of logs.
logger = Logger(json_serializer=partial(json.dumps, default=str, separators=(",", ":")))
metrics = Metrics()


def took(name: str, milliseconds: float) -> None:
    """Adds a duration to a metric whose percentiles the dashboard and alarms have."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=max(milliseconds, 0.0))


def count(name: str, number: int = 1) -> None:
    """Adds to a metric of the dashboard; flushed when the invocation ends."""
    if number:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
