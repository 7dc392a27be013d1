"""CloudWatch's view: the alarms of the template and their states, metrics, dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from emulator.describe.errors import CallError, Unsupported
from emulator.metrics import alarms, expressions
from emulator.metrics.alarms import Alarm
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.store import MINUTE, Store

MOST_POINTS = 500


class CloudWatchView:
    """Times are real ones: with a clock of ten times the speed, a minute of metrics takes six
    seconds, and so far are a metric's points apart."""

    def __init__(self, provider: CloudWatchProvider, store: Store, speed: float) -> None:
        self._provider, self._store, self._speed = provider, store, speed

    def operations(self) -> dict[str, Any]:
        return {
            "DescribeAlarms": self._alarms,
            "GetMetricData": self._data,
            "ListMetrics": self._metrics,
            "ListDashboards": self._dashboards,
            "GetDashboard": self._dashboard,
        }

    def _alarms(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted, names = given.get("StateValue"), given.get("AlarmNames")
        prefix = given.get("AlarmNamePrefix", "")
        if names and prefix:  # "you cannot specify AlarmNames": DescribeAlarms, API reference
            text = "AlarmNamePrefix and AlarmNames exclude each other"
            raise CallError("ValidationError", text)
        found = [
            each
            for each in self._provider.alarms.all
            if wanted in (None, each.state)
            and (not names or each.name in names)
            and each.name.startswith(prefix)
        ]
        kinds = given.get("AlarmTypes") or ["MetricAlarm"]
        if wanted or names:  # as AWS without types gives metric alarms alone
            kinds = given.get("AlarmTypes") or ["MetricAlarm", "CompositeAlarm"]
        return {
            "MetricAlarms": self._described(found, composite=False, kinds=kinds),
            "CompositeAlarms": self._described(found, composite=True, kinds=kinds),
        }

    def _described(
        self, found: Iterable[Alarm], *, composite: bool, kinds: Iterable[str]
    ) -> list[dict[str, Any]]:
        if ("CompositeAlarm" if composite else "MetricAlarm") not in kinds:
            return []
        return [
            {
                **each.properties,
                "AlarmName": each.name,
                "AlarmArn": each.arn,
                "StateValue": each.state,
                "StateReason": each.unsupported and f"not evaluated here: {each.unsupported}",
                "StateUpdatedTimestamp": each.since / self._speed,
                **({"ActionsSuppressedBy": "Alarm"} if each.suppressed else {}),
            }
            for each in found
            if each.composite is composite
        ]

    def _data(self, given: Mapping[str, Any]) -> dict[str, Any]:
        asked = given["MetricDataQueries"]
        period = alarms.period_of(asked)
        end = -(-_seconds(given["EndTime"]) * self._speed // MINUTE) * MINUTE
        begin = _seconds(given["StartTime"]) * self._speed
        count = min(MOST_POINTS, max(1, int((end - begin) // period)))
        try:
            found = alarms.results(asked, self._store, period, end, count)
        except expressions.Unsupported as why:
            raise Unsupported(str(why)) from why
        step = 1 if given.get("ScanBy") == "TimestampAscending" else -1  # as AWS without it
        rows = []
        for each in asked:
            if not each.get("ReturnData", True):
                continue
            pairs = [
                ((end - (count - n) * period) / self._speed, value)
                for n, value in enumerate(found[each["Id"]])
                if value is not None
            ]
            rows.append(
                {
                    "Id": each["Id"],
                    "Label": each.get("Label", each["Id"]),
                    "Timestamps": [at for at, _ in pairs[::step]],
                    "Values": [value for _, value in pairs[::step]],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": rows}

    def _metrics(self, given: Mapping[str, Any]) -> dict[str, Any]:
        namespace, metric = given.get("Namespace"), given.get("MetricName")
        wanted = [(each["Name"], each.get("Value")) for each in given.get("Dimensions", [])]
        return {
            "Metrics": [
                {
                    "Namespace": each.namespace,
                    "MetricName": each.name,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in sorted(each.dimensions)],
                }
                for each in self._store.metrics()
                if namespace in (None, each.namespace)
                and metric in (None, each.name)
                and all(_has(each.dimensions, *pair) for pair in wanted)
            ]
        }

    def _dashboards(self, given: Mapping[str, Any]) -> dict[str, Any]:
        prefix = str(given.get("DashboardNamePrefix") or "")
        names = [each for each in self._provider.dashboards if each.startswith(prefix)]
        return {"DashboardEntries": [{"DashboardName": each} for each in names]}

    def _dashboard(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = str(given["DashboardName"])
        if name not in self._provider.dashboards:
            raise CallError("ResourceNotFound", f"Dashboard {name} does not exist", 404)
        body = json.dumps(self._provider.dashboards[name])
        return {"DashboardName": name, "DashboardBody": body}


def _has(dimensions: Iterable[tuple[str, str]], name: str, value: str | None) -> bool:
    """Whether a metric has a dimension of that name, and of that value where one is given."""
    return any(name == each and value in (None, its) for each, its in dimensions)


def _seconds(value: Any) -> float:
    """A timestamp, as the protocols have it."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float(value)
