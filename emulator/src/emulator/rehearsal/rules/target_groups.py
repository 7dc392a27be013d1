"""Target groups that a second load balancer wants while the first still has them.

"The following target groups cannot be associated with more than one load balancer": a replaced
load balancer is deleted, with its listeners, only after the new listeners were made.
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/424
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.rehearsal.account import DeployedStack, Live
from emulator.rehearsal.changes import Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

GROUP, LISTENER, RULE = (
    f"AWS::ElasticLoadBalancingV2::{kind}" for kind in ("TargetGroup", "Listener", "ListenerRule")
)


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        if update.before and not update.skipped:
            yield from _wanted_twice(update, update.before)


def forwards(live: Live) -> Iterator[tuple[set[str], bool]]:
    """The target groups of each forward of a listener or a rule, and whether that sticks to one of
    them."""
    if live.type not in (LISTENER, RULE):
        return
    for action in (*live.properties.get("Actions", ()), *live.properties.get("DefaultActions", ())):
        config = action.get("ForwardConfig", {})
        named = [each.get("TargetGroupArn") for each in (*config.get("TargetGroups", ()), action)]
        sticks = config.get("TargetGroupStickinessConfig", {}).get("Enabled")
        yield {each for each in named if each}, bool(sticks)


def _wanted_twice(update: StackUpdate, before: DeployedStack) -> Iterator[Finding]:
    old, new = _balancers(before.resources), _balancers(update.after.resources)
    for live in update.after.resources.values():
        had, has = old.get(live.ref, set()), new.get(live.ref, set())
        if live.type == GROUP and had and has - had:
            yield Finding(
                Kind.REJECTED,
                update.name,
                live.name,
                "it stays with the old load balancer until that is deleted, and a target group "
                "can't have two",
                "Give it another logical id along with the load balancer",
            )


def _balancers(resources: Mapping[str, Live]) -> dict[str, set[Any]]:
    """Target group -> the load balancers whose listeners and rules forward to it."""
    listeners = {
        live.ref: live.properties.get("LoadBalancerArn")
        for live in resources.values()
        if live.type == LISTENER
    }
    found: dict[str, set[Any]] = {}
    for live in resources.values():
        balancer = listeners.get(live.properties.get("ListenerArn", live.ref))
        for groups, _ in forwards(live):
            for group in groups:
                found.setdefault(group, set()).add(balancer)
    return found
