"""What a rehearsal finds: names that only one resource may have."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.steps import compared, found, resource, stack
from tests.rehearsal.templates import DATA, FELT, QUEUE, REJECTED, Row, balancer, data, listener
from tests.rows import rows

from emulator.template.assembly import Stack


def network(address: str, **more: dict[str, Any]) -> Stack:
    subnet = resource("EC2::Subnet", VpcId="vpc", CidrBlock=address)
    return stack("network", {"Subnet": subnet, **more})


def rule(name: str, priority: int) -> dict[str, dict[str, Any]]:
    own = {"ListenerArn": {"Ref": "Http"}, "Priority": priority}
    return {name: {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": own}}


def ruled(*rules: dict[str, dict[str, Any]]) -> Stack:
    made = {name: body for each in rules for name, body in each.items()}
    return stack("web", {"Balancer": balancer(), "Http": listener(), **made})


def log_group(stack_name: str, keep: str, id: str = "Group") -> Stack:
    return stack(stack_name, {id: resource("Logs::LogGroup", keep=keep, LogGroupName="api")})


def record(name: str, kind: str = "A") -> dict[str, Any]:
    return resource("Route53::RecordSet", HostedZoneId="Z1", Name=name, Type=kind)


ROWS = [
    Row(
        "a resource with a name of its own is replaced",
        [data({"Jobs": resource("SQS::Queue", QueueName="jobs.fifo", FifoQueue=True)})],
        [data({"Jobs": resource("SQS::Queue", QueueName="jobs.fifo")})],
        {(REJECTED, "Jobs"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "a new logical id takes the name of the old one",
        [data({"Group": resource("Logs::LogGroup", LogGroupName="api")})],
        [data({"Other": resource("Logs::LogGroup", LogGroupName="api")})],
        {(REJECTED, "Other")},
    ),
    Row(
        "a name is held by another stack",
        [stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")})],
        [
            stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")}),
            data({"Mine": resource("Logs::LogGroup", LogGroupName="api")}),
        ],
        {(REJECTED, "Mine")},
    ),
    Row(
        "a name in another region is another name",
        [stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")})],
        [
            stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")}),
            stack(
                "data",
                {"Mine": resource("Logs::LogGroup", LogGroupName="api")},
                place="aws://123456789012/eu-west-2",
            ),
        ],
        set(),
    ),
    Row(
        "a subnet is replaced on the same addresses",
        [network("10.0.0.0/18")],
        [network("10.0.0.0/17")],
        {(REJECTED, "Subnet")},
    ),
    Row(
        "a subnet is replaced on other addresses",
        [network("10.0.0.0/18")],
        [network("10.0.64.0/18")],
        set(),
    ),
    Row(
        "a second listener wants the same port",
        [stack("web", {"Balancer": balancer(), "Http": listener()})],
        [stack("web", {"Balancer": balancer(), "Plain": listener()})],
        {(REJECTED, "Plain"), (FELT, "Http")},
    ),
    Row(
        "two rules of one template want the same priority",
        None,
        [ruled(rule("A", 10), rule("B", 10))],
        {(REJECTED, "B")},
    ),
    Row(
        "a rule takes the priority of one that stays",
        [ruled(rule("A", 10), rule("B", 20))],
        [ruled(rule("A", 10), rule("B", 10))],
        {(REJECTED, "B")},
    ),
    Row(
        "two rules exchange their priorities",
        [ruled(rule("A", 10), rule("B", 20))],
        [ruled(rule("A", 20), rule("B", 10))],
        {(REJECTED, "A"), (REJECTED, "B")},
    ),
    Row(
        "a rule gets a free priority",
        [ruled(rule("A", 10), rule("B", 20))],
        [ruled(rule("A", 10), rule("B", 30))],
        set(),
    ),
    Row(
        "a bucket's policy gets another logical id",
        [data({"Old": resource("S3::BucketPolicy", Bucket="logs")})],
        [data({"New": resource("S3::BucketPolicy", Bucket="logs")})],
        {(REJECTED, "New")},
    ),
    Row(
        "a name in a zone moves to another record",
        [data({"Old": record("chat.example.com.")})],
        [data({"New": record("chat.example.com.")})],
        {(REJECTED, "New"), (FELT, "Old")},
    ),
    Row(
        "a name in a zone moves from a record that gets another one",
        [data({"Old": record("chat.example.com.")})],
        [data({"Old": record("origin.example.com."), "New": record("chat.example.com.")})],
        {(REJECTED, "New"), (FELT, "Old")},
    ),
    Row(
        "a name in a zone has records of two types",
        [data({"A": record("chat.example.com.")})],
        [data({"A": record("chat.example.com."), "Six": record("chat.example.com.", "AAAA")})],
        set(),
    ),
    Row(
        "a NAT gateway is replaced on the address of the old one",
        [stack("network", {"Nat": resource("EC2::NatGateway", SubnetId="a", AllocationId="ip")})],
        [stack("network", {"Nat": resource("EC2::NatGateway", SubnetId="b", AllocationId="ip")})],
        {(REJECTED, "Nat")},
    ),
    Row(
        "a security group of the same name in another network",
        [data({"G": resource("EC2::SecurityGroup", GroupName="g", VpcId="one")})],
        [data({"G": resource("EC2::SecurityGroup", GroupName="g", VpcId="two")})],
        set(),
    ),
    Row(
        "a name that stays behind in another stack",
        [log_group("old", "Retain"), data({"Jobs": QUEUE})],
        [stack("old", {"T": resource("SNS::Topic")}), log_group("data", "RetainExceptOnCreate")],
        {(REJECTED, "Group"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "a name that another stack gave up before",
        [log_group("old", "Delete"), data({"Jobs": QUEUE})],
        [stack("old", {"T": resource("SNS::Topic")}), log_group("data", "Delete")],
        {(DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "a subnet whose addresses come from a pool",
        [network("10.0.0.0/18")],
        [
            stack(
                "network",
                {
                    "Other": resource("EC2::Subnet", VpcId="vpc", Ipv4NetmaskLength=18),
                    "Subnet": resource("EC2::Subnet", VpcId="vpc", Ipv4NetmaskLength=18),
                },
            )
        ],
        set(),
    ),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds


def test_what_is_held_is_called_by_its_name() -> None:
    (finding,) = compared(None, [ruled(rule("A", 10), rule("B", 10))]).findings
    assert finding.sentence == "Http and 10 is held by A"


def test_what_is_held_by_an_attribute_is_called_by_it() -> None:
    gateways = ("A", "B")
    made: dict[str, Any] = {"Ip": resource("EC2::EIP", Domain="vpc")}
    for name in gateways:
        address = {"Fn::GetAtt": ["Ip", "AllocationId"]}
        made[name] = resource("EC2::NatGateway", SubnetId="subnet", AllocationId=address)
    (finding,) = compared(None, [stack("network", made)]).findings
    assert finding.sentence == "Ip.AllocationId is held by A"
