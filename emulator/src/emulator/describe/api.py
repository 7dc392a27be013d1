"""The describing calls over HTTP, for the AWS server, which passes them on to where all runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from emulator.describe import pages
from emulator.describe.errors import CallError, Unsupported
from emulator.describe.made import Made
from emulator.describe.protocols import Protocol, Response
from emulator.template.place import Place

PREFIX = "/_describe/"
_ARN = re.compile(r"arn:[^:]+:[^:]+:([^:]*):([^:]*):")
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


_OF_MADE = SERVICES.keys() - {"logs", "monitoring"}  # the others have what was made so far

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
    """`views` are the operations of each service, by its name in SERVICES, and `made` is what they
    describe."""

    def __init__(self, views: Mapping[str, Operations], made: Made | None = None) -> None:
        self._views, self._made = views, made

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
        if failed := self._unserved(service, protocol, operation or f"{method} {target}", given):
            return failed
        known = self._views[service]
        parameters = Parameters(given)
        try:
            result = pages.cut(
                SERVICES[service], operation, parameters, known[operation](parameters)
            )
            parameters.require_read(operation)
            return protocol.written(operation, result)
        except CallError as error:
            return protocol.failed(error.status, error.code, str(error))
        except Unsupported as unsupported:
            text = f"the emulator does not serve {unsupported}"
            return protocol.failed(400, "NotImplemented", text)

    def _unserved(
        self, service: str, protocol: Protocol, operation: str, given: Mapping[str, Any]
    ) -> Response | None:
        """The error of a call whose response would be an empty list of something else."""
        version, known = given.get("Version", protocol.version), self._views.get(service, {})
        code = "NotImplemented"
        if version != protocol.version:  # `aws elb`, of Classic Load Balancers, signs as elbv2 does
            text = f"does not serve the version {version} of {service}; it has {protocol.version}"
        elif operation not in known:
            text = f"does not serve {operation} of {service}; it has {', '.join(sorted(known))}"
        elif self._made is not None and self._made.stage is None and service in _OF_MADE:
            # no 503, which SDKs repeat: a function that is called at the start waits for itself
            code, text = "ServiceUnavailable", "is still starting what it describes"
        elif self._made is not None and (arn := elsewhere(given, self._made.place)):
            place = self._made.place
            text = f"has the account {place.account} in {place.region}, and not that of {arn}"
        else:
            return None
        return protocol.failed(400, code, f"the emulator {text}")


def elsewhere(given: Mapping[str, Any], place: Place) -> str | None:
    """An ARN of the call that is of another region or account than all that is here. Of a
    FunctionName Lambda says so itself."""
    here = (place.region, place.account)
    for name, value in given.items():
        if name == "FunctionName":
            continue
        for each in value if isinstance(value, list) else [value]:
            found = _ARN.match(each) if isinstance(each, str) else None
            if found and (found[1] or place.region, found[2] or place.account) != here:
                return str(each)
    return None


@cache
def _protocol(name: str) -> Protocol:
    return Protocol(name)
