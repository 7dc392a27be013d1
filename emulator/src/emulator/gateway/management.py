"""The @connections API: post to a connection, look at it, close it.

Source: the API reference of "ApiGatewayManagementApi" (2018-11-29).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from aiohttp import web

from emulator.gateway.connections import BufferFull, Connection, Registry
from emulator.gateway.limits import MESSAGE_BYTES, NORMAL
from emulator.iam.errors import Error
from emulator.listening import HttpListener, Port
from emulator.traces.ring import POST, Ring

_CALLER = re.compile(r"Credential=([^/,]+)/")


class ManagementApi:
    """The management API under `/<stage>/@connections/<connection id>`. `denied` gives the response
    to who may not call it, by the headers and the path in the ARN."""

    def __init__(
        self,
        registry: Registry,
        stage: str,
        port: Port,
        new_id: Callable[[], str],
        ring: Ring,
        denied: Callable[[Mapping[str, str], str], Error | None] = lambda _headers, _path: None,
    ) -> None:
        self._denied = denied
        self._stage = stage
        self._registry = registry
        self._prefix = f"/{stage}/@connections/"
        self._new_id = new_id
        self._ring = ring
        self._closing: set[asyncio.Task[None]] = set()
        self.listener = HttpListener(self._handle, port, "the WebSocket API's @connections")

    async def start(self) -> None:
        await self.listener.start()

    async def stop(self) -> None:
        await self.listener.stop()
        for task in self._closing:
            task.cancel()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            return self._error(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        path = unquote(request.raw_path.partition("?")[0])
        if not path.startswith(self._prefix):
            return self._error(403, "ForbiddenException", "Forbidden")
        identifier = path.removeprefix(self._prefix)
        resource = f"/{self._stage}/{request.method}/@connections/{identifier}"
        if denied := self._denied(request.headers, resource):
            return web.Response(status=denied.status, headers=denied.headers, body=denied.body)
        connection = self._registry.find(identifier)
        if request.method == "POST":
            return await self._post(request, connection, identifier)
        if connection is None:
            return self._gone()
        if request.method == "GET":
            return self._described(connection)
        if request.method == "DELETE":
            return self._close(connection)
        return self._error(403, "ForbiddenException", "Forbidden")

    async def _post(
        self, request: web.BaseRequest, connection: Connection | None, id: str
    ) -> web.StreamResponse:
        data = await _body(request)
        by = _CALLER.search(request.headers["Authorization"])
        gone = connection is None or connection.closing
        self._ring.add(
            POST,
            id,
            by=by[1] if by else "",
            given=data or b"",
            error="410: the connection is gone" if gone else "",
        )
        if data is None:
            return self._error(413, "PayloadTooLargeException", "Message too long")
        if connection is None or connection.closing:
            return self._gone()
        try:
            connection.send(_frame(data))
        except BufferFull:
            return self._error(429, "LimitExceededException", "The client's buffer is full")
        return web.Response(headers=self._headers())

    def _described(self, connection: Connection) -> web.StreamResponse:
        info = connection.info
        identity = {"sourceIp": info.source_ip}
        if info.user_agent is not None:
            identity["userAgent"] = info.user_agent
        document = {
            "connectedAt": _timestamp(info.connected_at),
            "identity": identity,
            "lastActiveAt": _timestamp(connection.last_active_at),
        }
        return self._json(200, document)

    def _close(self, connection: Connection) -> web.StreamResponse:
        connection.closing = True
        task = asyncio.create_task(connection.close(NORMAL, ""))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return web.Response(status=204, headers=self._headers())

    def _gone(self) -> web.StreamResponse:
        return self._error(410, "GoneException", "The connection is no longer available")

    def _error(self, status: int, code: str, message: str) -> web.StreamResponse:
        return self._json(status, {"message": message}, {"x-amzn-ErrorType": code})

    def _json(
        self, status: int, document: object, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        return web.Response(
            status=status,
            text=json.dumps(document),
            content_type="application/json",
            headers={**self._headers(), **(headers or {})},
        )

    def _headers(self) -> dict[str, str]:
        return {"x-amzn-RequestId": self._new_id()}


async def _body(request: web.BaseRequest) -> bytes | None:
    """None if it is longer than a WebSocket message may be; the rest isn't read then."""
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > MESSAGE_BYTES:
            return None
    return bytes(data)


def _frame(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _timestamp(epoch_seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_seconds))
