"""Notices of errors in the backend's code, shown in the client to the developer who has just
changed it. Only with an emulator: a client of a deployed backend gets no more than the code of an
error.
"""

from __future__ import annotations

import asyncio
import contextlib

import httpx

from client.cli.text import one_line
from client.cli.view import View

POLL_SECONDS = 2.0


async def watch(console: str | None, view: View, every: float = POLL_SECONDS) -> None:
    """Shows each error once, from now on. Ends at once where there is no console to ask."""
    if console is None:
        return
    seen: set[tuple[str, float]] | None = None
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
                response = await http.get(f"{console}/_local/faults")
                found = {(each["text"], each["at"]) for each in response.json()["faults"]}
                for text, _ in sorted(found - seen) if seen is not None else ():
                    view.problem(f"the backend's code: {one_line(text)}")
                seen = found | (seen or set())
            await asyncio.sleep(every)
