"""What a rehearsal finds in a change: one row for each rule, and one where the rule is silent."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from tests.rehearsal.steps import compared, exported, found, imported, resource, stack, taken

from emulator.providers import EmulatorError
from emulator.rehearsal import report
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


def reader(text: str = "") -> Stack:
    topic = resource("SNS::Topic", DisplayName=taken("data", "Name"), TopicName=text or "x")
    return stack("web", {"Alarm": topic}, after=("data",))


def network(address: str, **more: dict[str, Any]) -> Stack:
    subnet = resource("EC2::Subnet", VpcId="vpc", CidrBlock=address)
    return stack("network", {"Subnet": subnet, **more})


def keyed(key: str = "") -> Stack:
    """A table, encrypted by one of the stack's two keys if one is named."""
    resources = {
        "Chats": table(**encrypted(key)),
        "Old": resource("KMS::Key"),
        "New": resource("KMS::Key"),
    }
    values = {name: {"Fn::GetAtt": [name, "Arn"]} for name in resources}
    outputs = [exported("data", name, value) for name, value in values.items()]
    return data(resources, dict(pair for output in outputs for pair in output.items()))


def encrypted(key: str) -> dict[str, Any]:
    arn = {"Fn::GetAtt": [key, "Arn"]}
    return {"SSESpecification": {"SSEEnabled": True, "KMSMasterKeyId": arn}} if key else {}


def user(*keys: str, more: dict[str, Any] | None = None) -> Stack:
    """A role that may call the table, and use the keys."""
    named = [imported("data", name) for name in ("Chats", *keys)]
    resources = {"Role": policy(*named), **({"More": more} if more else {})}
    return stack("web", resources, after=("data",))


def policy(*arns: Any) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Action": "*", "Resource": list(arns)}]
    return resource("IAM::Policy", PolicyName="p", PolicyDocument={"Statement": statements})


def together(*keys: str) -> Stack:
    """Table, key and user in one stack."""
    named = [{"Fn::GetAtt": [name, "Arn"]} for name in ("Chats", *keys)]
    chats = table(**encrypted(keys[0] if keys else ""))
    return data({"Chats": chats, "Old": resource("KMS::Key"), "Role": policy(*named)})


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


