"""Parameters of event source mappings, by the kind of their source, and their bounds.

Source: Lambda developer guide, "Lambda parameters for Amazon SQS event source mappings" and "Lambda
parameters for Amazon DynamoDB event source mappings"; CreateEventSourceMapping, API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.functions.limits import require_standard, whole, within
from emulator.providers import EmulatorError

FOREVER = -1
Bounds = Mapping[str, tuple[int, int]]

_STREAM: Bounds = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRecordAgeInSeconds": (60, 604_800),  # or -1, for ever
    "MaximumRetryAttempts": (FOREVER, 10_000),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 900),
}
_QUEUE: Bounds = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
}
_CONCURRENCY = (2, 1000)
_FIFO_BATCH = 10
# More messages than one ReceiveMessage gives take a window: CreateEventSourceMapping, BatchSize.
_WITHOUT_WINDOW = 10

_COMMON = {
    "EventSourceArn",
    "FunctionName",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "LoggingConfig",
    "MetricsConfig",
    "Tags",
}
_STREAM_ONLY = {"BisectBatchOnFunctionError", "DestinationConfig", "StartingPosition"}
_STREAM_NAMES = _COMMON | _STREAM_ONLY | _STREAM.keys()
_QUEUE_NAMES = _COMMON | {"ScalingConfig"} | _QUEUE.keys()


def check(where: str, given: Mapping[str, Any], stream: bool) -> None:
    """Raises EmulatorError. `given` has no properties that are null: those are absent."""
    names = _STREAM_NAMES if stream else _QUEUE_NAMES
    for name in given:
        if name not in names:
            kind = "DynamoDB stream" if stream else "queue"
            raise EmulatorError(
                f"{where}: {name} is no parameter of a {kind}'s event source mapping, or is not "
                "supported: remove it"
            )
    check_values(where, given, stream=stream, fifo=str(given["EventSourceArn"]).endswith(".fifo"))
    if stream:
        _check_supported(where, given)


def check_values(where: str, given: Mapping[str, Any], *, stream: bool, fifo: bool) -> None:
    """Raises EmulatorError for what Lambda rejects, whether it is supported here or not."""
    bounds = _STREAM if stream else _QUEUE
    numbers = {
        name: FOREVER
        if name == "MaximumRecordAgeInSeconds" and str(given[name]) == str(FOREVER)
        else within(where, name, given[name], *bounds[name])
        for name in bounds
        if name in given
    }
    for name in ("BisectBatchOnFunctionError", "Enabled"):
        if given.get(name, True) not in (True, False, "true", "false"):
            raise EmulatorError(f"{where}: {name} {given[name]!r} is neither true nor false")
    types = given.get("FunctionResponseTypes", [])
    if types not in ([], ["ReportBatchItemFailures"]):
        raise EmulatorError(f"{where}: FunctionResponseTypes {types} knows ReportBatchItemFailures")
    if not stream:
        _check_queue(where, given, numbers, fifo)
        return
    position = given.get("StartingPosition")
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise EmulatorError(f"{where}: StartingPosition {position!r} is TRIM_HORIZON or LATEST")


def failure_destination(given: Mapping[str, Any]) -> str | None:
    """The ARN; None where there is none, or where it is empty."""
    found = (given.get("DestinationConfig", {}).get("OnFailure") or {}).get("Destination")
    return str(found) if found else None


def _check_supported(where: str, given: Mapping[str, Any]) -> None:
    for name, most in (("ParallelizationFactor", 1), ("TumblingWindowInSeconds", 0)):
        if whole(where, name, given.get(name, most)) > most:
            raise EmulatorError(f"{where}: {name} over {most} is not supported: remove it")
    failures = failure_destination(given) or ""
    if given.get("DestinationConfig", {}).get("OnSuccess") or (
        failures and ":sqs:" not in failures
    ):
        raise EmulatorError(f"{where}: DestinationConfig takes a queue for OnFailure alone here")
    require_standard(where, failures)


def _check_queue(
    where: str, given: Mapping[str, Any], numbers: Mapping[str, int], fifo: bool
) -> None:
    size = numbers.get("BatchSize", _WITHOUT_WINDOW)
    window = numbers.get("MaximumBatchingWindowInSeconds", 0)
    if fifo:
        within(where, "BatchSize", size, 1, _FIFO_BATCH)
        if window:
            raise EmulatorError(
                f"{where}: MaximumBatchingWindowInSeconds is not supported for FIFO queues"
            )
    elif size > _WITHOUT_WINDOW and not window:
        raise EmulatorError(
            f"{where}: a BatchSize over {_WITHOUT_WINDOW} takes a MaximumBatchingWindowInSeconds "
            "of at least 1"
        )
    concurrency = given.get("ScalingConfig", {}).get("MaximumConcurrency")
    if concurrency is not None:
        within(where, "MaximumConcurrency", concurrency, *_CONCURRENCY)
