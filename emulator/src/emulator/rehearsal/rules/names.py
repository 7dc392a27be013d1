"""Names that can be held once: a replacement is created before the old resource is deleted.

"CloudFormation cannot update a stack when a custom-named resource requires replacing."
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.schemas import create_only
from emulator.rehearsal.values import same_place

# Of a resource that has no name of its own: the properties that only one resource may have alike.
ONE_OF_A_KIND: Mapping[str, tuple[str, ...]] = {
    "AWS::ElasticLoadBalancingV2::Listener": ("LoadBalancerArn", "Port"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("ListenerArn", "Priority"),
    "AWS::EC2::Route": ("RouteTableId", "DestinationCidrBlock"),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId",),
    "AWS::EC2::VPCGatewayAttachment": ("VpcId", "InternetGatewayId"),
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn", "FunctionName"),
    "AWS::ApiGatewayV2::Route": ("ApiId", "RouteKey"),
    "AWS::ApiGatewayV2::RouteResponse": ("RouteId", "RouteResponseKey"),
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageName"),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn",),
}


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        for change in update.of(Act.CREATED, Act.REPLACED):
            yield from _taken(update, change.resource)
            yield from _overlapping(update, change.resource)


def identity(live: Live) -> tuple[Any, ...] | None:
    """What no second resource may have alike; None where there is nothing of the kind."""
    names = ONE_OF_A_KIND.get(live.type)
    if names is None:
        names = _custom_name(live)
    values = tuple(_plain(live.properties.get(name)) for name in names or ())
    return (live.type, *values) if values and None not in values else None


def _custom_name(live: Live) -> tuple[str, ...]:
    """A property such as Name, TableName of a Table, or GroupName. CloudFormation makes up a name
    where none is given."""
    kind = live.type.rpartition("::")[2]
    usual = {"Name", f"{kind}Name", "GroupName", "DBClusterIdentifier"}
    return tuple(path[0] for path in create_only(live.type) if len(path) == 1 and path[0] in usual)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, int | str) else None


def _taken(update: StackUpdate, live: Live) -> Iterator[Finding]:
    wanted = identity(live)
    if wanted is None:
        return
    for stack in update.account.values():
        if not same_place(stack.place, update.after.place):
            continue
        for other in stack.resources.values():
            if identity(other) == wanted and not _made_way(update, other):
                shown = " and ".join(str(value) for value in wanted[1:])
                whose = "" if other.logical_id == live.logical_id else f" by {other.name}"
                yield Finding(
                    Kind.REFUSED,
                    update.name,
                    live.name,
                    f"it is created before the old one is deleted, and {shown} is held{whose}",
                    "Give it another name, or remove the old one by a deployment of its own",
                )


def _made_way(update: StackUpdate, other: Live) -> bool:
    """Whether the other one has another identity by the time: updates come before creations that
    depend on them only by chance, so only a changed one that this stack updates counts."""
    now = update.after.resources.get(other.logical_id)
    return (
        other.stack == update.name
        and now is not None
        and now.ref == other.ref
        and identity(now) != identity(other)
    )


def _overlapping(update: StackUpdate, live: Live) -> Iterator[Finding]:
    """ "The CIDR '...' conflicts with another subnet": of the same VPC, which are still there."""
    if live.type != "AWS::EC2::Subnet":
        return
    own = IPv4Network(live.properties["CidrBlock"])
    for other in (update.before.resources if update.before else {}).values():
        if other.type == live.type and other.properties["VpcId"] == live.properties["VpcId"]:
            now = update.after.resources.get(other.logical_id)
            stays = now is not None and now.ref == other.ref
            if not stays and own.overlaps(IPv4Network(other.properties["CidrBlock"])):
                yield Finding(
                    Kind.REFUSED,
                    update.name,
                    live.name,
                    f'"The CIDR {own} conflicts with another subnet": {other.name}, which is '
                    "deleted only afterwards",
                    "Use other addresses, or remove the old subnet by a deployment of its own",
                )
                return
