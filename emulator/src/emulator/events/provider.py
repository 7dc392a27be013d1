"""The provider of event source mappings: makes the template's and runs their pollers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from emulator.aws.calls import Calls
from emulator.background import Background
from emulator.clock import Clock
from emulator.events import permissions
from emulator.events.model import EventSourceMapping, read_mapping
from emulator.events.poller import FAILED_CALL, Poller
from emulator.events.queues import QueuePoller, url_and_visibility
from emulator.events.streams import StreamPoller
from emulator.functions.model import name_in, qualified
from emulator.iam.gate import Gate, OpenGate
from emulator.providers import Created, EmulatorError, Invoke, Resource


class EventSourceProvider:
    types = ("AWS::Lambda::EventSourceMapping",)

    def __init__(
        self,
        calls: Calls,
        invoke: Invoke,
        clock: Clock,
        report: Callable[[str], None],
        gate: Gate | None = None,
        *,
        timeout: Callable[[str], float],
    ) -> None:
        """`timeout` gives a function's, in seconds."""
        self._timeout = timeout
        self._gate = OpenGate() if gate is None else gate
        self._calls = calls
        self._invoke = invoke
        self._clock = clock
        self._report = report
        self._mappings: dict[str, EventSourceMapping] = {}  # by resource
        self._pollers: list[Poller] = []
        self._background = Background()

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for a source that is neither a stream nor a queue, and for
        properties that AWS rejects or that are not supported."""
        identifier = str(uuid.uuid4())
        source = str(properties["EventSourceArn"])
        service = source.split(":")[2]
        if service not in _POLLERS:
            raise EmulatorError(f"{resource} has source {source}, which has no poller")
        mapping = read_mapping(str(resource), properties)
        self._check_new(str(resource), mapping)
        self._mappings[str(resource)] = mapping
        if properties.get("Enabled", True) in (True, "true"):
            self._pollers.append(
                _POLLERS[service](mapping, self._calls, self._invoke, self._clock, self._report)
            )
        return Created(identifier, {"Id": identifier})

    def _check_new(self, resource: str, mapping: EventSourceMapping) -> None:
        """Rejects a second mapping of the same source, as LocalStack has recorded of
        CreateEventSourceMapping."""
        made = [(each.source, qualified(each.function)) for each in self._mappings.values()]
        if (mapping.source, qualified(mapping.function)) in made:
            raise EmulatorError(
                f"{resource}: An event source mapping with {mapping.source} and function "
                f"{name_in(mapping.function)} already exists"
            )

    async def start(self) -> None:
        """Raises EmulatorError where a function is not there or its role may not read its source,
        and where its source is not there or, a queue, hides a message for less than its timeout."""
        for resource, mapping in self._mappings.items():
            try:
                self._timeout(mapping.function)
            except EmulatorError as error:
                raise EmulatorError(f"{resource}: Function does not exist: {error}") from error
            check = self._check_timeouts if ":sqs:" in mapping.source else self._check_stream
            try:
                await check(resource, mapping)
            except FAILED_CALL as error:
                text = f"{resource}: the source {mapping.source} can't be read: {error}"
                raise EmulatorError(text) from error
        for poller in self._pollers:
            permissions.check(poller.mapping, self._gate)
        self._background.start(*(poller.run_again_and_again() for poller in self._pollers))

    async def _check_timeouts(self, resource: str, mapping: EventSourceMapping) -> None:
        """Compares the timeouts of queue and function, as CreateEventSourceMapping does:
        github.com/winglang/wing/issues/1507."""
        _, hidden = await url_and_visibility(self._calls, mapping.source)
        timeout = self._timeout(mapping.function)
        if hidden < timeout:
            raise EmulatorError(
                f"{resource}: {mapping.source}: Queue visibility timeout: {hidden:g} seconds is "
                f"less than Function timeout: {timeout:g} seconds (the function {mapping.function})"
            )

    async def _check_stream(self, resource: str, mapping: EventSourceMapping) -> None:
        """As LocalStack has recorded CreateEventSourceMapping; a table has one stream, and with
        another specification another one."""
        source = mapping.source
        table = source.split("/")[1]
        found = await self._calls("dynamodbstreams", "ListStreams", TableName=table)
        if source not in [each["StreamArn"] for each in found["Streams"]]:
            raise EmulatorError(f"{resource}: Stream not found: {source}")

    async def stop(self) -> None:
        await self._background.stop()
        await self._calls.close()

    def saved(self) -> Any:
        """The positions by table: the one that all readers of its stream are past, and each
        reader's own."""
        streams: dict[str, dict[str, int]] = {}
        for poller in self._pollers:
            if isinstance(poller, StreamPoller):
                streams.setdefault(poller.table, {})[poller.mapping.function] = poller.position()
        past = {table: min(readers.values()) for table, readers in streams.items()}
        return {"readers": streams, "streams": past}

    def put_back(self, saved: Any) -> None:
        """Readers go on where they were when `saved` was called."""
        for poller in self._pollers:
            if isinstance(poller, StreamPoller):
                readers = saved["readers"].get(poller.table, {})
                poller.resume = readers.get(poller.mapping.function)

    def stream_ages(self) -> list[tuple[str, float]]:
        """The name of each function of a stream that is behind, and how old what it gets next is,
        in seconds."""
        found = [
            (name_in(poller.mapping.function), poller.age())
            for poller in self._pollers
            if isinstance(poller, StreamPoller)
        ]
        return [(function, age) for function, age in found if age]

    def state(self) -> dict[str, Any]:
        return {"event_sources": [poller.state() for poller in self._pollers]}


_POLLERS: dict[str, type[Poller]] = {
    "dynamodb": StreamPoller,
    "sqs": QueuePoller,
}
