"""The sockets of one task, as an ASGI application: clients' upgrades and frames, and @connections.

    GET    /sockets                       an upgrade; 401, 403 as from API Gateway, 503 when full
    POST   /sockets/@connections/<id>     a frame for a connection that any task holds
    DELETE /sockets/@connections/<id>     closes it
    GET    /sockets/health                200, and 503 while the task drains

@connections responds as API Gateway does: 200, 204, 403 without a signature, 410 for a connection
that is closed, 413 for a frame that is too large. GET is missing: nothing here calls it.
"""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple
from urllib.parse import unquote

from lambdas.connections import Outcome
from lambdas.post_key import PostKey
from lambdas.sockets.direct import PATH, DirectConnections, act_on
from lambdas.sockets.events import Connected, Upgrade
from lambdas.sockets.held import OLD, RESTARTS, UNSUPPORTED_DATA, Held, Registry
from lambdas.sockets.ids import RANDOM_BYTES, Holder, holder_of, new_id
from lambdas.sockets.pace import Pace
from lambdas.sockets.routes import Dispatcher
from lambdas.sockets.signatures import Posted, is_signed, may_be_signed
from lambdas.telemetry import logger

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEALTH = f"{PATH}/health"
CONNECTIONS = f"{PATH}/@connections/"
MESSAGE_BYTES = 128 * 1024  # of a WebSocket message, as API Gateway's
# Frames of one connection that are handled at a time; further ones wait in its TCP connection.
AT_ONCE = 8
# Frames that a connection may send at once after a pause, and then in a second, so that one client
# can't slow all others.
BURST = 40
EACH_SECOND = 20
BODY_SECONDS = 5.0  # for a poster to send its request
# A connection ends at a random age between these, before its lease does: after a task has drained,
# all of the next one are equally old. Clients go by themselves after 110 minutes at most.
OLDEST_SECONDS = (6_600.0, 7_200.0)
ABORT = "abort"  # the server's extension of the scope: cuts the TCP connection

STATUSES = {Outcome.GONE: 410, Outcome.FAILED: 503}


class Task(NamedTuple):
    """What the application needs of its process. `own` is its address in the network, `key`
    that of posts, `most` how many sockets it holds, `threads` run handlers."""

    own: Holder
    key: PostKey
    region: str
    most: int
    threads: Executor
    now: Callable[[], float]
    random: Callable[[int], bytes]


