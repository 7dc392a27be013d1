"""The describing calls over HTTP, for the AWS server, which passes them on to where all runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from emulator.describe import pages
from emulator.describe.logs import Unsupported
from emulator.describe.made import NotFound
from emulator.describe.protocols import Protocol, Response

PREFIX = "/_describe/"
Operations = Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]

# The name in a signature's scope -> botocore's name of the service.
SERVICES = {
    "apigateway": "apigatewayv2",
    "cloudformation": "cloudformation",
    "ecs": "ecs",
    "elasticloadbalancing": "elbv2",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "cloudwatch",
}


# They divide what is listed into pages: see pages.py.
_PAGES = {"Limit", "MaxItems", "MaxRecords", "MaxResults", "PageSize", "limit", "maxResults"}
_PAGES |= {"interleaved", "Action", "Version"}  # and what each call of a query has


class Parameters(dict[str, Any]):
    """The parameters of a call. It notes which of them were read, as one that narrows what is
    listed must not be ignored."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._read.add(name)
        return super().get(name, default)

    def require_read(self, operation: str) -> None:
        """Raises Unsupported."""
        unread = sorted(self.keys() - self._read - _PAGES)
        if unread:
            raise Unsupported(f"{', '.join(unread)} of {operation}")


class DescribeApi:
    """`views` are the operations of each service, by its name in SERVICES."""

    def __init__(self, views: Mapping[str, Operations]) -> None:
        self._views = views

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Responds to a request for `/_describe/<service>/<the call's own path>`."""
        service, _, path = request.raw_path.removeprefix(PREFIX).partition("/")
        target, _, query = f"/{path}".partition("?")
        body = await request.read()
        action = request.headers.get("X-Amz-Target", "")
        found = self.respond(service, request.method, target, query, body, action)
        return web.Response(status=found.status, headers=found.headers, text=found.body)

    def respond(
        self, service: str, method: str, target: str, query: str, body: bytes, action: str
    ) -> Response:
        protocol = _protocol(SERVICES[service])
        try:
            operation, given = protocol.read(method, target, query, body, action)
        except (ValueError, RecursionError):
            return protocol.failed(400, "SerializationException", "the body can't be read")
        known = self._views.get(service, {})
        if operation not in known:
            which = operation or f"{method} {target}"
            return protocol.failed(
                400,
                "NotImplemented",
                f"the emulator does not serve {which} of {service}; it has "
                f"{', '.join(sorted(known))}",
            )
        parameters = Parameters(given)
        try:
            result = pages.cut(
                SERVICES[service], operation, parameters, known[operation](parameters)
            )
            parameters.require_read(operation)
            return protocol.written(operation, result)
        except NotFound as missing:
            return protocol.failed(
                404 if service in ("lambda", "apigateway") else 400, missing.code, str(missing)
            )
        except Unsupported as unsupported:
            text = f"the emulator does not serve {unsupported}"
            return protocol.failed(400, "NotImplemented", text)


@cache
def _protocol(name: str) -> Protocol:
    return Protocol(name)
