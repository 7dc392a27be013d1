"""Updates that a service refuses, though the resource's schema calls the property changeable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

_REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
# type -> property -> what AWS says of its change. Each row's page is the type's in _REFERENCE.
FIXED: Mapping[str, Mapping[str, str]] = {
    "AWS::Cognito::UserPool": {
        "AliasAttributes": "a user pool's alias attributes can't change after it was created",
        "UsernameAttributes": "a user pool's username attributes can't change after creation",
        "UsernameConfiguration": "whether user names are case sensitive can't change any more",
    },
    "AWS::KMS::Key": {
        "KeySpec": "a KMS key's spec can't change after the key was created",
        "KeyUsage": "a KMS key's usage can't change after the key was created",
        "MultiRegion": "a KMS key can't become one of several regions, or of one, any more",
        "Origin": "a KMS key's origin can't change after the key was created",
    },
}
ANOMALIES = "load_balancing.algorithm.anomaly_mitigation"


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for change in update.of(Act.CHANGED):
            yield from _fixed(update, change)
            if change.resource.type == "AWS::DynamoDB::Table":
                yield from _indexes(update, change)
            if change.resource.type == "AWS::ElasticLoadBalancingV2::TargetGroup":
                yield from _stickiness(update, change)
                yield from _anomalies(update, change)


def _fixed(update: StackUpdate, change: Change) -> Iterator[Finding]:
    sentences = FIXED.get(change.resource.type, {})
    for name in change.properties:
        if name in sentences:
            advice = "Set it back, or make a new resource under another logical id"
            yield Finding(
                Kind.REFUSED, update.name, f"{change.resource.name}.{name}", sentences[name], advice
            )


def _indexes(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """ "You can create or delete one global secondary index" in one update of a table."""
    old, new = ({
        each["IndexName"] for each in (live.properties.get("GlobalSecondaryIndexes") or [])
    } for live in (change.before, change.after) if live)  # fmt: skip
    if len(old ^ new) > 1:
        yield Finding(
            Kind.REFUSED,
            update.name,
            change.resource.name,
            f"one update of a table creates or deletes one index, and these differ: "
            f"{', '.join(sorted(old ^ new))}",
            "Take one deployment for each",
        )


def _stickiness(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """A rule with several groups must stick to its groups before one of them sticks to targets.

    "If you enable sticky sessions on a target group of a rule with several, enable target group
    stickiness": https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html
    CloudFormation changes the group first, for the rule refers to it.
    """
    before, after = change.before, change.after
    if not before or not after or not update.before:
        return
    if before.attribute("stickiness.enabled") == after.attribute("stickiness.enabled"):
        return
    if after.attribute("stickiness.enabled") != "true":
        return
    for live in update.before.resources.values():
        for action in (
            *live.properties.get("Actions", ()),
            *live.properties.get("DefaultActions", ()),
        ):
            forward = action.get("ForwardConfig", {})
            groups = {each["TargetGroupArn"] for each in forward.get("TargetGroups", ())}
            sticks = forward.get("TargetGroupStickinessConfig", {}).get("Enabled")
            if before.ref in groups and len(groups) > 1 and not sticks:
                yield Finding(
                    Kind.REFUSED,
                    update.name,
                    after.name,
                    f"it begins to stick to targets, and {live.name}, which forwards to several "
                    "groups, does not stick to groups yet",
                    "Take two deployments: load_balancer.stickiness.kind group, then the other",
                )


def _anomalies(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """ "Anomaly mitigation is only available with weighted_random", and the attribute is not sent
    with another algorithm: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    """
    before, after = change.before, change.after
    if (
        before
        and after
        and before.attribute(ANOMALIES) == "on"
        and after.attribute(ANOMALIES) is None
    ):
        yield Finding(
            Kind.NOTE,
            update.name,
            after.name,
            "its algorithm changes while anomaly mitigation is on, and AWS does not say whether "
            "it accepts that in one step",
            "Take two deployments: load_balancer.anomaly_mitigation false, then the algorithm",
        )
