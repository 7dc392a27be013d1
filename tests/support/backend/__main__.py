"""The server as a process: `python -m tests.support.backend` prints its port.

It ends when its standard input does, so that it never outlives who has started it.
"""

from __future__ import annotations

import asyncio
import os
import sys

from lambdas.telemetry import logger
from tests.support.backend.server import serving


async def serve() -> None:
    async with serving() as server:
        print(server.port, flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # metrics, which nobody reads
        await asyncio.to_thread(sys.stdin.read)


logger.setLevel("ERROR")
asyncio.run(serve())
