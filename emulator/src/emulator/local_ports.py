"""Ports of 127.0.0.1, and the error for one that is taken.

Without aiohttp, which takes as long to import as the rest of a short command.
"""

from __future__ import annotations

import contextlib
import errno
import random
import socket

from emulator.providers import EmulatorError, PortTaken

HOST = "127.0.0.1"
_SELDOM = range(10_000, 32_768)  # below the ephemeral ports of Linux; those of macOS begin higher

Port = int | socket.socket  # 0 is any free one; a socket holds its port since it was `bound`


def port_taken(port: int, purpose: str, error: OSError) -> PortTaken:
    message = (
        f"port {port} for {purpose} can't be opened ({error.strerror or error}): end what "
        "listens on it, or choose another port"
    )
    return PortTaken(port, message)


def bound(port: Port, purpose: str) -> socket.socket:
    """A socket that has `port` from now on, though it refuses connections until it listens. Nobody
    else is given that port meanwhile, as happens to one that was only found to be free.

    Raises EmulatorError when the port is taken.
    """
    if isinstance(port, socket.socket):
        return port
    if not 0 <= port < 65536:
        raise port_taken(port, purpose, OSError(errno.EINVAL, "ports go from 1 to 65535"))
    # asyncio sets TCP_NODELAY only where the protocol is named. Without it the body of a response
    # waits up to 40 ms, until the client acknowledges the head.
    holder = socket.socket(proto=socket.IPPROTO_TCP)
    # what earlier connections left behind on a port (TIME_WAIT) is no hindrance
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
    except OSError as error:
        holder.close()
        raise port_taken(port, purpose, error) from error
    return holder


def number(port: Port) -> int:
    return port if isinstance(port, int) else int(port.getsockname()[1])


def free_port() -> int:
    """A port that nobody has now, for somebody else to bind: from a range that systems give to
    nobody who asks for any, so that only who wants just this one could be faster."""
    while True:
        with contextlib.suppress(EmulatorError), bound(random.choice(_SELDOM), "a port") as found:
            return number(found)
