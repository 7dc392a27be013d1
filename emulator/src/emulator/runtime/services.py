"""The services that run what the template describes, and how they are connected."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from emulator.aws.calls import Calls
from emulator.balancer.provider import LoadBalancingProvider
from emulator.breaking import Broken
from emulator.clock import Clock
from emulator.console import token
from emulator.console.details import Details
from emulator.console.reports import Reports
from emulator.console.server import Console
from emulator.containers.provider import ContainerProvider
from emulator.describe.api import DescribeApi
from emulator.describe.balancers import BalancerView
from emulator.describe.cloudwatch import CloudWatchView
from emulator.describe.containers import EcsView
from emulator.describe.functions import LambdaView
from emulator.describe.logs import LogsView
from emulator.describe.made import Made
from emulator.describe.stacks import CloudFormationView
from emulator.describe.websocket import WebSocketView
from emulator.domains import of_template, origins
from emulator.events.provider import EventSourceProvider
from emulator.events.schedules import ScheduleProvider
from emulator.functions.asynchronous import AsynchronousProvider
from emulator.functions.code import RunCopies
from emulator.functions.environment import has_awslambdaric, link_runtime_packages
from emulator.functions.functions import Functions
from emulator.functions.invoke_api import InvokeApi
from emulator.functions.provider import FunctionProvider
from emulator.functions.reload import Reload
from emulator.functions.versions import VersionProvider
from emulator.functions.worker import Host
from emulator.gateway.provider import ApiGatewayProvider
from emulator.listening import HOST, number
from emulator.metrics import emf
from emulator.metrics.log_groups import LogGroupProvider
from emulator.metrics.monitor import Monitor, reported
from emulator.metrics.provider import CloudWatchProvider
from emulator.metrics.store import Store
from emulator.providers import InvokeResult
from emulator.resources.buckets import BucketProvider
from emulator.resources.clients import Clients
from emulator.resources.custom import CustomResourceProvider, Prepare
from emulator.resources.permissions import PermissionProvider
from emulator.resources.queues import QueueProvider, TopicProvider
from emulator.resources.secrets import KeyProvider, SecretProvider
from emulator.resources.tables import TableProvider
from emulator.resources.user_pools import UserPoolProvider
from emulator.runtime.endpoints import Endpoints
from emulator.runtime.measuring import MeasuredSystem
from emulator.runtime.project import APNS, FCM
from emulator.runtime.registry import Registry
from emulator.runtime.servers import API_ID, Servers
from emulator.template.assembly import Assembly
from emulator.traces.collector import Collector


class Component(Protocol):
    """Has sockets, processes or tasks of its own between `start` and `stop`."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Services:
    """`report` gets function errors and what is reloaded, line by line."""

    def __init__(self, servers: Servers, assembly: Assembly, report: Callable[[str], None]) -> None:
        self._servers = servers
        self._assembly = assembly
        self._report = report
        self._clock = Clock(servers.options.speed)
        self._run = servers.options.state / "run"
        resources = [each for stack in assembly.stacks for each in stack.resources()]
        self._domains = of_template(resources)
        here = f"http://{HOST}:{number(servers.ports.api)}"
        named = self._domains.local(here, servers.addresses.websocket)
        self._addresses = replace(servers.addresses, named=named)
        self.store = Store(self.metric_seconds)
        place = servers.place
        self.cloudwatch = CloudWatchProvider(
            self.store, place.region, place.account, reported(report), self._clock.speed
        )
        self._clients = Clients(self._addresses)
        self.permissions = PermissionProvider(
            servers.place, servers.options.iam, servers.denials, lambda: servers.aws.url
        )
        self.tables = TableProvider(self._clients, self.permissions.add_resource_policy)
        self.queues = QueueProvider(self._clients)
        self.secrets = SecretProvider(self._clients)
        self.copies = RunCopies(self._run)
        self.broken = Broken(servers.aws.url)
        servers.fcm.revoked = self.broken.revoked
        self.functions = self._functions()
        self.log_groups = LogGroupProvider(
            servers.options.logs, self.functions.functions, place.region, place.account
        )
        self.made = Made(place)
        calls, clock = Calls(self._addresses), self._clock
        self.asynchronous = AsynchronousProvider(self.functions, calls, clock, report)
        self.invoke_api = InvokeApi(
            self.functions, servers.ports.functions, self._describe, self.asynchronous.submit, place
        )
        push_secrets = servers.options.project.push_secrets
        self.collector = Collector(
            servers.ring, servers.aws.url, servers.options.data / f"{servers.options.env}.traces"
        )
        self.custom = CustomResourceProvider(
            self._invoke_permitted,
            servers.place,
            {kind: self._filler(names) for kind, names in push_secrets.items()},
        )
        self.gateway = self._gateway()
        self.balancer = self._balancer()
        self.events = EventSourceProvider(
            Calls(self._addresses),
            self.functions.invoke,
            self._clock,
            report,
            self.permissions,
            timeout=self.functions.timeout,
        )
        invoke = self.asynchronous.invoke
        self.schedules = ScheduleProvider(
            invoke, clock, report, place.region, place.account, self.permissions
        )
        self.containers = self._containers()
        self.monitor = self._monitor()
        self.reload = self._reload()
        self.console = self._console()

    async def _describe(self, request: web.BaseRequest) -> web.StreamResponse:
        made = self.made
        cloudwatch = CloudWatchView(self.cloudwatch, self.store, self._clock.speed)
        views = {
            "apigateway": WebSocketView(made).operations(),
            "cloudformation": CloudFormationView(made).operations(),
            "ecs": EcsView(made, self.containers.state).operations(),
            "elasticloadbalancing": BalancerView(made, self.balancer.state).operations(),
            "lambda": LambdaView(made).operations(),
            "logs": LogsView(self.log_groups).operations(),
            "monitoring": cloudwatch.operations(),
        }
        return await DescribeApi(views, made).handle(request)

    def _functions(self) -> Functions:
        packages = link_runtime_packages(self._servers.options.state / "runtime")
        host = Host(
            self._servers.children,
            packages,
            self._servers.place.region,
            own_runtime=not has_awslambdaric(),
            idle_limit=self._servers.options.idle_limit,
        )
        return Functions(host, self._report, ring=self._servers.ring, broken=self.broken)

    def metric_seconds(self) -> float:
        """The time in which metrics are counted: the epoch's, at the emulator's speed."""
        return time.time() * self._clock.speed

    def _gateway(self) -> ApiGatewayProvider:
        servers = self._servers
        return ApiGatewayProvider(
            self.functions.invoke,
            websocket_port=servers.ports.websocket,
            management_port=servers.ports.management,
            api_id=API_ID,
            ring=servers.ring,
            gate=self.permissions,
            names=self._domains,
            measure=self.store.put,
            log_file=self.log_groups.file,
        )

    def _balancer(self) -> LoadBalancingProvider:
        servers = self._servers
        return LoadBalancingProvider(
            self.functions.invoke,
            port=servers.ports.api,
            network_port=servers.ports.network,
            clock=self._clock,
            gate=self.permissions,
            ring=servers.ring,
            names=self._domains,
            measure=self.store.put,
        )

    def _console(self) -> Console:
        servers, project = self._servers, self._servers.options.project
        return Console(
            port=servers.ports.console,
            token=token.read_or_make(servers.options.state),
            status=servers.options.command("status"),
            state=self.state,
            containers=self.containers,
            weights=self.balancer,
            origins=self._origins,
            phones=servers.phones,
            load_path=project.load_path,
            details=self._details(),
            endpoints=lambda: replace(self.endpoints(), console=self.console.origin).as_json(),
            broken=self.broken,
            dashboard=lambda: self.cloudwatch.dashboard(self.metric_seconds()),
        )

    def _details(self) -> Details:
        servers, project = self._servers, self._servers.options.project
        return Details(
            servers.ring,
            fetch=self.collector.fetch,
            functions=self.functions,
            logs=servers.options.logs,
            clients=self._clients,
            queue_urls=self.queues.urls,
            tables=self.tables.names,
            field=project.trace_field,
            phones=servers.phones,
            owner=project.phone_owner,
            reports=Reports(project.directory, project.reports),
            encrypted=project.encrypted_fields,
        )

    def _monitor(self) -> Monitor:
        servers = self._servers
        measured = MeasuredSystem(
            servers.ring,
            servers.aws.url,
            fetch=self.collector.fetch,
            functions=self.functions,
            events=self.events,
            balancer=self.balancer,
            gateway=self.gateway,
            made=self.made,
            broken=self.broken,
        )
        return Monitor(
            self.store,
            self.cloudwatch,
            measured,
            self._clock,
            self.metric_seconds,
            emf.Logs(servers.options.logs, self.log_groups.filters),
        )

    def _containers(self) -> ContainerProvider:
        servers = self._servers
        return ContainerProvider(
            children=servers.children,
            targets=self.balancer.targets,
            container_asset=self._assembly.image,
            environment=self._addresses.environment,
            directory=self._run,
            logs=servers.options.logs,
            clock=self._clock,
            add_session=self.permissions.add_session,
        )

    def _reload(self) -> Reload:
        project = self._servers.options.project
        return Reload(
            project.source_directory,
            self.copies,
            [self._code_changed],
            self._report,
            templates=[project.directory / name for name in project.templates],
        )

    def registry(self) -> Registry:
        """The registry, with a provider for every type that has a local meaning."""
        servers = self._servers
        functions = FunctionProvider(
            self.functions,
            partial(self.copies.of_code, self._assembly.file),
            servers.options.logs,
            servers.place,
            self._addresses.environment,
            self.permissions.add_function,
        )
        return Registry(
            [
                self.permissions,
                self.tables,
                self.queues,
                self.secrets,
                UserPoolProvider(self._clients),
                KeyProvider(self._clients, self.permissions.add_resource_policy),
                TopicProvider(self._clients),
                BucketProvider(
                    self._clients,
                    servers.place.region,
                    lambda origin: origins(self._addresses.named, origin),
                ),
                functions,
                VersionProvider(self.functions),
                self.asynchronous,
                self.custom,
                self.gateway,
                self.balancer,
                self.containers,
                self.events,
                self.cloudwatch,
                self.log_groups,
                self.schedules,
            ],
            self.secrets.value,
        )

    def in_order(self) -> list[Component]:
        """The components in the order in which they start; they stop in the opposite one."""
        return [
            self.permissions,
            self.functions,
            self.asynchronous,
            self.invoke_api,
            self.gateway,
            self.balancer,
            self.containers,
            self.events,
            self.schedules,
            self.reload,
            self.console,
        ]

    def endpoints(self) -> Endpoints:
        servers = self._servers
        page = servers.options.project.page_path
        return Endpoints(
            env=servers.options.env,
            api=self.balancer.url,
            websocket=self._websocket_url(),
            aws=servers.aws.url,
            fcm=servers.fcm.url,
            apns=servers.apns.url,
            web_push=servers.web_push.url,
            console=self.console.url,
            pid=os.getpid(),
            nlb=self.balancer.network_url,
            project=str(servers.options.project.directory),
            down=servers.options.command("down"),
            page=f"{self.balancer.url}{page}" if page else None,
            names=self._domains.for_browsers(self.balancer.url, self._addresses.websocket),
        )

    def _websocket_url(self) -> str:
        """The API's; without one what the template's outputs have, where tasks hold sockets."""
        if self.gateway.has_api or self.made.stage is None:
            return self.gateway.websocket_url
        outputs = self.made.stage.outputs_with("://")
        found = (each for each in outputs if isinstance(each, str) and each.startswith("ws"))
        return self._addresses.environment({"URL": next(found, "")})["URL"]

    def _origins(self) -> dict[str, str]:
        network = self.balancer.network_url
        return {"alb": self.balancer.url, **({"nlb": network} if network else {})}

    async def state(self) -> dict[str, Any]:
        """The state of every component in one document, which the console shows."""
        merged: dict[str, Any] = {"pushes": self._servers.phones.summary()}
        running = self.balancer, self.containers, self.gateway, self.functions, self.events
        for component in (*running, self.permissions, self.cloudwatch, self.broken):
            merged |= component.state()
        for blocking in (self.tables, self.queues):
            merged |= await asyncio.to_thread(blocking.state)
        return merged

    async def _invoke_permitted(self, function: str, event: bytes) -> InvokeResult:
        """Invokes while resources are being created, with the permissions that exist by then."""
        await self.permissions.publish()
        return await self.functions.invoke(function, event)

    def _filler(self, secrets: Mapping[str, str]) -> Prepare:
        """Templates leave push credentials empty; here they are for the local FCM and APNs."""
        credentials = self._servers.credentials
        values = {FCM: credentials.service_account, APNS: credentials.apns}

        async def fill(properties: Mapping[str, Any]) -> None:
            for name, kind in secrets.items():
                if properties.get(name):
                    await self.secrets.fill(properties[name], values[kind])

        return fill

    def _code_changed(self, changed: list[Path]) -> None:
        self.functions.replace_workers()
        if sources := self._servers.options.project.source_directory:
            self.containers.sources_changed(sources, changed)
