"""Rules of EventBridge with a schedule: their functions are called at a rate, by the emulator's
clock.

Source: "Creating a rule that runs on a schedule", EventBridge user guide.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.background import Background
from emulator.clock import Clock
from emulator.iam.gate import Gate, OpenGate
from emulator.providers import Created, EmulatorError, Invoke, Resource
from emulator.template.place import arn_in

_RATE = re.compile(r"rate\((?P<number>[1-9][0-9]*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")
_CRON = re.compile(r"cron\(([\w,\-*/?#\s]+)\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")  # PutRule, API reference
_MOST_TARGETS = 5  # "Amazon EventBridge quotas"
_MOST_INPUT = 8192  # characters: PutTargets, API reference
_SERVICE = "events.amazonaws.com"


@dataclass(frozen=True)
class Target:
    """`input` is what the function gets, an event of the schedule where it is None. Lambda takes
    each event at once here, so that a RetryPolicy has nothing to do."""

    function: str
    input: str | None = None


@dataclass(frozen=True)
class Schedule:
    arn: str
    seconds: int
    targets: tuple[Target, ...]


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
        gate: Gate | None = None,
    ) -> None:
        self._gate = OpenGate() if gate is None else gate
        self._invoke, self._clock, self._report = invoke, clock, report
        self._region, self._account = region, account
        self.schedules: list[Schedule] = []
        self._background = Background()

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        name = properties.get("Name") or f"{resource.stack}-{resource.logical_id}"
        arn = arn_in(f"{self._region}:{self._account}", "events", f"rule/{name}")
        _check(str(resource), properties)
        expression = str(properties.get("ScheduleExpression", ""))
        targets = _targets(str(resource), properties.get("Targets") or ())
        if properties.get("State", "ENABLED") == "ENABLED":
            self.schedules.append(Schedule(arn, _seconds(resource, expression), targets))
        elif not _is_cron(expression):
            _seconds(resource, expression)
        return Created(name, {"Arn": arn})

    async def start(self) -> None:
        self._background.start(*map(self._run, self.schedules))

    async def stop(self) -> None:
        await self._background.stop()

    async def _run(self, schedule: Schedule) -> None:
        while True:
            await self._clock.sleep(schedule.seconds)
            for target in schedule.targets:
                try:
                    await self._call(schedule, target)
                except Exception as error:  # the next time may succeed
                    self._report(f"{schedule.arn}: {target.function}: {str(error) or repr(error)}")

    async def _call(self, schedule: Schedule, target: Target) -> None:
        """Calls the target. Without the permission the function is not called, which a metric alone
        shows on AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html."""
        if denial := self._gate.invocation(_SERVICE, target.function, schedule.arn):
            self._report(f"{schedule.arn}: {target.function}: {denial.message}")
            return
        event = json.dumps(self._event(schedule)) if target.input is None else target.input
        await self._invoke(target.function, event.encode())

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


def _check(where: str, properties: dict[str, Any]) -> None:
    """Raises EmulatorError, also for a rule that is disabled."""
    for name in ("EventPattern", "RoleArn"):
        if properties.get(name):
            raise EmulatorError(f"{where}: {name} of a rule is not supported here: remove it")
    if properties.get("EventBusName", "default") != "default":
        raise EmulatorError(f"{where}: a schedule is supported on the default event bus alone")
    rule = properties.get("Name")
    if rule is not None and not _NAME.fullmatch(str(rule)):
        raise EmulatorError(f"{where}: {rule!r} is not supported as the name of a rule")


def _targets(where: str, given: Sequence[dict[str, Any]]) -> tuple[Target, ...]:
    """Raises EmulatorError for what PutTargets rejects, and for what is not supported."""
    if len(given) > _MOST_TARGETS or len({each.get("Id") for each in given}) < len(given):
        raise EmulatorError(
            f"{where}: {_MOST_TARGETS} targets are supported, each with an Id of its own"
        )
    return tuple(_target(where, each) for each in given)


def _target(where: str, given: dict[str, Any]) -> Target:
    arn, text = str(given["Arn"]), given.get("Input")
    if ":function:" not in arn:
        raise EmulatorError(f"{where}: a rule calls functions here, and nothing else")
    if unknown := sorted(given.keys() - {"Arn", "Id", "Input", "RetryPolicy"}):
        raise EmulatorError(f"{where}: {unknown[0]} of a target is not supported here: remove it")
    if text is not None:
        try:
            json.loads(text)
        except (TypeError, ValueError) as error:
            raise EmulatorError(f"{where}: the Input of a target is not JSON: {error}") from error
        if len(text) > _MOST_INPUT:
            raise EmulatorError(f"{where}: an Input of over {_MOST_INPUT} characters")
    return Target(arn, text)


def _is_cron(expression: str) -> bool:
    """Six fields, one of the two for days without a value; what the fields may have is not checked:
    "Cron expressions reference", same guide."""
    found = _CRON.fullmatch(expression)
    fields = found[1].split() if found else []
    return len(fields) == 6 and "?" in (fields[2], fields[4])


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
