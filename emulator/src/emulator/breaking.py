"""Faults that are caused on purpose while the system runs, to try alarms and runbooks.

A fault is a JSON object with a `kind`:

- `{"kind": "error" | "throttle", "of": "<function>"}`: its invocations fail, or are throttled;
- `{"kind": "call", "of": "<operation>", "text": "<in its request>", "code": "<AWS's error>"}`;
- `{"kind": "executions", "of": "<number>"}`: other functions of the account execute as often;
- `{"kind": "credential", "of": "fcm"}`: FCM takes no credential, as after it was revoked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from emulator.providers import InvokeResult

PATH = "/_local/broken"  # see emulator.aws.broken_calls
ERROR, THROTTLE, CALL = "error", "throttle", "call"
EXECUTIONS, CREDENTIAL = "executions", "credential"
KINDS = (ERROR, THROTTLE, CALL, EXECUTIONS, CREDENTIAL)
FAILED = InvokeResult(
    json.dumps(
        {"errorMessage": "broken on purpose; `mend` ends it", "errorType": "BrokenOnPurpose"}
    ).encode(),
    error=True,
)


class Broken:
    """All faults at this time. `aws` is the AWS server's URL, where calls fail."""

    def __init__(self, aws: str = "") -> None:
        self._aws = aws
        self.faults: list[dict[str, str]] = []

    async def add(self, given: Mapping[str, Any]) -> None:
        """Raises ValueError for what is no fault."""
        kind, of = given.get("kind"), given.get("of")
        if kind not in KINDS or not isinstance(of, str):
            raise ValueError(f'a fault has a "kind" of {", ".join(KINDS)}, and "of"')
        if kind == EXECUTIONS and not of.isdecimal():
            raise ValueError('"of" is the number of executions')
        if kind == CREDENTIAL and of != "fcm":
            raise ValueError('"of" is "fcm": credentials of others can\'t be broken here')
        fault = {"kind": kind, "of": of}
        if kind == CALL:
            fault |= {"text": str(given.get("text", "")), "code": str(given.get("code", ""))}
        self.faults.append(fault)
        await self._send()

    async def mend(self) -> None:
        """All of it."""
        self.faults.clear()
        await self._send()

    def of_function(self, label: str) -> str | None:
        """ERROR or THROTTLE; None for a function that is not broken."""
        found = [each["kind"] for each in self.faults if each["of"] == label]
        return next((each for each in found if each in (ERROR, THROTTLE)), None)

    def executions(self) -> int:
        return sum(int(each["of"]) for each in self.faults if each["kind"] == EXECUTIONS)

    def revoked(self) -> bool:
        """Whether FCM's credential is broken."""
        return any(each["kind"] == CREDENTIAL for each in self.faults)

    def state(self) -> dict[str, Any]:
        return {"broken": self.faults}

    async def _send(self) -> None:
        if not self._aws:
            return
        calls = [
            {"operation": each["of"], "text": each["text"], "code": each["code"]}
            for each in self.faults
            if each["kind"] == CALL
        ]
        async with (
            aiohttp.ClientSession(trust_env=False) as http,
            http.put(f"{self._aws}{PATH}", json=calls) as response,
        ):
            response.raise_for_status()
