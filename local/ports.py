"""Which ports local mode listens on."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from local.listening import HOST, port_taken

DEFAULT_API = 8080


@dataclass(frozen=True)
class Ports:
    api: int
    websocket: int
    console: int
    aws: int
    fcm: int
    apns: int
    management: int
    network: int  # the Network Load Balancer's, where there is one


def choose(api: int, websocket: int | None = None) -> Ports:
    """`api` and `websocket` as asked for; the others follow them in a row, each replaced by a free
    one where it is taken. `api` 0 means free ones throughout.

    Raises LocalModeError naming a port that was asked for and is taken.
    """
    asked = api
    api = _must(api, "the HTTP API (--api-port)") if api else _free()
    if websocket is None:
        websocket = _prefer(asked + 1 if asked else 0, {api})
    elif websocket:
        websocket = _must(websocket, "the WebSocket API (--ws-port)")
    else:
        websocket = _free()
    taken = {api, websocket}
    others = []
    for offset in range(2, 8):
        port = _prefer(asked + offset if asked else 0, taken)
        taken.add(port)
        others.append(port)
    return Ports(api, websocket, *others)


def _must(port: int, purpose: str) -> int:
    error = _why_not(port)
    if error is not None:
        raise port_taken(port, purpose, error)
    return port


def _prefer(port: int, taken: set[int]) -> int:
    if port and port not in taken and _why_not(port) is None:
        return port
    while (found := _free()) in taken:
        pass
    return found


def _why_not(port: int) -> OSError | None:
    if not 0 < port < 65536:
        return OSError(errno.EINVAL, "ports go from 1 to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
