"""An event source mapping as its template describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.events.filters import compile_filters
from emulator.events.parameters import FOREVER, check, failure_destination
from emulator.providers import EmulatorError


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


def read_mapping(where: str, properties: Mapping[str, Any]) -> EventSourceMapping:
    """Raises EmulatorError for what Lambda rejects, and for what is not supported."""
    given = {name: value for name, value in properties.items() if value is not None}
    source = str(given["EventSourceArn"])
    stream = ":dynamodb:" in source
    check(where, given, stream)
    try:
        wanted = compile_filters(given.get("FilterCriteria"), source)
    except EmulatorError as error:
        raise EmulatorError(f"{where}: {error}") from error
    return EventSourceMapping(
        source=source,
        function=given["FunctionName"],
        batch_size=int(given.get("BatchSize", 100 if stream else 10)),
        window=float(given.get("MaximumBatchingWindowInSeconds", 0)),
        wanted=wanted,
        partial_failures="ReportBatchItemFailures" in given.get("FunctionResponseTypes", []),
        bisect=given.get("BisectBatchOnFunctionError", False) in (True, "true"),
        retries=int(given.get("MaximumRetryAttempts", FOREVER)),
        max_age=float(given.get("MaximumRecordAgeInSeconds", FOREVER)),
        on_failure=failure_destination(given),
        from_start=given.get("StartingPosition", "TRIM_HORIZON") == "TRIM_HORIZON",
        concurrency=int(given.get("ScalingConfig", {}).get("MaximumConcurrency", 5)),
    )
