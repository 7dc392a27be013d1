"""Resources of a task that holds sockets: memory for each, CPU for frames, and for posts.

Handlers respond at once, so that only what is new shows: what they do is the same as in a function.
"""

import asyncio
import multiprocessing
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.memory import pss_kilobytes
from bench.table import Row, within
from emulator.listening import free_port
from lambdas.connections import Connections, Post
from lambdas.post_key import PostKey
from lambdas.sockets.app import MESSAGE_BYTES, Sockets, Task
from lambdas.sockets.direct import PATH, DirectConnections
from lambdas.sockets.held import Registry
from lambdas.sockets.ids import Holder
from lambdas.sockets.routes import ROUTES, Dispatcher
from lambdas.sockets.server import Protocol

IDLE = 1_000
FRAMES = 3_000
POSTS = 2_000
SECRET = "bench"
PINGS = 5
FRAME = {"type": "message", "chat": "c" * 22, "seq": 4711, "payload": "x" * 300}


def rows() -> list[Row]:
    with _task() as first, _task() as second, _task() as third:
        return asyncio.run(_measured(first, second, third))


class _Process:
    """A task in a process of its own, and its pipe."""

    def __init__(self, process: Any, pipe: Pipe) -> None:
        self.pid: int = process.pid
        self.pipe = pipe
        self.port: int = pipe.recv()

    def ask(self, what: str, *given: Any) -> Any:
        self.pipe.send((what, *given))
        return self.pipe.recv()

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}{PATH}"


async def _measured(first: _Process, second: _Process, third: _Process) -> list[Row]:
    empty = pss_kilobytes(first.pid)
    idle = await _connected(first, IDLE)
    each = (pss_kilobytes(first.pid) - empty) / IDLE
    before = first.ask("cpu")
    for socket in idle * PINGS:
        await (await socket.ping())
    pinged = (first.ask("cpu") - before) / (IDLE * PINGS)
    before = first.ask("cpu")
    for number in range(FRAMES):
        await idle[number % IDLE].send('{"action": "ping"}')
        await idle[number % IDLE].recv()
    framed = (first.ask("cpu") - before) / FRAMES
    own, other = first.ask("ids")[:99], second
    await _connected(other, 99)
    ids = other.ask("ids")
    local = await _posted([first], "post", own)
    direct = await _posted([first, other], "post", ids)
    forwarded = await _posted([first, other, third], "post by", third.url, ids)
    return [
        Row("a task without sockets", f"{empty / 1024:.0f} MB"),
        within("memory of an idle socket", each, 32, "KiB", ".1f"),
        Row("CPU of a ping and its pong", f"{pinged * 1000:.3f} ms"),
        Row("CPU of a frame and its response, without its handler", f"{framed * 1000:.2f} ms"),
        Row("CPU of a post to an own socket", f"{local * 1000:.2f} ms"),
        Row("CPU of a post straight to the task that holds the socket", f"{direct * 1000:.2f} ms"),
        Row("CPU of a post that another task passes on", f"{forwarded * 1000:.2f} ms"),
    ]


async def _posted(tasks: Sequence[_Process], what: str, *given: Any) -> float:
    """Seconds of CPU of a post, in all these tasks together."""
    await asyncio.to_thread(tasks[0].ask, what, *given, 200)  # connections are open then
    before = sum(each.ask("cpu") for each in tasks)
    await asyncio.to_thread(tasks[0].ask, what, *given, POSTS)
    return float(sum(each.ask("cpu") for each in tasks) - before) / POSTS


async def _connected(task: _Process, number: int) -> list[ClientConnection]:
    protocols = [Subprotocol("chat.v1"), Subprotocol("ticket." + "t" * 20)]
    return [
        await connect(
            f"ws://{task.url}", subprotocols=protocols, compression=None, ping_interval=None
        )
        for _ in range(number)
    ]


@contextmanager
def _task() -> Iterator[_Process]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(there,), daemon=True)
    process.start()
    yield _Process(process, here)
    process.terminate()
    process.join()


def _run(pipe: Pipe) -> None:
    asyncio.run(_serve(pipe))


def _server(app: Sockets, own: Holder) -> uvicorn.Server:
    """As lambdas/sockets/server.py has it, without its logs and pings."""
    config = uvicorn.Config(
        app,
        host=own.host,
        port=own.port,
        lifespan="off",
        ws=Protocol,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_config=None,
    )
    return uvicorn.Server(config)


async def _serve(pipe: Pipe) -> None:
    own, registry = Holder("127.0.0.1", free_port()), Registry()
    threads = ThreadPoolExecutor(40)

    key = PostKey(lambda _: SECRET)
    loop = asyncio.get_running_loop()
    direct = DirectConnections(own, registry, loop, "us-east-1", key)
    task = Task(own, key, "us-east-1", 100_000, threads, time.time, secrets.token_bytes)
    dispatcher = Dispatcher(time.time, lambda: "id", dict.fromkeys(ROUTES, _respond), _allow)
    server = _server(Sockets(task, registry, dispatcher, lambda: direct), own)

    def post(connections: Connections, ids: Sequence[str], number: int) -> None:
        posts = [Post(ids[each % len(ids)], FRAME) for each in range(number)]
        connections.post_all(posts, within=120)

    def commands() -> None:
        pipe.send(own.port)
        while True:
            what, *given = pipe.recv()
            if what == "post":
                post(direct, *given)
            elif what == "post by":
                url, ids, number = given
                post(Connections(f"http://{url}", "us-east-1", key.credentials), ids, number)
            known = {"ids": lambda: [each.connected.id for each in registry]}
            pipe.send(known.get(what, time.process_time)())

    started = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn notifies nobody
        await asyncio.sleep(0.01)
    loop.run_in_executor(None, commands)
    await started


def _respond(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": '{"type": "pong"}'}


def _allow(_event: Any, _context: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow"}
    policy = {"Statement": [statement]}
    return {"principalId": "x", "policyDocument": policy, "context": {"user": "x"}}
