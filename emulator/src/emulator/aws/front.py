"""The HTTP server of moto's WSGI applications, in one event loop.

Calls run one after another on the loop's thread. moto has no locks: with a thread per request,
two conditional updates can both read the old item, which for a chat's `seq` means a lost message.
And a call is all CPU, so threads would only add switches between them.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.typedefs import Middleware
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from emulator import listening
from emulator.aws import (
    broken_calls,
    calls_made,
    cognito_codes,
    direct,
    invocations,
    peek,
    s3,
    saving,
    served,
)
from emulator.aws.checks import failures, requests
from emulator.aws.checks import s3 as s3_checks
from emulator.aws.checks.rejection import Rejection
from emulator.aws.direct import Direct
from emulator.aws.permissions import Permissions
from emulator.aws.s3_signatures import S3Error
from emulator.aws.saving import Saving
from emulator.aws.sqs import LongPolls
from emulator.clock import Clock

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_TOO_LATE = S3Error(
    400,
    "RequestTimeout",
    "Your socket connection to the server was not read from or written to within the timeout "
    "period. Idle connections will be closed.",
)
_OF_BYTES = re.compile(r"bytes\s*=[^=]*", re.IGNORECASE)  # RFC 9110, 14.1
MAX_BODY = 1024 * 1024 * 1024  # AWS's own limits are moto's business; persisted data can be large


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which looks through its folders on every request, with a cache."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]

    def _get_body(self, environ: dict[str, Any]) -> str | None:
        """A form that may name its operation is posted; the bytes of what is put are no form."""
        return None if environ["REQUEST_METHOD"] == "PUT" else super()._get_body(environ)


def _in_time(clock: Clock) -> Middleware:
    @web.middleware
    async def respond(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await listening.respond(request, handler, clock, _too_late)

    return respond


def application(
    wsgi: WsgiApp,
    long_polls: LongPolls,
    saved: Saving,
    functions: str = "",
    region: str = "",
    clock: Clock | None = None,
) -> web.Application:
    """An aiohttp application that passes every request to moto: directly where that is possible,
    else to `wsgi`. Invocations and what describes the environment go to `functions`, a base URL;
    empty where no functions run. Other regions than `region` get an error. `clock` is that of
    `listening.respond`."""
    front = _Front(wsgi, long_polls, saved, functions, region)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_in_time(clock or Clock())])
    saving.add_routes(app, saved)
    calls_made.add_routes(app, front.calls)
    front.permissions.add_routes(app)
    front.broken.add_routes(app)
    peek.add_routes(app)
    cognito_codes.add_routes(app)
    if functions:
        invocations.add_routes(app, functions, region, front.permissions.error)
    app.router.add_route("*", "/{path:.*}", front.serve)
    return app


class _Front:
    """Responds to each request to an AWS service; see `application`."""

    def __init__(
        self,
        wsgi: WsgiApp,
        long_polls: LongPolls,
        saved: Saving,
        functions: str,
        region: str,
    ) -> None:
        self._wsgi, self._long_polls, self._saved = wsgi, long_polls, saved
        self._functions, self._region = functions, region
        self._direct, self._turn = Direct(), asyncio.Lock()
        self.calls, self.permissions = calls_made.Calls(), Permissions()
        self.broken = broken_calls.BrokenCalls()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await _received(request.content)
        scope = served.scope_of(request.headers, request.query_string)
        body = served.uncompressed(request.headers, scope, body)
        operation = served.operation_of(request.headers, body)
        why = served.rejection(scope, self._region, operation)
        if why is not None:
            return served.rejected(request.headers, why)
        if scope is not None and scope.service in served.DESCRIBED:
            if denied := self._denied(request, body):
                return denied
            if self._functions:
                return await served.described(request, scope, body, self._functions)
            return served.rejected(request.headers, served.nothing_runs(scope.service))
        if _may_change(request):
            self._saved.changed()
        return await self._in_turn(request, body)

    async def _in_turn(self, request: web.Request, body: bytes) -> web.Response:
        """A long poll gets another turn at each arrival, until its wait is over."""
        started, began = time.monotonic(), time.time()
        while True:
            async with self._turn:
                # Each request in its own turn of the event loop, which notices closed connections
                # in between: a busy machine must not work for callers that have given up.
                await asyncio.sleep(0)
                if request.transport is None or request.transport.is_closing():
                    return web.Response(status=408)  # that nobody reads
                self._long_polls.begin()
                response = self._respond(request, body)
            left = started + self._long_polls.wanted - time.monotonic()
            if left <= 0:
                result = response.body if isinstance(response.body, bytes) else b""
                self.calls.made(request.headers, body, began, response.status, result)
                return response
            await self._long_polls.next_arrival(left)

    def _respond(self, request: web.Request, body: bytes) -> web.Response:
        if failed := self.broken.error(request, body):
            return failed
        if denied := self._denied(request, body):
            return denied
        try:
            body = requests.checked(request.headers, body)
        except Rejection as rejection:
            return _rejected(request, rejection)

        def to_moto() -> web.Response:
            environ = _environ(request, body) | {"wsgi.input": io.BytesIO(body)}
            if not _OF_BYTES.fullmatch(environ.get("HTTP_RANGE", "")):  # RFC 9110, 14.2: ignored
                environ.pop("HTTP_RANGE", None)
            environ["QUERY_STRING"] = s3_checks.listed(environ["QUERY_STRING"])
            response = _call(self._wsgi, environ)
            if response.status == 404 and self.permissions.hides_absence(request):
                return s3.error(s3.DENIED)
            return response

        try:
            found = _directly(self._direct, request, body)
            return found or s3.respond(request, body, to_moto, self.permissions) or to_moto()
        except S3Error as error:
            return s3.error(error)
        except _MotoFailed as raised:
            return _explained(request, body, raised.error)

    def _denied(self, request: web.Request, body: bytes) -> web.Response | None:
        denied = self.permissions.error(request, body)
        if denied is None:
            return None
        return web.Response(status=denied.status, headers=denied.headers, body=denied.body)


async def _received(content: StreamReader) -> bytes:
    body = bytearray()
    while piece := await content.readany():
        body += piece
        if len(body) > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=len(body))
    return bytes(body)


def _may_change(request: web.Request) -> bool:
    """Whether the operation may change saved data, by its name; receiving from a queue only hides
    messages for a while."""
    operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    return request.method != "GET" and not operation.startswith(calls_made.READS)


async def listen(app: web.Application, holder: socket.socket) -> web.AppRunner:
    # A caller that goes away must not take the message it was waiting for with it.
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=1,
        auto_decompress=False,  # S3 stores and checks the bytes that were sent
    )
    await runner.setup()
    await web.SockSite(runner, holder).start()
    return runner


def _too_late(request: web.Request) -> web.Response:
    """The error in the form of the service's protocol."""
    if request.path.startswith(invocations.PREFIX):
        return listening.timed_out(request)
    if "X-Amz-Target" in request.headers:
        return _rejected(request, Rejection(_TOO_LATE.message, _TOO_LATE.code))
    if "urlencoded" in request.headers.get("Content-Type", ""):
        return served.in_xml(_TOO_LATE.status, _TOO_LATE.code, _TOO_LATE.message)
    return s3.error(_TOO_LATE)


