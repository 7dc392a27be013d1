"""The ports that the emulator listens on."""

from __future__ import annotations

import socket
from typing import NamedTuple

from emulator.listening import bound
from emulator.providers import EmulatorError

DEFAULT_API = 8080


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


def choose(api: int, websocket: int | None = None) -> Ports:
    """`api` and `websocket` as asked for; the others follow them in a row, each replaced by a free
    one where it is taken. `api` 0 means free ones throughout.

    Raises EmulatorError naming a port that was asked for and is taken.
    """
    held = [bound(api, "the HTTP API (--api-port)")]
    try:
        if websocket is None:
            held.append(_near(api, 1))
        else:
            held.append(bound(websocket, "the WebSocket API (--ws-port)"))
    except EmulatorError:
        held[0].close()
        raise
    return Ports(*held, *(_near(api, offset) for offset in range(2, 10)))


def _near(api: int, offset: int) -> socket.socket:
    try:
        return bound(api + offset if api else 0, "what has no option")
    except EmulatorError:
        return bound(0, "what has no option")
