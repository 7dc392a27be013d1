"""The provider of the template's alarms and its dashboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator.metrics.alarms import Alarm, Alarms, read
from emulator.metrics.dashboard import drawn
from emulator.metrics.store import Store
from emulator.providers import Created, Resource
from emulator.template.place import arn_in

PREFIX = "AWS::CloudWatch::"


class CloudWatchProvider:
    """`changed` is called for each alarm whose state changed, with the state before."""

    types = tuple(PREFIX + kind for kind in ("Alarm", "CompositeAlarm", "Dashboard"))

    def __init__(
        self,
        store: Store,
        region: str,
        account: str,
        changed: Callable[[Alarm, str], None],
        speed: float = 1.0,
    ) -> None:
        self._scope, self._speed = f"{region}:{account}", speed
        self._store = store
        self.alarms = Alarms(store, changed)
        self.dashboards: dict[str, dict[str, Any]] = {}

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        named = properties.get("AlarmName") or properties.get("DashboardName")
        name = named or f"{resource.stack}-{resource.logical_id}"
        if resource.type == f"{PREFIX}Dashboard":
            self.dashboards[name] = json.loads(properties["DashboardBody"])
            return Created(name)
        arn = arn_in(self._scope, "cloudwatch", f"alarm:{name}")
        self.alarms.all.append(read(resource.logical_id, name, arn, properties))
        return Created(name, {"Arn": arn})

    def dashboard(self, now: float) -> dict[str, Any]:
        """The first one with what it shows now, in the template's seconds."""
        nothing: dict[str, Any] = {"widgets": []}
        body = next(iter(self.dashboards.values()), nothing)
        return drawn(body, self._store, self.alarms.all, now)

    def state(self) -> dict[str, Any]:
        """`{"alarms": [{id, name, state, since_at (epoch seconds), composite, suppressed,
        description, unsupported}]}`, those that are on first, then composite ones."""
        order = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
        alarms = sorted(
            self.alarms.all, key=lambda each: (order[each.state], not each.composite, each.id)
        )
        return {"alarms": [_described(each, self._speed) for each in alarms]}


def _described(alarm: Alarm, speed: float) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "name": alarm.name,
        "state": alarm.state,
        "since_at": alarm.since / speed or None,
        "composite": alarm.composite,
        "suppressed": alarm.suppressed,
        "description": alarm.description,
        "unsupported": alarm.unsupported,
    }
