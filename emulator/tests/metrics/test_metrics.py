"""Metrics: statistics, metric math, embedded metrics, and what is measured of the system."""

from __future__ import annotations

import json
import math as math_
from pathlib import Path
from typing import Any

import pytest
from tests.rows import rows

from emulator.metrics import emf, expressions, store
from emulator.metrics.sampling import Sampling
from emulator.metrics.store import Metric, Series, Store
from emulator.traces.ring import CALL, INVOCATION, POST, Ring

NOW = 600.0


@rows(
    ("statistic", "expected"),
    [
        ("Sum", 5050),
        ("Average", 50.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("SampleCount", 100),
        ("p50", 50),
        ("p99", 99),
        ("p99.9", 100),
    ],
)
def test_a_statistic_of_the_numbers_to_100(statistic: str, expected: float) -> None:
    assert store.of(statistic, store.Values(map(float, range(1, 101)))) == expected


def test_a_series_has_a_value_for_each_period_and_none_where_nothing_was_put() -> None:
    metrics, metric = Store(lambda: NOW), Metric("n", "m")
    for at, value in ((0, 1.0), (61, 2.0), (119, 3.0), (240, 4.0), (300, 9.0)):
        metrics.put_at(at, metric, value)
    assert metrics.series(metric, "Sum", 60, 300, 5) == [1.0, 5.0, None, None, 4.0]
    assert metrics.series(metric, "Sum", 120, 240, 2) == [6.0, None]
    assert metrics.series(metric, "Maximum", 300, 300, 1) == [4.0]


def test_minutes_that_nobody_asks_for_any_more_are_dropped() -> None:
    metrics, metric = Store(lambda: NOW), Metric("n", "m")
    for minute in range(store.RETAINED + 1):
        metrics.put_at(60 * minute, metric, 1.0)
    assert metrics.series(metric, "Sum", 60, 120, 2) == [None, 1.0]


def math(text: str, **metrics: Series) -> Series:
    return expressions.evaluated(expressions.parsed(text), metrics, 3)


@rows(
    ("text", "expected"),
    [
        ("a", [1.0, None, 3.0]),
        ("FILL(a, 0) + FILL(b, 0)", [11.0, 20.0, 3.0]),
        ("a + b", [11.0, None, None]),
        ("-a", [-1.0, None, -3.0]),
        ("100 * a / FILL(b, 0)", [10.0, None, None]),
        ("a * 30 / PERIOD(a)", [0.5, None, 1.5]),
        ("IF(FILL(a, 0) >= 3, 7, FILL(b, 0))", [10.0, 20.0, 7.0]),
        ("MAX(a)", [1.0, None, 3.0]),
        ("5", [5.0, 5.0, 5.0]),
    ],
)
def test_metric_math(text: str, expected: Series) -> None:
    assert math(text, a=[1.0, None, 3.0], b=[10.0, 20.0, None]) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("RATE(a)", "RATE"),
        ("a && b", "a && b"),
        ("c + 1", "c"),
        ("FILL(a, REPEAT, 1)", "REPEAT"),
        ("a.b", "Attribute"),
    ],
)
def test_what_metric_math_has_and_the_emulator_has_not_is_named(text: str, named: str) -> None:
    with pytest.raises(expressions.Unsupported, match=named):
        math(text, a=[1.0, 1.0, 1.0], b=[1.0, 1.0, 1.0])


def test_a_search_names_namespace_dimensions_and_metric() -> None:
    found = expressions.searched('{"Chat/dev",service} MetricName="Sent"')
    assert found == ("Chat/dev", frozenset({"service"}), {"MetricName": "Sent"})
    with pytest.raises(expressions.Unsupported, match="the search"):
        expressions.searched("{Chat} Sent OR Failed")


def embedded(**values: Any) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": "Chat", "Dimensions": [["service"]], "Metrics": metrics}
    about = {"Timestamp": 2000, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "service": "messages", **values})


def test_metrics_are_read_from_what_functions_print_from_now_on(tmp_path: Path) -> None:
    log = tmp_path / "Send.log"
    log.write_text(embedded(Sent=1) + "\n")
    logs = emf.Logs(tmp_path)
    logs.skip()
    service = frozenset({("service", "messages")})
    with log.open("a") as file:
        file.write("no metric\n" + embedded(Sent=[2, 3]) + "\n" + '{"_aws": broken}\n')
        file.write(embedded(Sent=4)[:20])
        file.flush()
        sent = Metric("Chat", "Sent", service)
        assert list(logs.new()) == [(2.0, sent, each) for each in (2.0, 3.0)]
        file.write(embedded(Sent=4)[20:] + "\n")
    (tmp_path / "pools").mkdir()
    (tmp_path / "pools" / "small-1.log").write_text(embedded(Served=5) + "\n")
    found = {(metric.name, value) for _, metric, value in logs.new()}
    assert found == {("Sent", 4.0), ("Served", 5.0)}
    assert not list(logs.new())


