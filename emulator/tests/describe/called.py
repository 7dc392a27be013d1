"""Clients of botocore to whose calls a DescribeApi responds, without a socket."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from emulator.describe.api import SERVICES, DescribeApi
from emulator.describe.made import Made, One
from emulator.providers import Created, Resource
from emulator.template.place import Place

PLACE = Place()


class FakeMade(Made):
    """Holds what a test says was made: (type, its reference, attributes, properties)."""

    def __init__(self, *made: tuple[str, str, dict[str, Any], dict[str, Any]]) -> None:
        super().__init__()
        self.since = 1.0
        stage: Any = object()
        self.stage = stage
        self._made = made

    def of(self, kind: str) -> Iterator[One]:
        for type_, ref, attributes, properties in self._made:
            if type_ == kind:
                yield One(Resource("s", ref, type_), properties, Created(ref, attributes))

    @property
    def place(self) -> Place:
        return PLACE


class _Raw(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def client(name: str, operations: dict[str, Any], made: Made, region: str = PLACE.region) -> Any:
    """A client of the service, as botocore names it."""
    services = {botocore: service for service, botocore in SERVICES.items()} | {
        "elb": "elasticloadbalancing"
    }
    api = DescribeApi({services[name]: operations}, made)
    made_client = boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url="http://127.0.0.1:1",
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}),
    )

    def respond(request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        action = request.headers.get("X-Amz-Target", b"")
        action = action.decode() if isinstance(action, bytes) else action
        found = api.respond(services[name], request.method, url.path, url.query, body, action)
        headers: Any = found.headers
        return AWSResponse(request.url, found.status, headers, _Raw(found.body.encode()))

    made_client.meta.events.register("before-send", respond)
    return made_client


Call = Callable[[Any], Any]
