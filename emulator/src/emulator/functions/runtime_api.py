"""The Runtime API one worker talks to.

Source: Lambda developer guide, "Using the Lambda runtime API". Each worker has a port of its own,
by which it is known.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field

from aiohttp import web

from emulator.functions import failures
from emulator.functions.model import Function
from emulator.listening import HttpListener, read_body
from emulator.providers import InvokeResult

_PREFIX = "/2018-06-01/runtime/"
_OF_INVOCATION = re.compile(_PREFIX + r"invocation/([^/]+)/(response|error)$")


@dataclass
class Invocation:
    """One event on its way through a worker; `deadline` is in seconds since the epoch, `arn` what
    the function was called by."""

    event: bytes
    arn: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    came: float = field(default_factory=time.monotonic)
    deadline: float = 0.0
    worker: str = ""  # who handles it
    started: float = 0.0  # since when, in epoch seconds; 0 until then
    failed_init: bool = False  # there was no worker that could have handled it
    result: asyncio.Future[InvokeResult] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def settle(self, result: InvokeResult) -> None:
        if not self.result.done():
            self.result.set_result(result)


class RuntimeApi:
    """`asked` is set whenever the worker waits for an event; `init_error` when it could not even
    import its handler."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._listener = HttpListener(self._serve, 0, f"the runtime of {function.label}")
        self._next: asyncio.Future[Invocation] | None = None
        self._current: Invocation | None = None
        self.asked = asyncio.Event()
        self.init_error: InvokeResult | None = None

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API: host and port."""
        return self._listener.url.removeprefix("http://")

    async def start(self) -> None:
        await self._listener.start()

    async def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()  # the process that waits for it is gone
        await self._listener.stop()

    def give(self, invocation: Invocation) -> None:
        """Hand the event to the worker, which must be waiting (see `asked`)."""
        if self._next is None:
            raise RuntimeError("the worker is not waiting for an event")
        invocation.deadline = time.time() + self._function.timeout
        self._current = invocation
        self._next.set_result(invocation)
        self._next = None
        self.asked.clear()

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        if request.method == "GET" and request.path == _PREFIX + "invocation/next":
            return await self._serve_next()
        found = _OF_INVOCATION.match(request.path)
        if request.method == "POST" and found:
            return await self._take_result(request, found.group(1), found.group(2) == "error")
        if request.method == "POST" and request.path == _PREFIX + "init/error":
            self.init_error = InvokeResult(await request.read(), True)
            return _accepted()
        return web.json_response({"errorType": "NotFound"}, status=404)

    async def _serve_next(self) -> web.Response:
        self._next = asyncio.get_running_loop().create_future()
        self.asked.set()
        invocation = await self._next
        return web.Response(
            body=invocation.event,
            content_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
                "Lambda-Runtime-Trace-Id": _trace_id(),
            },
        )

    async def _take_result(
        self, request: web.BaseRequest, request_id: str, error: bool
    ) -> web.Response:
        invocation = self._current
        if invocation is None or invocation.request_id != request_id:
            return web.json_response({"errorType": "InvalidRequestID"}, status=400)
        result = await read_body(request, failures.MAX_RESPONSE)
        if len(result) > failures.MAX_RESPONSE:
            size = request.content_length or len(result)
            invocation.settle(failures.response_too_large(size))
            return web.json_response({"errorType": "RequestEntityTooLarge"}, status=413)
        invocation.settle(InvokeResult(result, error))
        return _accepted()


def _accepted() -> web.Response:
    return web.json_response({"status": "OK"}, status=202)


def _trace_id() -> str:
    return (
        f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};"
        f"Parent={os.urandom(8).hex()};Sampled=0"
    )
