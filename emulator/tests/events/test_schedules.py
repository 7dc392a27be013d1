"""Rules with a schedule call their functions, again and again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.rows import rows

from emulator.clock import Clock
from emulator.events.schedules import ScheduleProvider
from emulator.iam.authority import Denial
from emulator.iam.gate import OpenGate
from emulator.providers import EmulatorError, InvokeResult, Resource, Throttled

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:canary"
RULE = Resource("stack", "Rule", "AWS::Events::Rule", {})


class Called:
    """An `Invoke` that sets `enough` at its third call, and raises `error` at the others."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.events: list[dict[str, Any]] = []
        self.enough = asyncio.Event()

    async def __call__(self, function: str, event: bytes) -> InvokeResult:
        assert function == FUNCTION
        self.events.append(json.loads(event))
        if len(self.events) == 3:
            self.enough.set()
        elif self.error is not None:
            raise self.error
        return InvokeResult(b"null", False)


def target(**more: Any) -> dict[str, Any]:
    return {"Id": "1", "Arn": FUNCTION, **more}


def properties(expression: str = "rate(5 minutes)", **more: Any) -> dict[str, Any]:
    return {"ScheduleExpression": expression, "Targets": [target()], **more}


def made(given: dict[str, Any]) -> ScheduleProvider:
    provider = ScheduleProvider(Called(), Clock(), print, "us-east-1", "123456789012")
    asyncio.run(provider.create(RULE, given))
    return provider


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(2 hours)", 7_200),
        ("rate(1 day)", 86_400),
    ],
)
def test_a_rate_is_so_many_seconds(expression: str, seconds: int) -> None:
    (schedule,) = made(properties(expression)).schedules
    assert (schedule.seconds, [each.function for each in schedule.targets]) == (seconds, [FUNCTION])


@pytest.mark.parametrize("expression", ["rate(5 minutes)", "cron(0 10 ? * MON-FRI *)"])
def test_a_rule_that_is_disabled_calls_nobody(expression: str) -> None:
    assert made(properties(expression, State="DISABLED")).schedules == []


@rows(
    "given",
    [
        properties("cron(0 10 * * ? *)"),
        properties("rate(0 minutes)"),
        properties("rate(0 minute)"),
        properties("rate(1 minutes)"),
        properties("rate(5 minute)"),
        properties("rate(-5 minutes)"),
        {"EventPattern": {"source": ["aws.s3"]}, "Targets": []},
        properties(Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:queue"}]),
        # a rule may have both, and matches events then as well
        properties(EventPattern={"source": ["aws.s3"]}),
        properties(EventBusName="own"),
        properties(Name="a name"),
        properties(Name="x" * 65),
        properties(State="DISABLED", Targets=[target(InputPath="$.detail")]),
        # what AWS rejects, it rejects of a rule that is disabled as well
        *(
            properties(expression, State="DISABLED")
            for expression in ("", "rate(5 minute)", "cron(0 10 * * ?)", "cron(0 10 * * * *)")
        ),
        # PutTargets, API reference: five targets, an Input of 8192 characters
        properties(Targets=[target(Id=str(each)) for each in range(6)]),
        properties(Targets=[target(), target()]),
        *(
            properties(Targets=[target(**more)])
            for more in (
                {"Input": "{"},
                {"Input": {"a": 1}},
                {"Input": f'"{"x" * 8191}"'},
                {"InputTransformer": {"InputTemplate": "{}"}},
                {"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:queue"}},
            )
        ),
    ],
)
def test_what_is_not_supported_stops_the_start(given: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match=r"supported|functions|Input"):
        made(given)


def test_the_function_is_called_again_and_again_with_the_event_of_a_schedule() -> None:
    async def scenario() -> None:
        called = Called()
        clock = Clock(speed=60_000.0)  # a minute is a millisecond
        provider = ScheduleProvider(called, clock, print, "us-east-1", "123456789012")
        created = await provider.create(RULE, properties("rate(1 minute)"))
        await provider.start()
        try:
            await asyncio.wait_for(called.enough.wait(), 60)
        finally:
            await provider.stop()
        assert {each["detail-type"] for each in called.events} == {"Scheduled Event"}
        assert called.events[0]["resources"] == [created.attributes["Arn"]]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "error", [Throttled("too many"), EmulatorError("there is no function"), OSError(), KeyError()]
)
def test_a_call_that_fails_is_reported_and_the_next_one_comes(error: Exception) -> None:
    async def scenario() -> None:
        called, reports = Called(error), list[str]()
        clock = Clock(speed=60_000.0)
        provider = ScheduleProvider(called, clock, reports.append, "us-east-1", "123456789012")
        await provider.create(RULE, properties("rate(1 minute)"))
        await provider.start()
        try:
            await asyncio.wait_for(called.enough.wait(), 60)
        finally:
            await provider.stop()
        assert len(reports) >= 2
        assert FUNCTION in reports[0] and (str(error) or repr(error)) in reports[0]

    asyncio.run(scenario())


def test_a_target_gets_its_input_in_place_of_the_event() -> None:
    async def scenario() -> None:
        called = Called()
        provider = ScheduleProvider(called, Clock(60_000.0), print, "us-east-1", "123456789012")
        more = {"Input": '{"check": "canary"}', "RetryPolicy": {"MaximumRetryAttempts": 0}}
        await provider.create(RULE, properties("rate(1 minute)", Targets=[target(**more)]))
        await provider.start()
        try:
            await asyncio.wait_for(called.enough.wait(), 60)
        finally:
            await provider.stop()
        assert called.events[0] == {"check": "canary"}

    asyncio.run(scenario())


def test_a_function_that_events_may_not_invoke_is_named_and_not_called() -> None:
    class Closed(OpenGate):
        def invocation(self, service: str, function: str, source: str) -> Denial | None:
            asked.append((service, function, source))
            return Denial(service, service, "lambda:InvokeFunction", function, "because")

    asked: list[tuple[str, str, str]] = []

    async def scenario() -> None:
        called, reports, reported = Called(), list[str](), asyncio.Event()

        def report(line: str) -> None:
            reports.append(line)
            reported.set()

        place = "us-east-1", "123456789012"
        provider = ScheduleProvider(called, Clock(60_000.0), report, *place, gate=Closed())
        created = await provider.create(RULE, properties("rate(1 minute)"))
        await provider.start()
        try:
            await asyncio.wait_for(reported.wait(), 60)
        finally:
            await provider.stop()
        assert asked[0] == ("events.amazonaws.com", FUNCTION, created.attributes["Arn"])
        assert FUNCTION in reports[0] and "lambda:InvokeFunction" in reports[0]
        assert called.events == []

    asyncio.run(scenario())
