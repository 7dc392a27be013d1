"""Outputs of the engine: the acts to carry out once a step is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from client.core.cipher import Request
from client.core.events import Event


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this frame on the open connection."""

    frame: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave the open connection. `planned`: its time was over, so connect again at once."""

    reason: str
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave the open connection and do not connect again."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask the backend's key directory, and call `fetch_succeeded` or `fetch_failed`."""

    request: Request


Output = Transmit | Drop | Stop | Fetch | Event
