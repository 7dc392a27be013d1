"""Rules of EventBridge with a schedule: their functions are called at a rate, by the emulator's
clock.

Source: "Creating a rule that runs on a schedule", EventBridge user guide.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.background import Background
from emulator.clock import Clock
from emulator.providers import Created, EmulatorError, Invoke, Resource

_RATE = re.compile(r"rate\((?P<number>[1-9][0-9]*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True)
class Schedule:
    arn: str
    seconds: int
    functions: tuple[str, ...]


class ScheduleProvider:
    """Other rules than those with a rate and functions as targets stop the start. `report` gets
    failures."""

    types = ("AWS::Events::Rule",)

    def __init__(
        self,
        invoke: Invoke,
        clock: Clock,
        report: Callable[[str], None],
        region: str,
        account: str,
    ) -> None:
        self._invoke, self._clock, self._report = invoke, clock, report
        self._region, self._account = region, account
        self.schedules: list[Schedule] = []
        self._background = Background()

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        name = properties.get("Name") or f"{resource.stack}-{resource.logical_id}"
        arn = f"arn:aws:events:{self._region}:{self._account}:rule/{name}"
        functions = tuple(str(each["Arn"]) for each in properties.get("Targets", ()))
        if properties.get("State", "ENABLED") == "ENABLED":
            seconds = _seconds(resource, str(properties.get("ScheduleExpression", "")))
            if not all(":function:" in each for each in functions):
                raise EmulatorError(f"{resource}: a rule calls functions here, and nothing else")
            self.schedules.append(Schedule(arn, seconds, functions))
        return Created(name, {"Arn": arn})

    async def start(self) -> None:
        self._background.start(*map(self._run, self.schedules))

    async def stop(self) -> None:
        await self._background.stop()

    async def _run(self, schedule: Schedule) -> None:
        while True:
            await self._clock.sleep(schedule.seconds)
            for function in schedule.functions:
                try:
                    await self._invoke(function, json.dumps(self._event(schedule)).encode())
                except Exception as error:  # the next time may succeed
                    self._report(f"{schedule.arn}: {function}: {str(error) or repr(error)}")

    def _event(self, schedule: Schedule) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._account,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": [schedule.arn],
            "detail": {},
        }


def _seconds(resource: Resource, expression: str) -> int:
    """Raises EmulatorError. "If the value is equal to 1, then the unit must be singular. If the
    value is greater than 1, the unit must be plural.": "Rate expressions reference", same guide."""
    found = _RATE.fullmatch(expression)
    if not found or bool(found["plural"]) is (found["number"] == "1"):
        raise EmulatorError(
            f"{resource}: the schedule {expression!r} is not supported: a rate is, such as "
            "rate(1 minute) or rate(5 minutes)"
        )
    return int(found["number"]) * _SECONDS[found["unit"]]
