"""Names that can be held once: a replacement is created before the old resource is deleted.

"CloudFormation cannot update a stack when a custom-named resource requires replacing."
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from emulator.rehearsal.account import Live
from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind
from emulator.rehearsal.schemas import create_only, given_identifier
from emulator.rehearsal.values import readable
from emulator.template.place import same_place

# Of a resource that has no name of its own: the properties that only one resource may have alike.
ONE_OF_A_KIND: Mapping[str, tuple[str, ...]] = {
    "AWS::ElasticLoadBalancingV2::Listener": ("LoadBalancerArn", "Port"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("ListenerArn", "Priority"),
    # Resource.AlreadyAssociated: https://github.com/pulumi/pulumi-aws/issues/1483
    "AWS::EC2::NatGateway": ("AllocationId",),
    "AWS::EC2::SecurityGroup": ("VpcId", "GroupName"),
    "AWS::EC2::SecurityGroupEgress": (
        *("GroupId", "IpProtocol", "FromPort", "ToPort", "DestinationSecurityGroupId"),
    ),
    "AWS::EC2::SecurityGroupIngress": (
        *("GroupId", "IpProtocol", "FromPort", "ToPort", "SourceSecurityGroupId"),
    ),
    "AWS::EC2::Route": ("RouteTableId", "DestinationCidrBlock"),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId",),
    "AWS::EC2::VPCGatewayAttachment": ("VpcId", "InternetGatewayId"),
    "AWS::Lambda::Alias": ("FunctionName", "Name"),
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn", "FunctionName"),
    "AWS::ApiGatewayV2::Route": ("ApiId", "RouteKey"),
    "AWS::ApiGatewayV2::RouteResponse": ("RouteId", "RouteResponseKey"),
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageName"),
    # "... but it already exists", in ChangeResourceRecordSets' words
    "AWS::Route53::RecordSet": ("HostedZoneId", "Name", "Type"),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn",),
}


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        claimed: dict[tuple[Any, ...], Live] = {}
        for change in update.of(Act.CREATED, Act.REPLACED, Act.CHANGED):
            wanted = identity(change.resource)
            had = identity(change.before) if change.before else None
            if wanted is None or (change.act is Act.CHANGED and wanted == had):
                continue
            if wanted in claimed:
                yield _held(update, change.resource, claimed[wanted], wanted)
            claimed[wanted] = change.resource
            yield from _taken(update, change, wanted)
        for change in update.of(Act.CREATED, Act.REPLACED):
            yield from _overlapping(update, change.resource)


def identity(live: Live) -> tuple[Any, ...] | None:
    """The properties that no second resource may have alike; None where there are none."""
    names = ONE_OF_A_KIND.get(live.type)
    if names is None:
        names = _custom_name(live)
    values = tuple(_plain(live.properties.get(name)) for name in names or ())
    return (live.type, *values) if values and None not in values else None


def _custom_name(live: Live) -> tuple[str, ...]:
    """A property such as Name, TableName of a Table, or GroupName, or those that identify it, such
    as the bucket of a bucket's policy. CloudFormation makes up a name where none is given."""
    kind = live.type.rpartition("::")[2]
    usual = {"Name", f"{kind}Name", "GroupName", "DBClusterIdentifier"}
    names = tuple(path[0] for path in create_only(live.type) if len(path) == 1 and path[0] in usual)
    return names or given_identifier(live.type)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, int | str) else None


def _taken(update: StackUpdate, change: Change, wanted: tuple[Any, ...]) -> Iterator[Finding]:
    """The identities that exist when the stack's update begins."""
    live = change.resource
    for stack in update.account.values():
        if not same_place(stack.place, update.after.place):
            continue
        for other in (*stack.resources.values(), *stack.left_behind):
            if identity(other) == wanted and not _makes_way(update, other, change):
                yield _held(update, live, other, wanted)


def _held(update: StackUpdate, live: Live, other: Live, wanted: tuple[Any, ...]) -> Finding:
    shown = " and ".join(readable(value) for value in wanted[1:])
    whose = "" if other.logical_id == live.logical_id else f" by {other.name}"
    now = update.after.resources.get(other.logical_id)
    goes = other.stack == update.name and (now is None or now.ref != other.ref)
    why = "it is created before the old one is deleted, and " if goes else ""
    return Finding(
        Kind.REJECTED,
        update.name,
        live.name,
        f"{why}{shown} is held{whose}",
        "Give it another name, or remove the old one by a deployment of its own"
        if goes
        else "Give it another name",
    )


def _makes_way(update: StackUpdate, other: Live, change: Change) -> bool:
    """Whether the other one has another identity by the time: updates come before creations that
    depend on them only by chance, so only a changed one that this stack updates counts. Two that
    exchange their identities wait for each other."""
    now = update.after.resources.get(other.logical_id)
    if other.stack != update.name or now is None or now.ref != other.ref:
        return False
    exchanged = change.before is not None and identity(now) == identity(change.before)
    return identity(now) != identity(other) and not (change.act is Act.CHANGED and exchanged)


def _overlapping(update: StackUpdate, live: Live) -> Iterator[Finding]:
    """ "The CIDR '...' conflicts with another subnet": of the same VPC, which are still there."""
    if live.type != "AWS::EC2::Subnet":
        return
    own = _addresses(live)
    for other in (update.before.resources if update.before else {}).values():
        theirs = _addresses(other) if other.type == live.type else None
        if own and theirs and other.properties.get("VpcId") == live.properties.get("VpcId"):
            now = update.after.resources.get(other.logical_id)
            stays = now is not None and now.ref == other.ref
            if not stays and own.overlaps(theirs):
                yield Finding(
                    Kind.REJECTED,
                    update.name,
                    live.name,
                    f'"The CIDR {own} conflicts with another subnet": {other.name}, which is '
                    "deleted only afterwards",
                    "Use other addresses, or remove the old subnet by a deployment of its own",
                )
                return


def _addresses(subnet: Live) -> IPv4Network | None:
    """The range of addresses; None where they are taken from a pool, or chosen by
    CloudFormation."""
    try:
        return IPv4Network(subnet.properties.get("CidrBlock", ""))
    except ValueError:
        return None