@rows(
    "directives",
    [
        None,
        5,
        ["Sent"],
        [{}],
        [{"Namespace": "Chat", "Dimensions": [["gone"]], "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": "Chat", "Dimensions": [[["a"]]], "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": "Chat", "Metrics": [{}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "Text"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "Sent"}, {"Name": "Null"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "NotANumber"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "TooLarge"}]}],
        # a metric is a number or a list of numbers, a name a text: "Specification: Embedded metric
        # format"
        [{"Namespace": "Chat", "Metrics": [{"Name": "Number"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "True"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": "Mixed"}]}],
        [{"Namespace": 5, "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": None, "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": "", "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": "x" * 1025, "Metrics": [{"Name": "Sent"}]}],
        [{"Namespace": "Chat", "Metrics": [{"Name": ""}]}],
    ],
    ids=lambda each: str(each)[:60],
)
def test_a_line_that_breaks_the_format_has_no_metrics(directives: Any) -> None:
    values: dict[str, Any] = {
        "Sent": 1,
        "Text": "n/a",
        "Null": None,
        "NotANumber": math_.nan,
        "TooLarge": 10**400,
    }
    values |= {"Number": "5", "True": True, "Mixed": [1, "2"], "": 1}
    document = {"_aws": {"Timestamp": 2000, "CloudWatchMetrics": directives}, **values}
    assert list(emf.values(json.dumps(document).encode())) == []


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b"[1]", b'{"_aws": 1}', b"\xff", b'{"_aws": {}}'], ids=len
)
def test_a_line_that_is_no_document_of_the_format_has_no_metrics(line: bytes) -> None:
    assert list(emf.values(line)) == []


@pytest.mark.parametrize(
    "at", [math_.nan, math_.inf, None, "now", "2000", True, 10**400], ids=lambda each: str(each)[:9]
)
def test_a_line_without_a_time_has_no_metrics(at: Any) -> None:
    directive = {"Namespace": "Chat", "Metrics": [{"Name": "Sent"}]}
    document = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}, "Sent": 1}
    assert list(emf.values(json.dumps(document).encode())) == []


def sums(metrics: Store) -> dict[tuple[str, tuple[str, ...]], float | None]:
    """By name and the values of dimensions, of the minute that now is in."""
    return {
        (each.name, tuple(sorted(value for _, value in each.dimensions))): metrics.series(
            each, "Sum", 60, NOW + 60, 1
        )[0]
        for each in metrics.metrics()
    }


def test_records_of_the_ring_are_counted_once_by_what_they_are() -> None:
    metrics, ring = Store(lambda: NOW), Ring(lambda: NOW / 10)
    sampling = Sampling(metrics, lambda: {"Send": "chat-send"}, lambda: {"app": "pool"})
    ring.add(INVOCATION, "Send", ms=5.0)
    ring.add(INVOCATION, "Send", ms=7.0, error="KeyError")
    table = json.dumps({"TableName": "Chats"})
    throttled = "ProvisionedThroughputExceededException: slow down"
    ring.add(CALL, "UpdateItem", given=table, error=throttled)
    ring.add(CALL, "Query", given=table, error=throttled)
    ring.add(CALL, "GetItem", given=table, error="InternalServerError: oh")
    ring.add(CALL, "PutItem", given=table, error="ConditionalCheckFailedException: no")
    ring.add(POST, "connection")
    for name, flow in (("SignUp", ""), ("InitiateAuth", "USER_PASSWORD_AUTH")):
        given = json.dumps({"ClientId": "app", "AuthFlow": flow})
        ring.add(CALL, name, given=given, error="TooManyRequestsException: wait")
    assert sampling.records(ring, speed=10) == 1
    assert sampling.records(ring, speed=10) == 0
    found = sums(metrics)
    assert found[("Invocations", ("chat-send",))] == 2
    assert found[("Errors", ("chat-send",))] == 1
    assert found[("Duration", ("chat-send",))] == 12
    assert found[("WriteThrottleEvents", ("Chats",))] == 1
    assert found[("ReadThrottleEvents", ("Chats",))] == 1
    assert found[("SystemErrors", ("Chats", "GetItem"))] == 1
    assert found[("SignUpThrottles", ("app", "pool"))] == 1
    assert found[("SignInThrottles", ("app", "pool"))] == 1


def test_functions_and_queues_are_measured_as_they_are() -> None:
    metrics = Store(lambda: NOW)
    sampling = Sampling(metrics, dict)
    for throttled in (2, 3):
        sampling.functions([{"name": "send", "throttled": throttled, "busy": 4}])
    sampling.queues({"pushes": {"visible": 3, "age": 30.0}}, speed=10)
    sampling.streams([("watch", 2.0)], speed=10)
    found = sums(metrics)
    assert found[("Throttles", ("send",))] == 3
    assert found[("ConcurrentExecutions", ())] == 8
    assert found[("ApproximateNumberOfMessagesVisible", ("pushes",))] == 3
    assert found[("ApproximateAgeOfOldestMessage", ("pushes",))] == 300
    assert found[("IteratorAge", ("watch",))] == 20_000


METRIC = {"Name": "Sent"}
BEYOND: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"Metrics": [METRIC] * 101}, {}),
    ({"Dimensions": [[f"d{n}" for n in range(31)]]}, {f"d{n}": "x" for n in range(31)}),
    ({"Dimensions": [["d"]]}, {"d": 5}),
    ({"Dimensions": [["d"]]}, {"d": "x" * 1025}),
    ({}, {"Sent": [1] * 101}),
    ({}, {"text": "x" * 1024 * 1024}),
]


@pytest.mark.parametrize(("directive", "values"), BEYOND, ids=range(len(BEYOND)))
def test_a_document_beyond_the_limits_of_its_format_is_no_metric(
    directive: dict[str, Any], values: dict[str, Any]
) -> None:
    """ "Specification: Embedded metric format", CloudWatch user guide."""
    about = {"Namespace": "N", "Dimensions": [[]], "Metrics": [METRIC], **directive}
    document = {"_aws": {"Timestamp": 2000, "CloudWatchMetrics": [about]}, "Sent": 1, **values}
    assert list(emf.values(json.dumps(document).encode())) == []
