"""Sends a request on to its target and the answer back, streaming both ways."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local.balancer import lambda_bridge
from local.balancer.headers import Pair, end_to_end
from local.balancer.lambda_bridge import BODY_BYTES, Incoming
from local.balancer.pages import SERVER, error_page
from local.balancer.target_group import Target, TargetGroup
from local.providers import Invoke, Throttled

log = logging.getLogger("local.balancer")

CONNECT_SECONDS = 10  # "504: the load balancer failed to establish a connection" after these
WHOLE_BYTES = 64 * 1024  # an answer up to here is sent in one piece


def open_session() -> aiohttp.ClientSession:
    """Connections to targets: as many as needed, nothing followed, decoded or remembered."""
    return aiohttp.ClientSession(
        # Below uvicorn's keep-alive of 5 s: a connection that the target is about to close
        # mustn't be taken for a request (on AWS the target's has to be the longer one, too).
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        max_line_size=64 * 1024,
        max_field_size=64 * 1024,
    )


class Forwarder:
    """`idle_seconds` is the load balancer's idle timeout, in real seconds."""

    def __init__(self, session: aiohttp.ClientSession, invoke: Invoke, idle_seconds: float) -> None:
        self._session = session
        self._invoke = invoke
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds
        )

    async def to_container(
        self, request: web.BaseRequest, target: Target, headers: Sequence[Pair]
    ) -> web.StreamResponse:
        """502 for a target that refuses or drops the connection, 504 for one that says nothing."""
        url = URL(f"http://{target.address}{request.raw_path}", encoded=True)
        try:
            async with self._session.request(
                request.method,
                url,
                headers=CIMultiDict(end_to_end(headers)),
                data=_upload(request) if request.can_read_body else None,
                allow_redirects=False,
                timeout=self._timeout,
            ) as answer:
                return await _relay(request, answer)
        except (TimeoutError, aiohttp.ServerTimeoutError):
            return error_page(504)
        except aiohttp.ClientError as error:
            log.info("%s: %s", target.id, error)
            return error_page(502)

    async def to_function(
        self,
        request: web.BaseRequest,
        group: TargetGroup,
        function: str,
        headers: Sequence[Pair],
        query: Sequence[Pair],
    ) -> web.StreamResponse:
        """413 for a body over 1 MB, 502 for a function that fails or answers something else."""
        body = await _limited_body(request)
        if body is None:
            return error_page(413)
        multi_value = group.settings.multi_value_headers
        path = request.raw_path.partition("?")[0]
        incoming = Incoming(request.method, path, query, headers, body)
        event = lambda_bridge.event_of(incoming, group.arn, multi_value)
        try:
            result = await self._invoke(function, json.dumps(event).encode())
        except Throttled as throttled:
            log.warning("%s", throttled)
            return error_page(502)
        if result.error:
            log.warning("%s failed: %r", function, result.payload[:500])
            return error_page(502)
        try:
            answer = lambda_bridge.answer_of(result.payload, multi_value)
        except lambda_bridge.Malformed as malformed:
            log.warning("%s: %s", function, malformed)
            return error_page(502)
        return web.Response(
            status=answer.status,
            reason=answer.reason or None,
            headers=CIMultiDict(
                [pair for pair in end_to_end(answer.headers) if pair[0].lower() != "content-length"]
            ),
            body=answer.body,
        )


async def _upload(request: web.BaseRequest) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        yield chunk


async def _limited_body(request: web.BaseRequest) -> bytes | None:
    """None over 1 MB; what comes after isn't read then."""
    if (request.content_length or 0) > BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_BYTES:
            return None
    return bytes(body)


async def _relay(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    pairs = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers
    ]
    headers = CIMultiDict(end_to_end(pairs))
    headers.setdefault("Server", SERVER)
    length = answer.content_length
    if request.method != "HEAD" and length is not None and length <= WHOLE_BYTES:
        body = await answer.read()
        return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=body)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except aiohttp.ClientError:
        # The answer has begun, so no error page can follow: the client must see it break off.
        log.info("%s broke off its answer", answer.url)
        if request.transport is not None:
            request.transport.abort()
    return response
