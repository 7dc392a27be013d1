"""A WebSocket API over real sockets, its functions plain Python."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from emulator.clock import Clock
from emulator.domains import Domains
from emulator.gateway.provider import ApiGatewayProvider
from emulator.listening import BODY_SECONDS
from emulator.providers import InvokeResult, Resource

T = TypeVar("T")
Function = Callable[[dict[str, Any]], Awaitable[Any]]
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=x",
    "X-Amz-Date": "20260101T000000Z",
}


class FunctionError(Exception):
    """What a function raises to end as a function error."""


def uri(name: str) -> str:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def allow(context: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ravi/phone", "policyDocument": policy, "context": context}


class Functions:
    """An `Invoke` over functions by name; keeps every event."""

    def __init__(self) -> None:
        self.by_name: dict[str, Function] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def invoke(self, function: str, payload: bytes) -> InvokeResult:
        name = function.rpartition(":")[2]
        event = json.loads(payload)
        self.events.append((name, event))
        try:
            response = await self.by_name[name](event)
        except FunctionError as error:
            return InvokeResult(json.dumps({"errorMessage": str(error)}).encode(), True)
        return InvokeResult(json.dumps(response).encode(), False)

    def of(self, name: str) -> list[dict[str, Any]]:
        return [event for called, event in self.events if called == name]


class Scene:
    """`routes`: key -> whether it has a route response; the function has the route's name."""

    def __init__(self, provider: ApiGatewayProvider, functions: Functions) -> None:
        self.provider = provider
        self.functions = functions

    def connect(self, path: str | None = None, **options: Any) -> Any:
        url = self.provider.websocket_url
        if path is not None:
            url = url.removesuffix("/live") + path
        return connect(url, **{"compression": None, "subprotocols": ["chat.v1"], **options})

    async def manage(
        self,
        method: str,
        connection_id: str,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str | None, Any]:
        """Status, x-amzn-ErrorType and document."""
        quoted = connection_id.replace("=", "%3D")
        url = f"{self.provider.management_url}/@connections/{quoted}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, url, data=data, headers=SIGNED if headers is None else headers
            ) as response,
        ):
            text = await response.text()
            return (
                response.status,
                response.headers.get("x-amzn-ErrorType"),
                json.loads(text) if text else None,
            )

    async def connection_id(self) -> str:
        await until(lambda: self.provider.state()["connections"])
        return str(self.provider.state()["connections"][-1]["id"])


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions are of any kind
            await asyncio.sleep(0.005)


async def ok(_event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


async def greet(_event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v1"}}


async def echo(event: dict[str, Any]) -> dict[str, Any]:
    context = event["requestContext"]
    return {"statusCode": 200, "body": f"{context['routeKey']}: {event['body']}"}


async def admit(_event: dict[str, Any]) -> dict[str, Any]:
    return allow({"user": "ravi", "device": "phone"})


def resources(
    routes: dict[str, bool], timeouts: dict[str, int] | None = None
) -> list[tuple[str, str, dict[str, Any]]]:
    """In the order CDK's template would be created."""
    made: list[tuple[str, str, dict[str, Any]]] = [
        (
            "Api",
            "Api",
            {
                "Name": "chat",
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$request.body.action",
            },
        ),
        ("Live", "Stage", {"ApiId": "local0ws1d", "StageName": "live", "AutoDeploy": True}),
        (
            "Authorizer",
            "Authorizer",
            {
                "ApiId": "local0ws1d",
                "AuthorizerType": "REQUEST",
                "AuthorizerUri": uri("authorize"),
                "IdentitySource": ["route.request.header.Sec-WebSocket-Protocol"],
            },
        ),
    ]
    for key, responds in routes.items():
        name = "Route" + key.strip("$")
        integration: dict[str, Any] = {
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": uri(key.strip("$")),
        }
        if key in (timeouts or {}):
            integration["TimeoutInMillis"] = (timeouts or {})[key]
        route: dict[str, Any] = {"RouteKey": key, "Target": f"integrations/{name}Integration"}
        if key == "$connect":
            route |= {"AuthorizationType": "CUSTOM", "AuthorizerId": "Authorizer"}
        if responds:
            route["RouteResponseSelectionExpression"] = "$default"
            response = {"RouteId": name, "RouteResponseKey": "$default"}
            made.append((f"{name}Response", "RouteResponse", response))
        made.append((f"{name}Integration", "Integration", integration))
        made.append((name, "Route", route))
    return made


ROUTES = {"$connect": False, "$disconnect": False, "$default": True, "send": True, "oneway": False}


class HandClock(Clock):
    """Stands still until it is moved. For one event loop."""

    def __init__(self) -> None:
        super().__init__()
        vars(self).update(time=0.0, moved=asyncio.Event())

    def now(self) -> float:
        time: float = vars(self)["time"]
        return time

    async def sleep(self, template_seconds: float) -> None:
        end = self.now() + template_seconds
        while self.now() < end:
            await vars(self)["moved"].wait()

    def move(self, seconds: float) -> None:
        vars(self)["moved"].set()
        vars(self).update(time=self.now() + seconds, moved=asyncio.Event())


async def moved_on(clock: HandClock, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which the clock is moved for until it is done."""
    task = asyncio.create_task(work)
    while not task.done():
        clock.move(BODY_SECONDS)
        await asyncio.sleep(0.001)
    return task.result()


@contextlib.asynccontextmanager
async def running(
    routes: dict[str, bool] | None = None,
    clock: Clock | None = None,
    timeouts: dict[str, int] | None = None,
    domain: str | None = None,
    **functions: Function,
) -> AsyncIterator[Scene]:
    """Functions not given: admit, greet on connect, echo."""
    functions_of_test = Functions()
    functions_of_test.by_name = {
        "authorize": admit,
        "connect": greet,
        "disconnect": ok,
        "default": echo,
        "send": echo,
        "oneway": echo,
        **functions,
    }
    provider = ApiGatewayProvider(
        functions_of_test.invoke,
        websocket_port=0,
        management_port=0,
        clock=clock or Clock(),
        names=Domains(websocket=domain),
    )
    made = resources(ROUTES if routes is None else routes, timeouts)
    if domain is not None:
        made += [
            ("Domain", "DomainName", {"DomainName": domain}),
            ("Mapping", "ApiMapping", {"DomainName": domain, "Stage": "live"}),
        ]
    for identifier, kind, properties in made:
        resource = Resource("Chat", identifier, f"AWS::ApiGatewayV2::{kind}", properties)
        await provider.create(resource, properties)
    await provider.start()
    try:
        yield Scene(provider, functions_of_test)
    finally:
        await provider.stop()


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(10):
        return await socket.recv()
