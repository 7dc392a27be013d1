"""The command-line client as a process, in a pipe, and a backend in memory that it talks to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.backend.server import PATIENCE, Served, one_backend

ROOT = Path(__file__).parents[3]

PASSWORD = "Only-on-this-machine-1"


class Command:
    """A running `python -m client`, its lines in order."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def expect(self, *expected: str) -> None:
        """These lines come, in this order, perhaps with others between them."""
        assert self.process.stdout is not None
        for line in expected:
            seen = len(self.lines)
            try:
                async with asyncio.timeout(PATIENCE):
                    while not self.lines[seen:] or self.lines[-1] != line:
                        got = await self.process.stdout.readline()
                        assert got, f"ended without {line!r}: {self.lines} {await self.errors()}"
                        self.lines.append(got.decode().rstrip("\n"))
            except TimeoutError:
                raise AssertionError(f"no {line!r} among {self.lines}") from None

    async def has(self, line: str) -> None:
        """It has come, or comes."""
        if line not in self.lines:
            await self.expect(line)

    async def rest(self) -> list[str]:
        assert self.process.stdout is not None
        text = (await self.process.stdout.read()).decode()
        return [*self.lines, *text.splitlines()]

    async def errors(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()

    async def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.process.wait()


@asynccontextmanager
async def command(folder: Path, *arguments: str, **variables: str) -> AsyncIterator[Command]:
    if "--device" not in arguments:
        arguments = (*arguments, "--device", "phone")  # not one with a name of its own
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "client", *arguments,
        cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


Scenario = Callable[[Served, Path], Awaitable[None]]


def with_server(folder: Path, scenario: Scenario) -> None:
    async def run() -> None:
        async with one_backend() as server, asyncio.timeout(2 * PATIENCE):
            (folder / ".local").mkdir()
            endpoints = folder / ".local" / "endpoints.json"
            endpoints.write_text(json.dumps(server.endpoints()))
            await scenario(server, folder)

    asyncio.run(run())
