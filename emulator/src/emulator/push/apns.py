"""A server that speaks APNs' HTTP/2 API, over cleartext with prior knowledge.

Raw h2 rather than a web framework: APNs responds to an accepted notification with headers alone,
and some clients take an empty DATA frame after them for an error.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from emulator.clock import Clock
from emulator.listening import BODY_SECONDS, HOST, Port, bound, number, port_taken
from emulator.push.apns_rules import STATUS, VOIP_BYTES, Provider, Rejected, read_notification
from emulator.push.phones import Phones, Push

PURPOSE = "APNs"
STREAMS_AT_ONCE = 1000
_READ_BYTES = VOIP_BYTES + 1  # more than this of a body is not read: it's too large anyway

Headers = list[tuple[str, str]]


@dataclass
class _Request:
    headers: Headers
    body: bytearray = field(default_factory=bytearray)


class ApnsServer:
    """POST /3/device/<token>. One server emulates the production and the sandbox environment.

    `now` gives epoch seconds, `new_id` a UUID. `clock` limits how long a request's body may not
    come, as at every listener.
    """

    def __init__(
        self,
        *,
        port: Port,
        provider: Provider,
        phones: Phones,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], uuid.UUID] = uuid.uuid4,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._provider = provider
        self._phones = phones
        self._now = now
        self._new_id = new_id
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._sent = 0
        self._listen_on = port
        self.port = number(port)

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        loop = asyncio.get_running_loop()
        listening = bound(self._listen_on, PURPOSE)
        self.port = number(listening)
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self.respond, self._connections, self._clock),
                sock=listening,
            )
        except OSError as error:
            raise port_taken(self.port, PURPOSE, error) from error

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in tuple(self._connections):
            connection.close()
        await server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def phone(self, token: str) -> list[Push]:
        return self._phones.phone(token)

    def state(self) -> dict[str, Any]:
        return {"apns": {"sent": self._sent}}

    def respond(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        """The response to one request: an empty body means that no DATA frame is sent."""
        named = dict(headers)
        apns_id = named.get("apns-id", str(self._new_id())).upper()
        try:
            if len(named) != len(headers):
                raise Rejected("DuplicateHeaders")
            notification = read_notification(self._provider, named, body, self._now())
            gone = self._phones.uninstalled_at(notification.device_token)
        except Rejected as rejected:
            return _error(rejected.reason, apns_id)
        if gone is not None:
            return _error("Unregistered", apns_id, timestamp=int(gone * 1000))
        self._phones.receive(
            notification.device_token, "apns", notification.payload, notification.headers
        )
        self._sent += 1
        return [(":status", "200"), ("apns-id", apns_id)], b""


def _error(reason: str, apns_id: str, **more: int) -> tuple[Headers, bytes]:
    body = json.dumps({"reason": reason, **more}).encode()
    return [(":status", str(STATUS[reason])), ("apns-id", apns_id)], body


class _Connection(asyncio.Protocol):
    """One client's HTTP/2 connection; every request gets its response as soon as it is whole."""

    def __init__(
        self,
        judge: Callable[[Headers, bytes], tuple[Headers, bytes]],
        connections: set[_Connection],
        clock: Clock,
    ) -> None:
        self._judge = judge
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None
        self._connections = connections
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._requests: dict[int, _Request] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        self._connections.add(self)
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS_AT_ONCE})
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._watch is not None:
            self._watch.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._flush()  # h2 has put a GOAWAY there that says why
            self._transport.close()
            return
        for event in events:
            if isinstance(event, RequestReceived):
                pairs = [(str(name), str(value)) for name, value in event.headers]
                self._requests[event.stream_id] = _Request(pairs)
            elif isinstance(event, DataReceived):
                self._take(event)
            elif isinstance(event, StreamEnded):
                self._respond(event.stream_id)
            elif isinstance(event, StreamReset):
                self._requests.pop(event.stream_id, None)
            elif isinstance(event, ConnectionTerminated):
                self._transport.close()
        self._flush()
        if self._requests and (self._watch is None or self._watch.done()):
            self._watch = asyncio.create_task(self._expire())

    async def _expire(self) -> None:
        """Resets each request of which nothing came from one look to the next: it has no response,
        as it isn't whole."""
        while self._requests:
            seen = {id: len(request.body) for id, request in self._requests.items()}
            await self._clock.sleep(BODY_SECONDS)
            for id, request in tuple(self._requests.items()):
                if seen.get(id) == len(request.body):
                    del self._requests[id]
                    self._h2.reset_stream(id, ErrorCodes.CANCEL)
            self._flush()

    def close(self) -> None:
        self._h2.close_connection(ErrorCodes.NO_ERROR)
        self._flush()
        self._transport.close()

    def _take(self, event: DataReceived) -> None:
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        request = self._requests.get(event.stream_id)
        if request is not None and len(request.body) < _READ_BYTES:
            request.body += event.data

    def _respond(self, stream_id: int) -> None:
        request = self._requests.pop(stream_id, None)
        if request is None:
            return
        headers, body = self._judge(request.headers, bytes(request.body))
        self._h2.send_headers(stream_id, headers, end_stream=not body)
        if body:
            self._h2.send_data(stream_id, body, end_stream=True)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
