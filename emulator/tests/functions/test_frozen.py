"""Without an event no thread of a function runs."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from tests.functions.hosts import function, running, until

SOURCE = "import os\ndef handler(event, context): return os.getpid()"


def state_of(pid: int) -> str:
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout[:1]


def test_without_an_event_a_worker_is_frozen(tmp_path: Path) -> None:
    """A thread that goes on after the response would not on AWS: "Understanding the Lambda
    execution environment lifecycle"."""

    async def main() -> None:
        async with running(tmp_path) as functions:
            functions.add(function(tmp_path, SOURCE))
            first = int((await functions.invoke("echo", b"0")).payload)
            await until(lambda: state_of(first) == "T")
            assert int((await functions.invoke("echo", b"0")).payload) == first
            await until(lambda: state_of(first) == "T")

    asyncio.run(main())
