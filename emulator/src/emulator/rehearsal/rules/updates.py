"""Updates that a service rejects, though the resource's schema calls the property changeable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.rules.target_groups import forwards

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
    "AWS::Logs::LogGroup": {
        "LogGroupClass": "a log group's class can't change after the group was created",
    },
}
ANOMALIES = "load_balancing.algorithm.anomaly_mitigation"


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for change in update.of(Act.CHANGED):
            yield from _fixed(update, change)
            if change.before and change.after:
                yield from _of_parts(update, change.before, change.after)
            if change.resource.type == "AWS::DynamoDB::Table":
                yield from _indexes(update, change)
                yield from _stream(update, change)
            if change.resource.type == "AWS::ElasticLoadBalancingV2::TargetGroup":
                yield from _function(update, change)
                yield from _stickiness(update, change)
                yield from _anomalies(update, change)


def _fixed(update: StackUpdate, change: Change) -> Iterator[Finding]:
    sentences = FIXED.get(change.resource.type, {})
    for name in change.properties:
        if name in sentences:
            advice = "Set it back, or make a new resource under another logical id"
            yield Finding(
                Kind.REJECTED,
                update.name,
                f"{change.resource.name}.{name}",
                sentences[name],
                advice,
            )


def _of_parts(update: StackUpdate, before: Live, after: Live) -> Iterator[Finding]:
    """Updates that are rejected for the new value of a property."""
    sentence = advice = ""
    if after.custom and before.properties.get("ServiceToken") != after.properties.get(
        "ServiceToken"
    ):
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/802
        sentence = 'another function is to make it: "Modifying service token is not allowed"'
        advice = "Keep the function's logical id, or remove this by a deployment of its own first"
    elif after.type == "AWS::Cognito::UserPool" and _lost_attributes(before, after):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpool.html
        sentence = '"Existing schema attributes cannot be modified or deleted"'
        advice = "Keep them as they are; new ones may be added"
    elif after.type == "AWS::DynamoDB::Table" and _expires_by_another(before, after):
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
        sentence = '"TimeToLive is active on a different AttributeName"'
        advice = "Set Enabled to false first, wait an hour, and then name the other attribute"
    if sentence:
        yield Finding(Kind.REJECTED, update.name, after.name, sentence, advice)


def _lost_attributes(before: Live, after: Live) -> bool:
    return any(
        each not in (after.properties.get("Schema") or ())
        for each in before.properties.get("Schema") or ()
    )


def _expires_by_another(before: Live, after: Live) -> bool:
    old, new = (each.properties.get("TimeToLiveSpecification") or {} for each in (before, after))
    names = old.get("AttributeName"), new.get("AttributeName")
    return bool(_on(old) and _on(new) and names[0] != names[1])


def _on(specification: Mapping[str, Any]) -> bool:
    return str(specification.get("Enabled")).lower() == "true"


def _indexes(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """ "You can create or delete one global secondary index" in one update of a table, and change
    nothing of one that stays but its throughput."""
    old, new = ({
        each["IndexName"]: (each.get("KeySchema"), each.get("Projection"))
        for each in (live.properties.get("GlobalSecondaryIndexes") or [])
    } for live in (change.before, change.after) if live)  # fmt: skip
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield Finding(
                Kind.REJECTED,
                update.name,
                change.resource.name,
                f"the key and the projection of its index {name} can't change",
                "Make an index of another name, and delete this one by a later deployment",
            )
    if len(old.keys() ^ new.keys()) > 1:
        yield Finding(
            Kind.REJECTED,
            update.name,
            change.resource.name,
            f"one update of a table creates or deletes one index, and these differ: "
            f"{', '.join(sorted(old.keys() ^ new.keys()))}",
            "Take one deployment for each",
        )


def _stream(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """UpdateTable: "Table already has an enabled stream"; whether CloudFormation disables it first
    is not documented. https://github.com/hashicorp/terraform-provider-aws/issues/18402"""
    old, new = (
        (live.properties.get("StreamSpecification") or {}).get("StreamViewType") if live else None
        for live in (change.before, change.after)
    )
    if old and new and old != new:
        yield Finding(
            Kind.NOTE,
            update.name,
            f"{change.resource.name}.StreamSpecification",
            f"DynamoDB does not change a stream from {old} to {new}: it has to be disabled first, "
            "and the new one has another ARN",
            "Take two deployments: without a stream, and then with the new one",
        )


def _function(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """ "TargetGroup did not stabilize": https://github.com/aws/aws-cdk/issues/13833"""
    if change.resource.properties.get("TargetType") == "lambda" and "Targets" in change.properties:
        yield Finding(
            Kind.REJECTED,
            update.name,
            change.resource.name,
            "CloudFormation does not manage to put another function or alias into a target group",
            "Give it another name, so that a new one is made",
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
        for groups, sticks in forwards(live):
            if before.ref in groups and len(groups) > 1 and not sticks:
                yield Finding(
                    Kind.REJECTED,
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
