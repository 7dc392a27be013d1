"""Elastic Load Balancing's view: balancers, listeners, rules, target groups and their health."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator.describe.made import Made, NotFound, One

_TYPE = "AWS::ElasticLoadBalancingV2::"


class BalancerView:
    """`state` is the load balancing provider's."""

    def __init__(self, made: Made, state: Callable[[], Mapping[str, Any]]) -> None:
        self._made = made
        self._state = state

    def operations(self) -> dict[str, Any]:
        return {
            "DescribeLoadBalancers": self._balancers,
            "DescribeListeners": self._listeners,
            "DescribeRules": self._rules,
            "DescribeTargetGroups": self._groups,
            "DescribeTargetHealth": self._health,
        }

    def _of(self, kind: str, wanted: Iterable[str] = ()) -> list[One]:
        """The resources with the ARNs that were asked for; all of them where none was."""
        found = list(self._made.of(_TYPE + kind))
        if not (arns := set(wanted)):
            return found
        chosen = [one for one in found if one.created.ref in arns]
        if len(chosen) < len(arns):
            raise NotFound(f"{kind}NotFound", f"One or more {kind}s not found")
        return chosen

    def _named(self, given: Mapping[str, Any], kind: str) -> list[str]:
        """The names that were asked for. Raises NotFound for one that nothing has."""
        names: list[str] = given.get("Names", [])
        there = {one.created.attributes[f"{kind}Name"] for one in self._made.of(_TYPE + kind)}
        if not there.issuperset(names):
            raise NotFound(f"{kind}NotFound", f"One or more {kind}s not found")
        return names

    def _balancers(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = self._named(given, "LoadBalancer")
        return {
            "LoadBalancers": [
                {
                    "LoadBalancerArn": one.created.ref,
                    "DNSName": one.created.attributes["DNSName"],
                    "LoadBalancerName": one.created.attributes["LoadBalancerName"],
                    "Scheme": one.properties.get("Scheme", "internet-facing"),
                    "Type": one.properties.get("Type", "application"),
                    "State": {"Code": "active"},
                    "CreatedTime": self._made.since,
                }
                for one in self._of("LoadBalancer", given.get("LoadBalancerArns", []))
                if not names or one.created.attributes["LoadBalancerName"] in names
            ]
        }

    def _listeners(self, given: Mapping[str, Any]) -> dict[str, Any]:
        balancer = given.get("LoadBalancerArn")
        return {
            "Listeners": [
                {
                    "ListenerArn": one.created.ref,
                    "LoadBalancerArn": one.properties["LoadBalancerArn"],
                    "Port": one.properties.get("Port"),
                    "Protocol": one.properties.get("Protocol", "HTTP"),
                    "DefaultActions": one.properties["DefaultActions"],
                }
                for one in self._of("Listener", given.get("ListenerArns", []))
                if balancer in (None, one.properties["LoadBalancerArn"])
            ]
        }

    def _rules(self, given: Mapping[str, Any]) -> dict[str, Any]:
        listener = given.get("ListenerArn")
        return {
            "Rules": [
                {
                    "RuleArn": one.created.ref,
                    "Priority": str(one.properties["Priority"]),
                    "Conditions": one.properties["Conditions"],
                    "Actions": one.properties["Actions"],
                    "IsDefault": False,
                }
                for one in self._of("ListenerRule", given.get("RuleArns", []))
                if listener in (None, one.properties["ListenerArn"])
            ]
        }

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = self._named(given, "TargetGroup")
        return {
            "TargetGroups": [
                {
                    "TargetGroupArn": one.created.ref,
                    "TargetGroupName": one.created.attributes["TargetGroupName"],
                    "Protocol": one.properties.get("Protocol"),
                    "Port": one.properties.get("Port"),
                    "TargetType": one.properties.get("TargetType", "instance"),
                    "HealthCheckPath": one.properties.get("HealthCheckPath"),
                }
                for one in self._of("TargetGroup", given.get("TargetGroupArns", []))
                if not names or one.created.attributes["TargetGroupName"] in names
            ]
        }

    def _health(self, given: Mapping[str, Any]) -> dict[str, Any]:
        (one,) = self._of("TargetGroup", [given["TargetGroupArn"]])
        name = one.created.attributes["TargetGroupName"]
        groups = [each for each in self._state()["target_groups"] if each["name"] == name]
        targets = [target for group in groups for target in group["targets"]]
        asked = given.get("Targets", [])
        if not all(isinstance(each, Mapping) and each.get("Id") for each in asked):
            raise NotFound("ValidationError", "Each target needs an Id")
        found = [
            _described(target)
            for target in targets
            if not asked or any(_is(each, target) for each in asked)
        ]
        for each in asked:
            if not any(_is(each, target) for target in targets):
                found.append(_unregistered(each))
        return {"TargetHealthDescriptions": found}


def _is(asked: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """A target of type ip is asked for by its address. The port of one that is asked for without
    is that of its group; here each has another one, and all are meant."""
    host, _, port = str(target["address"]).rpartition(":")
    if asked["Id"] not in (target["id"], host or target["address"]):
        return False
    return not asked.get("Port") or str(asked["Port"]) == port


def _described(target: Mapping[str, Any]) -> dict[str, Any]:
    health = {name.title(): target[name] for name in ("state", "reason", "description")}
    return {"Target": {"Id": target["id"]}, "TargetHealth": health}


def _unregistered(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Source: TargetHealth, Elastic Load Balancing API reference."""
    health = {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }
    return {"Target": dict(asked), "TargetHealth": health}
