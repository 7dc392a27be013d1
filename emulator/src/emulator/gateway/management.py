"""The @connections API: post to a connection, look at it, close it.

Source: the API reference of "ApiGatewayManagementApi" (2018-11-29).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from aiohttp import web

from emulator.gateway.connections import BufferFull, Connection, Registry
from emulator.gateway.limits import MESSAGE_BYTES, NORMAL
from emulator.iam.errors import Error
from emulator.listening import HttpListener, Port, read_body
from emulator.traces.ring import POST, Ring

# What API Gateway gives out: 15 characters and a "=". Another form is a BadRequestException, and
# an id of this form that nobody has a GoneException (github.com/localstack/localstack/issues/4694).
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{15}=")
_ALGORITHM = "AWS4-HMAC-SHA256"
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
        region: str = "us-east-1",
    ) -> None:
        self._denied = denied
        self._region = region
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
        id = path.removeprefix(self._prefix)
        if request.method not in ("POST", "GET", "DELETE") or not id:
            return self._error(403, "ForbiddenException", "Forbidden")
        if (rejection := unsigned(request.headers, self._region)) is not None:
            return self._error(403, *rejection)
        resource = f"/{self._stage}/{request.method}/@connections/{id}"
        if denied := self._denied(request.headers, resource):
            return web.Response(status=denied.status, headers=denied.headers, body=denied.body)
        if not _CONNECTION_ID.fullmatch(id):
            return self._error(400, "BadRequestException", f"Invalid connectionId: {id}", id)
        connection = self._registry.find(id)
        if request.method == "POST":
            return await self._post(request, connection, id)
        if connection is None:
            return self._gone()
        if request.method == "GET":
            return self._described(connection)
        return self._close(connection)

    async def _post(
        self, request: web.BaseRequest, connection: Connection | None, id: str
    ) -> web.StreamResponse:
        data = await read_body(request, MESSAGE_BYTES)
        too_long = len(data) > MESSAGE_BYTES
        by = _CALLER.search(request.headers["Authorization"])
        gone = connection is None or connection.closing
        self._ring.add(
            POST,
            id,
            by=by[1] if by else "",
            given=b"" if too_long else data,
            error="410: the connection is gone" if gone else "",
        )
        if too_long:
            return self._error(413, "PayloadTooLargeException", "Message too long", id)
        if connection is None or connection.closing:
            return self._gone()
        try:
            connection.send(_frame(data))
        except BufferFull:
            return self._error(429, "LimitExceededException", "The client's buffer is full", id)
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
        # the reason that $disconnect gets on AWS: github.com/aws/chalice/issues/2060
        task = asyncio.create_task(connection.close(NORMAL, "Connection Closed Normally"))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return web.Response(status=204, headers=self._headers())

    def _gone(self) -> web.StreamResponse:
        """The response for a connection that is gone. It has no body, so that SDKs show the status
        as its message: "GoneException: 410" in repost.aws/knowledge-center/410-gone-api-gateway."""
        return web.Response(
            status=410, headers={**self._headers(), "x-amzn-ErrorType": "GoneException"}
        )

    def _error(self, status: int, code: str, message: str, id: str = "") -> web.StreamResponse:
        """An error response, with the ids of connection and request where it is about a
        connection."""
        headers = {**self._headers(), "x-amzn-ErrorType": code}
        document = {"message": message}
        if id:
            document |= {"connectionId": id, "requestId": headers["x-amzn-RequestId"]}
        return self._json(status, document, headers)

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


def unsigned(headers: Mapping[str, str], region: str) -> tuple[str, str] | None:
    """The code and message of the error for a request that is not signed for this API; None for one
    that is. Its signature is not calculated: the emulator takes any secret key.

    Messages: github.com/serverless/serverless/issues/3205, github.com/aws/chalice/issues/828,
    github.com/mhart/aws4/issues/97, github.com/Kong/insomnia/issues/713.
    """
    header = headers["Authorization"]
    given = header.removeprefix(_ALGORITHM).strip()
    parts = [each.strip().partition("=") for each in given.split(",")]
    for name, equals, _ in parts:
        if not equals:
            text = f"'{name.split()[-1] if name else ''}' not a valid key=value pair"
            text += f" (missing equal-sign) in Authorization header: '{header}'."
            return "IncompleteSignatureException", text
    values = {name: value for name, _, value in parts}
    text = "".join(
        f"Authorization header requires '{name}' parameter. "
        for name in ("Credential", "Signature", "SignedHeaders")
        if not values.get(name)
    )
    if "X-Amz-Date" not in headers and "Date" not in headers:
        text += (
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        )
    if text:
        return "IncompleteSignatureException", f"{text}Authorization={header}"
    credential = values["Credential"].split("/")
    if len(credential) != len(("keyid", "date", "region", "service", "term")):
        text = "Credential must have exactly 5 slash-delimited elements, e.g. "
        text += f"keyid/date/region/service/term, got '{values['Credential']}'"
        return "IncompleteSignatureException", text
    if credential[2] != region:
        text += f"Credential should be scoped to a valid region, not '{credential[2]}'. "
    if credential[3] != "execute-api":
        text += "Credential should be scoped to correct service: 'execute-api'. "
    return ("InvalidSignatureException", text) if text else None


def _frame(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _timestamp(epoch_seconds: float) -> str:
    """As in the AWS CLI's example of get-connection: "2020-04-30T20:10:33.236Z"."""
    at = datetime.fromtimestamp(int(epoch_seconds * 1000) / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
