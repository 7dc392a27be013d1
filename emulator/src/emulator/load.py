"""A load generator: sends many requests through a load balancer and counts what comes back.

Used by the console's button, and by tools on top of a running system.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from emulator.listening import HOST

ALB, NLB = "alb", "nlb"
MOST_REQUESTS, MOST_CLIENTS = 10_000, 100
LONGEST_PATH = 2048
PATH = "/"
NO_RESPONSE = "none"
RESPONSE_TIMEOUT = 10.0  # seconds; a target that hangs longer has lost the request

_FIELDS = ("requests", "concurrency", "path", "through", "cookies")
_PATH_CHARACTERS = {chr(code) for code in range(0x21, 0x7F)}


@dataclass(frozen=True)
class Load:
    """`concurrency` clients share the requests. With `cookies` each keeps those it was given, as
    that many browsers would. Raises ValueError with a sentence for an invalid value."""

    requests: int = 1000
    concurrency: int = 10
    path: str = PATH
    through: str = ALB
    cookies: bool = False

    def __post_init__(self) -> None:
        _require_number("requests", self.requests, MOST_REQUESTS)
        _require_number("concurrency", self.concurrency, MOST_CLIENTS)
        _require(self.through in (ALB, NLB), "through", self.through, "alb or nlb")
        _require(isinstance(self.cookies, bool), "cookies", self.cookies, "true or false")
        _require(
            isinstance(self.path, str)
            and self.path.startswith("/")
            and not self.path.startswith("//")
            and len(self.path) <= LONGEST_PATH
            and _PATH_CHARACTERS.issuperset(self.path),
            "path",
            self.path,
            f"one slash and at most {LONGEST_PATH - 1} visible ASCII characters after it",
        )


def read_load(body: Mapping[str, Any], path: str = PATH) -> Load:
    """Reads a load from JSON; every field may be left out, the path is then `path`. Raises
    ValueError."""
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        raise ValueError(f"a load has {', '.join(_FIELDS)}, and no {', '.join(unknown)}")
    return Load(**{"path": path, **body})


class Reply(NamedTuple):
    """`status` None: no response, because the connection failed or nothing came in time.
    `began` and `ended` in seconds of time.monotonic()."""

    status: int | None
    served_by: str | None
    began: float
    ended: float


@dataclass
class Tally:
    """The counts of all responses. `watch` is called with each reply as it comes."""

    replies: list[Reply] = field(default_factory=list)
    seconds: float = 0.0
    watch: Callable[[Reply], None] | None = None

    def add(self, reply: Reply) -> None:
        self.replies.append(reply)
        if self.watch is not None:
            self.watch(reply)

    @property
    def statuses(self) -> dict[str, int]:
        """Status code -> how often, "none" for no response."""
        return _counted(NO_RESPONSE if r.status is None else str(r.status) for r in self.replies)

    @property
    def served_by(self) -> dict[str, int]:
        """<pool>/<instance> -> how many responses it gave; those of the load balancer are in
        none."""
        return _counted(r.served_by for r in self.replies if r.served_by is not None)

    def as_json(self) -> dict[str, Any]:
        """`{"sent", "statuses", "served_by", "seconds", "p50_ms", "p99_ms"}`; the latencies are of
        the requests that got a response, null where none did."""
        took = sorted(1000 * (r.ended - r.began) for r in self.replies if r.status is not None)
        return {
            "sent": len(self.replies),
            "statuses": self.statuses,
            "served_by": self.served_by,
            "seconds": round(self.seconds, 3),
            "p50_ms": percentile(took, 50),
            "p99_ms": percentile(took, 99),
        }


def percentile(ascending: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile, to a hundredth."""
    if not ascending:
        return None
    rank = max(1, math.ceil(len(ascending) * percent / 100))
    return round(ascending[rank - 1], 2)


async def send(
    base_url: str,
    load: Load,
    *,
    watch: Callable[[Reply], None] | None = None,
    until: asyncio.Event | None = None,
    patience: float | None = None,
    pause: float = 0,
) -> Tally:
    """GET `load.path` of `base_url`, `load.requests` times or, earlier, until `until` is set. With
    `patience` what is under way then has so many seconds, and isn't counted if it takes longer.
    Each client waits `pause` seconds after a reply.

    Through the NLB each client has an address of its own and each request a connection of its
    own, since the NLB balances connections by address.
    """
    tally = Tally(watch=watch)
    numbers = iter(range(load.requests))
    clients = [
        _client(
            f"{base_url}{load.path}", load, _address(number, load), numbers, tally, until, pause
        )
        for number in range(min(load.concurrency, load.requests))
    ]
    began = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with _limited(until, patience), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client)
    tally.seconds = time.monotonic() - began
    return tally


@contextlib.asynccontextmanager
async def _limited(until: asyncio.Event | None, patience: float | None) -> AsyncIterator[None]:
    """Raises TimeoutError in the block, `patience` seconds after `until` is set."""
    async with asyncio.timeout(None) as limit:

        async def end() -> None:
            if until is not None and patience is not None:
                await until.wait()
                limit.reschedule(asyncio.get_running_loop().time() + patience)

        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()


async def _client(
    url: str,
    load: Load,
    address: tuple[str, int] | None,
    numbers: Iterator[int],
    tally: Tally,
    until: asyncio.Event | None,
    pause: float,
) -> None:
    connector = aiohttp.TCPConnector(limit=1, local_addr=address, force_close=load.through == NLB)
    jar = _browser_like() if load.cookies else aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=jar,
        timeout=aiohttp.ClientTimeout(total=RESPONSE_TIMEOUT),
        middlewares=(_once,),
        trust_env=False,
    ) as session:
        for _ in numbers:
            if until is not None and until.is_set():
                return
            tally.add(await _request(session, url))
            if pause:
                await asyncio.sleep(pause)


def _browser_like() -> aiohttp.CookieJar:
    """Takes cookies from an address, and gives them back as they came: aiohttp would quote
    base64, and a load balancer doesn't know its cookies in quotes."""
    return aiohttp.CookieJar(unsafe=True, quote_cookie=False)


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp sends a GET a second time when its connection breaks, which would hide a loss; of
    the errors it knows, it does so for these two."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientError(str(error)) from error


async def _request(session: aiohttp.ClientSession, url: str) -> Reply:
    began = time.monotonic()
    try:
        async with session.get(url, allow_redirects=False) as response:
            await response.read()
            status, served_by = response.status, response.headers.get("x-served-by")
    except (aiohttp.ClientError, OSError, TimeoutError):
        return Reply(None, None, began, time.monotonic())
    return Reply(status, served_by, began, time.monotonic())


def _address(number: int, load: Load) -> tuple[str, int] | None:
    """Linux has all of 127.0.0.0/8; elsewhere the clients share the one address there is."""
    if load.through != NLB:
        return None
    address = f"127.0.1.{number + 1}"
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return (HOST, 0)
    return (address, 0)


def _require_number(name: str, value: object, most: int) -> None:
    met = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
    _require(met, name, value, f"a number from 1 to {most}")


def _require(met: bool, name: str, value: object, rule: str) -> None:
    if not met:
        raise ValueError(f"{name} is {rule}, got {value!r}")


def _counted(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
