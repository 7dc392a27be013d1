"""An event source mapping as its template describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.events.filters import compile_filters

FOREVER = -1


@dataclass(frozen=True)
class EventSourceMapping:
    """Times are in seconds as in the template. `retries` and `max_age` are FOREVER by default;
    `on_failure` is the ARN of a queue."""

    source: str
    function: str
    batch_size: int
    window: float
    wanted: Callable[[Mapping[str, Any]], bool]
    partial_failures: bool
    bisect: bool = False
    retries: int = FOREVER
    max_age: float = FOREVER
    on_failure: str | None = None
    from_start: bool = True
    concurrency: int = 5


def read_mapping(properties: Mapping[str, Any]) -> EventSourceMapping:
    """Raises EmulatorError for filters that are not understood."""
    source = properties["EventSourceArn"]
    destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    default_batch = 100 if ":dynamodb:" in source else 10
    return EventSourceMapping(
        source=source,
        function=properties["FunctionName"],
        batch_size=int(properties.get("BatchSize", default_batch)),
        window=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        wanted=compile_filters(properties.get("FilterCriteria")),
        partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        retries=int(properties.get("MaximumRetryAttempts", FOREVER)),
        max_age=float(properties.get("MaximumRecordAgeInSeconds", FOREVER)),
        on_failure=destination,
        from_start=properties.get("StartingPosition", "TRIM_HORIZON") == "TRIM_HORIZON",
        concurrency=int(properties.get("ScalingConfig", {}).get("MaximumConcurrency", 5)),
    )
