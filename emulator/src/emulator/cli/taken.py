"""The check whether an emulator listens on a port that is taken, by asking its console."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from emulator.local_ports import HOST
from emulator.runtime.endpoints import Endpoints, parsed
from emulator.runtime.ports import CONSOLE

PATH = "/_local/endpoints"
_WITHIN = 1.0  # seconds
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def listening_on(port: int) -> Endpoints | None:
    """The emulator that has this port, whichever of its ports it is; None if none says so. Its
    console is the one that follows its HTTP API, so this looks at the ports beside."""
    for console in (port + CONSOLE, *range(port - CONSOLE, port + CONSOLE)):
        found = _read_endpoints(console) if 0 < console < 65536 else None
        if found is not None and _has(found, port):
            return found
    return None


def _read_endpoints(console: int) -> Endpoints | None:
    try:
        with _NO_PROXY.open(f"http://{HOST}:{console}{PATH}", timeout=_WITHIN) as response:
            return parsed(json.load(response))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _has(found: Endpoints, port: int) -> bool:
    urls = (found.api, found.websocket, found.aws, found.fcm, found.apns, found.console, found.nlb)
    return any(url and f":{port}" in url.partition("//")[2].partition("/")[0] for url in urls)
