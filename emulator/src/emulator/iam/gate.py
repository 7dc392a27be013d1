"""The gate: the check that the emulator's components make before they act for a service or a
function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from emulator.iam.authority import Denial, Need
from emulator.iam.errors import Error


class Gate(Protocol):
    """Each gives None for what is allowed, and in the modes `warn` and `off` always."""

    def invocation(self, service: str, function: str, source: str) -> Denial | None:
        """Whether a service may invoke a function, an ARN, for `source`, another one."""

    def connections(self, headers: Mapping[str, str], resource: str) -> Error | None:
        """The response to a call of @connections that is not allowed."""

    def as_function(self, function: str, needs: Sequence[Need]) -> Denial | None:
        """Whether Lambda may make calls by the role of a function, by its name or ARN."""


class OpenGate:
    """A gate that checks nothing, for components that run without a template."""

    def invocation(self, service: str, function: str, source: str) -> Denial | None:
        return None

    def connections(self, headers: Mapping[str, str], resource: str) -> Error | None:
        return None

    def as_function(self, function: str, needs: Sequence[Need]) -> Denial | None:
        return None
