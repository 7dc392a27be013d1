"""Alarms of a template: evaluated minute by minute, combined, described by AWS's calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from emulator.describe.cloudwatch import CloudWatchView
from emulator.metrics.alarms import results
from emulator.metrics.dashboard import drawn
from emulator.metrics.expressions import Unsupported
from emulator.metrics.monitor import reported
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.store import MINUTE, Store
from emulator.providers import Resource

SPEED = 10.0
ERRORS: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "send"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmDescription": "Send fails. docs/runbooks/function-errors.md (abc)",
}


class World:
    """A template's alarms, whose clock goes on when `minute` is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.store = Store(lambda: self.now)
        report = reported(self.lines.append)
        self.provider = CloudWatchProvider(self.store, "us-east-1", "1", report, SPEED)
        self.view = CloudWatchView(self.provider, self.store, SPEED)

    def alarm(self, id: str, properties: Mapping[str, Any]) -> str:
        kind = "CompositeAlarm" if "AlarmRule" in properties else "Alarm"
        resource = Resource("stack", id, f"AWS::CloudWatch::{kind}")
        made = asyncio.run(self.provider.create(resource, dict(properties)))
        return str(made.attributes["Arn"])

    def minute(self, errors: int = 0) -> None:
        """Each has one invocation that succeeds, and those with `errors`."""
        for value in (0, *[1] * errors):
            self.store.put("AWS/Lambda", "Errors", value, {"FunctionName": "send"})
        self.now += MINUTE
        self.provider.alarms.evaluate(self.now)

    def states(self) -> dict[str, str]:
        return {each["id"]: each["state"] for each in self.provider.state()["alarms"]}


@pytest.fixture
def world() -> World:
    return World()


def test_an_alarm_goes_off_at_its_second_minute_of_three_and_ends_with_the_last(
    world: World,
) -> None:
    cause = world.alarm("SendErrors", ERRORS)
    rule = f'(ALARM("{cause}"))'
    world.alarm("Chat", {"AlarmName": "chat", "AlarmRule": rule, "AlarmDescription": "Late"})
    states = []
    for errors in (0, 1, 0, 1, 0, 0, 0):
        world.minute(errors)
        states.append(world.states()["SendErrors"])
        assert world.states()["Chat"] == states[-1]
    assert states == ["OK", "OK", "OK", "ALARM", "OK", "OK", "OK"]
    assert world.lines == ["alarm chat: Late", "alarm chat is over"]


def test_an_expression_and_a_percentile_are_evaluated(world: World) -> None:
    metric = {key: ERRORS[key] for key in ("Namespace", "MetricName", "Dimensions")}
    part = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p99"}}
    query = {"Id": "e", "Expression": "100 * FILL(m, 0)", "ReturnData": True}
    plain = {key: value for key, value in ERRORS.items() if key not in (*metric, "Statistic")}
    del plain["Period"]
    world.alarm("Share", {**plain, "Metrics": [query, {**part, "ReturnData": False}]})
    for _ in range(2):
        world.minute(errors=1)
    assert world.states() == {"Share": "ALARM"}


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_expressions_name_each_other_in_any_order(world: World, order: tuple[int, ...]) -> None:
    metric = {key: ERRORS[key] for key in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    queries = [
        {"Id": "share", "Expression": "100 * doubled / count", "ReturnData": True},
        {"Id": "doubled", "Expression": "2 * m", "ReturnData": False},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
        {"Id": "count", "MetricStat": {**stat, "Stat": "SampleCount"}, "ReturnData": False},
    ]
    found = results([queries[n] for n in order], world.store, 60, 60, 1)
    assert found["share"] == [None]
    world.minute(errors=3)
    found = results([queries[n] for n in order], world.store, 60, 60, 1)
    assert found["share"] == [100 * 2 * 3 / 4]


def test_expressions_that_need_each_other_are_not_evaluated(world: World) -> None:
    queries = [{"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"}]
    with pytest.raises(Unsupported, match="need each other: a, b"):
        results(queries, world.store, 60, 60, 1)


def test_what_was_before_the_start_is_not_missing(world: World) -> None:
    world.alarm("Tasks", {**ERRORS, "MetricName": "Invocations", "TreatMissingData": "breaching"})
    states = []
    for _ in range(5):
        world.minute()
        states.append(world.states()["Tasks"])
    assert states == [*["INSUFFICIENT_DATA"] * 3, "ALARM", "ALARM"]


def test_while_its_suppressor_is_on_a_composite_alarm_is_silent(world: World) -> None:
    cause = world.alarm("SendErrors", ERRORS)
    rule = f"ALARM({cause})"
    platform = world.alarm("Platform", {"AlarmName": "platform", "AlarmRule": rule})
    world.alarm("Chat", {"AlarmName": "chat", "AlarmRule": rule, "ActionsSuppressor": platform})
    for _ in range(2):
        world.minute(errors=1)
    assert world.states() == {"SendErrors": "ALARM", "Platform": "ALARM", "Chat": "ALARM"}
    assert world.lines == ["alarm platform: "]


@pytest.mark.parametrize("enabled", [True, "true", False, "false"])
def test_a_composite_alarm_whose_actions_are_not_enabled_is_silent(
    world: World, enabled: object
) -> None:
    rule = f"ALARM({world.alarm('SendErrors', ERRORS)})"
    world.alarm("Chat", {"AlarmName": "chat", "AlarmRule": rule, "ActionsEnabled": enabled})
    for _ in range(2):
        world.minute(errors=1)
    assert world.lines == (["alarm chat: "] if enabled in (True, "true") else [])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "GreaterThanUpperThreshold"),
        ({"Metrics": [{"Id": "e", "Expression": "ANOMALY_DETECTION_BAND(m)"}]}, "ANOMALY"),
        ({"ThresholdMetricId": "e"}, "ThresholdMetricId"),
        ({"MetricName": "ClaimedAccountConcurrency"}, "ClaimedAccountConcurrency, which nothing"),
        ({"Statistic": "TM(10%:90%)"}, "the statistic"),
        ({"AlarmRule": "AT_LEAST(1)"}, "the alarm rule"),
    ],
)
def test_what_can_not_be_evaluated_is_named(world: World, change: Any, why: str) -> None:
    world.alarm("Other", {**ERRORS, **change})
    world.minute(errors=1)
    (alarm,) = world.provider.state()["alarms"]
    assert why in alarm["unsupported"] and alarm["state"] == "INSUFFICIENT_DATA"
    described = world.view.operations()["DescribeAlarms"]({"AlarmNames": ["stack-Other"]})
    (shown,) = described["MetricAlarms"] + described["CompositeAlarms"]
    assert why in shown["StateReason"]


