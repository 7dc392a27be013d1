"""Asynchronous invocations: tried again, given up, and sent to a destination then.

Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation"
("two more times, with a one-minute wait between the first two attempts, and two minutes between the
second and third attempts"; of throttles "exponentially from 1 second after the first attempt to a
maximum of 5 minutes"), "Adding a destination", "Adding a dead-letter queue".
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.aws.calls import Calls
from emulator.clock import Clock
from emulator.functions.functions import Functions
from emulator.functions.limits import require_standard, within
from emulator.functions.model import LATEST, name_in, qualified
from emulator.providers import (
    Created,
    EmulatorError,
    InvokeResult,
    NoFreeWorker,
    Resource,
    Throttled,
)

RETRIES, AGE = (0, 2), (60, 21_600)
RETRY_SECONDS = (60, 120)
LONGEST_BACKOFF = 300
_ERROR_CHARACTERS = 1024
_SETTINGS = {"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"}
SUCCESS, EXHAUSTED, TOO_OLD = "Success", "RetriesExhausted", "EventAgeExceeded"


@dataclass(frozen=True)
class Config:
    """The settings for asynchronous invocations of a function or of one of its qualifiers;
    destinations are ARNs, empty for none."""

    retries: int = RETRIES[1]
    age: int = AGE[1]
    on_success: str = ""
    on_failure: str = ""


@dataclass(frozen=True)
class Event:
    """`attempts` are those that were not throttled."""

    reference: str
    payload: bytes
    request_id: str
    attempts: int = 0


class AsynchronousProvider:
    """`report` gets a line for each event that is given up, and one for those that end with
    the emulator."""

    types = ("AWS::Lambda::EventInvokeConfig",)

    def __init__(
        self, functions: Functions, calls: Calls, clock: Clock, report: Callable[[str], None]
    ) -> None:
        self._functions, self._calls = functions, calls
        self._clock, self._report = clock, report
        self._configs: dict[tuple[str, str], Config] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what Lambda rejects or is not supported."""
        name, _ = qualified(str(properties["FunctionName"]))
        qualifier = str(properties.get("Qualifier", LATEST))
        config = _config(str(resource), properties)
        for arn in (config.on_success, config.on_failure):
            if ":function:" in arn and name_in(arn) == name:
                raise EmulatorError(
                    f"{resource}: You can't specify the function as a destination for itself."
                )
        self._configs[name, qualifier] = config
        return Created(f"{name}|{qualifier}")

    async def start(self) -> None:
        """Raises EmulatorError for a function or a destination that is not there, as LocalStack has
        recorded it of PutFunctionEventInvokeConfig; events start their own tasks."""
        for (name, qualifier), config in self._configs.items():
            try:
                self._functions.version(f"{name}:{qualifier}")
            except EmulatorError as error:
                raise EmulatorError(f"{name}:{qualifier}: The function doesn't exist.") from error
            for arn in (config.on_success, config.on_failure):
                if ":function:" not in arn:
                    continue
                try:
                    self._functions.version(arn)
                except EmulatorError as error:
                    raise EmulatorError(f"The destination ARN {arn} is invalid.") from error

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        results = await asyncio.gather(*self._running, return_exceptions=True)
        left = sum(isinstance(each, asyncio.CancelledError) for each in results)
        if left:
            events = "1 asynchronous event was" if left == 1 else f"{left} asynchronous events were"
            self._report(f"{events} not handled")
        await self._calls.close()

    async def invoke(self, reference: str, event: bytes) -> InvokeResult:
        """Invokes for a service that does not wait for the function's response."""
        self.submit(reference, event, str(uuid.uuid4()))
        return InvokeResult(b"", False)

    def submit(self, reference: str, event: bytes, request_id: str) -> None:
        """Raises EmulatorError for a function that there is not."""
        self._functions.version(reference)
        task = asyncio.create_task(self._run(Event(reference, event, request_id)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, event: Event) -> None:
        name, qualifier = qualified(event.reference)
        config = self._configs.get((name, qualifier or LATEST), Config())
        began, throttled, result = self._clock.now(), 0, InvokeResult(b"", False)
        while (asked := self._clock.now()) - began <= config.age:
            try:
                result = await self._functions.invoke(
                    event.reference, event.payload, event.request_id
                )
            except NoFreeWorker:  # an event does not age while this machine has none
                await self._clock.sleep(1)
                began += self._clock.now() - asked
                continue
            except Throttled:
                await self._clock.sleep(min(2**throttled, LONGEST_BACKOFF))
                throttled += 1
                continue
            event = Event(event.reference, event.payload, event.request_id, event.attempts + 1)
            if not result.error:
                await self._send(config.on_success, event, SUCCESS, result)
                return
            if event.attempts > config.retries:
                await self._give_up(config, event, EXHAUSTED, result)
                return
            await self._clock.sleep(RETRY_SECONDS[event.attempts - 1])
        await self._give_up(config, event, TOO_OLD, result)

    async def _give_up(
        self, config: Config, event: Event, condition: str, result: InvokeResult
    ) -> None:
        function = self._functions.function(event.reference)
        self._report(f"{function.label}: an asynchronous event was given up: {condition}")
        await self._send(config.on_failure, event, condition, result)
        if function.dead_letters:
            await self._send_dead_letter(function.dead_letters, event, result)

    async def _send(
        self, destination: str, event: Event, condition: str, result: InvokeResult
    ) -> None:
        if not destination:
            return
        function = self._functions.function(event.reference)
        _, qualifier = qualified(event.reference)
        arn = f"{function.arn}:{qualifier or LATEST}"
        text = json.dumps(record(arn, event, condition, result, datetime.now(UTC)))
        if ":function:" in destination:
            try:
                self.submit(destination, text.encode(), str(uuid.uuid4()))
            except EmulatorError as error:
                self._lost(destination, error)
        else:
            await self._put(destination, MessageBody=text)

    async def _send_dead_letter(self, queue: str, event: Event, result: InvokeResult) -> None:
        message = str(_document(result.payload).get("errorMessage", ""))[:_ERROR_CHARACTERS]
        attributes = {
            "RequestID": {"DataType": "String", "StringValue": event.request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200" if event.attempts else "429"},
        }
        if message:
            attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message}
        await self._put(queue, MessageBody=event.payload.decode(), MessageAttributes=attributes)

    async def _put(self, queue: str, **message: Any) -> None:
        try:
            name = queue.rpartition(":")[2]
            url = (await self._calls("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]
            await self._calls("sqs", "SendMessage", QueueUrl=url, **message)
        except Exception as error:  # the event is lost, as on AWS, where a metric counts it
            self._lost(queue, error)

    def _lost(self, destination: str, error: Exception) -> None:
        self._report(f"{destination} did not take an asynchronous event: {error}")


def record(
    arn: str, event: Event, condition: str, result: InvokeResult, now: datetime
) -> dict[str, Any]:
    """The record that a destination gets: "Adding a destination", same guide."""
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": LATEST}
    if result.error:
        response["functionError"] = "Unhandled"
    found = {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.payload),
    }
    if event.attempts:
        found |= {"responseContext": response, "responsePayload": _loaded(result.payload)}
    return found


def _config(where: str, properties: Mapping[str, Any]) -> Config:
    if not properties.keys() & _SETTINGS:
        raise EmulatorError(
            f"{where}: You must specify at least one of error handling or destination setting."
        )
    numbers = {}
    for name, default, (least, most) in (
        ("MaximumRetryAttempts", RETRIES[1], RETRIES),
        ("MaximumEventAgeInSeconds", AGE[1], AGE),
    ):
        numbers[name] = within(where, name, properties.get(name, default), least, most)
    destinations = properties.get("DestinationConfig") or {}
    arns = [
        str((destinations.get(name) or {}).get("Destination") or "")
        for name in ("OnSuccess", "OnFailure")
    ]
    for arn in arns:
        if arn and ":sqs:" not in arn and ":function:" not in arn:
            raise EmulatorError(f"{where}: the destination {arn} is neither a queue nor a function")
        require_standard(where, arn)
    return Config(numbers["MaximumRetryAttempts"], numbers["MaximumEventAgeInSeconds"], *arns)


def _loaded(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def _document(payload: bytes) -> Mapping[str, Any]:
    found = _loaded(payload)
    return found if isinstance(found, dict) else {}
