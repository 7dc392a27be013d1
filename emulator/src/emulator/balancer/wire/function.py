"""A request that becomes an event for a Lambda function."""

from __future__ import annotations

import asyncio
import json
import logging
import time

from emulator.balancer.measuring import CLIENT_LEFT
from emulator.balancer.messages import lambda_bridge
from emulator.balancer.messages.head import Head
from emulator.balancer.messages.lambda_bridge import BODY_BYTES, FunctionResponse, Incoming
from emulator.balancer.messages.outgoing import OwnResponse, error_page, forwarded_fields
from emulator.balancer.routing import Choice
from emulator.balancer.targets.target_group import Target
from emulator.balancer.wire.client import ClientConnection
from emulator.balancer.wire.exchange import CONTINUE, Exchange
from emulator.balancer.wire.shared import Shared
from emulator.providers import Throttled

log = logging.getLogger("emulator.balancer")


class Invocation(Exchange):
    """The body is collected, as an event is one piece: up to 1 MB. There is no idle timeout once it
    is whole: "waits until your Lambda function responds or times out"."""

    def __init__(
        self,
        shared: Shared,
        connection: ClientConnection,
        head: Head,
        choice: Choice,
        function: str,
    ) -> None:
        self._shared = shared
        self._connection = connection
        self._head = head
        self._choice = choice
        self._function = function
        self._body = bytearray()
        self._running: asyncio.Task[None] | None = None
        self._over = False
        self._began = time.time()

    def start(self) -> None:
        # "When Application Load Balancers ... receive an Expect header, they respond to the client
        # immediately with an HTTP 100 Continue without testing the content length header": "How
        # Elastic Load Balancing works".
        if self._head.expects_continue:
            self._connection.write(CONTINUE)
        # "WebSockets are not supported. Upgrade requests are rejected with an HTTP 400 code."
        if self._head.upgrade:
            self._respond_with_error(400)
        elif (self._head.length or 0) > BODY_BYTES:
            self._respond_with_error(413)

    def body(self, data: bytes) -> None:
        if not self._over:
            self._body += data
            if len(self._body) > BODY_BYTES:
                self._respond_with_error(413)

    def end(self) -> None:
        if not self._over:
            self._running = self._shared.spawn(self._run())

    def request_failed(self, status: int) -> None:
        if not self._over:
            self._respond_with_error(status)

    def idle(self) -> None:
        if self._over:
            self._connection.abort()
        elif self._running is None:
            self._respond_with_error(408)

    def client_left(self) -> None:
        """The function goes on, as it would on AWS: an invocation can't be taken back."""
        if not self._over:
            self._finish(None, 400 if self._running is None else CLIENT_LEFT)

    def removed(self, target: Target) -> None:
        if target is self._choice.target and not self._over:
            self._finish(None, 502)
            self._connection.respond(error_page(502), self._head, closes=self._running is None)

    async def _run(self) -> None:
        response = await self._invoke()
        if self._over:  # the client has left, or the target was taken out
            return
        if response is None:
            self._finish(None, 502)
            self._connection.respond(error_page(502), self._head)
            return
        self._finish(response.status, None)
        cookies = self._choice.set_cookies(response.headers)
        fields = [*response.headers, *(("Set-Cookie", cookie) for cookie in cookies)]
        own = OwnResponse(response.status, fields, response.body)
        self._connection.respond(own, self._head, reason=response.reason or None)

    async def _invoke(self) -> FunctionResponse | None:
        """None where it is 502: the function fails, is throttled or returns something else. The
        log has the error_reason that AWS's access log has ("Access logs for your Application Load
        Balancer", error reason codes)."""
        group = self._choice.group
        multi_value = group.settings.multi_value_headers
        head, peer = self._head, self._connection.peer
        trace = self._shared.traces.new()
        fields = forwarded_fields(head, peer, self._shared.settings, trace)
        path, query = _text(head.path), _text(head.query)
        incoming = Incoming(head.method, path, query, fields, bytes(self._body))
        event = lambda_bridge.event_of(incoming, group.arn, multi_value)
        try:
            result = await self._shared.invoke(self._function, json.dumps(event).encode())
            if not result.error:
                return lambda_bridge.response_of(result.payload, multi_value)
            log.warning("%s failed (LambdaUnhandled): %r", self._function, result.payload[:500])
        except Throttled as throttled:
            log.warning("%s (LambdaThrottling)", throttled)
        except lambda_bridge.Malformed as malformed:
            log.warning("%s: %s (%s)", self._function, malformed, malformed.reason)
        except Exception:
            log.exception("%s can't be invoked", self._function)
        return None

    def _respond_with_error(self, status: int) -> None:
        """Without calling the function; the target has no part in it."""
        self._finish(None, status)
        self._connection.respond(error_page(status), self._head, closes=True)

    def _finish(self, status: int | None, own: int | None) -> None:
        self._over = True
        self._body.clear()
        self._shared.responded(self._choice, status, own, self._began)


def _text(read: str) -> str:
    """Text that was read as Latin-1, decoded as UTF-8, which most clients send."""
    if read.isascii():
        return read
    try:
        return read.encode("latin-1").decode()
    except UnicodeDecodeError:
        return read
