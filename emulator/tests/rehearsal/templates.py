"""Templates that rehearsals compare: a row for each change, and builders of what stands in them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.rehearsal.steps import imported, resource, stack

from emulator.rehearsal.findings import Kind
from emulator.template.assembly import Stack

REJECTED, DATA, ROLLBACK, FELT, NOTE = Kind


class Row(NamedTuple):
    """`before` is None for an empty account."""

    name: str
    before: list[Stack] | None
    after: list[Stack]
    finds: set[tuple[Kind, str]]


def table(**properties: Any) -> dict[str, Any]:
    keys = [{"AttributeName": "chat", "KeyType": "HASH"}]
    return resource("DynamoDB::Table", KeySchema=keys, **properties)


def data(resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> Stack:
    return stack("data", resources, outputs)


def importer(*names: str) -> Stack:
    topics = {
        f"T{number}": resource("SNS::Topic", DisplayName=imported("data", name))
        for number, name in enumerate(names)
    }
    return stack("web", topics or {"T": resource("SNS::Topic")}, after=("data",))


def listener(*actions: dict[str, Any], port: int = 80) -> dict[str, Any]:
    return resource(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=port,
        DefaultActions=list(actions),
    )


def balancer(protected: str = "false") -> dict[str, Any]:
    attributes = [{"Key": "deletion_protection.enabled", "Value": protected}]
    return resource("ElasticLoadBalancingV2::LoadBalancer", LoadBalancerAttributes=attributes)


def group(keep: str = "", **attributes: str) -> dict[str, Any]:
    listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
    return resource("ElasticLoadBalancingV2::TargetGroup", keep=keep, TargetGroupAttributes=listed)


def service(public: str, **more: Any) -> Stack:
    configuration = {"AwsvpcConfiguration": {"AssignPublicIp": public}}
    own = {"Api": resource("ECS::Service", NetworkConfiguration=configuration)}
    return stack("web", {**own, **more}, after=("network",))


def gateway(*names: str) -> Stack:
    made = {name: resource("EC2::NatGateway", SubnetId="subnet") for name in names}
    return stack("network", {"Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16"), **made})


QUEUE = resource("SQS::Queue")
CUSTOM = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:x"}}
