"""Tasks that hold sockets, in this process: the real application and handlers, over moto."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from emulator.listening import free_port
from lambdas.post_key import PostKey
from lambdas.presence.tickets import issue
from lambdas.settings import Settings
from lambdas.sockets.app import Sockets, Task
from lambdas.sockets.direct import PATH, DirectConnections
from lambdas.sockets.held import Registry
from lambdas.sockets.ids import Holder
from lambdas.sockets.routes import Dispatcher
from lambdas.sockets.server import config_of
from tests.support.lambdas.backend import Backend

PROTOCOL = Subprotocol("chat.v1")
SECRET = "the key that posters and tasks share"


@dataclass
class RunningTask:
    """One task, and what it holds."""

    holder: Holder
    sockets: Sockets
    connections: DirectConnections
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"ws://{self.holder.host}:{self.holder.port}{PATH}"

    @property
    def posts(self) -> str:
        """As CONNECTIONS_URL has it."""
        return f"http://{self.holder.host}:{self.holder.port}{PATH}"

    def ids(self) -> list[str]:
        return [each.connected.id for each in self.sockets.registry]


@asynccontextmanager
async def running(
    world: Backend, *, most: int = 100, key: PostKey | None = None
) -> AsyncIterator[RunningTask]:
    key = key or PostKey(lambda _: SECRET)
    holder = Holder("127.0.0.1", free_port())
    registry = Registry()
    clients = world.aws
    connections = DirectConnections(
        holder,
        registry,
        asyncio.get_running_loop(),
        "us-east-1",
        key,
    )
    vars(clients)["connections"] = connections  # of the last one: ids lead to all others
    with ThreadPoolExecutor(8) as threads:
        task = Task(
            own=holder,
            key=key,
            region="us-east-1",
            most=most,
            threads=threads,
            now=clients.now,
            random=secrets.token_bytes,
        )
        dispatcher = Dispatcher(clients.now, lambda: "request")
        sockets = Sockets(task, registry, dispatcher, lambda: connections)
        config = config_of(sockets, Settings({"HOST": holder.host}), holder.port)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve())
        await until(lambda: server.started)
        try:
            yield RunningTask(holder, sockets, connections, server)
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def client(
    world: Backend, task: RunningTask, user: str, device: str = "phone"
) -> AsyncIterator[ClientConnection]:
    """A client that has a ticket."""
    async with opened(task, ticket_of(world, user, device)) as connection:
        yield connection


def ticket_of(world: Backend, user: str, device: str = "phone") -> str:
    return issue(world.aws.tickets, user, device, world.aws.now(), secrets.token_urlsafe)


def opened(task: RunningTask, ticket: str, compression: str | None = None) -> Any:
    return connect(
        task.url,
        subprotocols=[PROTOCOL, Subprotocol(f"ticket.{ticket}")],
        compression=compression,
        max_size=None,
    )


def run(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


async def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)
