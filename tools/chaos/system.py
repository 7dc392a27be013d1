"""The system that a chaos run starts for itself; its processes can be killed and frozen."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from subprocess import Popen
from urllib.parse import urlsplit

import aiohttp

from emulator.cli import background
from emulator.providers import EmulatorError
from emulator.runtime import endpoints
from emulator.runtime.endpoints import Endpoints
from tools.chaos.proxy import Proxy
from tools.chaos.verdict import Ring
from tools.processes import processes

CONTAINER = b"lambdas.api.server"
WORKERS = (b"awslambdaric", b"own_runtime")
STOP_EVERY = 0.01  # seconds; a worker that is warm needs few milliseconds for an event


class System:
    """`api` is what clients connect to: a proxy before the load balancer; the addresses of the
    WebSocket API that it hands out lead to another one."""

    def __init__(self, project: Path, state: Path) -> None:
        self._project, self._state = project, state
        self._process: Popen[bytes] | None = None
        self._console = ""
        self._rings: dict[str, dict[float, Ring]] = {}  # token -> when it rang -> for what
        self.http, self.websocket = Proxy(0), Proxy(0)

    async def start(self) -> None:
        """Also after `stop`, with the data of before. Raises EmulatorError."""
        known = await asyncio.to_thread(self._start)
        port = _port(known.websocket)
        if not self.http.port:
            await self.websocket.start()
            await self.http.start()
        self.http.target, self.websocket.target = _port(known.api), port
        self.http.words = {_address(port): _address(self.websocket.port)}
        self._console = known.console

    def _start(self) -> Endpoints:
        printed: list[str] = []
        place = ("--project", str(self._project), "--state-dir", str(self._state))
        self._process = background.start(["--api-port", "0", *place], self._state, printed.append)
        known = endpoints.read(self._state)
        if self._process.poll() is not None or known is None:
            raise EmulatorError(f"the system did not start:\n{''.join(printed)}")
        return known

    async def stop(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(background.end, self._process)

    async def close(self) -> None:
        await self.http.stop()
        await self.websocket.stop()
        await self.stop()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.http.port}"

    def workers(self) -> list[int]:
        return [pid for pid, command in self._children() if any(map(command.count, WORKERS))]

    def containers(self) -> list[int]:
        return [pid for pid, command in self._children() if CONTAINER in command]

    async def order_targets(self, action: str, random: Random) -> int:
        """`pause` or `drain` one target of the load balancer; how many there were."""
        async with _session() as http:
            async with http.get(f"{self._console}/_local/state") as response:
                state = await response.json()
            names = [each["id"] for group in state["target_groups"] for each in group["targets"]]
            if not names:
                return 0
            url = f"{self._console}/_local/targets/{random.choice(names)}"
            async with http.post(url, json={"action": action}):
                return len(names)

    async def rings(self, tokens: list[str]) -> dict[str, list[Ring]]:
        """What each of these phones has rung for so far, before restarts too."""
        async with _session() as http:
            for token in tokens:
                async with http.get(f"{self._console}/_local/phones/{token}") as response:
                    pushes = (await response.json())["pushes"]
                heard = self._rings.setdefault(token, {})
                for push in pushes:
                    data = push["message"].get("data", {})
                    if "message_id" in data:
                        heard[push["received_at"]] = Ring(data["chat_id"], data["message_id"])
        return {token: list(self._rings.get(token, {}).values()) for token in tokens}

    def _children(self) -> Iterator[tuple[int, bytes]]:
        if self._process is not None:
            for pid in islice(processes(self._process.pid), 1, None):
                with contextlib.suppress(OSError):
                    yield pid, Path(f"/proc/{pid}/cmdline").read_bytes()


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def freeze(pid: int, seconds: float) -> None:
    """The emulator stops idle workers itself, and continues one for its next event: so it is
    stopped again and again, and continues at the end only if it has something to do."""
    busy = False
    with contextlib.suppress(ProcessLookupError):
        for _ in range(math.ceil(seconds / STOP_EVERY)):
            busy = busy or not is_stopped(pid)
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(STOP_EVERY)
        if busy:
            os.kill(pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    """By a signal; False for a process that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"  # after "(name)", which may have any sign


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), trust_env=False)


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def _address(port: int) -> bytes:
    return f"ws://127.0.0.1:{port}".encode()
