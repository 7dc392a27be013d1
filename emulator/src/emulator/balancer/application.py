"""The template's Application Load Balancer: its settings and rules, and the running listener."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Container
from typing import NamedTuple

from emulator import foreign
from emulator.balancer.listener import actions, rules
from emulator.balancer.listener.actions import Action
from emulator.balancer.listener.rules import Rule
from emulator.balancer.messages.head import Head
from emulator.balancer.properties import Arns, Properties, full_name, number_within, unsupported
from emulator.balancer.request_handler import RequestHandler
from emulator.balancer.routing import Router
from emulator.balancer.settings import (
    BalancerSettings,
    read_settings,
    with_listener_attributes,
)
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.wire.engine import Engine
from emulator.balancer.wire.shared import Counted, RequestCallbacks, Served, Shared
from emulator.clock import Clock
from emulator.listening import Port, number
from emulator.providers import Created, EmulatorError, Invoke
from emulator.resource import attributes_of

DEFAULT_PRIORITY = 50_001  # after every rule's, which go from 1 to 50,000


class _Listener(NamedTuple):
    arn: str
    settings: BalancerSettings
    rules: list[Rule]


class ApplicationBalancer:
    """One, with one HTTP listener on `port` (0 takes a free one). `random_bytes` is for traces."""

    def __init__(
        self,
        port: Port,
        arns: Arns,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        *,
        any_host: bool = False,
        names: Container[str] = (),
    ) -> None:
        """`any_host`: requests of foreign web pages are let in too, as an ALB does. `names` are the
        template's own domain names."""
        self._any_host = any_host
        self._names = names
        self._port = port
        self._arns = arns
        self._random = random_bytes
        self._settings = BalancerSettings()
        self._listeners: dict[str, _Listener] = {}
        self._added: dict[str, list[str]] = {}
        self._engine: Engine | None = None
        self.arn: str | None = None

    def create_balancer(self, where: str, name: str, properties: Properties) -> Created:
        """Raises EmulatorError for what the emulator does not support, as the others do."""
        if self.arn is not None:
            raise unsupported(where, "a second Application Load Balancer", "keep one")
        attributes = attributes_of(properties, "LoadBalancerAttributes")
        self._settings = read_settings(where, attributes)
        self.arn = self._arns.new("loadbalancer", f"app/{name}")
        return Created(
            self.arn,
            {
                "LoadBalancerArn": self.arn,
                "DNSName": f"127.0.0.1:{number(self._port)}",
                "LoadBalancerName": name,
                "LoadBalancerFullName": full_name(self.arn),
                "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
                "SecurityGroups": properties.get("SecurityGroups", []),
            },
        )

    def create_listener(self, where: str, properties: Properties) -> Created:
        """Makes a listener. What an HTTPS listener has is served by HTTP; an HTTP listener that
        redirects to it is left out."""
        protocol = properties.get("Protocol", "HTTP")
        if protocol not in ("HTTP", "HTTPS"):
            raise unsupported(where, f"a listener for {protocol}", "use HTTP or HTTPS")
        secure = protocol == "HTTPS"
        if secure and not properties.get("Certificates"):
            raise EmulatorError(f"{where}: a listener for HTTPS has a certificate: name one")
        wrong = ("MutualAuthentication", "AlpnPolicy", *(() if secure else ("SslPolicy",)))
        for name in wrong:
            if properties.get(name):
                raise unsupported(
                    where, f"{name} of a listener", "remove it, as TLS is not supported"
                )
        if protocol in self._listeners:
            raise unsupported(
                where, f"a second {protocol} listener", "keep one for this environment"
            )
        attributes = attributes_of(properties, "ListenerAttributes")
        settings = with_listener_attributes(where, self._settings, attributes)
        action = actions.read_actions(where, properties["DefaultActions"])
        arn = self._arns.below(properties["LoadBalancerArn"], "listener")
        self._listeners[protocol] = _Listener(arn, settings, [Rule(DEFAULT_PRIORITY, (), action)])
        self._check_redirect(where)
        return Created(arn, {"ListenerArn": arn})

    def create_distribution(self, where: str, properties: Properties) -> Created:
        """Takes a CloudFront distribution in front of this load balancer, whose port stands for it:
        requests get the headers that CloudFront adds, and nothing is cached."""
        config = properties["DistributionConfig"]
        for origin in config["Origins"]:
            if origin["DomainName"] not in self._names or "CustomOriginConfig" not in origin:
                name = origin["DomainName"]
                raise unsupported(where, f"the origin {name}", "use the load balancer's name")
            for header in origin.get("OriginCustomHeaders", ()):
                self._added[header["HeaderName"].lower()] = [header["HeaderValue"]]
        name = f"{self._random(7).hex()}.cloudfront.net"
        return Created("E1LOCAL", {"DomainName": name, "Id": "E1LOCAL"})

    def _check_redirect(self, where: str) -> None:
        secure = self._listeners.get("HTTPS")
        for rule in secure.rules if secure is not None else ():
            if isinstance(rule.action, actions.Redirect) and rule.action.protocol == "HTTP":
                raise EmulatorError(
                    f'{where}: "You can\'t redirect HTTPS to HTTP" (RedirectActionConfig, API '
                    "reference): set Protocol to HTTPS or #{protocol}"
                )
        http = self._listeners.get("HTTP")
        if http is None or "HTTPS" not in self._listeners:
            return
        if not all(isinstance(rule.action, actions.Redirect) for rule in http.rules):
            raise unsupported(
                where, "an HTTP listener that serves beside one for HTTPS", "let it redirect alone"
            )

    @property
    def rules(self) -> list[Rule]:
        """The rules of the listener that is served."""
        served = self._served
        return served.rules if served is not None else []

    @property
    def _served(self) -> _Listener | None:
        return self._listeners.get("HTTPS") or self._listeners.get("HTTP")

    def create_rule(self, where: str, properties: Properties) -> Created:
        if properties.get("Transforms"):
            raise unsupported(where, "a rule with transforms", "remove them")
        conditions = rules.read_conditions(where, properties["Conditions"])
        action: Action = actions.read_actions(where, properties["Actions"])
        priority = number_within(where, "Priority", properties["Priority"], 1, DEFAULT_PRIORITY - 1)
        of = next(
            (each for each in self._listeners.values() if each.arn == properties["ListenerArn"]),
            None,
        )
        if of is None:
            raise EmulatorError(f"{where}: no listener is {properties['ListenerArn']}")
        if any(rule.priority == priority for rule in of.rules):
            raise EmulatorError(f"{where}: another rule has priority {priority} already")
        hosts = rules.read_hosts(properties["Conditions"])
        of.rules.append(Rule(priority, conditions, action, hosts))
        self._check_redirect(where)
        arn = self._arns.below(properties["ListenerArn"], "listener-rule")
        return Created(arn, {"RuleArn": arn, "IsDefault": False})

    async def start(
        self,
        targets: Registrar,
        invoke: Invoke,
        clock: Clock,
        served: Served = lambda *_: None,
        counted: Counted = lambda *_: None,
    ) -> None:
        """Opens the listener, if the template has one. `served` is called for each request that a
        container has served, `counted` for all. Raises EmulatorError for a port that is taken."""
        listener = self._served
        if listener is None:
            return
        router = Router(
            targets.groups,
            now=clock.now,
            wall=time.time,
            random=random.random,
            random_bytes=self._random,
        )
        handler = RequestHandler(listener.rules, router, self._foreign, self._added)
        callbacks = RequestCallbacks(served, counted)
        shared = Shared(targets, invoke, listener.settings, self._random, callbacks)
        engine = Engine(handler, shared, self._port)
        await engine.start()
        self._engine = engine

    def _foreign(self, head: Head) -> str | None:
        if self._any_host:
            return None
        origins = head.values.get("origin")
        return foreign.reason(
            head.host or None,
            ", ".join(origins) if origins else None,
            self._is_expected,
            self._names,
        )

    def _is_expected(self, name: str) -> bool:
        asked = any(host.fullmatch(name) for rule in self.rules for host in rule.hosts)
        return asked or name in self._names

    async def stop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()

    @property
    def url(self) -> str:
        """The API's base URL; after `start`."""
        return self._engine.url if self._engine else f"http://127.0.0.1:{number(self._port)}"
