"""The template's alarms, evaluated once a minute of the emulator's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.metrics import expressions
from emulator.metrics.evaluation import (
    ALARM,
    BREACHING,
    COMPARISONS,
    IGNORE,
    INSUFFICIENT,
    MISSING,
    OK,
    Condition,
)
from emulator.metrics.expressions import Unsupported
from emulator.metrics.rules import Rule, rule
from emulator.metrics.store import MINUTE, Metric, Series, Store, is_measured

IGNORES_MISSING = "AWS/DynamoDB"  # whatever an alarm says: API reference, PutMetricAlarm


@dataclass
class Alarm:
    """One of a metric or of a metric math expression (`condition`), or a composite one (`rule`);
    neither where `unsupported` says why it is not evaluated. `since` in the template's seconds."""

    id: str
    name: str
    arn: str
    properties: Mapping[str, Any]
    queries: list[dict[str, Any]] = field(default_factory=list)
    condition: Condition | None = None
    rule: Rule | None = None
    unsupported: str = ""
    state: str = INSUFFICIENT
    since: float = 0.0
    points: Series = field(default_factory=list)
    suppressed: bool = False  # the actions of a composite alarm

    @property
    def composite(self) -> bool:
        return "AlarmRule" in self.properties

    @property
    def description(self) -> str:
        return str(self.properties.get("AlarmDescription", ""))


def read(id: str, name: str, arn: str, properties: Mapping[str, Any]) -> Alarm:
    alarm = Alarm(id, name, arn, properties)
    try:
        if alarm.composite:
            alarm.rule = rule(str(properties["AlarmRule"]))
        else:
            alarm.queries = queries(properties)
            alarm.condition = _condition(properties)
    except Unsupported as why:
        alarm.unsupported = str(why)
    return alarm


