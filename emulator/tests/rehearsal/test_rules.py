"""What a rehearsal finds in a change: one row for each rule, and one where the rule is silent."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from tests.rehearsal.steps import compared, exported, found, imported, resource, stack, taken

from emulator.providers import EmulatorError
from emulator.rehearsal.findings import Kind
from emulator.template.assembly import Stack

REFUSED, DATA, ROLLBACK, FELT, NOTE = Kind


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


def reader(text: str = "") -> Stack:
    topic = resource("SNS::Topic", DisplayName=taken("data", "Name"), TopicName=text or "x")
    return stack("web", {"Alarm": topic}, after=("data",))


def network(address: str, **more: dict[str, Any]) -> Stack:
    subnet = resource("EC2::Subnet", VpcId="vpc", CidrBlock=address)
    return stack("network", {"Subnet": subnet, **more})


def listener(*actions: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return resource(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=80,
        DefaultActions=list(actions),
        **properties,
    )


def balancer(protected: str = "false") -> dict[str, Any]:
    attributes = [{"Key": "deletion_protection.enabled", "Value": protected}]
    return resource("ElasticLoadBalancingV2::LoadBalancer", LoadBalancerAttributes=attributes)


def group(keep: str = "", **attributes: str) -> dict[str, Any]:
    listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
    return resource("ElasticLoadBalancingV2::TargetGroup", keep=keep, TargetGroupAttributes=listed)


def forward(*names: str, sticky: bool) -> dict[str, Any]:
    groups = [{"TargetGroupArn": {"Ref": name}, "Weight": 1} for name in names]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": sticky}}
    return {"Type": "forward", "ForwardConfig": config}


def forwarding(sticky_group: str, *names: str, sticky: bool) -> Stack:
    return stack(
        "web",
        {
            "A": group(stickiness__enabled=sticky_group),
            "B": group(stickiness__enabled=sticky_group),
            "Balancer": balancer(),
            "Http": listener(forward(*names, sticky=sticky)),
        },
    )


def service(public: str, **more: Any) -> Stack:
    configuration = {"AwsvpcConfiguration": {"AssignPublicIp": public}}
    own = {"Api": resource("ECS::Service", NetworkConfiguration=configuration)}
    return stack("web", {**own, **more}, after=("network",))


def gateway(*names: str) -> Stack:
    made = {name: resource("EC2::NatGateway", SubnetId="subnet") for name in names}
    return stack("network", {"Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16"), **made})


QUEUE = resource("SQS::Queue")
NAMED_QUEUE = resource("SQS::Queue", QueueName="jobs")
CUSTOM = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:x"}}
API = resource("ApiGatewayV2::Api", ProtocolType="WEBSOCKET", Name="chat")
NAME = {"Name": {"Value": {"Ref": "Jobs"}}}
REDIRECT = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}
MANY = {f"T{number}": resource("SNS::Topic") for number in range(501)}

ROWS = [
    # references between stacks
    Row(
        "an export goes while it is imported",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": QUEUE}), importer()],
        {(REFUSED, "export of Jobs")},
    ),
    Row(
        "an export goes that nobody imports",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer()],
        [data({"Jobs": QUEUE}), importer()],
        set(),
    ),
    Row(
        "an export changes while it is imported",
        [data({}, exported("data", "Name", "one")), importer("Name")],
        [data({}, exported("data", "Name", "two")), importer("Name")],
        {(REFUSED, "export Name")},
    ),
    Row(
        "what is exported is replaced",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": NAMED_QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        {(REFUSED, "export of Jobs"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "an export is empty",
        None,
        [data({}, exported("data", "Name", " ")), importer("Name")],
        {(REFUSED, "export Name")},
    ),
    Row(
        "an export is what a custom resource's function answers",
        None,
        [
            data(
                {"Thing": CUSTOM},
                exported("data", "Arn", {"Fn::GetAtt": ["Thing", "Arn"]}),
            ),
            importer("Arn"),
        ],
        {(REFUSED, "export of Thing.Arn")},
    ),
    Row(
        "an import finds no export",
        None,
        [data({}), importer("Name")],
        {(REFUSED, "T0.DisplayName")},
    ),
    Row(
        "an export moves to a stack that is deployed after the one that imports it",
        [data({}, exported("data", "Name", "x")), importer("Name")],
        [
            importer("Name"),
            stack("late", {}, exported("data", "Name", "x"), after=("web",)),
            data({}),
        ],
        {(REFUSED, "export Name")},
    ),
    Row(
        "a weak value changes, and the stack that took it does not",
        [data({"Jobs": QUEUE}, NAME), reader()],
        [data({"Jobs": NAMED_QUEUE}, NAME), reader()],
        {(FELT, "output Name of data"), (DATA, "Jobs"), (FELT, "Jobs"), (FELT, "output Name")},
    ),
    Row(
        "a weak value changes, and something else of the stack that took it",
        [data({"Jobs": QUEUE}, NAME), reader()],
        [data({"Jobs": NAMED_QUEUE}, NAME), reader("y")],
        {(DATA, "Jobs"), (FELT, "Jobs"), (FELT, "output Name")},
    ),
    Row(
        "a weak value is not there",
        None,
        [data({}), reader()],
        {(REFUSED, "Alarm.DisplayName")},
    ),
    # names that only one may have
    Row(
        "a resource with a name of its own is replaced",
        [data({"Jobs": resource("SQS::Queue", QueueName="jobs.fifo", FifoQueue=True)})],
        [data({"Jobs": resource("SQS::Queue", QueueName="jobs.fifo")})],
        {(REFUSED, "Jobs"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "a new logical id takes the name of the old one",
        [data({"Group": resource("Logs::LogGroup", LogGroupName="api")})],
        [data({"Other": resource("Logs::LogGroup", LogGroupName="api")})],
        {(REFUSED, "Other")},
    ),
    Row(
        "a name is held by another stack",
        [stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")})],
        [
            stack("old", {"Group": resource("Logs::LogGroup", LogGroupName="api")}),
            data({"Mine": resource("Logs::LogGroup", LogGroupName="api")}),
        ],
        {(REFUSED, "Mine")},
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
        {(REFUSED, "Subnet")},
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
        {(REFUSED, "Plain"), (FELT, "Http")},
    ),
    # what holds data
    Row(
        "a table is dropped",
        [data({"Chats": table(), "Jobs": QUEUE})],
        [data({"Jobs": QUEUE})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table that is retained is dropped",
        [data({"Chats": {**table(), "DeletionPolicy": "Retain"}, "Jobs": QUEUE})],
        [data({"Jobs": QUEUE})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets another name",
        [data({"Chats": table()})],
        [data({"Chats": table(TableName="chats")})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets another billing mode",
        [data({"Chats": table(BillingMode="PROVISIONED")})],
        [data({"Chats": table(BillingMode="PAY_PER_REQUEST")})],
        set(),
    ),
    Row(
        "a queue is dropped",
        [data({"Jobs": QUEUE, "Chats": table()})],
        [data({"Chats": table()})],
        {(DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "the stack of a table gets another name",
        [data({"Chats": table()})],
        [stack("other", {"Chats": table()})],
        {(DATA, "Chats")},
    ),
    Row(
        "the stack of a table moves to another region",
        [data({"Chats": table()})],
        [stack("data", {"Chats": table()}, place="aws://123456789012/eu-west-2")],
        {(DATA, "Chats")},
    ),
    Row(
        "a stack says at last where it is",
        [stack("data", {"Chats": table()}, place="aws://unknown-account/unknown-region")],
        [stack("data", {"Chats": table(BillingMode="PAY_PER_REQUEST")})],
        set(),
    ),
    # deletion and rollback
    Row(
        "a protected load balancer is removed",
        [stack("web", {"Balancer": balancer("true"), "Other": QUEUE})],
        [stack("web", {"Other": QUEUE})],
        {(REFUSED, "Balancer"), (FELT, "Balancer")},
    ),
    Row(
        "a load balancer is protected from the first deployment on",
        None,
        [stack("web", {"Balancer": balancer("true")})],
        {(ROLLBACK, "Balancer")},
    ),
    Row(
        "a load balancer is protected by a second deployment",
        [stack("web", {"Balancer": balancer("false")})],
        [stack("web", {"Balancer": balancer("true")})],
        set(),
    ),
    Row(
        "a table and a user pool are protected from the first deployment on",
        None,
        [
            data(
                {
                    "Chats": table(DeletionProtectionEnabled=True),
                    "Pool": resource("Cognito::UserPool", DeletionProtection="ACTIVE"),
                }
            )
        ],
        {(ROLLBACK, "Chats"), (ROLLBACK, "Pool")},
    ),
    Row(
        "a named resource that stays behind is in the way of the next try",
        None,
        [data({"Group": resource("Logs::LogGroup", keep="Retain", LogGroupName="api")})],
        {(ROLLBACK, "Group")},
    ),
    Row(
        "one that is deleted when its creation fails is not",
        None,
        [
            data(
                {"Group": resource("Logs::LogGroup", keep="RetainExceptOnCreate", LogGroupName="a")}
            )
        ],
        set(),
    ),
    # what a service refuses
    Row(
        "user names become case sensitive",
        [data({"Pool": resource("Cognito::UserPool")})],
        [
            data(
                {
                    "Pool": resource(
                        "Cognito::UserPool", UsernameConfiguration={"CaseSensitive": True}
                    )
                }
            )
        ],
        {(REFUSED, "Pool.UsernameConfiguration")},
    ),
    Row(
        "two indexes at once",
        [data({"Chats": table()})],
        [data({"Chats": table(GlobalSecondaryIndexes=[{"IndexName": "a"}, {"IndexName": "b"}])})],
        {(REFUSED, "Chats")},
    ),
    Row(
        "one index",
        [data({"Chats": table()})],
        [data({"Chats": table(GlobalSecondaryIndexes=[{"IndexName": "a"}])})],
        set(),
    ),
    Row(
        "a logical id changes its type",
        [data({"Thing": resource("SNS::Topic")})],
        [data({"Thing": table()})],
        {(REFUSED, "Thing changes its type from AWS::SNS::Topic to AWS::DynamoDB::Table")},
    ),
    Row(
        "targets become sticky before the rule over two groups does",
        [forwarding("false", "A", "B", sticky=False)],
        [forwarding("true", "A", "B", sticky=True)],
        {(REFUSED, "A"), (REFUSED, "B")},
    ),
    Row(
        "targets become sticky after the rule",
        [forwarding("false", "A", "B", sticky=True)],
        [forwarding("true", "A", "B", sticky=True)],
        set(),
    ),
    Row(
        "targets become sticky behind a rule over one group",
        [forwarding("false", "A", sticky=False)],
        [forwarding("true", "A", sticky=False)],
        set(),
    ),
    Row(
        "the algorithm changes while anomaly mitigation is on",
        [stack("web", {"A": group(load_balancing__algorithm__anomaly_mitigation="on")})],
        [stack("web", {"A": group(load_balancing__algorithm__type="round_robin")})],
        {(NOTE, "A")},
    ),
    # limits
    Row("more resources than a stack takes", None, [stack("web", MANY)], {(REFUSED, "Resources")}),
    Row(
        "a description that is too long",
        None,
        [stack("web", {"T": resource("SNS::Topic")}, Description="x" * 1025)],
        {(REFUSED, "Description, in bytes")},
    ),
    Row(
        "nearly as many outputs as a stack takes",
        None,
        [stack("web", {"T": QUEUE}, {f"O{number}": {"Value": "x"} for number in range(190)})],
        {(NOTE, "Outputs")},
    ),
    # what users notice
    Row(
        "a WebSocket API is replaced",
        [stack("chat", {"Api": API}, {"Url": {"Value": {"Ref": "Api"}}})],
        [
            stack(
                "chat",
                {"Api": resource("ApiGatewayV2::Api", ProtocolType="HTTP", Name="chat")},
                {"Url": {"Value": {"Ref": "Api"}}},
            )
        ],
        {(FELT, "Api"), (FELT, "output Url")},
    ),
    Row(
        "a listener begins to redirect",
        [stack("web", {"Balancer": balancer(), "Http": listener({"Type": "fixed-response"})})],
        [stack("web", {"Balancer": balancer(), "Http": listener(REDIRECT)})],
        {(FELT, "Http")},
    ),
    Row(
        "a NAT gateway goes while tasks stand behind it",
        [gateway("Nat"), service("DISABLED")],
        [gateway(), service("ENABLED")],
        {(FELT, "Nat"), (FELT, "Api")},
    ),
    Row(
        "a NAT gateway goes that nothing uses",
        [gateway("Nat"), service("ENABLED")],
        [gateway(), service("ENABLED")],
        set(),
    ),
    Row(
        "a service is removed",
        [service("ENABLED", Jobs=QUEUE)],
        [stack("web", {"Jobs": QUEUE})],
        {(FELT, "Api")},
    ),
    Row(
        "an output that people read is gone",
        [data({"Jobs": QUEUE}, {"Url": {"Value": "x"}})],
        [data({"Jobs": QUEUE})],
        {(FELT, "output Url")},
    ),
    Row("nothing changes", [data({"Jobs": QUEUE})], [data({"Jobs": QUEUE})], set()),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds


def test_a_loss_that_is_meant_is_accepted_by_name() -> None:
    before, after = [data({"Chats": table(), "Jobs": QUEUE})], [data({"Jobs": QUEUE})]
    assert compared(before, after).stops
    accepted = compared(before, after, accept=("Chats",))
    assert not accepted.stops
    assert found(accepted) == {(NOTE, "Chats")}


def test_what_is_refused_is_never_accepted() -> None:
    before = [data({}, exported("data", "Name", "one")), importer("Name")]
    after = [data({}, exported("data", "Name", "two")), importer("Name")]
    with pytest.raises(EmulatorError, match="there is no loss to accept"):
        compared(before, after, accept=("export Name",))


def test_a_stack_that_uses_what_goes_is_named_to_go_first() -> None:
    before = [gateway("Nat"), service("DISABLED")]
    assert compared(before, [gateway(), service("ENABLED")]).first == ("web",)
    exports = exported("data", "Jobs", {"Ref": "Jobs"})
    kept = [data({"Jobs": QUEUE}, exports), importer("Jobs")]
    assert compared(kept, [data({"Jobs": QUEUE}), importer()]).first == ("web",)
    assert compared(before, before).first == ()
