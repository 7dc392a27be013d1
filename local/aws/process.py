"""Starts and ends the moto server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from local.children import Children
from local.providers import LocalModeError

_ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN = 30.0  # seconds


class AwsServer:
    """The process that answers for AWS on 127.0.0.1:`port` (0: a free one, known after `start`);
    what it prints goes to `log`."""

    def __init__(self, children: Children, port: int, fcm: str, apns: str, log: Path) -> None:
        self._children = children
        self._port = port
        self._log = log
        self._arguments = ["--port", str(port), "--fcm", fcm, "--apns", apns]
        self._process: asyncio.subprocess.Process | None = None
        self._copying: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Returns when the server answers. Raises LocalModeError with the log's place if it ends
        before that."""
        self._process = await self._children.start(
            sys.executable,
            "-m",
            "local.aws.server",
            *self._arguments,
            env=_without_proxies(os.environ),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if self._process.stdout is None:
            raise RuntimeError("the server's output is not a pipe")
        ready = asyncio.Event()
        self._copying = asyncio.create_task(self._copy(self._process.stdout, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait(
            {waiting, self._copying}, timeout=_STARTS_WITHIN, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        if not ready.is_set():
            await self._children.end(self._process, 0)
            raise LocalModeError(f"the AWS server did not start; see {self._log}")

    async def stop(self) -> None:
        if self._process is not None:
            await self._children.end(self._process)
        if self._copying is not None:
            await self._copying

    async def _copy(self, output: asyncio.StreamReader, ready: asyncio.Event) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab", buffering=0) as log:
            while line := await output.readline():
                if line.startswith(b"ready "):
                    self._port = int(line.removeprefix(b"ready "))
                    ready.set()
                else:
                    log.write(line)


def _without_proxies(environ: os._Environ[str]) -> dict[str, str]:
    """Everything here is on the loopback interface, where no proxy has a say."""
    return {
        name: value
        for name, value in environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("AWS_")
    }