def queries(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An alarm's metrics in the form of GetMetricData's queries. Raises Unsupported."""
    if "Metrics" in properties:
        found = [dict(each) for each in properties["Metrics"]]
    else:
        names = ("Namespace", "MetricName", "Dimensions")
        metric = {each: properties[each] for each in names if each in properties}
        statistic = properties.get("Statistic") or properties.get("ExtendedStatistic")
        stat = {"Metric": metric, "Period": properties["Period"], "Stat": statistic}
        found = [{"Id": "m", "MetricStat": stat, "ReturnData": True}]
    check(found)
    return found


def check(asked: Iterable[Mapping[str, Any]]) -> None:
    """Raises Unsupported for what of queries is not measured or evaluated here."""
    for each in asked:
        if "MetricStat" in each:
            described = each["MetricStat"]["Metric"]
            namespace, name = described["Namespace"], described["MetricName"]
            if not is_measured(namespace, name):
                raise Unsupported(f"{namespace} {name}, which nothing measures here")
        if "Expression" in each:
            expressions.parsed(each["Expression"])


def _condition(properties: Mapping[str, Any]) -> Condition:
    if "ThresholdMetricId" in properties:
        raise Unsupported("a threshold that is a metric (ThresholdMetricId)")
    compare = COMPARISONS.get(properties["ComparisonOperator"])
    if compare is None or "Threshold" not in properties:
        raise Unsupported(f"the comparison {properties['ComparisonOperator']}")
    periods = int(properties["EvaluationPeriods"])
    missing = properties.get("TreatMissingData", MISSING)
    if properties.get("Namespace") == IGNORES_MISSING:
        missing = IGNORE
    datapoints = int(properties.get("DatapointsToAlarm", periods))
    return Condition(compare, float(properties["Threshold"]), periods, datapoints, missing)


def period_of(asked: Iterable[Mapping[str, Any]]) -> int:
    """The one period that the queries have, in seconds."""
    found = [int(each["MetricStat"]["Period"]) for each in asked if "MetricStat" in each]
    found += [int(each["Period"]) for each in asked if each.get("Period")]
    return max(found, default=MINUTE)


def results(
    asked: Iterable[Mapping[str, Any]], store: Store, period: int, end: float, count: int
) -> dict[str, Series]:
    """The series of each query, by its id. An expression may name others that stand later. Raises
    Unsupported."""

    def search(text: str, statistic: str) -> list[Series]:
        namespace, names, terms = expressions.searched(text)
        wanted = terms.pop("MetricName", None)
        return [
            store.series(metric, statistic, period, end, count)
            for metric in store.metrics()
            if metric.namespace == namespace
            and {name for name, _ in metric.dimensions} == names
            and wanted in (None, metric.name)
            and set(terms.items()) <= metric.dimensions
        ]

    asked = list(asked)
    found: dict[str, Series] = {}
    for each in asked:
        if stat := each.get("MetricStat"):
            try:
                found[each["Id"]] = store.series(
                    metric_of(stat["Metric"]), stat["Stat"], period, end, count
                )
            except ValueError as error:
                raise Unsupported(str(error)) from None
    left = {
        each["Id"]: expressions.parsed(each["Expression"]) for each in asked if "Expression" in each
    }
    while left:
        ready = [id for id, tree in left.items() if not expressions.names(tree) & left.keys()]
        if not ready:
            raise Unsupported(f"expressions that need each other: {', '.join(sorted(left))}")
        for id in ready:
            found[id] = expressions.evaluated(left.pop(id), found, count, search, period)
    return found


def needed(query: Mapping[str, Any], asked: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The query, and those that its expression names, directly or through others. Raises
    Unsupported."""
    by_id = {each["Id"]: each for each in asked}
    found: dict[str, Mapping[str, Any]] = {}
    open_ids = [query["Id"]]
    while open_ids:
        id = open_ids.pop()
        if id in by_id and id not in found:
            found[id] = by_id[id]
            if "Expression" in found[id]:
                open_ids += expressions.names(expressions.parsed(found[id]["Expression"]))
    return list(found.values())


def metric_of(described: Mapping[str, Any]) -> Metric:
    pairs = {each["Name"]: str(each["Value"]) for each in described.get("Dimensions") or ()}
    return Metric(described["Namespace"], described["MetricName"], frozenset(pairs.items()))


class Alarms:
    """All alarms of a template. `changed` is called for each alarm whose state changed, with the
    one before."""

    def __init__(self, store: Store, changed: Callable[[Alarm, str], None]) -> None:
        self._store, self._changed = store, changed
        self.all: list[Alarm] = []
        self._began: float | None = None

    def evaluate(self, now: float) -> None:
        """`now` in the template's seconds: periods end with the last whole minute."""
        end = now // MINUTE * MINUTE
        self._began = end if self._began is None else self._began
        for alarm in self.all:
            if alarm.condition is not None:
                self._set(alarm, self._state(alarm, alarm.condition, end), now)
        # Composite alarms may name others that stand later: until nothing changes any more.
        for _ in self.all:
            if not sum(self._combine(each, now) for each in self.all):
                break

    def _state(self, alarm: Alarm, condition: Condition, end: float) -> str:
        period = period_of(alarm.queries)
        began = end if self._began is None else self._began
        if condition.missing == BREACHING and end - began < period * condition.periods:
            return alarm.state  # what was before the start is not missing
        try:
            found = results(alarm.queries, self._store, period, end, condition.range)
        except Unsupported as why:
            alarm.unsupported, alarm.condition = str(why), None
            return INSUFFICIENT
        returned = [each["Id"] for each in alarm.queries if each.get("ReturnData", True)]
        alarm.points = found[returned[0]]
        return condition.state(alarm.points, alarm.state)

    def _combine(self, alarm: Alarm, now: float) -> bool:
        if alarm.rule is None:
            return False
        states = {each.arn: each.state for each in self.all}
        states |= {each.name: each.state for each in self.all}
        suppressor = alarm.properties.get("ActionsSuppressor")
        alarm.suppressed = states.get(suppressor) == ALARM if suppressor else False
        return self._set(alarm, ALARM if alarm.rule(states) else OK, now)

    def _set(self, alarm: Alarm, state: str, now: float) -> bool:
        before = alarm.state
        if state == before:
            return False
        alarm.state, alarm.since = state, now
        self._changed(alarm, before)
        return True
