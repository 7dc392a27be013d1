"""A running system as its user has it: the command, the console's JSON API and the load balancer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from emulator import load
from emulator.load import Load, Reply

ROOT = Path(__file__).parents[2]
PASSWORD = "Correct-horse-7"  # of whoever signs up in a test
HEALTH = "/api/health"
READY_WITHIN = 600.0  # seconds; a cold machine synthesizes and bundles first
WITHIN = 300.0  # until a scene has failed: a machine that pauses is no failure
LOOKS = 0.03  # seconds between two looks

# A sign-in that its target waits for the end of.
UNFINISHED = (
    b"POST /api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{"
)
REST = b"}"

CHECK = ""  # what is logged as the trace of a health check

State = dict[str, Any]


@contextlib.contextmanager
def started(state: Path, *arguments: str, kill: bool = False) -> Iterator[dict[str, Any]]:
    """What endpoints.json says of a system that runs until the block ends, or is killed then."""
    command = [sys.executable, "-m", "emulator", "up", "--api-port", "0", "--state-dir", str(state)]
    state.mkdir(exist_ok=True)
    (state / "endpoints.json").unlink(missing_ok=True)  # of one that was killed
    with (state / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield _when_ready(state, process)
        finally:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            ended = process.wait(timeout=WITHIN)
            assert ended == (-signal.SIGKILL if kill else 0), (state / "output.txt").read_text()
            refused = state / "logs" / "denials.log"
            assert not refused.exists(), f"a role lacks a permission: {refused.read_text()}"


def _when_ready(state: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    found = state / "endpoints.json"
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if found.exists():
            result: dict[str, Any] = json.loads(found.read_text())
            return result
        time.sleep(0.1)
    raise AssertionError("the emulator did not get ready:\n" + (state / "output.txt").read_text())


class System:
    """Steers a system by its console. A pool is `whole` when it has just the targets it should."""

    def __init__(self, endpoints: dict[str, Any]) -> None:
        self.endpoints = endpoints
        self.api: str = endpoints["api"]

    async def __aenter__(self) -> System:
        timeout = aiohttp.ClientTimeout(total=WITHIN)
        self._http = aiohttp.ClientSession(timeout=timeout, trust_env=False)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._http.close()

    async def state(self) -> State:
        async with self._http.get(f"{self.endpoints['console']}/_local/state") as response:
            state: State = await response.json()
            return state

    async def order(self, path: str, **body: Any) -> Any:
        url = f"{self.endpoints['console']}/_local/{path}"
        async with self._http.post(url, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def weigh(self, **weights: int) -> None:
        """The heavy first: a rule is never left without any weight."""
        for pool, weight in sorted(weights.items(), key=lambda item: -item[1]):
            await self.order(f"pools/{pool}", weight=weight)

    async def act(self, target: str, action: str) -> None:
        await self.order(f"targets/{target}", action=action)

    async def targets(self, pool: str) -> dict[str, State]:
        """Of the Application Load Balancer's target group, by id."""
        return targets_in(await self.state(), pool)

    async def names(self, pool: str) -> dict[str, str]:
        """Target ids by what the targets call themselves in x-served-by. Asked of each directly,
        past the load balancer, which does not count it."""
        names = {}
        for target, shown in (await self.targets(pool)).items():
            async with self._http.get(f"http://{shown['address']}/api/health") as response:
                names[response.headers["x-served-by"]] = target
        return names

    async def until(
        self, what: str, condition: Callable[[State], Any], within: float = WITHIN
    ) -> State:
        """The first state in which `condition` holds."""
        deadline = time.monotonic() + within
        while not condition(state := await self.state()):
            assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s, but {state}"
            await asyncio.sleep(LOOKS)
        return state

    async def scale(self, pool: str, desired: int) -> list[str]:
        """The ids of its targets, once it is whole."""
        await self.order(f"pools/{pool}", desired=desired)
        return await self.whole(pool, desired)

    async def whole(self, pool: str, count: int) -> list[str]:
        state = await self.until(f"{count} targets in {pool}", lambda s: is_whole(s, pool, count))
        return list(targets_in(state, pool))

    async def sent(self, requests: int, at_once: int = 1) -> list[str]:
        """Who served them, in the order of the responses. Every one is 200."""
        return served_by((await load.send(self.api, Load(requests, at_once, HEALTH))).replies)

    @contextlib.asynccontextmanager
    async def under_load(self, clients: int = 10) -> AsyncIterator[Flow]:
        """Requests without a pause until the block ends."""
        flow, enough = Flow(), asyncio.Event()

        async def send() -> None:
            while not enough.is_set():
                wanted = Load(load.MOST_REQUESTS, clients, HEALTH)
                await load.send(self.api, wanted, watch=flow.replies.append, until=enough)

        sending = asyncio.create_task(send())
        try:
            await flow.more()
            yield flow
            await flow.more()
        finally:
            enough.set()
            await sending


