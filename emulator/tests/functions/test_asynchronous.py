"""Events of asynchronous invocations: retries, destinations, dead letters.

Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous
invocation", "Adding a destination", "Adding a dead-letter queue".
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from tests.rows import rows

from emulator.functions.asynchronous import AsynchronousProvider
from emulator.providers import EmulatorError, InvokeResult, NoFreeWorker, Resource, Throttled

ARN = "arn:aws:lambda:us-east-1:123456789012:function:echo"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failed"
FAILED = InvokeResult(b'{"errorMessage": "as asked", "errorType": "ValueError"}', True)
DONE = InvokeResult(b'{"ok": true}', False)


class Clock:
    """Sleeps take no time, and are written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Functions:
    """One function, `echo`, which gives these results, and the last one from there on."""

    def __init__(self, *results: InvokeResult | Exception, dead_letters: str = "") -> None:
        self._results = list(results)
        self._function = SimpleNamespace(label="Echo", arn=ARN, dead_letters=dead_letters)
        self.events: list[tuple[str, bytes, str]] = []

    def version(self, reference: str) -> str:
        if "echo" not in reference and "other" not in reference:
            raise EmulatorError(f"there is no function {reference}")
        return "$LATEST"

    def function(self, _reference: str) -> Any:
        return self._function

    async def invoke(self, reference: str, event: bytes, request_id: str) -> InvokeResult:
        self.events.append((reference, event, request_id))
        result = self._results[0] if len(self._results) == 1 else self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


class Scene:
    def __init__(self, functions: Functions, **config: Any) -> None:
        self.functions, self.clock, self.reported = functions, Clock(), list[str]()
        self.sent: list[dict[str, Any]] = []
        given: Any = (functions, self, self.clock, self.reported.append)
        self.asynchronous = AsynchronousProvider(*given)
        given = {"Qualifier": "$LATEST", "MaximumRetryAttempts": 2, **config}
        self.config = {"FunctionName": "echo", **given}

    async def __call__(self, _service: str, operation: str, **request: Any) -> dict[str, Any]:
        if operation == "SendMessage":
            self.sent.append(request)
        return {"QueueUrl": f"http://sqs/{request.get('QueueName')}"}

    async def close(self) -> None:
        """Nothing is open."""

    def submit(self, reference: str = "echo") -> Scene:
        async def main() -> None:
            resource = Resource("stack", "Config", "AWS::Lambda::EventInvokeConfig")
            await self.asynchronous.create(resource, self.config)
            self.asynchronous.submit(reference, b'{"a": 1}', "request-1")
            while self.asynchronous._running:
                await asyncio.gather(*self.asynchronous._running)

        asyncio.run(main())
        return self


def test_an_event_whose_function_fails_is_tried_twice_more_with_the_same_id() -> None:
    scene = Scene(Functions(FAILED)).submit()
    assert scene.functions.events == [("echo", b'{"a": 1}', "request-1")] * 3
    assert scene.clock.slept == [60, 120]
    assert scene.reported == ["Echo: an asynchronous event was given up: RetriesExhausted"]


def test_a_success_ends_the_retries() -> None:
    scene = Scene(Functions(FAILED, DONE)).submit()
    assert (len(scene.functions.events), scene.reported) == (2, [])


def test_without_retries_an_event_is_tried_once() -> None:
    scene = Scene(Functions(FAILED), MaximumRetryAttempts=0).submit()
    assert (len(scene.functions.events), scene.clock.slept) == (1, [])


