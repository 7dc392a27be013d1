"""The template's dashboard with the metrics of this machine: what each of its graphs shows.

Source: "Dashboard body structure and syntax", CloudWatch API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.metrics import alarms
from emulator.metrics.alarms import Alarm
from emulator.metrics.expressions import Unsupported
from emulator.metrics.store import MINUTE, Store

POINTS = 60  # minutes of the emulator's clock
_SAME = "."  # a field that is as in the line above
DEFAULT_STATISTIC = "Average"
DEFAULT_SIDE = 6  # of a widget without width or height


def drawn(
    body: Mapping[str, Any], store: Store, all_alarms: Sequence[Alarm], now: float
) -> dict[str, Any]:
    """`{"minutes", "widgets": [{title, x, y, width, height, lines: [{label, values, latest}],
    alarms: [{name, state, description}], text, unsupported}]}`; values None where there are none.
    """
    end = now // MINUTE * MINUTE
    states = {each.arn: each for each in all_alarms}
    return {
        "minutes": POINTS,
        "widgets": [_widget(each, store, states, end) for each in _placed(body["widgets"])],
    }


def _placed(widgets: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each with a place and a size; one without goes below those before it."""
    bottom = 0
    for each in widgets:
        widget = {"width": DEFAULT_SIDE, "height": DEFAULT_SIDE, "x": 0, "y": bottom, **each}
        bottom = max(bottom, widget["y"] + widget["height"])
        yield widget


def _widget(
    widget: Mapping[str, Any], store: Store, states: Mapping[str, Alarm], end: float
) -> dict[str, Any]:
    properties = widget["properties"]
    asked = list(queries(properties.get("metrics", ()), properties))
    unsupported: list[str] = []
    return {
        **{name: widget[name] for name in ("x", "y", "width", "height")},
        "title": properties.get("title", ""),
        "text": properties.get("markdown", ""),
        "alarms": [
            {"name": found.name, "state": found.state, "description": found.description}
            for arn in properties.get("alarms", ())
            if (found := states.get(arn)) is not None
        ],
        "lines": [
            line
            for query in asked
            if query["Visible"]
            if (line := _line(query, asked, store, end, unsupported)) is not None
        ],
        "unsupported": sorted(set(unsupported)),
    }


def _line(
    query: Mapping[str, Any],
    asked: Sequence[Mapping[str, Any]],
    store: Store,
    end: float,
    unsupported: list[str],
) -> dict[str, Any] | None:
    try:
        needed = alarms.needed(query, asked)
        alarms.check(needed)
        # a point for each minute, of a window as long as the period, as a graph of an hour has it
        values = alarms.results(needed, store, MINUTE, end, POINTS)[query["Id"]]
    except Unsupported as why:
        unsupported.append(str(why))
        return None
    latest = next((each for each in reversed(values) if each is not None), None)
    return {"label": query["Label"], "values": values, "latest": latest}


def queries(
    lines: Sequence[Sequence[Any]], properties: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A graph's metrics in the form of GetMetricData's queries; `Visible`: whether it is drawn."""
    before: list[Any] = []
    for number, line in enumerate(lines):
        *fields, last = line
        options = last if isinstance(last, dict) else {}
        if not options:
            fields = [*fields, last]
        about = {
            "Id": str(options.get("id", f"line{number}")),
            "Visible": bool(options.get("visible", True)),
        }
        if "expression" in options:
            label = options.get("label", options["expression"])
            yield {**about, "Expression": options["expression"], "Label": label}
            continue
        fields = [before[n] if each == _SAME else each for n, each in enumerate(fields)]
        before = fields
        namespace, name, *pairs = fields
        dimensions = [
            {"Name": pairs[n], "Value": pairs[n + 1]} for n in range(0, len(pairs) - 1, 2)
        ]
        metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
        statistic = options.get("stat") or properties.get("stat") or DEFAULT_STATISTIC
        stat = {"Metric": metric, "Stat": statistic, "Period": MINUTE}
        yield {**about, "MetricStat": stat, "Label": options.get("label", name)}
