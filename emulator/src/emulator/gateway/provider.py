"""The provider of the template's WebSocket API: makes it and runs it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from emulator.clock import Clock
from emulator.gateway import model
from emulator.gateway.access_log import AccessLog, group_of, unlogged
from emulator.gateway.connections import Registry
from emulator.gateway.dispatch import NAMESPACE, Dispatcher
from emulator.gateway.listener import WebSocketListener
from emulator.gateway.management import ManagementApi
from emulator.gateway.model import Authorizer, Integration, Properties, WebSocketApi
from emulator.iam.gate import Gate, OpenGate
from emulator.listening import Port, number
from emulator.metrics.store import Measure, unmeasured
from emulator.providers import Created, EmulatorError, Invoke, Resource
from emulator.template.place import partition_of, url_suffix_of
from emulator.traces.ring import Ring

PREFIX = "AWS::ApiGatewayV2::"


class ApiGatewayProvider:
    """`clock` runs the 10 minute and 2 hour limits: give it speed 1, as clients ping in real time.

    `gate` decides what API Gateway may invoke and who may post. `now` gives epoch seconds,
    `random_bytes` n random bytes. Ports of 0 take free ones.
    """

    types = tuple(
        PREFIX + kind
        for kind in (
            "Api",
            "ApiMapping",
            "Authorizer",
            "Deployment",
            "DomainName",
            "Integration",
            "Route",
            "RouteResponse",
            "Stage",
        )
    )

    def __init__(
        self,
        invoke: Invoke,
        *,
        websocket_port: Port,
        management_port: Port,
        api_id: str = "local0ws1d",
        clock: Clock | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        now: Callable[[], float] = time.time,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        ring: Ring | None = None,
        gate: Gate | None = None,
        names: Container[str] = (),
        measure: Measure = unmeasured,
        log_file: Callable[[str], Path] | None = None,
    ) -> None:
        """`names` are the template's own domain names, whose pages may connect; `log_file` gives
        the file that stands for a log group."""
        self._log_file = log_file
        self._access_log: AccessLog | None = None
        self._names = names
        self._mappings: dict[str, str] = {}
        self._measure = measure
        self._gate = OpenGate() if gate is None else gate
        self._ring = Ring(now) if ring is None else ring
        self._invoke = invoke
        self._ports = (websocket_port, management_port)
        self._clock = clock or Clock()
        self._region, self._account = region, account
        self._now, self._random = now, random_bytes
        self.api_id = api_id
        self._api: Properties | None = None
        self._stage: str | None = None
        self._stage_settings: Properties = {}
        self._integrations: dict[str, Integration] = {}
        self._authorizers: dict[str, Authorizer] = {}
        self._routes: dict[str, Properties] = {}
        self._with_response: set[str] = set()
        self.registry = Registry()
        self._listener: WebSocketListener | None = None
        self._management: ManagementApi | None = None

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what API Gateway has and the emulator does not support."""
        identifier = resource.logical_id
        match resource.type.removeprefix(PREFIX):
            case "Api":
                return self._create_api(properties)
            case "Stage":
                if self._stage is not None:
                    raise EmulatorError("a WebSocket API has one stage in the emulator")
                self._stage = model.read_stage(properties)
                self._stage_settings = properties
                self._read_log(properties.get("AccessLogSettings", {}))
                return Created(self._stage)
            case "Integration":
                self._integrations[identifier] = model.read_integration(properties)
                return Created(identifier, {"IntegrationId": identifier})
            case "Authorizer":
                self._authorizers[identifier] = model.read_authorizer(properties, identifier)
                return Created(identifier, {"AuthorizerId": identifier})
            case "Route":
                self._add_route(identifier, properties)
                return Created(identifier, {"RouteId": identifier})
            case "RouteResponse":
                if properties["RouteResponseKey"] != "$default":
                    raise EmulatorError("a WebSocket API's only route response key is $default")
                self._with_response.add(properties["RouteId"])
                return Created(identifier, {"RouteResponseId": identifier})
            case "DomainName":
                return self._create_domain(str(properties["DomainName"]))
            case "ApiMapping":
                self._mappings[str(properties["DomainName"])] = model.read_mapping(properties)
                return Created(identifier, {"ApiMappingId": identifier})
            case _:  # a Deployment is a snapshot of the rest
                return Created(identifier, {"DeploymentId": identifier})

    def _add_route(self, identifier: str, properties: Properties) -> None:
        """Raises EmulatorError, as in github.com/serverless/serverless/issues/7260."""
        key = properties["RouteKey"]
        if key in (each["RouteKey"] for each in self._routes.values()):
            raise EmulatorError(f"Route with key {key} already exists for this API")
        self._routes[identifier] = properties

    def _read_log(self, settings: Properties) -> None:
        if self._log_file is not None and settings.get("DestinationArn"):
            file = self._log_file(group_of(settings["DestinationArn"]))
            self._access_log = AccessLog(str(settings.get("Format", "")), file)

    def _create_domain(self, name: str) -> Created:
        arn = f"arn:{partition_of(self._region)}:apigateway:{self._region}::/domainnames/{name}"
        regional = f"d-{self.api_id}.execute-api.{self._region}.{url_suffix_of(self._region)}"
        attributes = {"RegionalDomainName": regional, "RegionalHostedZoneId": "Z1UJRXOUMOOFQ8"}
        return Created(name, {"DomainName": name, "DomainNameArn": arn, **attributes})

    def _create_api(self, properties: Properties) -> Created:
        if self._api is not None:
            raise EmulatorError("the emulator runs one WebSocket API, the template has two")
        model.read_selection(properties)
        self._api = properties
        domain = f"{self.api_id}.execute-api.{self._region}.{url_suffix_of(self._region)}"
        return Created(self.api_id, {"ApiId": self.api_id, "ApiEndpoint": f"wss://{domain}"})

    async def start(self) -> None:
        """Opens both listeners. Raises EmulatorError when a port is taken."""
        if self._api is None or self._stage is None:
            return
        dispatcher = Dispatcher(
            self._described(self._api, self._stage),
            self._invoke,
            self._region,
            self._account,
            self._now,
            self._random,
            gate=self._gate,
            measure=self._measure,
            access=self._access_log.write if self._access_log else unlogged,
        )
        websocket_port, management_port = self._ports
        self._management = ManagementApi(
            self.registry,
            self._stage,
            management_port,
            dispatcher.new_id,
            self._ring,
            lambda headers, path: self._gate.connections(headers, f"{dispatcher.arn}{path}"),
            self._region,
        )
        self._listener = WebSocketListener(
            dispatcher, self.registry, websocket_port, self._clock, self._names
        )
        await self._management.start()
        await self._listener.start()

    def _described(self, api: Properties, stage: str) -> WebSocketApi:
        routes = {}
        for identifier, properties in self._routes.items():
            route = model.read_route(
                properties, self._integrations, self._authorizers, identifier in self._with_response
            )
            routes[route.key] = route
        model.check_route_settings(self._stage_settings, routes)
        return WebSocketApi(self.api_id, stage, model.read_selection(api), routes, self._mappings)

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.stop()
        if self._management is not None:
            await self._management.stop()
        if self._access_log is not None:
            self._access_log.close()

    @property
    def has_api(self) -> bool:
        """Whether the template has a WebSocket API."""
        return self._api is not None

    @property
    def websocket_url(self) -> str:
        """The URL with the stage; after `start`."""
        port = self._listener.port if self._listener else number(self._ports[0])
        return f"ws://127.0.0.1:{port}/{self._stage}"

    @property
    def management_url(self) -> str:
        """The URL with the stage, as CONNECTIONS_URL has it; after `start`."""
        port = self._management.listener.port if self._management else number(self._ports[1])
        return f"http://127.0.0.1:{port}/{self._stage}"

    def measure_posts(self, posts: int) -> None:
        """Frames that were posted on connections count as messages, as on AWS; so do open
        connections, which AWS has no metric of, in a namespace of the emulator's."""
        dimensions = {"ApiId": self.api_id, "Stage": self._stage or ""}
        for _ in range(posts):
            self._measure(NAMESPACE, "MessageCount", 1, dimensions)
        connections = sum(1 for _ in self.registry)
        self._measure("Emulator", "Connections", connections, dimensions)

    def state(self) -> dict[str, Any]:
        """`{"connections": [{id, user, device, connected_at, last_active_at, received, sent}]}`;
        user and device as the authorizer's context names them, times in epoch seconds."""
        return {
            "connections": [
                {
                    "id": connection.info.connection_id,
                    "user": connection.info.authorizer.get("user"),
                    "device": connection.info.authorizer.get("device"),
                    "connected_at": connection.info.connected_at,
                    "last_active_at": connection.last_active_at,
                    "received": connection.received,
                    "sent": connection.sent,
                }
                for connection in self.registry
            ]
        }
