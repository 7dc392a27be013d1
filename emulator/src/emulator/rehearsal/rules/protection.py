"""Deletion: what AWS does not delete, and what a rollback of a failed deployment leaves behind.

DeletionPolicy: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.rules.names import identity


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for change in update.of(Act.DELETED, Act.REPLACED):
            yield from _undeletable(update, change.before, change.act)
        for change in update.of(Act.CREATED):
            yield from _rolled_back(update, change.resource)


def protected(live: Live) -> bool:
    """Whether AWS rejects a deletion of it, whoever asks."""
    match live.type:
        case "AWS::DynamoDB::Table":
            return live.properties.get("DeletionProtectionEnabled") is True
        case "AWS::Cognito::UserPool":
            return live.properties.get("DeletionProtection") == "ACTIVE"
        case "AWS::ElasticLoadBalancingV2::LoadBalancer":
            return live.attribute("deletion_protection.enabled") == "true"
    return False


def _undeletable(update: StackUpdate, live: Live | None, act: Act) -> Iterator[Finding]:
    if live is None or not protected(live):
        return
    if act is Act.REPLACED and live.retained_when_replaced:
        return
    yield Finding(
        Kind.REJECTED,
        update.name,
        live.name,
        "AWS rejects its deletion while its deletion protection is on; the update ends without it, "
        "and it stays behind and costs",
        "Turn the protection off by a deployment of its own first",
    )


def _rolled_back(update: StackUpdate, live: Live) -> Iterator[Finding]:
    """When a deployment fails, CloudFormation deletes what it created."""
    policy = live.body.get("DeletionPolicy", "Delete")
    if protected(live) and policy != "Retain":
        yield Finding(
            Kind.ROLLBACK if update.before is None else Kind.NOTE,
            update.name,
            live.name,
            "if this deployment fails, its rollback has to delete it; AWS rejects that while its "
            "deletion protection is on (ROLLBACK_FAILED)",
            "Turn the protection on by a second deployment",
        )
    if policy == "Retain" and identity(live) is not None:
        yield Finding(
            Kind.ROLLBACK,
            update.name,
            live.name,
            "if this deployment fails, its rollback leaves it behind, and the next try finds its "
            "name taken",
            "Use the deletion policy RetainExceptOnCreate",
        )