Scene = Callable[[System], Awaitable[None]]
RunScene = Callable[[Scene], None]


def scene_runner(endpoints: dict[str, Any], begin: Scene) -> RunScene:
    """Runs scenes in one system; each begins as `begin` leaves it, whatever ran before."""

    def run_scene(scene: Scene) -> None:
        async def within() -> None:
            async with System(endpoints) as system, asyncio.timeout(2 * WITHIN):
                await begin(system)
                await scene(system)

        asyncio.run(within())

    return run_scene


class Flow:
    """What came back so far, in the order in which it came."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    async def more(self, count: int = 100) -> None:
        enough, deadline = len(self.replies) + count, time.monotonic() + WITHIN
        while len(self.replies) < enough:
            assert time.monotonic() < deadline, f"{count} requests take more than {WITHIN:.0f} s"
            await asyncio.sleep(LOOKS)

    @property
    def lost(self) -> list[Reply]:
        return [reply for reply in self.replies if reply.status != 200]


def targets_in(state: State, pool: str, balancer: str = "application") -> dict[str, State]:
    groups = (
        group["targets"]
        for group in state["target_groups"]
        if (group["pool"], group["balancer"]) == (pool, balancer)
    )
    return {target["id"]: target for target in next(groups)}


def tasks_in(state: State, pool: str) -> dict[str, State]:
    tasks = next(each["tasks"] for each in state["pools"] if each["name"] == pool)
    return {task["id"]: task for task in tasks}


def traces(task: State) -> list[str]:
    """What a task has logged as the trace of each request, in order; health checks have none."""
    lines = Path(task["log"]).read_text().splitlines()
    return [json.loads(line)["trace"] for line in lines if '"trace"' in line]


def is_whole(state: State, pool: str, count: int) -> bool:
    groups = [group["targets"] for group in state["target_groups"] if group["pool"] == pool]
    healthy = all(target["state"] == "healthy" for targets in groups for target in targets)
    return healthy and {len(tasks_in(state, pool)), *map(len, groups)} == {count}


class RawResponse(NamedTuple):
    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes


async def exchange(base_url: str, request: bytes, source: str | None = None) -> RawResponse:
    """Bytes on a connection of their own, from the address `source`, and what comes until the
    response is complete; for what no HTTP library would send."""
    async with connected(base_url, source) as (reader, writer):
        writer.write(request)
        return await read_response(reader)


@contextlib.asynccontextmanager
async def connected(
    base_url: str, source: str | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = urlsplit(base_url)
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=local)
    try:
        yield reader, writer
    finally:
        writer.close()


async def read_response(reader: asyncio.StreamReader) -> RawResponse:
    async with asyncio.timeout(WITHIN):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
    return RawResponse(int(head[0].split()[1]), headers, body)


def get(path: str, *fields: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def require_fair_prefixes(served: Sequence[str], shares: Mapping[str, float]) -> None:
    """At no time has anybody had a request more or less than its share of those so far."""
    counts: Counter[str] = Counter()
    for number, name in enumerate(served, 1):
        counts[name] += 1
        assert all(abs(counts[each] - number * share) <= 1 for each, share in shares.items())


def pools_of(served: Sequence[str]) -> list[str]:
    return [name.partition("/")[0] for name in served]


def served_by(replies: Sequence[Reply]) -> list[str]:
    """Who responded, in order; every response is 200."""
    assert {reply.status for reply in replies} == {200}, Counter(r.status for r in replies)
    return [str(reply.served_by) for reply in replies]
