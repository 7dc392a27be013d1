"""The calls that were made of the AWS server, for the console: the newest, with request and result.

Reads that succeed are left out, and so is what the emulator itself asks for several times a second.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

PATH = "/_local/calls"
MOST = 2_000
LONGEST = 64 * 1024
READS = ("BatchGet", "Describe", "Get", "List", "Query", "ReceiveMessage", "Scan")
_HARMLESS = ("ClientId", "AuthFlow")
_CALLER = re.compile(r"Credential=([^/,]+)/")


class Calls:
    """Numbered from 1, so that a reader asks for those after the last one it has."""

    def __init__(self) -> None:
        self._made: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._count = 0

    def made(
        self, headers: Mapping[str, str], request: bytes, began: float, status: int, result: bytes
    ) -> None:
        caller = _CALLER.search(headers.get("Authorization", ""))
        operation, given = _named(headers, request)
        if caller is None:
            if status < 400 or not operation:
                return
            given = _without_secrets(given)
        if not operation or (operation.startswith(READS) and status < 400):
            return
        self._count += 1
        self._made.append(
            {
                "number": self._count,
                "name": operation,
                "by": caller[1] if caller else "",
                "at": began,
                "ms": round(1000 * (time.time() - began), 2),
                "given": given[:LONGEST],
                "result": result[:LONGEST].decode(errors="replace"),
                "error": _error(result) if status >= 400 else "",
            }
        )

    def after(self, number: int) -> dict[str, Any]:
        """`missed` counts those that have been dropped."""
        found = [each for each in self._made if each["number"] > number]
        return {"calls": found, "missed": max(0, self._count - number - len(found))}


def add_routes(app: web.Application, calls: Calls) -> None:
    """GET /_local/calls?after=<number> gives `{"calls", "missed"}`."""

    async def made(request: web.Request) -> web.Response:
        number = request.query.get("after", "0")
        return web.json_response(calls.after(int(number) if number.isdecimal() else 0))

    app.router.add_get(PATH, made)


def _without_secrets(given: str) -> str:
    """Removes the parameters of a call that needs no signature: sign-ins have passwords in them."""
    try:
        document = json.loads(given)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    return json.dumps({name: document[name] for name in _HARMLESS if name in document})


def _named(headers: Mapping[str, str], request: bytes) -> tuple[str, str]:
    """The operation and the request, of AWS's JSON protocol and of its query protocol."""
    target = headers.get("X-Amz-Target", "")
    if target:
        return target.rpartition(".")[2], request.decode(errors="replace")
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        text = request.decode(errors="replace")
        fields = {name: values[0] for name, values in parse_qs(text).items()}
        return fields.get("Action", ""), json.dumps(fields)
    return "", ""  # such as a file, which is not worth reading as text


def _error(result: bytes) -> str:
    text = result.decode(errors="replace")
    try:
        document = json.loads(text)
        code = str(document.get("__type", "")).rpartition("#")[2]
        return f"{code}: {document.get('message') or document.get('Message') or ''}"[:500]
    except (ValueError, AttributeError):
        found = re.search(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", text, re.DOTALL)
        return f"{found[1]}: {found[2]}"[:500] if found else text[:500]
