"""The load generator: wrk where it is installed, else a loader of our own in its own process."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import httptools

from bench.proxies import Subject, cpu_seconds
from bench.table import quantile

CONNECTIONS = 32
VARIED = str(Path(__file__).with_name("varied.lua"))
QUANTILES = (0.5, 0.99)


class Load(NamedTuple):
    """`quantiles` of the latency in ms; CPU of the proxy's processes."""

    per_second: float
    quantiles: dict[float, float]
    cpu_microseconds: float


class Loader(Protocol):
    name: str
    outpaces_the_proxies: bool  # a slower one would measure itself

    def __call__(self, subject: Subject, seconds: float) -> Load: ...


def loader() -> Loader:
    return Wrk() if shutil.which("wrk") else Own()


class Wrk:
    name = "wrk"
    outpaces_the_proxies = True

    def __call__(self, subject: Subject, seconds: float) -> Load:
        before = cpu_seconds(subject.pid)
        # wrk takes whole seconds only, and is stopped before them: it reports what it has then
        process = subprocess.Popen(
            ["wrk", "-t1", f"-c{CONNECTIONS}", "-d60s", "--latency", "-s", VARIED, subject.url],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=10)
        return _load(_read_wrk(output), cpu_seconds(subject.pid) - before)


def _read_wrk(output: str) -> dict[str, float]:
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"requests failed:\n{output}")
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    found = {
        name: float(value) * units[unit]
        for name, value, unit in re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s)", output, re.M)
    }
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s)", output)
    if total is None or len(found) != len(QUANTILES):
        raise RuntimeError(f"wrk printed something else:\n{output}")
    seconds = float(total[2]) * units[total[3]] / 1000
    return {"0.5": found["50"], "0.99": found["99"], "n": int(total[1]), "s": seconds}


class Own:
    name = "our own loader (install wrk for more)"
    outpaces_the_proxies = False

    def __call__(self, subject: Subject, seconds: float) -> Load:
        before = cpu_seconds(subject.pid)
        done = subprocess.run(
            [sys.executable, "-m", "bench.loader", subject.url, str(seconds)],
            check=True,
            stdout=subprocess.PIPE,
        )
        return _load(json.loads(done.stdout), cpu_seconds(subject.pid) - before)


def _load(found: dict[str, float], spent: float) -> Load:
    per_second = found["n"] / found["s"]
    cpu = spent / found["n"] * 1e6
    return Load(per_second, {q: found[str(q)] for q in QUANTILES}, cpu)


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, request: bytes, until: float, taken: list[float]) -> None:
        self._request, self._until, self._taken = request, until, taken
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        if self._parser.get_status_code() != 200:
            self.over.set_exception(RuntimeError("a request failed"))
        elif now < self._until:
            self._taken.append((now - self._sent) * 1000)
            self._send()
        elif not self.over.done():
            self.over.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionResetError())


async def _send(url: str, seconds: float) -> dict[str, float]:
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    request = f"GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    taken: list[float] = []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda: _Client(request, started + seconds, taken), host, int(port)
            )
        )[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.over for client in clients))
    whole = time.perf_counter() - started
    return {"n": len(taken), "s": whole, **{str(q): quantile(taken, q) for q in QUANTILES}}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_send(sys.argv[1], float(sys.argv[2])))))
