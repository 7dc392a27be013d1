"""The HTTP application, the same on every target: one Starlette router over the table of routes,
and the web client's page beside it.

Every response of a route is JSON, errors included; every response names the target that served it.
Endpoints are plain functions and run in threads, because boto3 blocks.
"""

import ipaddress
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as PathRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lambdas import frames
from lambdas.api import call as rest
from lambdas.api.auth import AccessTokens
from lambdas.api.call import Call, Route
from lambdas.api.health import served_by
from lambdas.api.jwks import SigningKeys
from lambdas.api.page import FOLDER, Page, read_page, security_headers
from lambdas.api.routes import ROUTES
from lambdas.api.sign_ins import SignIns
from lambdas.errors import ChatError, bad_request, internal, not_found, rate_limited
from lambdas.frames import Frame
from lambdas.limits import REQUESTS, sampled
from lambdas.settings import Aws
from lambdas.telemetry import logger
from lambdas.throttling import is_throttled

BODY_LIMIT = 128 * 1024
# Beyond BODY_LIMIT we read on, so that the client gets a 413 and not a reset connection. An ALB
# passes no more than 1 MB to a Lambda target, and responds with a 413 of its own.
DRAIN_LIMIT = 1024 * 1024
# If a browser is led to a response of the API, it runs and frames nothing, as OWASP recommends:
# cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
NO_DOCUMENT = "default-src 'none'; frame-ancestors 'none'"


def create_app(
    aws: Aws,
    tokens: AccessTokens | None = None,
    routes: Iterable[Route] = ROUTES,
    page: Path = FOLDER,
) -> "Served":
    """The application over `aws`. Tests give `tokens` without a user pool, `routes` whose
    endpoints run without a thread, and a folder with another `page`."""
    tokens = tokens or access_tokens(aws)
    instance = served_by(aws.settings)
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    endpoints = [
        PathRoute(path, Endpoint(methods, aws, tokens, instance))
        for path, methods in by_path.items()
    ]
    nothing = Endpoint({}, aws, tokens, instance)
    files = Page(read_page(page), security_headers(aws.settings), otherwise=nothing)
    return Served(Router(endpoints, redirect_slashes=False, default=files), instance)


def access_tokens(aws: Aws) -> AccessTokens:
    settings = aws.settings
    keys = SigningKeys(settings.jwks_url)
    return AccessTokens(keys, settings.token_issuer, settings["USER_POOL_CLIENT_ID"], aws.now)


class Endpoint:
    """The methods of one path, as an ASGI application."""

    def __init__(
        self, methods: Mapping[str, Route], aws: Aws, tokens: AccessTokens, instance: str
    ) -> None:
        self._methods = methods
        self._aws = aws
        self._tokens = tokens
        self._instance = instance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = time.monotonic()
        try:
            body = await read_body(request)
            route = self._route(request)
            if route.blocking:
                result = await run_in_threadpool(self._call, route, request, body)
            else:
                result = self._call(route, request, body)
            response = respond(result)
        except ClientDisconnect:
            return  # no client is left to respond to
        except Exception as error:
            response = respond_error(error_of(error))
        await response(scope, receive, send)
        milliseconds = round((time.monotonic() - started) * 1000)
        self._log(request, response.status_code, milliseconds)

    def _route(self, request: Request) -> Route:
        if not self._methods:
            raise not_found("there is nothing at this path")
        try:
            return self._methods[request.method]
        except KeyError:
            raise WrongMethod(self._methods) from None

    def _call(self, route: Route, request: Request, body: bytes) -> rest.Response:
        came_at = self._aws.now()
        sign_in = None
        if not route.open:
            sign_in = self._tokens.sign_in(request.headers.getlist("authorization"))
            users = self._aws.users
            SignIns(users).require(sign_in)
            # by sign-in: the user's others can still end one that floods
            name = f"requests#{sign_in.id}"
            sampled(self._aws).take(users, sign_in.user, name, REQUESTS, came_at)
        call = Call(
            aws=self._aws,
            served_by=self._instance,
            sign_in=sign_in,
            path=request.path_params,
            query=request.query_params,
            body=parse(route.body, body) if route.body else {},
            address=self._address(request),
            came_at=came_at,
        )
        return route.endpoint(call)

    def _address(self, request: Request) -> str:
        forwarded = request.headers.getlist("x-forwarded-for")
        if self._aws.settings.direct_clients and request.client:  # first: these may send any header
            peer = request.client.host
            # The Network Load Balancer preserves it, where a node of the other one is in the VPC
            if not forwarded or _is_public(peer):
                return address_of([peer])
        viewer = request.headers.get("cloudfront-viewer-address", "")
        if self._aws.settings.behind_cloudfront and viewer:
            # CloudFront sets it, with the port behind the address, over what the client sent
            return address_of([viewer.rpartition(":")[0].strip("[]")])
        return address_of(forwarded)

    def _log(self, request: Request, status: int, milliseconds: int) -> None:
        """Logs the route, not the path or the query: those contain user names."""
        route = next((route.path for route in self._methods.values()), "none")
        chat = request.path_params.get("chat", "") if self._methods else ""
        logger.info(
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": status,
                "milliseconds": milliseconds,
                "trace": request.headers.get("x-amzn-trace-id", "")[:100],
                **({"chat": chat[:64]} if chat else {}),
            },
        )


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def address_of(forwarded: Sequence[str]) -> str:
    """The address that the load balancer appended last; anybody can send what stands before it.

    Of an IPv6 address the network of 64 bits, which is what one household has. "" without one.
    """
    last = ",".join(forwarded).rpartition(",")[2].strip()
    try:
        found = ipaddress.ip_address(last)
    except ValueError:
        return ""
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))