def _rejected(request: web.Request, rejection: Rejection) -> web.Response:
    return web.Response(
        status=400,
        body=json.dumps(requests.document(request.headers, rejection)).encode(),
        headers={
            "x-amzn-errortype": rejection.code,
            "Content-Type": request.headers.get("Content-Type", "application/x-amz-json-1.0"),
        },
    )


def _environ(request: web.Request, body: bytes) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),  # PEP 3333: bytes as characters
        "QUERY_STRING": request.rel_url.raw_query_string,
        "RAW_URI": request.raw_path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[f"HTTP_{key}"] = value
    return environ


class _MotoFailed(Exception):
    """moto raised `error`, whose traceback has been printed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
        traceback.print_exception(error)


def _explained(request: web.Request, body: bytes, error: Exception) -> web.Response:
    """What AWS says where the caller made moto fail; a defect of moto gives a 500, as AWS's own
    defects do."""
    if "X-Amz-Target" in request.headers:
        if rejection := failures.explained(request.headers, body, error):
            return _rejected(request, rejection)
        document = {"__type": "InternalFailure", "message": failures.shown(error)}
        return web.json_response(document, status=500, content_type=direct.CONTENT_TYPE)
    if "urlencoded" in request.headers.get("Content-Type", ""):
        return served.in_xml(*failures.of_query(body, error))
    query = request.rel_url.raw_query_string
    return s3.error(failures.of_s3(request.method, request.path, query, body, error))


def _directly(handlers: Direct, request: web.Request, body: bytes) -> web.Response | None:
    try:
        found = handlers(request.headers, body)
    except Exception as error:
        raise _MotoFailed(error) from None
    return found and web.Response(status=found.status, headers=found.headers, body=found.body)


def _call(wsgi: WsgiApp, environ: dict[str, Any]) -> web.Response:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        started[:] = [(status, headers)]
        return io.BytesIO().write

    try:
        body = b"".join(wsgi(environ, start_response))
    # Raised by moto for what it lacks; it becomes a rejection that names the operation, and no 500.
    except NotImplementedError as error:
        return served.rejected({"Content-Type": environ["CONTENT_TYPE"]}, f"moto: {error}")
    except Exception as error:
        raise _MotoFailed(error) from None
    status, headers = started[0]
    response = web.Response(status=int(status.split(" ", 1)[0]), body=body)
    for name, value in headers:
        if name.lower() not in ("content-length", "connection", "transfer-encoding"):
            response.headers[name] = value
    return response
