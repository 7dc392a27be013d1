"""The process of the moto server: its start and its end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from emulator.child_processes import ChildProcesses
from emulator.iam.authority import Denial
from emulator.listening import HOST, Port, bound, number
from emulator.providers import EmulatorError

DENIED = b"denied "  # see emulator.aws.permissions
OPEN_DATA, SAVE_DATA = "/_local/data/open", "/_local/data/save"  # see emulator.aws.saving

_ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN = 180.0  # seconds; a server that ends before is noticed at once


@dataclass(frozen=True)
class ServerAddresses:
    """The base URLs that the server calls, and the region that it serves."""

    fcm: str
    apns: str
    functions: str = ""
    region: str = ""

    def arguments(self) -> list[str]:
        """The command line arguments of `emulator.aws.server`."""
        return [word for name, value in asdict(self).items() for word in (f"--{name}", value)]


class AwsServer:
    """The process that emulates AWS on `port`; `log` gets what it prints, and `denied` the calls
    that it denies."""

    def __init__(
        self,
        children: ChildProcesses,
        port: Port,
        addresses: ServerAddresses,
        log: Path,
        denied: Callable[[Denial], None] = lambda _denial: None,
    ) -> None:
        self._children = children
        self._listen_on = port
        self._port = number(port)
        self._log = log
        self._denied = denied
        self._arguments = [*addresses.arguments(), "--logs", str(log.parent.resolve())]
        self._process: asyncio.subprocess.Process | None = None
        self._copying: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The server's URL; after `start`, where the port was any free one."""
        return f"http://{HOST}:{self._port}"

    async def start(self) -> None:
        """Returns when the server accepts requests. Raises EmulatorError when the port is taken,
        and with the log's place if the server ends before that."""
        with bound(self._listen_on, "AWS") as listening:
            self._port = number(listening)
            self._process = await self._children.start(
                *(sys.executable, "-m", "emulator.aws.server", "--fd", str(listening.fileno())),
                *self._arguments,
                env=_without_proxies(os.environ),
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(listening.fileno(),),
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
            raise EmulatorError(f"the AWS server did not start; see {self._log}")

    async def stop(self) -> None:
        if self._process is not None:
            await self._children.end(self._process)
        if self._copying is not None:
            await self._copying

    async def _copy(self, output: asyncio.StreamReader, ready: asyncio.Event) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab", buffering=0) as log:
            async for line in _lines(output):
                if line == b"ready\n":
                    ready.set()
                elif line.startswith(DENIED):
                    try:
                        self._denied(Denial(**json.loads(line.removeprefix(DENIED))))
                    except Exception:
                        log.write(traceback.format_exc().encode())
                else:
                    log.write(line)


async def _lines(output: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """All lines of its output: the server would stop at its next line if nobody read them."""
    while True:
        try:
            line = await output.readline()
        except ValueError:  # longer than the reader's limit of 64 KiB
            yield b"a part of a long line is left out\n"
            continue
        if not line:
            return
        yield line


def _without_proxies(environ: os._Environ[str]) -> dict[str, str]:
    """Everything here is on the loopback interface, where no proxy is used."""
    return {
        name: value
        for name, value in environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("AWS_")
    }
