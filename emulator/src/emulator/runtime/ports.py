"""The ports that the emulator listens on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import NamedTuple

from emulator.local_ports import bound, number
from emulator.providers import EmulatorError

DEFAULT_API = 8080
CONSOLE = 2  # the console's port, counted from the API's

_NEXT = (
    "the WebSocket API",
    "the console",
    "AWS",
    "FCM",
    "APNs",
    "the management API",
    "the Network Load Balancer",
    "Lambda's Invoke",
    "Web Push",
)


class Ports(NamedTuple):
    """Bound, so that nobody else is given one of them before its server listens, seconds later."""

    api: socket.socket
    websocket: socket.socket
    console: socket.socket
    aws: socket.socket
    fcm: socket.socket
    apns: socket.socket
    management: socket.socket
    network: socket.socket  # the Network Load Balancer's, where there is one
    functions: socket.socket  # Lambda's Invoke, behind the AWS server
    web_push: socket.socket

    def close(self) -> None:
        """Gives up those that nothing listened on."""
        for port in self:
            port.close()


def choose(
    api: int,
    websocket: int | None = None,
    console: int | None = None,
    *,
    report: Callable[[str], None] = lambda _line: None,
) -> Ports:
    """`api`, `websocket` and `console` as asked for; the others follow the API's in a row. One of
    them that is taken is replaced by a free one, which `report` gets a line about. `api` 0 means
    free ones throughout.

    Raises EmulatorError naming a port that was asked for and is taken.
    """
    asked = {1: (websocket, "--ws-port"), CONSOLE: (console, "--console-port")}
    with contextlib.ExitStack() as undone:
        held = [undone.enter_context(bound(api, "the HTTP API (--api-port)"))]
        for offset, purpose in enumerate(_NEXT, start=1):
            port, option = asked.get(offset, (None, ""))
            if port is not None:
                found = bound(port, f"{purpose} ({option})")
            else:
                found = _near(api + offset if api else 0, purpose, report)
            held.append(undone.enter_context(found))
        undone.pop_all()
    return Ports(*held)


def _near(wanted: int, purpose: str, report: Callable[[str], None]) -> socket.socket:
    try:
        return bound(wanted, purpose)
    except EmulatorError:
        free = bound(0, purpose)
        report(f"port {wanted} is taken: {purpose} is on {number(free)}")
        return free
