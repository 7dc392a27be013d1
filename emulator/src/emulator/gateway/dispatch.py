"""The dispatcher of a WebSocket API: invokes its routes' functions and reads their responses."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from emulator.gateway import authorization, events, responses, routing
from emulator.gateway.access_log import Access, unlogged
from emulator.gateway.events import ConnectionInfo, Event, Upgrade
from emulator.gateway.model import Authorizer, Integration, Route, WebSocketApi
from emulator.iam.gate import Gate, OpenGate
from emulator.metrics.store import Measure, unmeasured
from emulator.providers import EmulatorError, Invoke, InvokeResult, Throttled
from emulator.template.place import arn_in, url_suffix_of

log = logging.getLogger("emulator.gateway")

MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    504: "Endpoint request timed out",
}
ERROR = "Internal server error"
SERVICE = "apigateway.amazonaws.com"
# "Monitor WebSocket API execution with CloudWatch metrics", API Gateway developer guide
NAMESPACE = "AWS/ApiGateway"


class Opening(NamedTuple):
    """The response to an upgrade. 200: accepted, with `info` (now with the authorizer's context)
    and `subprotocols`; else `body` says why not."""

    status: int
    info: ConnectionInfo
    subprotocols: Sequence[str] = ()
    body: str = ""


@dataclass
class _Called:
    """What was called for one request, for the access log; `seconds` the integration took."""

    message_id: str | None = None
    authorizer: InvokeResult | None = None
    integration: InvokeResult | None = None
    seconds: float = 0.0


class _TimedOut(Exception):
    """The integration took longer than API Gateway waits."""


class _NotPermitted(Exception):
    """There is no such function, or its policy does not let API Gateway invoke it, which shows when
    it tries."""


@dataclass(frozen=True)
class Dispatcher:
    """`now` gives epoch seconds, `random_bytes` n random bytes."""

    api: WebSocketApi
    invoke: Invoke
    region: str
    account: str
    now: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    gate: Gate = field(default_factory=OpenGate)
    measure: Measure = unmeasured
    access: Access = unlogged

    @property
    def domain_name(self) -> str:
        return f"{self.api.api_id}.execute-api.{self.region}.{url_suffix_of(self.region)}"

    @property
    def arn(self) -> str:
        """The ARN of the API, as permissions name it."""
        return arn_in(f"{self.region}:{self.account}", "execute-api", self.api.api_id)

    def new_id(self) -> str:
        """A new id in the form of API Gateway's connection and request ids: 15 characters and a
        "="."""
        return base64.urlsafe_b64encode(self.random_bytes(11)).decode()

    def new_trace_id(self) -> str:
        return f"Root=1-{int(self.now()):08x}-{self.random_bytes(12).hex()}"

    async def open(self, info: ConnectionInfo, upgrade: Upgrade) -> Opening:
        """Runs the authorizer and the $connect integration."""
        request_id = self.new_id()
        made = _Called()
        opening = await self._open(info, upgrade, request_id, made)
        self._log(opening.info, "CONNECT", routing.CONNECT, request_id, opening.status, made)
        return opening

    async def _open(
        self, info: ConnectionInfo, upgrade: Upgrade, request_id: str, made: _Called
    ) -> Opening:
        route = self.api.routes.get(routing.CONNECT)
        if route is None:
            return Opening(200, info)
        self._count("ConnectCount")
        context: Mapping[str, str | int | None] = {}
        try:
            if route.authorizer is not None:
                status, context = await self._authorize(
                    route.authorizer, info, upgrade, request_id, made
                )
                if status != 200:
                    rejects = status != authorization.FAILED
                    self._count("ClientError" if rejects else "ExecutionError")
                    return self._rejected(status, info, request_id)
            info = replace(info, authorizer=context)
            event = events.connect_event(info, upgrade, request_id, self.now())
            response = responses.connect_result(await self._route(route, event, made))
        except _TimedOut:
            self._count("IntegrationError")
            return self._rejected(504, info, request_id)
        except (Throttled, _NotPermitted):
            self._count("ExecutionError")
            return self._rejected(500, info, request_id)
        if response.status != 200:
            self._count("IntegrationError")
            return self._rejected(response.status, info, request_id)
        return Opening(200, info, response.subprotocols)

    async def message(self, info: ConnectionInfo, frame: str) -> str | None:
        """Runs the frame's route; what is to be sent on the connection, None for nothing."""
        request_id = self.new_id()
        self._count("MessageCount")
        key = routing.select_route(self.api.selection, frame, self.api.routes)
        made = _Called(self.new_id())
        if key is None:
            self._count("ClientError")
            self._log(info, "MESSAGE", "-", request_id, 403, made)
            return responses.error_frame("Forbidden", info.connection_id, request_id)
        status, text = await self._message(info, key, frame, request_id, made)
        self._log(info, "MESSAGE", key, request_id, status, made)
        return text

    async def _message(
        self, info: ConnectionInfo, key: str, frame: str, request_id: str, made: _Called
    ) -> tuple[int, str | None]:
        route = self.api.routes[key]
        message_id = made.message_id or ""
        event = events.message_event(info, key, message_id, frame, request_id, self.now())
        try:
            response = responses.message_result(await self._route(route, event, made))
        except _TimedOut:
            self._count("IntegrationError")
            return 504, responses.error_frame(MESSAGES[504], info.connection_id, request_id)
        except (Throttled, _NotPermitted) as error:
            log.warning("%s", error)
            self._count("ExecutionError")
            return 500, responses.error_frame(ERROR, info.connection_id, request_id)
        if response.failed:
            self._count("IntegrationError")
            return 500, responses.error_frame(ERROR, info.connection_id, request_id)
        return 200, self._body(route, response.body)

    async def disconnect(self, info: ConnectionInfo, host: str, code: int, reason: str) -> None:
        """Best effort, as on AWS: a failure is logged and not tried again."""
        route = self.api.routes.get(routing.DISCONNECT)
        if route is None:
            return
        request_id, made = self.new_id(), _Called()
        event = events.disconnect_event(info, host, code, reason, request_id, self.now())
        try:
            result = await self._route(route, event, made)
        except (_TimedOut, Throttled, _NotPermitted) as fault:
            log.warning("$disconnect of %s failed: %s", info.connection_id, fault)
            return
        finally:
            self._log(info, "DISCONNECT", routing.DISCONNECT, request_id, 200, made)
        if result.error:
            log.warning("$disconnect of %s failed: %r", info.connection_id, result.payload[:500])

    async def _authorize(
        self,
        authorizer: Authorizer,
        info: ConnectionInfo,
        upgrade: Upgrade,
        request_id: str,
        made: _Called,
    ) -> tuple[int, Mapping[str, str | int | None]]:
        arn = f"{self.arn}/{info.stage}/{routing.CONNECT}"
        event = events.authorizer_event(info, upgrade, arn, request_id, self.now())
        if not authorization.identified(
            authorizer.identity_sources, event["headers"], event["queryStringParameters"]
        ):
            return authorization.UNAUTHORIZED, {}
        started = time.monotonic()
        source = f"{self.arn}/authorizers/{authorizer.id}"
        try:
            result = await self._call(Integration(authorizer.function), event, source)
            made.authorizer = result
        except _TimedOut:
            log.warning("the authorizer %s took too long", authorizer.function)
            return authorization.FAILED, {}
        latency = int((time.monotonic() - started) * 1000)
        status, context = authorization.verdict(result, arn, self._condition_keys(info))
        if status == authorization.FAILED:
            log.warning("the authorizer failed: %r", result.payload[:500])
        return status, {**context, "integrationLatency": latency}

    def _condition_keys(self, info: ConnectionInfo) -> Mapping[str, list[str]]:
        """The keys of "AWS condition keys that can be used in API Gateway resource policies" that a
        request on this machine has."""
        at = datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "aws:currenttime": [at],
            "aws:epochtime": [str(int(self.now()))],
            "aws:securetransport": ["true"],  # API Gateway has no other
            "aws:sourceip": [info.source_ip],
            **({} if info.user_agent is None else {"aws:useragent": [info.user_agent]}),
        }

    async def _route(self, route: Route, event: Event, made: _Called) -> InvokeResult:
        source = f"{self.arn}/{self.api.stage}/{route.key}"
        began = time.monotonic()
        made.integration = await self._call(route.integration, event, source)
        made.seconds = time.monotonic() - began
        return made.integration

    async def _call(self, integration: Integration, event: Event, source: str) -> InvokeResult:
        """`source` is the ARN that the function's policy has to allow."""
        function = integration.function
        began = time.monotonic()
        if denial := self.gate.invocation(SERVICE, function, source):
            raise _NotPermitted(f"Invalid permissions on Lambda function: {denial.message}")
        try:
            async with asyncio.timeout(integration.seconds):
                result = await self.invoke(function, json.dumps(event).encode())
        except TimeoutError as late:
            raise _TimedOut(function) from late
        except EmulatorError as nobody:  # which API Gateway finds out when it tries
            raise _NotPermitted(str(nobody)) from nobody
        self._count("IntegrationLatency", 1000 * (time.monotonic() - began))
        if result.error:
            log.warning("%s failed: %r", function, result.payload[:500])
        return result

    def _log(
        self,
        info: ConnectionInfo,
        event: str,
        route: str,
        request_id: str,
        status: int,
        made: _Called,
    ) -> None:
        if self.access is unlogged:
            return
        context = events.context_of(info, route, event, request_id, self.now())
        context |= {"status": str(status), "messageId": made.message_id}
        if status != 200:
            text = _message(status)
            context["error"] = {"message": text, "messageString": f'"{text}"'}
        if made.authorizer is not None and made.authorizer.error:
            error = responses.error_message(made.authorizer)
            context["authorizer"] = {**context.get("authorizer", {}), "error": error}
        if made.integration is not None:
            context |= responses.logged(made.integration, int(1000 * made.seconds))
        self.access(context)

    def _count(self, name: str, value: float = 1) -> None:
        dimensions = {"ApiId": self.api.api_id, "Stage": self.api.stage}
        self.measure(NAMESPACE, name, value, dimensions)

    def _rejected(self, status: int, info: ConnectionInfo, request_id: str) -> Opening:
        body = responses.error_frame(_message(status), info.connection_id, request_id)
        return Opening(status, info, (), body)

    @staticmethod
    def _body(route: Route, body: str) -> str | None:
        return body if route.responses and body else None


def _message(status: int) -> str:
    return MESSAGES.get(status, ERROR if status >= 500 else "Forbidden")
