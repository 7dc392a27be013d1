"""`python -m lambdas.sockets.server`: holds sockets in a container, by uvicorn.

It listens on HOST and PORT. When the load balancer drains it, it closes its sockets over
DRAIN_SECONDS; on SIGTERM what is left over FINISH_SECONDS. It holds MOST_CONNECTIONS at most.
"""

import asyncio
import contextlib
import json
import random
import secrets
import signal
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import uvicorn
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from lambdas.settings import Aws, Settings, aws
from lambdas.sockets.app import ABORT, MESSAGE_BYTES, Sockets, Task
from lambdas.sockets.direct import DirectConnections
from lambdas.sockets.draining import drain, state_of_target, until_draining
from lambdas.sockets.held import Registry
from lambdas.sockets.ids import Holder
from lambdas.sockets.routes import Dispatcher
from lambdas.telemetry import gauge, logger

THREADS = 40  # as many as the clients' pools have connections
FRAME_BYTES = 32 * 1024  # as API Gateway's
BACKLOG = 2048
REPORT_SECONDS = 60
PONG_SECONDS = 20.0
# What one client may have in memory, beside the bytes of one message: pings while it does not read
# their pongs, and fragments of a message, or frames of one reading, which may all be empty.
UNREAD_PINGS = 16
MOST_FRAMES = 1_024


class Protocol(WebSocketsSansIOProtocol):
    """With limits that uvicorn has no setting for, and with a way to cut a connection."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn.max_fragment_size = FRAME_BYTES
        self._unread_pings = 0
        self._is_cut_off = False

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[ABORT] = self._cut_off

    def handle_ping(self) -> None:
        super().handle_ping()
        if not self.writable.is_set():
            self._unread_pings += 1
            if self._unread_pings > UNREAD_PINGS:
                self._cut_off()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_pings = 0

    def handle_cont(self, event: Any) -> None:
        super().handle_cont(event)
        if len(self.frames) > MOST_FRAMES:
            self._cut_off()

    def send_receive_event_to_app(self) -> None:
        super().send_receive_event_to_app()
        if self.queue.qsize() > MOST_FRAMES:
            self._cut_off()

    def _cut_off(self) -> None:
        self._is_cut_off = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        while self._is_cut_off and not self.queue.empty():
            self.queue.get_nowait()  # it would be handled before the end is noticed
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_off()  # the client is gone: nothing that waits for it is ever sent


class Server(uvicorn.Server):
    """Drains before it exits."""

    def __init__(self, config: uvicorn.Config, sockets: Sockets, finish: float) -> None:
        super().__init__(config)
        self._sockets = sockets
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._ending = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._ending or sig == signal.SIGINT:
            self.should_exit = True
            return
        self._ending = True
        self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        self._end = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        self._sockets.draining = True
        await drain(self._sockets.registry, self._finish, random.shuffle)
        self.should_exit = True


def main() -> None:
    settings = aws().settings
    port = int(settings.get("PORT", "8080"))
    own = own_address(settings, port)
    registry = Registry()
    warm(aws())
    dispatcher = Dispatcher(aws().now, lambda: secrets.token_urlsafe(12))
    task = Task(
        own=own,
        key=aws().post_key,
        region=settings.region,
        most=int(settings.get("MOST_CONNECTIONS", "10000")),
        threads=ThreadPoolExecutor(THREADS, thread_name_prefix="handler"),
        now=aws().now,
        random=secrets.token_bytes,
    )
    sockets = Sockets(task, registry, dispatcher, lambda: aws().connections)  # type: ignore[arg-type, return-value]
    config = config_of(sockets, settings, port)
    copy_config_to_registered_loggers(logger, include={"asyncio"})
    asyncio.run(serve(config, sockets, own))


def config_of(application: Any, settings: Settings, port: int) -> uvicorn.Config:
    """How the server of a task listens, and what it takes of one client."""
    return uvicorn.Config(
        application,
        host=settings.get("HOST", "0.0.0.0"),
        port=port,
        lifespan="off",
        ws=Protocol,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # 70 to 320 KB for each socket, where it holds 20 without
        ws_ping_interval=float(settings.get("PING_SECONDS", "30")),
        ws_ping_timeout=PONG_SECONDS,
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=int(settings.get("KEEP_ALIVE_SECONDS", "75")),
        timeout_graceful_shutdown=5,
    )


async def serve(config: uvicorn.Config, sockets: Sockets, own: Holder) -> None:
    clients = aws()
    settings = clients.settings
    vars(clients)["connections"] = DirectConnections(
        own,
        sockets.registry,
        asyncio.get_running_loop(),
        settings.region,
        clients.post_key,
    )
    server = Server(config, sockets, float(settings.get("FINISH_SECONDS", "25")))
    beside = [asyncio.create_task(report(sockets.registry))]
    if group := settings.get("TARGET_GROUP_ARN"):
        seconds = float(settings.get("DRAIN_SECONDS", "600"))
        beside.append(asyncio.create_task(let_go(clients, sockets, group, own, seconds)))
    await server.serve()
    for each in beside:
        each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await each


async def let_go(
    clients: Aws, sockets: Sockets, target_group: str, own: Holder, seconds: float
) -> None:
    every = float(clients.settings.get("HEALTH_SECONDS", "5"))
    # tasks that start together would else ask together, and be throttled
    first = random.uniform(0, every)  # noqa: S311 - no secret
    await until_draining(
        lambda: state_of_target(clients.load_balancing, target_group, own), every, first
    )
    sockets.draining = True
    await drain(sockets.registry, seconds, random.shuffle)


async def report(registry: Registry) -> None:
    """The number of sockets each minute, by which the service is scaled, and how late this event
    loop is: what every client of the task waits."""
    loop = asyncio.get_running_loop()
    while True:
        latest = 0.0
        for _ in range(REPORT_SECONDS):
            began = loop.time()
            await asyncio.sleep(1)
            latest = max(latest, loop.time() - began - 1)
        gauge("ConnectionsHeld", len(registry))
        gauge("LoopLag", latest * 1000, MetricUnit.Milliseconds)


def own_address(settings: Settings, port: int) -> Holder:
    """The address at which other tasks reach this one: HOST, or the one that ECS gave the task.

    docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
    """
    host = settings.get("HOST", "0.0.0.0")
    if host != "0.0.0.0":
        return Holder(socket.gethostbyname(host), port)
    url = settings["ECS_CONTAINER_METADATA_URI_V4"]
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - ECS gives it
        (network,) = json.load(response)["Networks"]
    return Holder(network["IPv4Addresses"][0], port)


def warm(aws: Aws) -> None:
    """Creates the clients before there are threads: creating a client is not thread-safe."""
    _ = aws.chats, aws.users, aws.tickets, aws.sqs, aws.post_key.values
    # Lambda runs one handler at a time with it, a task as many as it has threads
    vars(aws)["background"] = ThreadPoolExecutor(THREADS, thread_name_prefix="beside")


if __name__ == "__main__":
    main()