def test_a_throttled_event_is_tried_further_and_further_apart_until_it_is_too_old() -> None:
    throttled = Throttled("echo")
    scene = Scene(Functions(throttled), MaximumEventAgeInSeconds=1200).submit()
    assert scene.clock.slept[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert 1200 < sum(scene.clock.slept) <= 1500
    assert scene.reported == ["Echo: an asynchronous event was given up: EventAgeExceeded"]


def test_an_event_does_not_age_while_this_machine_has_no_free_worker() -> None:
    none_free = [NoFreeWorker("echo", 5)] * 99
    scene = Scene(Functions(*none_free, DONE), MaximumEventAgeInSeconds=60).submit()
    assert (len(scene.functions.events), scene.reported) == (100, [])
    assert set(scene.clock.slept) == {1}


def test_throttles_are_no_attempts() -> None:
    scene = Scene(Functions(Throttled("echo"), Throttled("echo"), FAILED, DONE)).submit()
    assert (len(scene.functions.events), scene.reported) == (4, [])


def test_the_destination_gets_the_event_and_what_became_of_it() -> None:
    to_queue = {"OnFailure": {"Destination": QUEUE}}
    scene = Scene(Functions(FAILED), DestinationConfig=to_queue).submit()
    (sent,) = scene.sent
    document = json.loads(sent["MessageBody"])
    assert sent["QueueUrl"] == "http://sqs/failed"
    assert document.pop("timestamp")
    assert document == {
        "version": "1.0",
        "requestContext": {
            "requestId": "request-1",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": json.loads(FAILED.payload),
    }


def test_a_function_is_a_destination_too() -> None:
    to_function = {"OnSuccess": {"Destination": ARN.replace("echo", "other")}}
    scene = Scene(Functions(DONE), DestinationConfig=to_function).submit()
    _, (reference, event, _) = scene.functions.events
    assert reference.endswith(":other")
    assert json.loads(event)["requestContext"]["condition"] == "Success"


def test_a_dead_letter_is_the_event_itself() -> None:
    scene = Scene(Functions(FAILED, dead_letters=QUEUE), MaximumRetryAttempts=0).submit()
    (sent,) = scene.sent
    values = {name: each["StringValue"] for name, each in sent["MessageAttributes"].items()}
    assert sent["MessageBody"] == '{"a": 1}'
    assert values == {"RequestID": "request-1", "ErrorCode": "200", "ErrorMessage": "as asked"}


def test_a_destination_that_there_is_not_is_reported_and_loses_no_dead_letter() -> None:
    missing = ARN.replace("echo", "nobody")
    to_function = {"OnFailure": {"Destination": missing}}
    scene = Scene(
        Functions(FAILED, dead_letters=QUEUE),
        MaximumRetryAttempts=0,
        DestinationConfig=to_function,
    ).submit()
    assert [sent["MessageBody"] for sent in scene.sent] == ['{"a": 1}']
    assert scene.reported[1:] == [
        f"{missing} did not take an asynchronous event: there is no function {missing}"
    ]


class Held:
    """`stay` never returns; `entered` is set once it is called."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()

    async def stay(self, *_: object) -> None:
        self.entered.set()
        await asyncio.Event().wait()


def stopped(patch: pytest.MonkeyPatch, *results: InvokeResult | None) -> list[str]:
    """What is reported at a stop with an event for each of `results`: that of None is being
    handled, the others wait for their next attempt."""

    async def main() -> list[str]:
        asleep, handled = Held(), Held()
        scene = Scene(Functions(*(result for result in results if result)))
        invoke = scene.functions.invoke

        async def invoked(reference: str, event: bytes, request_id: str) -> InvokeResult:
            if event == b"null":
                await handled.stay()
            return await invoke(reference, event, request_id)

        patch.setattr(scene.clock, "sleep", asleep.stay)
        patch.setattr(scene.functions, "invoke", invoked)
        for result in results:
            scene.asynchronous.submit("echo", b"1" if result else b"null", "request-1")
        for result in results:
            await (asleep if result else handled).entered.wait()
        await scene.asynchronous.stop()
        return scene.reported

    return asyncio.run(main())


def test_events_that_wait_or_are_being_handled_at_the_end_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert stopped(monkeypatch, FAILED, None) == ["2 asynchronous events were not handled"]
    assert stopped(monkeypatch, FAILED) == ["1 asynchronous event was not handled"]
    assert stopped(monkeypatch) == []


@pytest.mark.parametrize(
    "given",
    [
        {"MaximumRetryAttempts": 3},
        {"MaximumEventAgeInSeconds": 59},
        {"DestinationConfig": {"OnFailure": {"Destination": f"{QUEUE}.fifo"}}},
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:us-east-1:1:topic"}}},
    ],
)
def test_a_setting_that_lambda_rejects_or_is_not_supported_stops_the_start(given: Any) -> None:
    with pytest.raises(EmulatorError, match="Config"):
        Scene(Functions(DONE), **given).submit()


def destination(function: str) -> dict[str, Any]:
    arn = ARN.replace("echo", function)
    return {"DestinationConfig": {"OnSuccess": {"Destination": arn}}}


# As LocalStack has recorded it of PutFunctionEventInvokeConfig: test_lambda_eventinvokeconfig_exceptions.
@rows(
    ("given", "sentence"),
    [
        ({}, "at least one of error handling or destination"),
        (destination("echo"), "as a destination for itself"),
        (destination("nobody"), "function:nobody is invalid"),
        (destination("other"), None),
        ({"DestinationConfig": {"OnSuccess": {}}}, None),
        ({"DestinationConfig": {"OnSuccess": None}}, None),
        ({"MaximumRetryAttempts": "many"}, "no whole number"),
        ({"MaximumRetryAttempts": 1, "FunctionName": "nobody"}, "The function doesn't exist"),
    ],
)
def test_what_lambda_says_of_a_configuration_stops_the_start(
    given: Any, sentence: str | None
) -> None:
    async def start() -> None:
        resource = Resource("stack", "Config", "AWS::Lambda::EventInvokeConfig")
        await asynchronous.create(resource, {"FunctionName": "echo", "Qualifier": "1", **given})
        await asynchronous.start()

    asynchronous = Scene(Functions(DONE)).asynchronous
    if sentence is None:
        asyncio.run(start())
    else:
        with pytest.raises(EmulatorError, match=sentence):
            asyncio.run(start())


def test_a_function_that_there_is_not_takes_no_event() -> None:
    with pytest.raises(EmulatorError, match="there is no function"):
        Scene(Functions(DONE)).submit("nobody")