def rule(name: str, priority: int) -> dict[str, dict[str, Any]]:
    own = {"ListenerArn": {"Ref": "Http"}, "Priority": priority}
    return {name: {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": own}}


def ruled(*rules: dict[str, dict[str, Any]]) -> Stack:
    made = {name: body for each in rules for name, body in each.items()}
    return stack("web", {"Balancer": balancer(), "Http": listener(), **made})


def pool(*names: str, mutable: bool = True) -> dict[str, Any]:
    schema = [{"Name": name, "Mutable": mutable} for name in names]
    return resource("Cognito::UserPool", Schema=schema)


def typed(type: str, *more: str) -> dict[str, Any]:
    attributes = {"chat": type, **dict.fromkeys(more, "S")}
    definitions = [{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()]
    return table(AttributeDefinitions=definitions)


def expiring(name: str, enabled: bool = True) -> dict[str, Any]:
    return table(TimeToLiveSpecification={"AttributeName": name, "Enabled": enabled})


def indexed(*names: str, projected: str = "ALL") -> dict[str, Any]:
    projection = {"ProjectionType": projected}
    indexes = [{"IndexName": name, "Projection": projection} for name in names]
    return table(GlobalSecondaryIndexes=indexes)


def balanced(scheme: str, group_id: str = "A") -> Stack:
    made = resource("ElasticLoadBalancingV2::LoadBalancer", Scheme=scheme)
    action = {"Type": "forward", "TargetGroupArn": {"Ref": group_id}}
    return stack("web", {group_id: group(), "Balancer": made, "Http": listener(action)})


def log_group(stack_name: str, keep: str, id: str = "Group") -> Stack:
    return stack(stack_name, {id: resource("Logs::LogGroup", keep=keep, LogGroupName="api")})


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
OTHER_CUSTOM = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:y"}}
NAME = {"Name": {"Value": {"Ref": "Jobs"}}}
REDIRECT = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}
MANY = {f"T{number}": resource("SNS::Topic") for number in range(501)}

ROWS = [
    # references between stacks
    Row(
        "an export goes while it is imported",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": QUEUE}), importer()],
        {(REJECTED, "export of Jobs")},
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
        {(REJECTED, "export Name")},
    ),
    Row(
        "what is exported is replaced",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": NAMED_QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        {(REJECTED, "export of Jobs"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "an export is empty",
        None,
        [data({}, exported("data", "Name", " ")), importer("Name")],
        {(REJECTED, "export Name")},
    ),
    Row(
        "an export is what a custom resource's function returns",
        None,
        [
            data(
                {"Thing": CUSTOM},
                exported("data", "Arn", {"Fn::GetAtt": ["Thing", "Arn"]}),
            ),
            importer("Arn"),
        ],
        {(REJECTED, "export of Thing.Arn")},
    ),
    Row(
        "an import finds no export",
        None,
        [data({}), importer("Name")],
        {(REJECTED, "T0.DisplayName")},
    ),
    Row(
        "an export moves to a stack that is deployed after the one that imports it",
        [data({}, exported("data", "Name", "x")), importer("Name")],
        [
            importer("Name"),
            stack("late", {}, exported("data", "Name", "x"), after=("web",)),
            data({}),
        ],
        {(REJECTED, "export Name")},
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
        {(REJECTED, "Alarm.DisplayName")},
    ),
    # names that only one may have
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
        "a table gets a local index",
        [data({"Chats": table()})],
        [data({"Chats": table(LocalSecondaryIndexes=[{"IndexName": "a"}])})],
        {(DATA, "Chats")},
    ),
    Row(
        "a key of a table changes its type",
        [data({"Chats": typed("S")})],
        [data({"Chats": typed("N")})],
        {(DATA, "Chats")},
    ),
    Row(
        "a table gets an attribute, for an index",
        [data({"Chats": typed("S")})],
        [data({"Chats": typed("S", "owner")})],
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
        {(REJECTED, "Balancer"), (FELT, "Balancer")},
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
    # what a service rejects
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
        {(REJECTED, "Pool.UsernameConfiguration")},
    ),
    Row(
        "an attribute of users is dropped",
        [data({"Pool": pool("a", "b")})],
        [data({"Pool": pool("a")})],
        {(REJECTED, "Pool")},
    ),
    Row(
        "an attribute of users is changed",
        [data({"Pool": pool("a")})],
        [data({"Pool": pool("a", mutable=False)})],
        {(REJECTED, "Pool")},
    ),
    Row(
        "an attribute of users is added",
        [data({"Pool": pool("a")})],
        [data({"Pool": pool("a", "b")})],
        set(),
    ),
    Row(
        "items expire by another attribute",
        [data({"Chats": expiring("old")})],
        [data({"Chats": expiring("new")})],
        {(REJECTED, "Chats")},
    ),
    Row(
        "items expire by another attribute from some day on",
        [data({"Chats": expiring("old", enabled=False)})],
        [data({"Chats": expiring("new")})],
        set(),
    ),
    Row(
        "an index changes its projection",
        [data({"Chats": indexed("a")})],
        [data({"Chats": indexed("a", projected="KEYS_ONLY")})],
        {(REJECTED, "Chats")},
    ),
    Row(
        "another function makes a custom resource",
        [data({"Thing": CUSTOM})],
        [data({"Thing": OTHER_CUSTOM})],
        {(REJECTED, "Thing")},
    ),
    Row(
        "no function makes a custom resource any more",
        [data({"Thing": CUSTOM})],
        [data({"Thing": {"Type": "Custom::Thing"}})],
        {(REJECTED, "Thing")},
    ),
    Row(
        "a custom resource gets another logical id",
        [data({"Old": CUSTOM})],
        [data({"New": CUSTOM})],
        {(FELT, "New")},
    ),
    Row(
        "a load balancer is replaced and its target group stays",
        [balanced("internet-facing")],
        [balanced("internal")],
        {(REJECTED, "A"), (FELT, "Balancer"), (FELT, "Http")},
    ),
    Row(
        "a load balancer is replaced with its target group",
        [balanced("internet-facing")],
        [balanced("internal", "B")],
        {(FELT, "A"), (FELT, "Balancer"), (FELT, "Http")},
    ),
    Row(
        "two indexes at once",
        [data({"Chats": table()})],
        [data({"Chats": table(GlobalSecondaryIndexes=[{"IndexName": "a"}, {"IndexName": "b"}])})],
        {(REJECTED, "Chats")},
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
        {(REJECTED, "Thing changes its type from AWS::SNS::Topic to AWS::DynamoDB::Table")},
    ),
    Row(
        "targets become sticky before the rule over two groups does",
        [forwarding("false", "A", "B", sticky=False)],
        [forwarding("true", "A", "B", sticky=True)],
        {(REJECTED, "A"), (REJECTED, "B")},
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
    # what is not written down anywhere
    Row("a nested stack", None, [data({"N": resource("CloudFormation::Stack")})], {(NOTE, "N")}),
    Row(
        "a type without a schema changes",
        [data({"X": {"Type": "Some::Private::Type", "Properties": {"Size": 1}}})],
        [data({"X": {"Type": "Some::Private::Type", "Properties": {"Size": 2}}})],
        {(NOTE, "X")},
    ),
    # templates that CloudFormation would not take
    Row(
        "an export of what is not there",
        None,
        [data({}, exported("data", "Name", {"Fn::GetAtt": ["Nothing", "Arn"]}))],
        {(REJECTED, "output Name")},
    ),
    Row(
        "a condition and a mapping that are not there",
        None,
        [
            data(
                {
                    "A": {**QUEUE, "Condition": "InProd"},
                    "B": resource("SNS::Topic", DisplayName={"Fn::If": ["InProd", "a", "b"]}),
                    "C": resource("SNS::Topic", DisplayName={"Fn::FindInMap": ["M", "a", "b"]}),
                }
            )
        ],
        {(REJECTED, "A"), (REJECTED, "B.DisplayName"), (REJECTED, "C.DisplayName")},
    ),
    Row(
        "an export of a parameter goes while it is imported",
        [
            stack(
                "data",
                {},
                exported("data", "Name", {"Ref": "P"}),
                Parameters={"P": {"Default": "x"}},
            ),
            importer("Name"),
        ],
        [data({}), importer()],
        {(REJECTED, "export Name")},
    ),
    # limits
    Row("more resources than a stack takes", None, [stack("web", MANY)], {(REJECTED, "Resources")}),
    Row(
        "a description that is too long",
        None,
        [stack("web", {"T": resource("SNS::Topic")}, Description="x" * 1025)],
        {(REJECTED, "Description, in bytes")},
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
        "a listener moves to another port",
        [stack("web", {"Balancer": balancer(), "Http": listener()})],
        [stack("web", {"Balancer": balancer(), "Http": listener(port=81)})],
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
    # a customer managed key: who may not use it yet, or any more
    Row("a table is made with a key", None, [keyed("Old"), user("Old")], set()),
    Row(
        "a table gets a key before its users have permission for it",
        [keyed(), user()],
        [keyed("Old"), user("Old")],
        {(FELT, "Chats")},
    ),
    Row(
        "a table gets another key before its users have permission for it",
        [keyed("Old"), user("Old")],
        [keyed("New"), user("New")],
        {(FELT, "Chats")},
    ),
    Row(
        "the users have permission for the other key already",
        [keyed("Old"), user("Old", "New")],
        [keyed("New"), user("New")],
        set(),
    ),
    Row(
        "users lose the permission for a key that is still in use",
        [keyed("Old"), user("Old")],
        [keyed("Old"), user()],
        {(FELT, "Chats")},
    ),
    Row(
        "who never had permission for the key is not reported again",
        [keyed("Old"), user()],
        [keyed("Old"), user(more=QUEUE)],
        set(),
    ),
    Row(
        "a table gets a key, and its only user is in the same stack",
        [together()],
        [together("Old")],
        set(),
    ),
    Row(
        "an output for other stacks is gone",
        [data({"Jobs": QUEUE}, {"PublishOutputRefJobs": {"Value": "x"}})],
        [data({"Jobs": QUEUE})],
        set(),
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


def test_what_is_rejected_is_never_accepted() -> None:
    before = [data({}, exported("data", "Name", "one")), importer("Name")]
    after = [data({}, exported("data", "Name", "two")), importer("Name")]
    with pytest.raises(EmulatorError, match="there is no loss to accept"):
        compared(before, after, accept=("export Name",))


def test_a_stack_that_uses_what_goes_is_named_to_go_first() -> None:
    before = [gateway("Nat"), service("DISABLED")]
    assert compared(before, [gateway(), service("ENABLED")]).first == ("web",)
    exports = exported("data", "Jobs", {"Ref": "Jobs"})
    before = [data({"Jobs": QUEUE}, exports), importer("Jobs")]
    assert compared(before, [data({"Jobs": QUEUE}), importer()]).first == ("web",)
    assert compared(before, before).first == ()


def test_the_stacks_that_go_first_are_named() -> None:
    before = [gateway("Nat"), service("DISABLED")]
    text = report.as_text(compared(before, [gateway(), service("ENABLED")]), "title")
    assert "first Web alone (cdk deploy --exclusively), then all." in text


def test_users_of_an_export_are_named_in_the_plural_where_there_are_several() -> None:
    export, other = exported("data", "Name", "one"), {"T": resource("SNS::Topic")}
    uses = {"T": resource("SNS::Topic", DisplayName=imported("data", "Name"))}
    before = [data({}, export), importer("Name"), stack("chat", uses)]
    (finding,) = compared(before, [data({}), importer(), stack("chat", other)]).findings
    assert finding.sentence.startswith("it goes while chat and web import it:")


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


def test_resources_of_one_type_with_one_fate_share_a_line() -> None:
    topics = {f"T{number}": resource("SNS::Topic") for number in range(5)}
    text = report.as_text(compared([data({**topics, "Q": QUEUE})], [data({"Q": QUEUE})]), "title")
    assert "  deleted   data  T0 and 4 more, SNS::Topic\n" in text


def test_an_assembly_without_stacks_has_a_report() -> None:
    assert "READY" in report.as_text(compared(None, []), "nothing")


def test_what_can_t_be_resolved_says_where_it_stands() -> None:
    topic = resource("SNS::Topic", DisplayName={"Fn::Cidr": ["10.0.0.0/16", 2, 8]})
    with pytest.raises(
        EmulatorError, match=r"data, T\.DisplayName: the intrinsic function Fn::Cidr"
    ):
        compared(None, [data({"T": topic})])


def test_what_stays_although_other_stacks_go_first_is_counted() -> None:
    exports = exported("data", "Jobs", {"Ref": "Jobs"})
    before = [data({"Jobs": QUEUE}, exports), importer("Jobs")]
    rehearsal = compared(before, [data({"Alarms": resource("SNS::Topic")}), importer()])
    assert (rehearsal.first, rehearsal.first_stops) == (
        ("web",),
        1,
    )  # the queue is gone all the same
    assert "then all. 1 of the findings stay." in report.as_text(rehearsal, "title")