class Sockets:
    """`connections` is made when the event loop runs; `draining` rejects new sockets."""

    def __init__(
        self,
        task: Task,
        registry: Registry,
        dispatcher: Dispatcher,
        connections: Callable[[], DirectConnections],
    ) -> None:
        self._task = task
        self.registry = registry
        self._dispatcher = dispatcher
        self._connections = connections
        self._work: set[asyncio.Task[None]] = set()
        self._opening = 0
        self._renewing: Future[None] | None = None
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["path"] == HEALTH:
            await _respond(send, 503 if self.draining else 200)
        elif scope["path"].startswith(CONNECTIONS):
            await _respond(send, await self._post(scope, receive))
        else:
            await _respond(send, 404)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if scope["path"].rstrip("/") != PATH:
            return await _reject(send, 404)
        if self.draining or len(self.registry) + self._opening >= self._task.most:
            return await _reject(send, 503)
        upgrade, connected = self._described(scope)
        self._opening += 1
        try:
            opening = await self._in_thread(self._dispatcher.open, connected, upgrade)
        finally:
            self._opening -= 1
        if opening.status != 200:
            return await _reject(send, opening.status)
        held = Held(opening.connected, send, scope["extensions"].get(ABORT, lambda: None))
        code, reason = 1006, "Connection closed abnormally"
        try:
            await send({"type": "websocket.accept", "subprotocol": opening.subprotocol})
            code, reason = await self._open(held, receive)
        except OSError:  # the client left before it had the response to its upgrade
            logger.debug("a client left while it connected")
        finally:
            held.closing = True
            self.registry.remove(held)
            code, reason = held.ended or (code, reason)
            # the handler runs even if this is cancelled: it returns the lease
            await asyncio.shield(
                self._in_thread(self._dispatcher.disconnect, held.connected, code, reason)
            )

    def _described(self, scope: Scope) -> tuple[Upgrade, Connected]:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        named = dict(headers)
        # the load balancer appends the client's address; what stands before it anybody can send
        forwarded = named.get("x-forwarded-for", "").rpartition(",")[2].strip()
        source_ip = forwarded or (scope["client"] or ("",))[0]
        connected = Connected(
            id=new_id(self._task.own, self._task.random(RANDOM_BYTES)),
            source_ip=source_ip,
            user_agent=named.get("user-agent", ""),
            at=self._task.now(),
        )
        return Upgrade(headers, source_ip), connected

    async def _open(self, held: Held, receive: Receive) -> tuple[int, str]:
        """Runs the connection while posts can reach it; returns how it ended."""
        self.registry.add(held)
        loop = asyncio.get_running_loop()
        aging = loop.call_later(self._lifetime(), held.close, *OLD)
        try:
            if self.draining:  # since $connect began
                held.close(*RESTARTS)
            return await self._read(held, receive)
        finally:
            aging.cancel()

    def _lifetime(self) -> float:
        youngest, oldest = OLDEST_SECONDS
        return youngest + (oldest - youngest) * int.from_bytes(self._task.random(4)) / 2**32

    async def _read(self, held: Held, receive: Receive) -> tuple[int, str]:
        """Reads frames until the connection ends; returns how it ended. Frames that are not read
        yet wait in TCP.
        """
        room = asyncio.Semaphore(AT_ONCE)
        pace = Pace(BURST, EACH_SECOND, asyncio.get_running_loop().time())
        while True:
            await room.acquire()
            if not held.closing:
                await asyncio.sleep(pace.wait(asyncio.get_running_loop().time()))
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code") or 1005, message.get("reason") or ""
            text = message.get("text")
            if text is None:
                held.close(UNSUPPORTED_DATA, "frames are text")
                room.release()
                continue
            self._spawn(self._frame(held, text, room))

    async def _frame(self, held: Held, text: str, room: asyncio.Semaphore) -> None:
        try:
            response = await self._in_thread(self._dispatcher.message, held.connected, text)
            if response is not None:
                await held.respond(response)
        finally:
            room.release()

    async def _post(self, scope: Scope, receive: Receive) -> int:
        """The status of a request to @connections."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if not may_be_signed(headers, self._task.region, self._task.now()):
            return 403  # a stranger's body is not read
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            return 408
        if body is None:
            return 413
        method, raw = scope["method"], scope["raw_path"].decode("latin-1").partition("?")[0]
        given = Posted(method, raw, headers, body)
        if not await self._is_signed(given) or method not in ("POST", "DELETE"):
            return 403
        connection_id = unquote(raw.rpartition("/")[2])
        holder = holder_of(connection_id)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return 400
        if holder == self._task.own:
            outcome = act_on(self.registry, method, connection_id, text)
        else:
            send = self._connections()._request
            outcome = await self._in_thread(send, method, connection_id, body)
        return STATUSES.get(outcome, 200 if method == "POST" else 204)

    async def _is_signed(self, given: Posted) -> bool:
        """Reads the key again before it rejects, if that is due: it may be another one by now."""
        key, region = self._task.key, self._task.region
        known = key.values
        if any(is_signed(given, secret, region, self._task.now()) for secret in known):
            return True
        if self._renewing is not None and self._renewing.done():
            self._renewing = None
        if self._renewing is None and key.is_due:
            # one reading for all that wait for it, so that strangers can't take the threads of
            # handlers
            self._renewing = asyncio.get_running_loop().run_in_executor(
                self._task.threads, key.renew
            )
        if self._renewing is not None:
            await asyncio.shield(self._renewing)
        others = [secret for secret in key.values if secret not in known]
        return any(is_signed(given, secret, region, self._task.now()) for secret in others)

    async def _in_thread(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._task.threads, work, *given)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def _body(receive: Receive) -> bytes | None:
    """None for more than a WebSocket message may have."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MESSAGE_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def _respond(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _reject(send: Send, status: int) -> None:
    """The response to an upgrade that is not accepted."""
    try:
        await send({"type": "websocket.http.response.start", "status": status, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    except OSError:
        logger.debug("a client left before it was rejected")
