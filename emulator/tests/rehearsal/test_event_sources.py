"""What a rehearsal finds: event source mappings that Lambda would not create."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.steps import compared, exported, found, imported, resource, stack
from tests.rehearsal.templates import NOTE, REJECTED, Row
from tests.rows import rows

from emulator.template.assembly import Stack


def polled(
    hidden: int | None = None, timeout: int | None = None, fifo: bool = False, **given: Any
) -> list[Stack]:
    """A queue, a function, an alias of it, and a mapping with these properties."""
    queue: dict[str, Any] = {} if hidden is None else {"VisibilityTimeout": hidden}
    if fifo:
        queue["FifoQueue"] = True
    function: dict[str, Any] = {} if timeout is None else {"Timeout": timeout}
    arn = {"Fn::GetAtt": ["Jobs", "Arn"]}
    resources = {
        "Jobs": resource("SQS::Queue", **queue),
        "Push": resource("Lambda::Function", **function),
        "Live": resource("Lambda::Alias", FunctionName={"Ref": "Push"}, Name="live"),
        "Mapping": resource(
            "Lambda::EventSourceMapping",
            **{"EventSourceArn": arn, "FunctionName": {"Ref": "Push"}, **given},
        ),
    }
    return [stack("work", resources)]


def filtered(pattern: str) -> dict[str, Any]:
    return {"Filters": [{"Pattern": pattern}]}


def of_a_stream(**given: Any) -> list[Stack]:
    stream = {"Fn::GetAtt": ["Items", "StreamArn"]}
    mapping = {"EventSourceArn": stream, "FunctionName": "f", **given}
    resources = {
        "Items": resource("DynamoDB::Table"),
        "Mapping": resource("Lambda::EventSourceMapping", **mapping),
    }
    return [stack("work", resources)]


def apart() -> list[Stack]:
    """The queue in another stack than its function."""
    queue = {"Jobs": resource("SQS::Queue")}
    arn = exported("data", "Arn", {"Fn::GetAtt": ["Jobs", "Arn"]})
    (work,) = polled(timeout=60, EventSourceArn=imported("data", "Arn"))
    return [stack("data", queue, arn), work]


FOUND = {(REJECTED, "Mapping")}
# Source: "Lambda parameters for Amazon SQS event source mappings", and for Amazon DynamoDB; the
# window, github.com/aws/chalice/issues/1778; the timeouts, github.com/winglang/wing/issues/1507.
ROWS = [
    Row("a queue that hides for 59 s, a function with 60 s", None, polled(59, 60), FOUND),
    Row("a queue that hides for 60 s, a function with 60 s", None, polled(60, 60), set()),
    Row("a queue that says nothing: 30 s", None, polled(None, 31), FOUND),
    Row("a function that says nothing: 3 s", None, polled(2, None), FOUND),
    Row("the defaults of both", None, polled(), set()),
    Row("by an alias", None, polled(30, 60, FunctionName={"Ref": "Live"}), FOUND),
    Row("a queue of another stack", None, apart(), FOUND),
    Row("a function that is given more time later", polled(), polled(None, 60), set()),
    Row("a batch of 11 without a window", None, polled(BatchSize=11), FOUND),
    Row(
        "a batch of 11 with a window",
        None,
        polled(BatchSize=11, MaximumBatchingWindowInSeconds=1),
        set(),
    ),
    Row(
        "a window of a FIFO queue",
        None,
        polled(fifo=True, MaximumBatchingWindowInSeconds=1),
        FOUND,
    ),
    Row("a batch of 11 of a FIFO queue", None, polled(fifo=True, BatchSize=11), FOUND),
    Row("a concurrency of 1", None, polled(ScalingConfig={"MaximumConcurrency": 1}), FOUND),
    Row("a response of another type", None, polled(FunctionResponseTypes=["All"]), FOUND),
    Row("a pattern that is no filter", None, polled(FilterCriteria=filtered("{}")), FOUND),
    Row("a filter", None, polled(FilterCriteria=filtered('{"body": ["x"]}')), set()),
    Row("a batch of 11 later", polled(), polled(BatchSize=11), FOUND),
    Row(
        "a concurrency of 1 later",
        polled(),
        polled(ScalingConfig={"MaximumConcurrency": 1}),
        FOUND,
    ),
    Row(
        "a window of a FIFO queue later",
        polled(fifo=True),
        polled(fifo=True, MaximumBatchingWindowInSeconds=1),
        FOUND,
    ),
    Row(
        "a pattern that is no filter later",
        polled(FilterCriteria=filtered('{"body": ["x"]}')),
        polled(FilterCriteria=filtered("{}")),
        FOUND,
    ),
    Row("a batch of 9 later", polled(), polled(BatchSize=9), set()),
    Row(
        "a batch of 9 and more time for the function later",
        polled(),
        polled(None, 60, BatchSize=9),
        set(),
    ),
    Row("a stream without a position", None, of_a_stream(), FOUND),
    Row(
        "a stream that ten at once read, which runs on AWS",
        None,
        of_a_stream(StartingPosition="LATEST", ParallelizationFactor=10),
        set(),
    ),
    Row(
        "a stream that eleven at once read",
        None,
        of_a_stream(StartingPosition="LATEST", ParallelizationFactor=11),
        FOUND,
    ),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_mapping_has_just_these_findings(row: Row) -> None:
    kinds = found(compared(row.before, row.after))
    assert {each for each in kinds if each[0] is not NOTE} == row.finds
