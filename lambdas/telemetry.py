"""Logs and metrics, by Powertools: JSON lines with ids, never a payload, a token or a ticket."""

import json
import threading
import warnings
from functools import partial
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

# Most invocations of some functions count nothing, so this warning would fill their logs.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# Without arguments that would override the template's variables, different in each environment.
# ASCII alone: U+2028, U+0085 and others of Unicode end a line for many readers of logs.
logger = Logger(json_serializer=partial(json.dumps, default=str, separators=(",", ":")))


class SharedMetrics(AmazonCloudWatchEMFProvider):
    """Metrics that several threads add to: a container runs many handlers at once.

    The handler that ends first writes all that was added so far; Powertools' own class would lose
    what other threads add meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def add_metric(self, *given: Any, **named: Any) -> None:
        with self._lock:
            super().add_metric(*given, **named)

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:
        with self._lock:
            super().flush_metrics(raise_on_empty_metrics)


metrics = Metrics(provider=SharedMetrics())


def about(user: str, device: str) -> None:
    """Sets the fields of this handler's log lines, for its own thread alone."""
    logger.thread_safe_clear_keys()
    logger.thread_safe_append_keys(user=user, device=device)


def took(name: str, milliseconds: float) -> None:
    """Adds a duration to a metric whose percentiles the dashboard and alarms have."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=max(milliseconds, 0.0))


def count(name: str, number: int = 1) -> None:
    """Adds to a metric of the dashboard; flushed when the invocation ends."""
    if number:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)


def gauge(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """A value that is measured now and then, and belongs to no invocation; written at once."""
    metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()
