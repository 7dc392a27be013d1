"""Log groups, and the metric filters that make metrics of what is logged into them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.functions.model import Function
from emulator.log_files import log_file
from emulator.metrics.expressions import Unsupported
from emulator.metrics.filter_patterns import InvalidPattern, Matches, matcher
from emulator.metrics.json_conditions import SELECTOR, field_of, text_of
from emulator.metrics.store import Metric
from emulator.providers import Created, EmulatorError, Resource
from emulator.template.place import arn_in

PREFIX = "AWS::Logs::"
_FILTER_NAME = re.compile(r"[^:*]{1,512}")
_METRIC_NAME = re.compile(r"[^:*$]{1,255}")
_VALUE = re.compile(rf"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|{SELECTOR}")
_MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class MetricFilter:
    """`value` is a number, or a field as `$.a.b`; so are the values of `dimensions`. `matches` is
    asked about a whole line."""

    group: str
    matches: Matches
    namespace: str
    name: str
    value: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def measured(self, line: bytes) -> tuple[Metric, float] | None:
        """The value that a line adds to the metric; None for one that does not match, lacks a
        field, or has no number there: lines are whatever a program prints, and the next ones count
        anyway.
        """
        try:
            text = line.decode(errors="replace")
            return self._measured(text) if self.matches(text) else None
        except (ArithmeticError, TypeError, ValueError, RecursionError):
            return None

    def _measured(self, line: str) -> tuple[Metric, float] | None:
        reads = self.dimensions or self.value.startswith("$")
        document = json.loads(line) if reads else None
        found = {key: field_of(document, field) for key, field in self.dimensions}
        value = field_of(document, self.value) if self.value.startswith("$") else self.value
        if None in found.values() or value is None:
            return None
        pairs = frozenset((key, text_of(each)) for key, each in found.items())
        number = float(value)
        if not math.isfinite(number):  # json.loads takes NaN and Infinity
            return None
        return Metric(self.namespace, self.name, pairs), number


class LogGroupProvider:
    """Makes log groups and metric filters, and knows the file that stands for a group: that of the
    function which logs into it, or else one below `logs` that is named as the group."""

    types = (f"{PREFIX}LogGroup", f"{PREFIX}MetricFilter")

    def __init__(
        self, logs: Path, functions: Callable[[], Iterable[Function]], region: str, account: str
    ) -> None:
        self._logs, self._functions = logs, functions
        self._scope = f"{region}:{account}"
        self._filters: list[MetricFilter] = []
        self.retention: dict[str, int | None] = {}  # days, by the groups' names; None is for ever

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        if resource.type == f"{PREFIX}LogGroup":
            name = properties.get("LogGroupName") or f"{resource.stack}-{resource.logical_id}"
            log_file(self._logs, name)  # or the start fails, rather than the first line
            days = properties.get("RetentionInDays")
            self.retention[name] = None if days is None else int(days)
            return Created(name, {"Arn": arn_in(self._scope, "logs", f"log-group:{name}:*")})
        log_file(self._logs, str(properties["LogGroupName"]))
        _check(str(resource), properties)
        try:
            self._filters += _filters(properties)
        except InvalidPattern as invalid:
            raise EmulatorError(f"{resource}: FilterPattern: {invalid}") from None
        except Unsupported as why:
            raise EmulatorError(f"{resource}: not supported: {why}") from None
        return Created(properties.get("FilterName") or resource.logical_id)

    def names(self) -> list[str]:
        """The names of the groups that functions log into, and of the template's."""
        own = (each.log_group or f"/aws/lambda/{each.name}" for each in self._functions())
        return [*dict.fromkeys((*own, *self.retention))]

    def knows(self, group: str) -> bool:
        """A function's group also by the name that it has where the template gives it none."""
        return group in self.names() or any(
            group == f"/aws/lambda/{each.name}" for each in self._functions()
        )

    def file(self, group: str) -> Path:
        for each in self._functions():
            if group in (each.log_group, f"/aws/lambda/{each.name}"):
                return each.log
        return log_file(self._logs, group)

    def filters(self) -> dict[Path, list[MetricFilter]]:
        """The filters by the file whose lines they look at."""
        found: dict[Path, list[MetricFilter]] = {}
        for each in self._filters:
            found.setdefault(self.file(each.group), []).append(each)
        return found


def _check(where: str, properties: dict[str, Any]) -> None:
    """Raises EmulatorError for what PutMetricFilter rejects, by its API reference."""

    def require(holds: object, rule: str) -> None:
        if not holds:
            raise EmulatorError(f"{where}: {rule}")

    name = properties.get("FilterName")
    require(
        name is None or _FILTER_NAME.fullmatch(name),
        f"FilterName {name!r:.100}: 1 to 512 characters, no colon, no asterisk",
    )
    count = len(properties["MetricTransformations"])
    require(count == 1, "a metric filter has one of MetricTransformations")
    (made,) = properties["MetricTransformations"]
    for field in ("MetricName", "MetricNamespace"):
        rule = f"{field} {made[field]!r:.100}: 1 to 255 characters without : * $"
        require(_METRIC_NAME.fullmatch(str(made[field])), rule)
    value = str(made["MetricValue"])
    require(_VALUE.fullmatch(value), f"MetricValue {value!r} is neither a number nor a field")
    dimensions = len(made.get("Dimensions", ()))
    require(dimensions <= _MOST_DIMENSIONS, f"{dimensions} Dimensions: {_MOST_DIMENSIONS} fit")


def _filters(properties: dict[str, Any]) -> Iterator[MetricFilter]:
    """Raises Unsupported and InvalidPattern."""
    for each in properties["MetricTransformations"]:
        if each.get("DefaultValue") is not None:
            raise Unsupported("DefaultValue, a value for lines that do not match")
        yield MetricFilter(
            properties["LogGroupName"],
            matcher(str(properties.get("FilterPattern") or "")),
            each["MetricNamespace"],
            each["MetricName"],
            str(each["MetricValue"]),
            tuple((one["Key"], one["Value"]) for one in each.get("Dimensions", ())),
        )
