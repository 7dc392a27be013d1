"""Makes the template's load balancer and runs it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from local.balancer import actions, rules
from local.balancer.checks import HealthChecker
from local.balancer.forwarding import Forwarder, open_session
from local.balancer.health import Outcome
from local.balancer.plane import Plane
from local.balancer.refusals import Properties, attributes_of, not_played, require_known
from local.balancer.registrar import Registrar
from local.balancer.rules import Rule
from local.balancer.target_group import Target, TargetGroup, read_target_group
from local.clock import Clock
from local.listening import HttpListener
from local.providers import Created, Invoke, LocalModeError, Resource

log = logging.getLogger("local.balancer")

PREFIX = "AWS::ElasticLoadBalancingV2::"
DEFAULT_PRIORITY = 50_001  # after every rule's, which go from 1 to 50,000
LAMBDA_POOL = "lambda"

# What has no meaning on a laptop, or holds here by itself.
_ATTRIBUTES = {
    "access_logs.s3.bucket",
    "access_logs.s3.enabled",
    "access_logs.s3.prefix",
    "client_keep_alive.seconds",
    "connection_logs.s3.enabled",
    "deletion_protection.enabled",
    "idle_timeout.timeout_seconds",
    "load_balancing.cross_zone.enabled",
    "routing.http.desync_mitigation_mode",
    "routing.http.drop_invalid_header_fields.enabled",
    "routing.http2.enabled",
    "waf.fail_open.enabled",
}


class LoadBalancingProvider:
    """One Application Load Balancer with one HTTP listener, on `port` (0 takes a free one).

    A target group's pool, in `state`, is its tag `pool`; without one, "lambda" or its own name.
    `clock` runs health checks and deregistration delays; `random_bytes` is for ids and traces.
    """

    types = tuple(
        PREFIX + kind for kind in ("Listener", "ListenerRule", "LoadBalancer", "TargetGroup")
    )

    def __init__(
        self,
        invoke: Invoke,
        *,
        port: int,
        clock: Clock,
        region: str = "us-east-1",
        account: str = "123456789012",
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._invoke = invoke
        self._port = port
        self._scope = f"arn:aws:elasticloadbalancing:{region}:{account}"
        self._random = random_bytes
        self._rules: list[Rule] = []
        self._functions: dict[str, str] = {}
        self._balancer: str | None = None
        self._listening = False
        self._idle_seconds = 60.0
        self._drop_invalid_headers = False
        self._checker: HealthChecker | None = None
        self._listener: HttpListener | None = None
        self.targets = Registrar(self._check, clock)

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises LocalModeError for what local mode doesn't play."""
        match resource.type.removeprefix(PREFIX):
            case "LoadBalancer":
                return self._create_balancer(resource, properties)
            case "TargetGroup":
                return self._create_group(resource, properties)
            case "Listener":
                return self._create_listener(resource, properties)
            case _:
                return self._create_rule(resource, properties)

    def _create_balancer(self, resource: Resource, properties: Properties) -> Created:
        where = str(resource)
        kind = properties.get("Type", "application")
        if kind != "application":
            raise not_played(where, f"a load balancer of type {kind}", "use an application one")
        if self._balancer is not None:
            raise not_played(where, "a second load balancer", "keep one for this environment")
        attributes = attributes_of(properties, "LoadBalancerAttributes")
        require_known(where, attributes, _ATTRIBUTES)
        self._idle_seconds = float(attributes.get("idle_timeout.timeout_seconds", 60))
        drop = attributes.get("routing.http.drop_invalid_header_fields.enabled", "false")
        self._drop_invalid_headers = drop == "true"
        name = properties.get("Name", resource.logical_id)
        full_name = f"app/{name}/{self._random(8).hex()}"
        self._balancer = f"{self._scope}:loadbalancer/{full_name}"
        return Created(
            self._balancer,
            {
                "LoadBalancerArn": self._balancer,
                "DNSName": f"127.0.0.1:{self._port}",
                "LoadBalancerName": name,
                "LoadBalancerFullName": full_name,
                "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
                "SecurityGroups": properties.get("SecurityGroups", []),
            },
        )

    def _create_group(self, resource: Resource, properties: Properties) -> Created:
        name = properties.get("Name", resource.logical_id)
        full_name = f"targetgroup/{name}/{self._random(8).hex()}"
        arn = f"{self._scope}:{full_name}"
        is_lambda = properties.get("TargetType") == "lambda"
        tags = attributes_of(properties, "Tags")
        pool = tags.get("pool", LAMBDA_POOL if is_lambda else name)
        self.targets.groups[arn] = read_target_group(str(resource), arn, name, pool, properties)
        static = properties.get("Targets", ())
        if static and not is_lambda:
            raise not_played(str(resource), "a target by address", "let an ECS service register it")
        if static:
            self._functions[arn] = static[0]["Id"]
        attributes = {
            "TargetGroupArn": arn,
            "TargetGroupName": name,
            "TargetGroupFullName": full_name,
            "LoadBalancerArns": [self._balancer] if self._balancer else [],
        }
        return Created(arn, attributes)

    def _create_listener(self, resource: Resource, properties: Properties) -> Created:
        where = str(resource)
        protocol = properties.get("Protocol", "HTTP")
        if protocol != "HTTP" or properties.get("Certificates"):
            raise not_played(where, f"a listener for {protocol}", "use HTTP in this environment")
        if self._listening:
            raise not_played(where, "a second listener", "keep one for this environment")
        self._listening = True
        action = actions.read_actions(where, properties["DefaultActions"])
        self._rules.append(Rule(DEFAULT_PRIORITY, (), action))
        balancer = str(properties["LoadBalancerArn"]).partition(":loadbalancer/")[2]
        arn = f"{self._scope}:listener/{balancer}/{self._random(8).hex()}"
        return Created(arn, {"ListenerArn": arn})

    def _create_rule(self, resource: Resource, properties: Properties) -> Created:
        where = str(resource)
        if properties.get("Transforms"):
            raise not_played(where, "a rule with transforms", "remove them")
        conditions = tuple(rules.read_condition(where, c) for c in properties["Conditions"])
        action = actions.read_actions(where, properties["Actions"])
        priority = int(properties["Priority"])
        if any(rule.priority == priority for rule in self._rules):
            raise LocalModeError(f"{where}: another rule has priority {priority} already")
        self._rules.append(Rule(priority, conditions, action))
        listener = str(properties["ListenerArn"]).partition(":listener/")[2]
        arn = f"{self._scope}:listener-rule/{listener}/{self._random(8).hex()}"
        return Created(arn, {"RuleArn": arn, "IsDefault": False})

    async def start(self) -> None:
        """Opens the listener and registers the functions. Raises LocalModeError for a port that
        is taken. Containers register through `targets`."""
        if not self._listening:
            return
        self._session = open_session()
        self._checker = HealthChecker(self._session, self._invoke)
        forwarder = Forwarder(self._session, self._invoke, self._idle_seconds)
        plane = Plane(
            self._rules,
            self.targets,
            forwarder,
            self._random,
            drop_invalid_headers=self._drop_invalid_headers,
        )
        listener = HttpListener(plane.handle, self._port, "the load balancer")
        try:
            await listener.start()
        except LocalModeError:
            await self._session.close()
            raise
        self._listener = listener
        plane.port = listener.port
        for arn, function in self._functions.items():
            self.targets.register(arn, function.rpartition(":")[2], "", 0, function)

    async def stop(self) -> None:
        if self._listener is None:
            return
        await self.targets.stop()
        await self._listener.stop()
        await self._session.close()
        self._listener = None

    @property
    def url(self) -> str:
        """The API's base URL; after `start`."""
        return self._listener.url if self._listener else f"http://127.0.0.1:{self._port}"

    async def _check(self, group: TargetGroup, target: Target) -> Outcome:
        if self._checker is None:
            raise RuntimeError("a target was registered before the load balancer started")
        return await self._checker(group, target)

    def state(self) -> dict[str, Any]:
        """`{"target_groups": [{name, pool, algorithm, weight, targets}]}`; weight None for a group
        that no rule forwards to, algorithm None for a function's."""
        return {"target_groups": [self._described(g) for g in self.targets.groups.values()]}

    def _described(self, group: TargetGroup) -> dict[str, Any]:
        return {
            "name": group.name,
            "pool": group.pool,
            "algorithm": None if group.kind == "lambda" else group.settings.algorithm,
            "weight": self._weight(group.arn),
            "targets": [
                {
                    "id": target.id,
                    "address": target.address,
                    "state": target.health.state,
                    "reason": target.health.reason,
                    "in_flight": target.in_flight,
                    "requests": target.requests,
                }
                for target in group.targets.values()
            ],
        }

    def _weight(self, arn: str) -> int | None:
        """In the forward action that names most groups: that is where weights mean something."""
        forwards = [rule.action for rule in self._rules if isinstance(rule.action, actions.Forward)]
        named = [forward.weights for forward in forwards if arn in forward.weights]
        return max(named, key=len)[arn] if named else None
