"""`emulate trace ID`: the way of one message, or of any text, through the system."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from typing import Any

from emulator.cli.logs import visible
from emulator.providers import EmulatorError
from emulator.runtime.endpoints import Endpoints

_WITHIN = 30.0  # seconds
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def show(known: Endpoints, text: str, *, as_json: bool) -> list[str]:
    """The lines to print. Raises EmulatorError where nothing is known of the text."""
    url = f"{known.console}/_local/trace?{urllib.parse.urlencode({'id': text})}"
    try:
        with _NO_PROXY.open(url, timeout=_WITHIN) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.URLError as error:
        raise EmulatorError(f"the console at {known.console} gives no trace: {error}") from error
    if as_json:
        return [json.dumps(found, indent=2)]
    if not found["steps"]:
        raise EmulatorError(
            f"{text} is in none of the {found['retained']} records that are retained "
            f"({found['dropped']} older ones are not)"
        )
    lines = [f"{text}, at {datetime.fromtimestamp(found['steps'][0]['at']):%H:%M:%S}"]
    lines += [_line(step) for step in found["steps"]]
    return [*map(visible, lines), url.replace("/_local/", "/_local/view/")]


def _line(step: dict[str, Any]) -> str:
    took = "" if step["ms"] is None else f"  {step['ms']:.1f} ms"
    inside = "  " if step["of"] is not None else ""
    failed = f"  ! {step['error']}" if step["error"] else ""
    return f"{step['after_ms']:9.1f} ms  {inside}{step['title']}{took}{failed}"