def test_the_table_s_metrics_that_are_missing_leave_an_alarm_as_it_is(world: World) -> None:
    where = {"Namespace": "AWS/DynamoDB", "MetricName": "SystemErrors"}
    world.alarm("Throttles", {**ERRORS, **where, "DatapointsToAlarm": 1, "EvaluationPeriods": 1})
    world.store.put("AWS/DynamoDB", "SystemErrors", 1, {"FunctionName": "send"})
    for _ in range(5):
        world.minute()
    assert world.states() == {"Throttles": "ALARM"}


def test_aws_s_calls_have_states_points_and_metrics(world: World) -> None:
    world.alarm("SendErrors", ERRORS)
    for errors in (1, 2):
        world.minute(errors)
    operations = world.view.operations()
    (shown,) = operations["DescribeAlarms"]({"StateValue": "ALARM"})["MetricAlarms"]
    assert shown["AlarmName"] == "stack-SendErrors"
    assert shown["StateUpdatedTimestamp"] == 120 / SPEED
    metric = {key: ERRORS[key] for key in ("Namespace", "MetricName", "Dimensions")}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    asked = {"MetricDataQueries": [query], "StartTime": 0, "EndTime": 120 / SPEED}
    (found,) = operations["GetMetricData"](asked)["MetricDataResults"]
    assert found["Values"] == [2.0, 1.0]
    assert found["Timestamps"] == [60 / SPEED, 0.0]
    (listed,) = operations["ListMetrics"]({"Namespace": "AWS/Lambda"})["Metrics"]
    assert listed["MetricName"] == "Errors"


def test_the_dashboard_has_its_lines_alarms_and_what_is_not_drawn(world: World) -> None:
    cause = world.alarm("SendErrors", ERRORS)
    lines = [
        ["AWS/Lambda", "Errors", "FunctionName", "send", {"stat": "Sum", "label": "errors"}],
        [".", ".", ".", ".", {"stat": "Maximum"}],
        ["AWS/ECS", "CPUUtilization", {"stat": "Average"}],
        [{"expression": "SUM(SEARCH('{AWS/Lambda,FunctionName} MetricName=\"Errors\"', 'Sum'))"}],
    ]
    place = {"x": 0, "y": 0, "width": 12, "height": 6}
    widgets = [
        {**place, "properties": {"title": "Alarms", "alarms": [cause]}},
        {**place, "properties": {"title": "Errors", "metrics": lines}},
        {**place, "properties": {"markdown": "made from x"}},
    ]
    body = json.dumps({"widgets": widgets})
    resource = Resource("stack", "Board", "AWS::CloudWatch::Dashboard")
    asyncio.run(world.provider.create(resource, {"DashboardBody": body}))
    for errors in (3, 2):
        world.minute(errors)
    alarms, graph, text = world.provider.dashboard(world.now)["widgets"]
    assert [each["state"] for each in alarms["alarms"]] == ["ALARM"]
    assert [each["label"] for each in graph["lines"]][:2] == ["errors", "Errors"]
    assert [each["values"][-2:] for each in graph["lines"]] == [[3, 2], [1, 1], [3, 2]]
    assert graph["unsupported"] == ["AWS/ECS CPUUtilization, which nothing measures here"]
    assert text["text"] == "made from x"


def test_a_line_of_a_graph_names_others_and_those_that_are_not_visible_are_not_drawn(
    world: World,
) -> None:
    errors = ["AWS/Lambda", "Errors", "FunctionName", "send"]
    lines = [
        [{"expression": "100 * part", "id": "share", "label": "share"}],
        [{"expression": "failed / count", "id": "part", "visible": False}],
        [*errors, {"id": "failed", "stat": "Sum", "visible": False}],
        [*errors, {"id": "count", "stat": "SampleCount", "label": "count"}],
        ["AWS/ECS", "CPUUtilization", {"id": "cpu", "visible": False}],
        [{"expression": "cpu * 2", "label": "not measured"}],
    ]
    place = {"x": 0, "y": 0, "width": 12, "height": 6}
    world.minute(errors=3)
    body = {"widgets": [{**place, "properties": {"metrics": lines}}]}
    (graph,) = drawn(body, world.store, [], world.now)["widgets"]
    assert [(each["label"], each["latest"]) for each in graph["lines"]] == [
        ("share", 75),
        ("count", 4),
    ]
    assert graph["unsupported"] == ["AWS/ECS CPUUtilization, which nothing measures here"]
