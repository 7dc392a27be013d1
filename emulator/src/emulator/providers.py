"""Interfaces between the emulator's components, and its error.

A *provider* makes resources of some CloudFormation types. Most providers are also components that
run (`emulator.runtime.services.Component`): they collect resources while the template is created,
and open their sockets in `start`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

from emulator.resource import Resource

__all__ = [
    "Created",
    "EmulatorError",
    "Invoke",
    "InvokeResult",
    "NoFreeWorker",
    "PortTaken",
    "Provider",
    "Resource",
    "Throttled",
]


class EmulatorError(Exception):
    """Something that stops the emulator; its text says what was wrong and what to do."""


class PortTaken(EmulatorError):
    """`port` can't be opened; the text names what it is for."""

    def __init__(self, port: int, message: str) -> None:
        super().__init__(message)
        self.port = port


class Throttled(Exception):
    """The function's concurrency is exhausted."""

    def __init__(self, function: str, why: str = "has reached its reserved concurrency") -> None:
        super().__init__(f"Rate Exceeded: {function} {why}")
        self.function = function


class NoFreeWorker(Throttled):
    """No worker came free in `waited` real seconds: a limit of this machine, which AWS does not
    have. What can wait, such as a message of a queue, is not given up for it."""

    def __init__(self, function: str, waited: float) -> None:
        super().__init__(function, f"had no free worker for {waited:g} s")
        self.waited = waited


class Created(NamedTuple):
    """`ref` is what `Ref` gives, `attributes` what `Fn::GetAtt` gives (nested: "A.B")."""

    ref: str
    attributes: Mapping[str, Any] = {}


class Provider(Protocol):
    @property
    def types(self) -> tuple[str, ...]:
        """CloudFormation types this provider makes, e.g. `AWS::SQS::Queue`."""

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Make the resource; intrinsics in `properties` are already resolved."""


class InvokeResult(NamedTuple):
    """The result of a synchronous invocation.

    `error` says that the runtime reported a function error (or the time limit passed); `payload`
    is then the `{"errorMessage", "errorType", "stackTrace"?}` document, as from Lambda.
    """

    payload: bytes
    error: bool


Invoke = Callable[[str, bytes], Awaitable[InvokeResult]]
"""(function ARN or name, event JSON) -> result. An ARN inside an API Gateway invocation URI is
found too. Raises `Throttled`."""
