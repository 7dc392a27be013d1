"""Elastic Load Balancing's view: balancers, listeners, rules, target groups and their health."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from emulator.describe.errors import CallError
from emulator.describe.made import Made, One, tags_of

_TYPE = "AWS::ElasticLoadBalancingV2::"
# The errors of AWS for a name or an ARN that nothing has; rules are ListenerRules in a template.
_ABSENT = {
    "Listener": ("ListenerNotFound", "One or more listeners not found"),
    "ListenerRule": ("RuleNotFound", "One or more rules not found"),
    "LoadBalancer": ("LoadBalancerNotFound", "One or more load balancers not found"),
    "TargetGroup": ("TargetGroupNotFound", "One or more target groups not found"),
}
_OF_ARN = {
    "loadbalancer": "LoadBalancer",
    "listener": "Listener",
    "listener-rule": "ListenerRule",
    "targetgroup": "TargetGroup",
}


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
            "DescribeTags": self._tags,
        }

    def _of(self, kind: str, wanted: Iterable[str] = ()) -> list[One]:
        """The resources with the ARNs that were asked for; all of them where none was."""
        found = list(self._made.of(_TYPE + kind))
        if not (arns := set(wanted)):
            return found
        chosen = [one for one in found if one.created.ref in arns]
        if len(chosen) < len(arns):
            raise CallError(*_ABSENT[kind])
        return chosen

    def _named(self, given: Mapping[str, Any], kind: str) -> list[str]:
        """The names that were asked for. Raises CallError for one that nothing has."""
        names: list[str] = given.get("Names", [])
        there = {one.created.attributes[f"{kind}Name"] for one in self._made.of(_TYPE + kind)}
        if not there.issuperset(names):
            raise CallError(*_ABSENT[kind])
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
        balancer = self._owner(given, "LoadBalancerArn", "ListenerArns")
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

    def _owner(self, given: Mapping[str, Any], name: str, below: str) -> str | None:
        """The balancer or listener of what is described, by its ARN; None where that is named
        itself. One of the two is needed: API reference of DescribeListeners and DescribeRules."""
        arn: str | None = given.get(name)
        if (arn is None) is (given.get(below) is None):
            text = f"You must specify either {name} or {below}"
            raise CallError("ValidationError", text)
        if arn is not None:
            self._of(name.removesuffix("Arn"), [arn])
        return arn

    def _rules(self, given: Mapping[str, Any]) -> dict[str, Any]:
        owner = self._owner(given, "ListenerArn", "RuleArns")
        listeners = self._of("Listener", () if owner is None else (owner,))
        rules = [rule for each in listeners for rule in self._rules_of(each)]
        wanted = set(given.get("RuleArns") or ())
        if not wanted.issubset(rule["RuleArn"] for rule in rules):
            raise CallError(*_ABSENT["ListenerRule"])
        return {"Rules": [rule for rule in rules if not wanted or rule["RuleArn"] in wanted]}

    def _rules_of(self, listener: One) -> list[dict[str, Any]]:
        """Each listener has a default rule, which is the last one."""
        rules = [
            {
                "RuleArn": one.created.ref,
                "Priority": str(one.properties["Priority"]),
                "Conditions": one.properties["Conditions"],
                "Actions": one.properties["Actions"],
                "IsDefault": False,
            }
            for one in self._of("ListenerRule")
            if one.properties["ListenerArn"] == listener.created.ref
        ]
        return [*sorted(rules, key=lambda rule: int(rule["Priority"])), _default_rule(listener)]

    def _groups(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = self._named(given, "TargetGroup")
        balancer = given.get("LoadBalancerArn")
        used = None if balancer is None else self._used(balancer)
        return {
            "TargetGroups": [
                {
                    "TargetGroupArn": one.created.ref,
                    "TargetGroupName": one.created.attributes["TargetGroupName"],
                    "Protocol": one.properties.get("Protocol"),
                    "Port": one.properties.get("Port"),
                    "TargetType": one.properties.get("TargetType", "instance"),
                    "HealthCheckPath": one.properties.get("HealthCheckPath"),
                    "LoadBalancerArns": self._balancers_of(one.created.ref),
                }
                for one in self._of("TargetGroup", given.get("TargetGroupArns", []))
                if (not names or one.created.attributes["TargetGroupName"] in names)
                and (used is None or one.created.ref in used)
            ]
        }

    def _used(self, balancer: str) -> set[str]:
        """The ARNs of the target groups that a balancer forwards to."""
        self._of("LoadBalancer", [balancer])
        mine = [
            one for one in self._of("Listener") if one.properties["LoadBalancerArn"] == balancer
        ]
        listeners = {one.created.ref for one in mine}
        rules = self._of("ListenerRule")
        actions = [one.properties["DefaultActions"] for one in mine]
        actions += [
            one.properties["Actions"] for one in rules if one.properties["ListenerArn"] in listeners
        ]
        return {arn for each in actions for action in each for arn in _groups_of(action)}

    def _balancers_of(self, group: str) -> list[str]:
        balancers = [one.created.ref for one in self._of("LoadBalancer")]
        return [each for each in balancers if group in self._used(each)]

    def _tags(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = []
        defaults = {_default_rule(each)["RuleArn"] for each in self._of("Listener")}
        for arn in given["ResourceArns"]:
            kind = _OF_ARN.get(str(arn).split(":")[-1].partition("/")[0], "LoadBalancer")
            made = self._of(kind, [arn]) if arn not in defaults else []  # which have no tags
            named = [pair for one in made for pair in tags_of(one.properties).items()]
            tags = [{"Key": key, "Value": value} for key, value in named]
            found.append({"ResourceArn": arn, "Tags": tags})
        return {"TagDescriptions": found}

    def _health(self, given: Mapping[str, Any]) -> dict[str, Any]:
        (one,) = self._of("TargetGroup", [given["TargetGroupArn"]])
        name = one.created.attributes["TargetGroupName"]
        groups = [each for each in self._state()["target_groups"] if each["name"] == name]
        targets = [target for group in groups for target in group["targets"]]
        asked = given.get("Targets", [])
        if not all(isinstance(each, Mapping) and each.get("Id") for each in asked):
            raise CallError("ValidationError", "Each target needs an Id")
        found = [
            _described(target)
            for target in targets
            if not asked or any(_is(each, target) for each in asked)
        ]
        for each in asked:
            if not any(_is(each, target) for target in targets):
                found.append(_unregistered(each))
        return {"TargetHealthDescriptions": found}


def _default_rule(listener: One) -> dict[str, Any]:
    return {
        "RuleArn": listener.created.ref.replace(":listener/", ":listener-rule/") + "/default",
        "Priority": "default",
        "Conditions": [],
        "Actions": listener.properties["DefaultActions"],
        "IsDefault": True,
    }


def _groups_of(action: Mapping[str, Any]) -> Iterator[str]:
    if "TargetGroupArn" in action:
        yield action["TargetGroupArn"]
    for each in action.get("ForwardConfig", {}).get("TargetGroups", []):
        yield each["TargetGroupArn"]


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