class WrongMethod(ChatError):
    """Status 405. The protocol has no code for it, so its code is bad_request."""

    def __init__(self, methods: Iterable[str]) -> None:
        self.allowed = ", ".join(sorted(methods))
        super().__init__("bad_request", f"this path takes {self.allowed}")

    @property
    def status(self) -> int:
        return 405


class Served:
    """Adds headers to every response: the target that served it, no sniffing; no caching, and
    nothing that a browser runs or frames, unless the response has a rule of its own."""

    def __init__(self, app: ASGIApp, instance: str) -> None:
        self._app = app
        self._instance = instance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"this application serves HTTP, not {scope['type']}")

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-served-by"] = self._instance
                headers.setdefault("cache-control", "no-store")
                headers.setdefault("content-security-policy", NO_DOCUMENT)
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, add_headers)


async def read_body(request: Request) -> bytes:
    """Raises ChatError too_large, and ClientDisconnect."""
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT:
            body += chunk
        elif size > DRAIN_LIMIT:
            break
    if size > BODY_LIMIT:
        raise ChatError("too_large", f"a body has at most {BODY_LIMIT} bytes")
    return bytes(body)


def parse(name: str, body: bytes) -> Frame:
    """Raises ChatError bad_request."""
    try:
        text = body.decode()  # strictly UTF-8 (RFC 8259); json would guess at UTF-16 and more
    except UnicodeDecodeError:
        raise bad_request("the body is not valid UTF-8") from None
    return frames.validate(f"rest/{name}.request", frames.decode(text))


def error_of(error: Exception) -> ChatError:
    """The error that the client gets: throttling by AWS is rate_limited, a bug is logged."""
    if isinstance(error, ChatError):
        return error
    if is_throttled(error):
        logger.warning("throttled", extra={"operation": getattr(error, "operation_name", "")})
        return rate_limited()
    logger.error("failed on a request", exc_info=error)
    return internal()


def respond(result: rest.Response) -> Response:
    if result.body is None:
        return Response(status_code=result.status)
    body = frames.encode(result.body).encode()
    return Response(body, result.status, media_type="application/json")


def respond_error(error: ChatError) -> Response:
    response = respond(rest.Response(error.status, frames.error_body(error)))
    if isinstance(error, WrongMethod):
        response.headers["allow"] = error.allowed  # RFC 9110, 15.5.6
    if error.retry_after is not None:
        response.headers["retry-after"] = str(math.ceil(error.retry_after))  # RFC 9110, 10.2.3
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"  # RFC 9110, 15.5.2
    return response
