"""The template's Network Load Balancer: its settings, and the running listener."""

from __future__ import annotations

from typing import Any

from emulator.balancer.network.attributes import (
    BALANCER_ATTRIBUTES,
    BALANCER_PROPERTIES,
    IDLE_TIMEOUT,
    LISTENER_ATTRIBUTES,
)
from emulator.balancer.network.listener import NetworkListener
from emulator.balancer.network.target_group import NetworkSettings, read_group, read_settings
from emulator.balancer.properties import (
    Arns,
    Properties,
    check_cross_zone,
    full_name,
    require_known,
    unsupported,
)
from emulator.balancer.targets.registrar import Registrar
from emulator.balancer.targets.target_group import TargetGroup
from emulator.listening import Port, number
from emulator.providers import Created, EmulatorError
from emulator.resource import attributes_of

IDLE_SECONDS = 350.0
SHORTEST_IDLE, LONGEST_IDLE = 60, 6000


class NetworkBalancer:
    """One, with one TCP listener on `port` (0 takes a free one)."""

    def __init__(self, port: Port, arns: Arns) -> None:
        self._port = port
        self._arns = arns
        self._idle_seconds = IDLE_SECONDS
        self._listener: NetworkListener | None = None
        self.arn: str | None = None
        self.forwards_to: str | None = None  # the ARN of the listener's target group
        self.settings: dict[str, NetworkSettings] = {}  # of its target groups, by ARN

    def create_balancer(self, where: str, name: str, properties: Properties) -> Created:
        """Raises EmulatorError for what the emulator does not support, as the others do."""
        if self.arn is not None:
            raise unsupported(where, "a second Network Load Balancer", "keep one")
        attributes = attributes_of(properties, "LoadBalancerAttributes")
        require_known(where, attributes, BALANCER_ATTRIBUTES)
        check_cross_zone(where, attributes)
        for unknown in sorted(properties.keys() - BALANCER_PROPERTIES):
            raise unsupported(where, f"the property {unknown}", "remove it for this environment")
        self.arn = self._arns.new("loadbalancer", f"net/{name}")
        return Created(
            self.arn,
            {
                "LoadBalancerArn": self.arn,
                "DNSName": f"127.0.0.1:{number(self._port)}",
                "LoadBalancerName": name,
                "LoadBalancerFullName": full_name(self.arn),
                "CanonicalHostedZoneID": "Z26RNL4JYFTOTI",
                "SecurityGroups": properties.get("SecurityGroups", []),
            },
        )

    def create_group(
        self, where: str, arn: str, name: str, pool: str, properties: Properties
    ) -> TargetGroup:
        self.settings[arn] = read_settings(where, properties)
        return read_group(where, arn, name, pool, properties)

    def create_listener(self, where: str, properties: Properties) -> Created:
        protocol = properties.get("Protocol")
        if protocol != "TCP" or properties.get("Certificates") or properties.get("AlpnPolicy"):
            raise unsupported(where, f"a network listener for {protocol}", "use plain TCP")
        if self.forwards_to is not None:
            raise unsupported(where, "a second TCP listener", "keep one for this environment")
        attributes = attributes_of(properties, "ListenerAttributes")
        require_known(where, attributes, LISTENER_ATTRIBUTES)
        idle = float(attributes.get(IDLE_TIMEOUT, IDLE_SECONDS))
        if not SHORTEST_IDLE <= idle <= LONGEST_IDLE:
            raise EmulatorError(
                f"{where}: {IDLE_TIMEOUT} {idle:g} is not within {SHORTEST_IDLE} to "
                f"{LONGEST_IDLE} s"
            )
        self._idle_seconds = idle
        self.forwards_to = self._only_group(where, properties["DefaultActions"])
        arn = self._arns.below(properties["LoadBalancerArn"], "listener")
        return Created(arn, {"ListenerArn": arn})

    def _only_group(self, where: str, given: list[dict[str, Any]]) -> str:
        config = given[0].get("ForwardConfig", {}) if len(given) == 1 else {}
        named = [entry["TargetGroupArn"] for entry in config.get("TargetGroups", ())]
        groups = named or [action.get("TargetGroupArn") for action in given]
        if len(groups) != 1 or given[0].get("Type") != "forward":
            raise unsupported(
                where, "anything but a forward to one target group", "forward to one, over TCP"
            )
        if groups[0] not in self.settings:
            raise EmulatorError(f"{where}: {groups[0]} is not a TCP target group: make it one")
        return str(groups[0])

    async def start(self, targets: Registrar) -> None:
        """Opens the listener, if the template has one. Raises EmulatorError for a port that is
        taken."""
        if self.forwards_to is None:
            return
        group, settings = targets.groups[self.forwards_to], self.settings[self.forwards_to]
        listener = NetworkListener(group, settings, targets, self._port, self._idle_seconds)
        await listener.start()
        self._listener = listener

    async def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.stop()

    @property
    def url(self) -> str | None:
        """Its base URL for HTTP clients; None where there is no such load balancer."""
        if self.forwards_to is None:
            return None
        return f"http://127.0.0.1:{self._listener.port if self._listener else number(self._port)}"
