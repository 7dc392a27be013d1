"""The provider of load balancers, target groups and rules: makes them and runs them.

application.py and network/balancer.py read what the template asks of each kind.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Container
from typing import Any

import aiohttp

from emulator.balancer import measuring
from emulator.balancer.application import ApplicationBalancer
from emulator.balancer.description import described
from emulator.balancer.listener import weights
from emulator.balancer.network.balancer import NetworkBalancer
from emulator.balancer.network.target_group import connect
from emulator.balancer.properties import Arns, Properties, unsupported
from emulator.balancer.routing import check_stickiness
from emulator.balancer.targets.checks import HealthChecker, open_session
from emulator.balancer.targets.health import Outcome
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import Target, TargetGroup, read_target_group
from emulator.clock import Clock
from emulator.functions.model import name_in
from emulator.iam.gate import Gate, OpenGate
from emulator.listening import Port
from emulator.metrics.store import Measure, unmeasured
from emulator.providers import Created, EmulatorError, Invoke, Resource
from emulator.resource import attributes_of
from emulator.traces.ring import REQUEST, Ring

PREFIX = "AWS::ElasticLoadBalancingV2::"
DISTRIBUTION = "AWS::CloudFront::Distribution"
LAMBDA_POOL = "lambda"
SERVICE = "elasticloadbalancing.amazonaws.com"


class LoadBalancingProvider:
    """One Application Load Balancer on `port` and one Network Load Balancer on `network_port`, or
    the one that the template has; 0 takes a free port.

    A target group's pool, in `state`, is its tag `pool`; without one, "lambda" or its own name.
    `clock` runs health checks and deregistration delays; `random_bytes` is for ids and traces.
    """

    types = (
        *(PREFIX + kind for kind in ("Listener", "ListenerRule", "LoadBalancer", "TargetGroup")),
        DISTRIBUTION,
    )

    def __init__(
        self,
        invoke: Invoke,
        *,
        port: Port,
        network_port: Port = 0,
        clock: Clock,
        region: str = "us-east-1",
        account: str = "123456789012",
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        any_host: bool = False,
        gate: Gate | None = None,
        ring: Ring | None = None,
        names: Container[str] = (),
        measure: Measure = unmeasured,
    ) -> None:
        self._measure = measure
        self._ring = ring
        self._gate = OpenGate() if gate is None else gate
        self._invoke = invoke
        self._clock = clock
        self._arns = Arns(region, account, random_bytes)
        self._application = ApplicationBalancer(
            port, self._arns, random_bytes, any_host=any_host, names=names
        )
        self._network = NetworkBalancer(network_port, self._arns)
        self._functions: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self._checker: HealthChecker | None = None
        self.targets = Registrar(self._check, clock)

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for what the emulator does not support."""
        where = str(resource)
        match resource.type.removeprefix(PREFIX):
            case "AWS::CloudFront::Distribution":
                return self._application.create_distribution(where, properties)
            case "LoadBalancer":
                name = properties.get("Name", resource.logical_id)
                return self._create_balancer(where, name, properties)
            case "TargetGroup":
                name = properties.get("Name", resource.logical_id)
                return self._create_group(where, name, properties)
            case "Listener" if ":loadbalancer/net/" in properties.get("LoadBalancerArn", ""):
                return self._network.create_listener(where, properties)
            case "Listener":
                return self._application.create_listener(where, properties)
            case _ if ":listener/net/" in properties.get("ListenerArn", ""):
                raise unsupported(
                    where, "a rule of a TCP listener", "forward by the listener alone"
                )
            case _:
                return self._application.create_rule(where, properties)

    def _create_balancer(self, where: str, name: str, properties: Properties) -> Created:
        match properties.get("Type", "application"):
            case "application":
                return self._application.create_balancer(where, name, properties)
            case "network":
                return self._network.create_balancer(where, name, properties)
            case kind:
                advice = "use an application or a network one"
                raise unsupported(where, f"a load balancer of type {kind}", advice)

    def _create_group(self, where: str, name: str, properties: Properties) -> Created:
        arn = self._arns.new("targetgroup", name)
        is_lambda = properties.get("TargetType") == "lambda"
        pool = attributes_of(properties, "Tags").get("pool", LAMBDA_POOL if is_lambda else name)
        over_http = is_lambda or properties.get("Protocol", "HTTP").startswith("HTTP")
        read = read_target_group if over_http else self._network.create_group
        self.targets.groups[arn] = read(where, arn, name, pool, properties)
        static = properties.get("Targets", ())
        if static and not is_lambda:
            raise unsupported(where, "a target by address", "let an ECS service register it")
        if len(static) > 1:
            raise EmulatorError(
                f'{where}: "You can register a single Lambda function with each target group" '
                "(user guide): make several target groups"
            )
        if static:
            self._functions[arn] = static[0]["Id"]
        balancer = self._application.arn if over_http else self._network.arn
        attributes = {
            "TargetGroupArn": arn,
            "TargetGroupName": name,
            "TargetGroupFullName": arn.rpartition(":")[2],
            "LoadBalancerArns": [balancer] if balancer else [],
        }
        return Created(arn, attributes)

    async def start(self) -> None:
        """Opens the listeners and registers the functions. Raises EmulatorError for a port that
        is taken, and for a function that may not be invoked. Containers register through
        `targets`."""
        self._connect_groups()
        self._check_permissions()
        self._session = open_session()
        self._checker = HealthChecker(self._session, self._invoke)
        try:
            await self._application.start(
                self.targets, self._invoke, self._clock, self._served, self._counted
            )
            await self._network.start(self.targets)
        except EmulatorError:
            await self.stop()
            raise
        for arn, function in self._functions.items():
            self.targets.register(arn, name_in(function), "", 0, function)

    def _served(self, target: str, what: str, trace: str, began: float, status: int | None) -> None:
        """A task's access key is its id, which is also the target's: its calls are known by it."""
        if self._ring is None:
            return
        error = "" if status is not None and status < 500 else f"status {status or 502}"
        milliseconds = round(1000 * (time.time() - began), 2)
        self._ring.add(
            REQUEST,
            target,
            by=target,
            at=began,
            ms=milliseconds,
            given=what,
            result=str(status or ""),
            error=error,
            id=trace,
        )

    def _counted(
        self, group: TargetGroup | None, status: int | None, seconds: float, own: int | None
    ) -> None:
        measuring.count(self._measure, self._application.arn, group, status, seconds, own)

    def measure_health(self) -> None:
        """Adds how many targets of each group are healthy now to its metrics."""
        for group in self.targets.groups.values():
            network = group.arn in self._network.settings
            balancer = self._network.arn if network else self._application.arn
            measuring.health(self._measure, balancer, group, network)

    def _check_permissions(self) -> None:
        """Checks that the load balancer may invoke its functions, as RegisterTargets does:
        docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html, "you must
        grant … permission to invoke"."""
        for arn, function in self._functions.items():
            if self._gate.invocation(SERVICE, function, arn):
                raise EmulatorError(
                    f"elasticloadbalancing principal does not have permission to invoke {function}"
                    f" from target group {arn}: its template needs an AWS::Lambda::Permission"
                )

    def _connect_groups(self) -> None:
        for arn, group in self.targets.groups.items():
            forwarded = weights.weight_of(self._application.rules, arn) is not None
            if forwarded and arn in self._network.settings:
                raise EmulatorError(f"{group.name}: a rule over HTTP forwards to it: make it HTTP")
            group.in_use = forwarded or arn == self._network.forwards_to
        check_stickiness(self._application.rules, self.targets.groups)

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await self.targets.stop()
            await self._network.stop()
            await self._application.stop()
            await session.close()

    @property
    def url(self) -> str:
        """The API's base URL; after `start`."""
        return self._application.url

    @property
    def network_url(self) -> str | None:
        """The Network Load Balancer's; None where the template has none."""
        return self._network.url

    async def _check(self, group: TargetGroup, target: Target) -> Outcome:
        if self._checker is None:
            raise RuntimeError("a target was registered before the load balancer started")
        network = self._network.settings.get(group.arn)
        if network is not None and network.check_by_connecting:
            return await connect(target)
        return await self._checker(group, target)

    def set_weight(self, pool: str, weight: int) -> None:
        """Of the pool's target group, in every rule that forwards to it. Raises UnknownPool (a
        LookupError) and BadWeight (a ValueError), see `emulator.balancer.listener.weights`."""
        weights.set_weight(self._application.rules, self.targets.groups.values(), pool, weight)

    def state(self) -> dict[str, Any]:
        """`{"target_groups": [...]}`, the network load balancer's last; see `description`."""
        now = self._clock.now()
        groups = [
            described(
                group,
                weights.weight_of(self._application.rules, group.arn),
                self._network.settings.get(group.arn),
                now,
                self._clock.real(now),
            )
            for group in self.targets.groups.values()
        ]
        return {"target_groups": sorted(groups, key=lambda group: group["balancer"] == "network")}
